//! Making fields in Pipedrive, each of them once.

use std::time::Duration;

use anyhow::{Context, anyhow};
use hermes_domain::ports::CrmError;
use hermes_pipedrive::{
    AccountFields, Client, Error, FieldFinding, FieldSection, FieldState, KeySource, WantedField, survey,
    wire::FieldDefinition,
};
use tokio::time::{Instant, sleep};

use super::{super::common::unanswered, account_fields, fields, missing, nothing_in_the_way};
use crate::{app, config::Config, terminal::Progress};

/// How often it is looked whether a field has appeared.
const LOOKS: Duration = Duration::from_millis(500);

/// Requests for one field, as long as it is unclear what became of them.
const ATTEMPTS: usize = 2;

pub(super) struct Maker<'a> {
    config: &'a Config,
    client: &'a Client,
    /// Every field that the account has to have. Those that were made have their keys.
    wanted: &'a mut [WantedField],
    /// What is known of the account.
    account: AccountFields,
    made: Vec<WantedField>,
    /// What Pipedrive answered to those that were made.
    answers: Vec<(FieldSection, FieldDefinition)>,
}

impl<'a> Maker<'a> {
    pub(super) fn new(config: &'a Config, client: &'a Client, wanted: &'a mut [WantedField]) -> Self {
        let account = AccountFields::default();
        Self { config, client, wanted, account, made: Vec::new(), answers: Vec::new() }
    }

    /// Makes those of these fields that the account still does not have, and says which those were. Others may be making
    /// fields at the same time, so each kind is looked at before its first one.
    pub(super) async fn make(&mut self, agreed: &[WantedField]) -> anyhow::Result<Vec<WantedField>> {
        let progress = Progress::new("making fields");
        for group in agreed.chunk_by(|one, next| one.section == next.section) {
            let Some(section) = group.first().map(|field| field.section) else { continue };
            self.list(section).await.with_context(|| self.broken_off(agreed))?;
            let mut findings = survey(self.wanted, &self.account);
            findings.retain(|finding| finding.field.section == section);
            nothing_in_the_way(&findings, self.made.len())?;
            let still_missing = missing(&findings);
            for field in group.iter().filter(|field| still_missing.contains(field)) {
                progress.tell(format!("making fields in Pipedrive: {} of {}", self.made.len() + 1, agreed.len()));
                self.make_one(field).await.with_context(|| {
                    let (object, name) = (section.object(), &field.name);
                    format!("the {object} field {name} was not made; {}", self.broken_off(agreed))
                })?;
                self.made.push(field.clone());
            }
        }
        Ok(self.made.clone())
    }

    /// What the account has of each field in the end, and the fields that were made here and by somebody else as well, with
    /// the keys of the others.
    pub(super) async fn outcome(mut self) -> anyhow::Result<(Vec<FieldFinding>, Vec<(WantedField, Vec<String>)>)> {
        self.account = account_fields(self.config, self.client).await.with_context(|| {
            format!(
                "{} made, and it is unclear whether somebody else made the same ones. Nothing was written. Run the same \
                 command again: it finds them",
                super::fields_were(self.made.len())
            )
        })?;
        self.add_made();
        let findings = survey(self.wanted, &self.account);
        let keys: Vec<&str> = findings
            .iter()
            .filter_map(|finding| match &finding.state {
                FieldState::Found { key, .. } => Some(key.as_str()),
                _ => None,
            })
            .collect();
        let twice = self.made.iter().filter_map(|field| {
            let of_this_name = self.account.by_name(field.section, &field.name);
            let others = of_this_name.map(|other| other.field_code.to_ascii_lowercase());
            let others: Vec<String> = others.filter(|key| !keys.contains(&key.as_str())).collect();
            (!others.is_empty()).then(|| (field.clone(), others))
        });
        let twice = twice.collect();
        Ok((findings, twice))
    }

    fn broken_off(&self, agreed: &[WantedField]) -> String {
        format!(
            "{} of {} were, and stay in Pipedrive. Nothing was written. When the cause is dealt with, run the same command \
             again: it goes on from there",
            self.made.len(),
            fields(agreed.len()),
        )
    }

    async fn make_one(&mut self, field: &WantedField) -> anyhow::Result<()> {
        let definition = FieldDefinition {
            field_name: field.name.clone(),
            field_code: String::new(),
            field_type: field.field_type.as_str().to_owned(),
            is_custom_field: true,
        };
        let mut unclear = None;
        for _ in 0..ATTEMPTS {
            match self.client.create_field(field.section.fields_of(), &definition).await {
                Ok(made) if !made.field_code.is_empty() => {
                    let made = FieldDefinition { field_name: field.name.clone(), ..made };
                    self.is_at(field, &made.field_code);
                    self.account.add(field.section, made.clone());
                    self.answers.push((field.section, made));
                    return Ok(());
                }
                Ok(_) => unclear = Some(anyhow!("Pipedrive's answer does not tell the key of the field")),
                Err(error @ (Error::Unavailable { .. } | Error::Decode { .. })) => {
                    unclear = Some(unanswered(error.into(), self.config));
                }
                Err(error) => return Err(unanswered(error.into(), self.config)),
            }
            if self.appears(field).await? {
                return Ok(());
            }
        }
        Err(unclear.unwrap_or_else(|| anyhow!("no attempt was made")))
    }

    /// Whether the account has the field after all, which may take a while to show.
    async fn appears(&mut self, field: &WantedField) -> anyhow::Result<bool> {
        let known = self.keys(field);
        let deadline = Instant::now() + app::settle(self.config);
        loop {
            self.list(field.section).await.context("it is unclear whether it was made after all")?;
            let mut new = self.keys(field);
            new.retain(|key| !known.contains(key));
            if let [key, ..] = new.as_slice() {
                self.is_at(field, key);
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(LOOKS).await;
        }
    }

    /// Takes the key down.
    fn is_at(&mut self, made: &WantedField, key: &str) {
        if let Some(field) = self.wanted.iter_mut().find(|field| *field == made) {
            field.named.insert(0, (KeySource::Made, key.to_owned()));
        }
    }

    /// The keys of those that have the name of this field.
    fn keys(&self, field: &WantedField) -> Vec<String> {
        self.account.by_name(field.section, &field.name).map(|known| known.field_code.clone()).collect()
    }

    /// It may be a while before Pipedrive lists those that were made.
    fn add_made(&mut self) {
        for (section, made) in &self.answers {
            self.account.add(*section, made.clone());
        }
    }

    async fn list(&mut self, section: FieldSection) -> anyhow::Result<()> {
        let listed = self.client.fields(section.fields_of()).all().await;
        let listed = listed.map_err(|error| unanswered(CrmError::from(error), self.config))?;
        self.account.set(section, listed);
        self.add_made();
        Ok(())
    }
}
