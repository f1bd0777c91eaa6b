//! A Pipedrive account as it is set up: users, pipelines, fields, webhooks.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use hermes_domain::{
    account::{CrmPipeline, CrmStage, CrmUser, CrmWebhook, FieldFault, FieldProblem},
    ids::IdOutOfRange,
    ports::{CrmAccount, CrmError, CrmResult},
    record::{CompanyField, ContactField, DealField},
};

use crate::{
    client::Client,
    field_map::{FieldMap, FieldType, MappedField},
    pages::Filter,
    webhook::Credentials,
    wire::{FieldsOf, Pipeline, Stage, User, Webhook, WebhookBody},
};

/// The form in which [`crate::PipedriveWebhooks`] reads events.
const VERSION: &str = "2.0";
const EVERYTHING: &str = "*";

/// The port [`CrmAccount`] on a Pipedrive account.
#[derive(Debug, Clone)]
pub struct PipedriveAccount {
    client: Client,
    map: FieldMap,
    login: Option<Credentials>,
}

impl PipedriveAccount {
    /// `login` is what webhooks must carry.
    pub fn new(client: Client, map: FieldMap, login: Option<Credentials>) -> Self {
        Self { client, map, login }
    }

    async fn faults_of<F: MappedField>(&self, of: FieldsOf) -> CrmResult<Vec<FieldFault>> {
        let fields = self.client.fields(of).all().await?;
        let types: BTreeMap<&str, &str> =
            fields.iter().map(|field| (field.field_code.as_str(), field.field_type.as_str())).collect();
        let faults = self.map.fields::<F>().iter().filter_map(|(field, place)| {
            let problem = match types.get(place.key.as_str()) {
                None => FieldProblem::Missing,
                Some(actual) if FieldType::from_name(actual) == Some(place.field_type) => return None,
                Some(actual) => {
                    FieldProblem::WrongType { actual: (*actual).to_owned(), expected: place.field_type.as_str() }
                }
            };
            Some(FieldFault { object: F::OBJECT, field: field.name(), key: place.key.clone(), problem })
        });
        Ok(faults.collect())
    }
}

fn id_of<Id: TryFrom<i64, Error = IdOutOfRange>>(kind: &str, name: Option<&str>, raw: i64) -> CrmResult<Id> {
    Id::try_from(raw).map_err(|error| CrmError::Decode {
        message: format!("the id of the {kind} {:?}: {error}", name.unwrap_or_default()),
    })
}

fn user(user: User) -> CrmResult<CrmUser> {
    Ok(CrmUser {
        id: id_of("user", user.name.as_deref(), user.id)?,
        is_admin: user.is_admin(),
        name: user.name.unwrap_or_default().trim().to_owned(),
        email: user.email.unwrap_or_default().trim().to_owned(),
        timezone: user.timezone_name,
        is_active: user.active_flag,
    })
}

fn webhook(webhook: Webhook) -> CrmWebhook {
    let body = webhook.body;
    let is_everything = |what: &Option<String>| what.as_deref() == Some(EVERYTHING);
    CrmWebhook {
        id: webhook.id,
        url: body.subscription_url.unwrap_or_default(),
        // A number on the way would have become 2.
        tells_everything: is_everything(&body.event_action)
            && is_everything(&body.event_object)
            && matches!(body.version.as_deref(), Some(VERSION | "2")),
        username: body.http_auth_user,
        is_active: body.is_active,
        last_status: body.last_http_status.and_then(|status| u16::try_from(status).ok()).filter(|status| *status > 0),
    }
}

#[async_trait]
impl CrmAccount for PipedriveAccount {
    async fn now(&self) -> CrmResult<Option<DateTime<Utc>>> {
        Ok(self.client.transport().time().await?)
    }

    async fn me(&self) -> CrmResult<CrmUser> {
        user(self.client.me().await?)
    }

    async fn users(&self) -> CrmResult<Vec<CrmUser>> {
        let users = self.client.list::<User>(&Filter::new()).all().await?;
        // One whom no table can hold is no reason to do without the others.
        let known = users.into_iter().filter_map(|raw| {
            user(raw).inspect_err(|error| tracing::warn!(%error, "A user of Pipedrive is left out.")).ok()
        });
        Ok(known.collect())
    }

    async fn pipelines(&self) -> CrmResult<Vec<CrmPipeline>> {
        let mut pipelines = self.client.list::<Pipeline>(&Filter::new()).all().await?;
        let mut stages = self.client.list::<Stage>(&Filter::new()).all().await?;
        pipelines.retain(|pipeline| !pipeline.is_deleted);
        stages.retain(|stage| !stage.is_deleted);
        pipelines.sort_by_key(|pipeline| (pipeline.body.order_nr, pipeline.id));
        stages.sort_by_key(|stage| (stage.body.order_nr, stage.id));
        let told = |pipeline: Pipeline| {
            let own = stages.iter().filter(|stage| stage.body.pipeline_id == Some(pipeline.id));
            let own = own.map(|stage| {
                let name = stage.body.name.clone();
                Ok(CrmStage { id: id_of("stage", name.as_deref(), stage.id)?, name: name.unwrap_or_default() })
            });
            Ok(CrmPipeline {
                id: id_of("pipeline", pipeline.body.name.as_deref(), pipeline.id)?,
                name: pipeline.body.name.unwrap_or_default(),
                stages: own.collect::<CrmResult<_>>()?,
            })
        };
        pipelines.into_iter().map(told).collect()
    }

    async fn field_faults(&self) -> CrmResult<Vec<FieldFault>> {
        let mut faults = self.faults_of::<CompanyField>(FieldsOf::Organizations).await?;
        faults.extend(self.faults_of::<ContactField>(FieldsOf::Persons).await?);
        faults.extend(self.faults_of::<DealField>(FieldsOf::Deals).await?);
        Ok(faults)
    }

    async fn webhooks(&self) -> CrmResult<Vec<CrmWebhook>> {
        let webhooks = self.client.list::<Webhook>(&Filter::new()).all().await?;
        Ok(webhooks.into_iter().map(webhook).collect())
    }

    async fn create_webhook(&self, url: &str) -> CrmResult<i64> {
        let login = self.login.clone();
        let body = WebhookBody {
            name: Some("Hermes".to_owned()),
            subscription_url: Some(url.to_owned()),
            event_action: Some(EVERYTHING.to_owned()),
            event_object: Some(EVERYTHING.to_owned()),
            version: Some(VERSION.to_owned()),
            http_auth_user: login.as_ref().map(|login| login.username.clone()),
            http_auth_password: login.map(|login| login.password),
            ..WebhookBody::default()
        };
        let created = self.client.create(&body).await.map_err(|error| match &body.http_auth_password {
            // Pipedrive may quote what it refuses.
            Some(password) => error.without(password.expose()),
            None => error,
        });
        Ok(created?.id)
    }

    async fn delete_webhook(&self, id: i64) -> CrmResult<()> {
        match self.client.delete::<Webhook>(id).await.map_err(CrmError::from) {
            Err(error) if !error.is_absence() => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}
