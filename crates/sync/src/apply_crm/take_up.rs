//! The one door for whatever is seen of an object that Hermes knows.

use std::collections::BTreeSet;

use hermes_domain::{
    adopt::is_joined_from,
    agreement::Agreement,
    ports::Sighting,
    record::{Authority, Field, Record},
};
use hermes_store::{
    Tx, crm_latest,
    crm_objects::{self, Agreed},
    dirty::{self, Priority},
    inbox::{self, Awaited},
};

use super::{Context, mirrored::Mirrored};
use crate::{
    apply_error::{ApplyError, Wait},
    kinds::Kind,
};

/// How an object came to be seen.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner<'a, F: Field> {
    /// In a webhook.
    Told,
    /// In a webhook that tells of a merge. `losers` is what Hermes would send of the objects that vanished into this one.
    Merged { losers: &'a [Record<F>] },
    /// It was read, to be brought into line.
    Read,
    /// In the answer to a write of these values.
    Answered(&'a Record<F>),
}

/// What came of a sight.
#[derive(Debug)]
pub(crate) struct TakenUp<F: Field> {
    /// People have changed something that Hermes keeps.
    pub(crate) changed: bool,
    /// The row stands for another object of the CRM than before, or is back.
    pub(crate) linked: bool,
    pub(crate) agreement: Agreement<F>,
    /// What could not be followed yet.
    pub(crate) wait: Option<Wait>,
}

/// Takes over what is news in a sight of an object, and notes what is agreed on now. Nothing, when there is no such row.
/// Whoever calls has made sure that the sight is not outdated.
pub(crate) async fn take_up<K: Mirrored>(
    tx: &mut Tx,
    context: &Context<'_>,
    hermes_id: i32,
    seen: &Sighting<K::Id, K::Field>,
    manner: Manner<'_, K::Field>,
) -> Result<Option<TakenUp<K::Field>>, ApplyError> {
    let Some(before) = K::lock(tx, hermes_id).await? else { return Ok(None) };
    let number = K::number(seen.id);
    let object = crm_objects::lock(tx, K::KIND, hermes_id).await?;
    let is_in_flight = object.as_ref().is_some_and(|object| object.in_flight_since.is_some());
    let mut agreement: Agreement<K::Field> =
        object.map(|object| object.agreement(number, context.schema)).unwrap_or_default();
    let is_first_sight = agreement == Agreement::default();
    let latest = crm_latest::of(tx, K::KIND, number).await?;
    if let Manner::Answered(sent) = manner {
        agreement.was_told(sent, seen);
    }

    let local = K::render(tx, context, &before).await?;
    let (mut sound, mut news) = {
        let all_was_sent = agreement.sent.as_ref().is_some_and(|sent| local.without(sent).is_empty());
        // Nothing was sent of what was deleted, whatever TC2 has told of it.
        let unsent = K::is_deleted(&before) || !all_was_sent && dirty::is_dirty(tx, K::company_id(&before)).await?;
        let in_doubt = agreement.sent.is_none() && agreement.shown.is_some();
        let is_half_merged = in_doubt && crm_latest::has_taken_in(tx, K::KIND, number).await?;
        let damaged = damaged::<K>(seen, &local, &agreement, manner, is_half_merged);
        let mut sound = seen.clone();
        for field in &damaged {
            sound.values.remove(*field);
        }
        let mut news = agreement.news(&sound.values, &local, unsent);
        news.overrule.extend(damaged);
        (sound, news)
    };
    let is_newer = latest.and_then(|latest| latest.changed_at).is_some_and(|known| seen.changed_at > Some(known));
    if matches!(manner, Manner::Read) && agreement.shown.is_none() && !is_newer {
        // What differs may have been changed on either side. Hermes followed the object until now, so it is ours; but not what
        // Hermes knows nothing of, nor a field that may just have been named, nor that a deal is closed, which stays so.
        news.overrule_where(|field, value| {
            local.get(field).is_some() && field.extra().is_none() && !field.closes(value)
        });
    }
    if is_in_flight {
        // What Hermes itself is writing may be seen before it is known to have arrived.
        let is_sent = |field| agreement.sent.as_ref().is_some_and(|sent| sent.get(field).is_some());
        news.overrule_where(|field, _| field.extra().is_some() && local.get(field).is_some() && !is_sent(field));
    }

    let mut row = before.clone();
    K::is_there(&mut row, seen.id);
    let linked = row != before;
    let there = row.clone();
    let adopted = K::adopt(tx, context, &mut row, &news.adopt, &sound).await?;
    news.overrule.extend(adopted.refused);
    let changed = row != there;
    // What a merge has joined is shown until it has been put right.
    for (field, ours) in local.iter().filter(|(field, _)| field.authority() == Authority::Hermes) {
        if sound.values.get(field).is_some_and(|value| is_joined_from(value, ours)) {
            sound.values.remove(field);
        }
    }
    K::copy(&mut row, &sound);
    if row != before {
        K::save(tx, &row).await?;
    }
    let (from, to) = (K::company_id(&before), K::company_id(&row));
    if from != to && dirty::is_dirty(tx, from).await? {
        // What was still to be sent of it is to be sent of its new company.
        dirty::mark(tx, to, Priority::Edit, context.now).await?;
    }
    if is_first_sight || matches!(manner, Manner::Read | Manner::Merged { .. }) {
        agreement.sent.get_or_insert_with(|| seen.values.clone());
    }
    let local = K::render(tx, context, &row).await?;
    let carried = agreement.shown.as_ref().and_then(|shown| shown.get(<K as Kind>::Field::HERMES_ID)).cloned();
    agreement.settle(seen, &local, &news.adopt, &news.overrule);
    if matches!(manner, Manner::Read | Manner::Answered(_)) && is_joined(seen) {
        // The webhook that tells of the merge is to find it new.
        let shown = agreement.shown.get_or_insert_default();
        match carried {
            Some(carried) => shown.set(<K as Kind>::Field::HERMES_ID, carried),
            None => shown.remove(<K as Kind>::Field::HERMES_ID),
        }
    }
    let agreed = Agreed { pipedrive_id: number, schema: context.schema, agreement: &agreement };
    crm_objects::agree(tx, K::KIND, hermes_id, &agreed).await?;
    crm_latest::was_seen(tx, K::KIND, number, seen.changed_at).await?;
    if linked {
        inbox::release(tx, Awaited { kind: K::KIND, id: number }, context.now).await?;
    }
    Ok(Some(TakenUp { changed, linked, agreement, wait: adopted.wait }))
}

/// The fields in which a merge has left the text of both.
fn damaged<K: Mirrored>(
    seen: &Sighting<K::Id, K::Field>,
    local: &Record<K::Field>,
    agreement: &Agreement<K::Field>,
    manner: Manner<'_, K::Field>,
    is_half_merged: bool,
) -> BTreeSet<K::Field> {
    let losers = match manner {
        Manner::Merged { losers } => Some(losers),
        Manner::Told | Manner::Read | Manner::Answered(_) => None,
    };
    let ids = |record: &Record<K::Field>| record.get(<K as Kind>::Field::HERMES_ID).cloned();
    let (carried, before) = (ids(&seen.values), agreement.shown.as_ref().and_then(ids));
    // A merge is seen once; text that looks like that later was written by people.
    let is_new = carried != before && is_joined(seen);
    if losers.is_none() && !is_new && !is_half_merged {
        return BTreeSet::new();
    }
    let parts = || losers.unwrap_or_default().iter().chain([local]).chain(&agreement.shown);
    let is_damaged = |field, value| {
        !K::Field::BUILT_IN.contains(&field)
            && local.get(field) != Some(value)
            && parts().filter_map(|part| part.get(field)).any(|part| is_joined_from(value, part))
    };
    seen.values.iter().filter(|(field, value)| is_damaged(*field, value)).map(|(field, _)| field).collect()
}

/// Whether an object carries more than the id of one row. `5, 5` and `5,` are of a merge as well.
fn is_joined<Id, F: Field>(seen: &Sighting<Id, F>) -> bool {
    seen.values.get(F::HERMES_ID).is_some_and(|ids| ids.to_string().contains(','))
}
