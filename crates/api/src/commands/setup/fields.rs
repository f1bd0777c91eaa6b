//! `hermes setup fields`.

mod file;
mod make;
mod report;

use std::{fs, path::Path};

use anyhow::{Context, bail};
use hermes_pipedrive::{
    AccountFields, Client, FieldFinding, FieldSection, FieldState, KeySource, V4Field, WantedField, survey, v4_fields,
};

use self::{file::FieldFile, make::Maker};
use super::{super::print, common::unanswered};
use crate::{
    app,
    cli::{SetupFields, UsageError},
    config::{Config, FIELD_FILE},
    terminal::{Progress, confirm, done, is_interactive},
};

pub(super) async fn setup(config: &Config, args: &SetupFields) -> anyhow::Result<()> {
    let file = FieldFile::open(Path::new(FIELD_FILE))?;
    let imported = args.import.as_deref().map(import).transpose()?.unwrap_or_default();
    let (mut wanted, unknown) = with_imported(file.document.wanted(), imported);
    let client = app::pipedrive_client(config)?;
    let account = account_fields(config, &client).await?;
    let findings = survey(&wanted, &account);
    for note in report::notes(&findings) {
        print(&note)?;
    }
    if let Some(text) = report::unknown(&unknown, &account) {
        print(&text)?;
    }
    nothing_in_the_way(&findings, 0)?;
    let missing = missing(&findings);
    if missing.is_empty() {
        return conclude(file, &findings, None);
    }

    if !args.create {
        print(&report::table(&findings))?;
        let question = format!("Make the missing {} in Pipedrive?", fields(missing.len()));
        if !(is_interactive() && confirm(&question, false)?) {
            bail!(
                "{} missing; nothing was made in Pipedrive or written\n\
                 Run `hermes setup fields --create` to have Hermes make what is missing. Or make it by hand, in Pipedrive \
                 under Settings > Data fields, with exactly these names and types ({}), and run `hermes setup fields` \
                 again.",
                fields_are(missing.len()),
                report::types(&missing),
            );
        }
        // The answer may have taken long.
        nothing_in_the_way(&survey(&wanted, &account_fields(config, &client).await?), 0)?;
    }
    // What could not be noted would be made for nothing.
    file.can_be_written()?;
    let mut maker = Maker::new(config, &client, &mut wanted);
    let made = maker.make(&missing).await?;
    let (findings, twice) = maker.outcome().await?;
    if !made.is_empty() {
        print(&done(&format!("Made in Pipedrive: {}.", report::labels(&made))))?;
    }
    let meanwhile: Vec<WantedField> = missing.iter().filter(|field| !made.contains(field)).cloned().collect();
    if !meanwhile.is_empty() {
        print(&done(&format!("Made by somebody else meanwhile: {}.", report::labels(&meanwhile))))?;
    }
    nothing_in_the_way(&findings, made.len())?;
    // Whoever was asked has seen the others already.
    conclude(file, &findings, (!args.create).then_some(&missing))?;
    for (field, others) in &twice {
        print(&report::twice(field, &findings, others))?;
    }
    Ok(())
}

/// Writes down where every field is, and says what comes next. All fields are shown, or only these.
fn conclude(mut file: FieldFile, findings: &[FieldFinding], shown: Option<&Vec<WantedField>>) -> anyhow::Result<()> {
    for finding in findings {
        match &finding.state {
            FieldState::Found { key, field_type } => file.document.set(&finding.field, key, *field_type),
            FieldState::Missing
            | FieldState::WrongType { .. }
            | FieldState::Ambiguous { .. }
            | FieldState::Shared { .. } => {
                print(&report::table(findings))?;
                bail!("the account has changed meanwhile; nothing was written. Run `hermes setup fields` again.");
            }
        }
    }
    if file.differs() {
        let is_shown =
            |found: &&FieldFinding| shown.is_none_or(|shown| shown.iter().any(|one| is_same(one, &found.field)));
        let shown: Vec<FieldFinding> = findings.iter().filter(is_shown).cloned().collect();
        print(&report::table(&shown))?;
    }
    let all = match findings.len() {
        1 => "The one custom field is there".to_owned(),
        several => format!("All {several} custom fields are there"),
    };
    if file.save()? {
        print(&done(&format!("{all}, and {FIELD_FILE} was written.")))?;
        print("Next: restart Hermes wherever it runs with this file, and see `hermes doctor`.")
    } else {
        print(&done(&format!("{all}, and {FIELD_FILE} is right already.")))?;
        print("`hermes doctor` says whether everything else is in order.")
    }
}

/// The fields that can be made.
fn missing(findings: &[FieldFinding]) -> Vec<WantedField> {
    let missing = findings.iter().filter(|finding| finding.state == FieldState::Missing);
    missing.map(|finding| finding.field.clone()).collect()
}

/// Makes sure that no field is of a wrong type or doubtful, or tells all that are. So many were made until now.
fn nothing_in_the_way(findings: &[FieldFinding], made: usize) -> anyhow::Result<()> {
    let in_the_way: Vec<&FieldFinding> = findings.iter().filter(|finding| is_in_the_way(finding)).collect();
    if in_the_way.is_empty() {
        return Ok(());
    }
    print(&report::table(findings))?;
    for finding in &in_the_way {
        print(&report::remedy(finding))?;
    }
    let count = fields_are(in_the_way.len());
    if made == 0 {
        bail!("{count} in the way; nothing was made in Pipedrive or written");
    }
    bail!("{count} in the way; {} made, and nothing was written", fields_were(made));
}

fn is_in_the_way(finding: &FieldFinding) -> bool {
    match finding.state {
        FieldState::Found { .. } | FieldState::Missing => false,
        FieldState::WrongType { .. } | FieldState::Ambiguous { .. } | FieldState::Shared { .. } => true,
    }
}

/// Whether both are the same field, whatever is known of its key.
fn is_same(one: &WantedField, other: &WantedField) -> bool {
    one.label() == other.label()
}

async fn account_fields(config: &Config, client: &Client) -> anyhow::Result<AccountFields> {
    let _progress = Progress::new("reading the fields of the account");
    let mut account = AccountFields::default();
    for section in FieldSection::ALL {
        let listed = client.fields(section.fields_of()).all().await;
        let listed = listed
            .map_err(|error| unanswered(error.into(), config))
            .with_context(|| format!("the {} fields of the account cannot be read", section.object()))?;
        account.set(section, listed);
    }
    Ok(account)
}

fn import(path: &Path) -> Result<Vec<V4Field>, UsageError> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        UsageError(vec![format!(
            "{shown} cannot be read: {error}; --import takes the field map of version 4, a Python file"
        )])
    })?;
    v4_fields(&text).map_err(|error| {
        UsageError(vec![format!(
            "{shown} cannot be taken over: {error}. Leave only the dictionaries in it, and try again"
        )])
    })
}

/// The fields with the keys that were imported for them, and the imported ones that are none of them.
fn with_imported(wanted: &[WantedField], imported: Vec<V4Field>) -> (Vec<WantedField>, Vec<V4Field>) {
    let mut wanted = wanted.to_vec();
    let mut unknown = Vec::new();
    for field in imported {
        match wanted.iter_mut().find(|known| known.section == field.section && known.name == field.name) {
            Some(known) => known.named.insert(0, (KeySource::Import, field.key)),
            None => unknown.push(field),
        }
    }
    (wanted, unknown)
}

/// `1 field`, `2 fields`.
fn fields(count: usize) -> String {
    if count == 1 { "1 field".to_owned() } else { format!("{count} fields") }
}

fn fields_are(count: usize) -> String {
    format!("{} {}", fields(count), if count == 1 { "is" } else { "are" })
}

fn fields_were(count: usize) -> String {
    format!("{} {}", fields(count), if count == 1 { "was" } else { "were" })
}
