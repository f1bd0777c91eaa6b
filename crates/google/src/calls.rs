//! The three things that are asked of Google.

use google_calendar3::{CalendarHub, hyper::StatusCode};
use hermes_domain::{CalendarEvent, CalendarEventId, TimeRange, ports::CalendarError};

use crate::{
    answer::{Failure, Remedy, Trouble, Watch},
    convert,
    http::Connector,
};

pub(crate) type Hub = CalendarHub<Connector>;

/// Guests get a mail.
const TELL_ALL: &str = "all";

/// One attempt at something. It may be repeated.
pub(crate) trait Call: Sync {
    type Answer: Send;

    /// What logs call it.
    const NAME: &'static str;

    fn send(&self, hub: &Hub, owner: &str) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// When somebody is busy.
pub(crate) struct Busy {
    /// In whole seconds.
    pub(crate) window: TimeRange,
}

impl Call for Busy {
    type Answer = Vec<TimeRange>;

    const NAME: &'static str = "freebusy.query";

    async fn send(&self, hub: &Hub, owner: &str) -> Result<Self::Answer, Failure> {
        let mut watch = Watch::default();
        let question = convert::question(owner, self.window);
        let result = hub.freebusy().query(question).delegate(&mut watch).doit().await;
        let (_, answer) = result.map_err(|error| watch.meaning(&error))?;
        convert::busy(answer, owner)
    }
}

/// Puts an event into a calendar, unless it is there.
pub(crate) struct Create<'a>(pub(crate) &'a CalendarEvent);

impl Call for Create<'_> {
    type Answer = ();

    const NAME: &'static str = "events.insert";

    async fn send(&self, hub: &Hub, owner: &str) -> Result<(), Failure> {
        let mut watch = Watch::default();
        let insertion = hub.events().insert(convert::event(self.0), &convert::in_path(owner));
        // Without the version, Google would not look at what is said of the meeting's link.
        let insertion = insertion.conference_data_version(1).send_updates(TELL_ALL);
        let result = insertion.delegate(&mut watch).doit().await;
        match result.map_err(|error| watch.meaning(&error)) {
            Ok(_) => Ok(()),
            Err(Trouble::Refused(refusal)) if refusal.status == StatusCode::CONFLICT => {
                look_at(hub, owner, &self.0.id).await
            }
            Err(trouble) => Err(trouble.into()),
        }
    }
}

/// An event whose id is taken is there, or was.
async fn look_at(hub: &Hub, owner: &str, id: &CalendarEventId) -> Result<(), Failure> {
    let mut watch = Watch::default();
    let look = hub.events().get(&convert::in_path(owner), id.as_str());
    let result = look.delegate(&mut watch).doit().await;
    let cancelled = || {
        let message = "the event was cancelled, and its id stays taken".to_owned();
        Failure { error: CalendarError::Rejected { message }, remedy: Remedy::Settled }
    };
    match result.map_err(|error| watch.meaning(&error)) {
        Ok((_, event)) if event.status.as_deref() == Some("cancelled") => Err(cancelled()),
        Ok(_) => Ok(()),
        // Of what was deleted long ago nothing may be left but its id.
        Err(Trouble::Refused(refusal)) if is_gone(refusal.status) => Err(cancelled()),
        Err(trouble) => Err(trouble.into()),
    }
}

/// Takes an event out of a calendar, if it is there.
pub(crate) struct Delete<'a>(pub(crate) &'a CalendarEventId);

impl Call for Delete<'_> {
    type Answer = ();

    const NAME: &'static str = "events.delete";

    async fn send(&self, hub: &Hub, owner: &str) -> Result<(), Failure> {
        let mut watch = Watch::default();
        let deletion = hub.events().delete(&convert::in_path(owner), self.0.as_str()).send_updates(TELL_ALL);
        let result = deletion.delegate(&mut watch).doit().await;
        match result.map_err(|error| watch.meaning(&error)) {
            Ok(_) => Ok(()),
            Err(Trouble::Refused(refusal)) if is_gone(refusal.status) => Ok(()),
            Err(trouble) => Err(trouble.into()),
        }
    }
}

const fn is_gone(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}
