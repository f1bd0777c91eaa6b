//! The API's client against a local TC2, and what happens when that is not well.

mod admits;
mod answers;
mod connections;
mod logs;
mod retries;
mod settings;

use std::{collections::BTreeMap, time::Duration};

use hermes_domain::{
    Client, Tc2ClientId,
    ports::{ClientDirectory, DirectoryError},
};
use hermes_sandbox::{
    faults::{Fault, Rule},
    tc2::{ClientSpec, Tc2Options, Tc2Server},
};
use hermes_tc2::{ApiConfig, Secret, Tc2Api};
use serde_json::Value;

const KEY: &str = "a-key-that-must-not-leak";
const ID: i32 = 1001;

/// Nothing waits this long.
const NEVER: Duration = Duration::from_mins(1);

fn config(base_url: &str) -> ApiConfig {
    ApiConfig::new(base_url, Some(Secret::new(KEY)))
}

fn api(config: ApiConfig) -> Tc2Api {
    logs::listen();
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    Tc2Api::new(config).unwrap()
}

/// What is told of the client.
async fn ask(api: &Tc2Api) -> Result<Client, DirectoryError> {
    api.client(Tc2ClientId::new(ID)).await
}

/// A TC2 with one client.
struct World {
    tc2: Tc2Server,
    api: Tc2Api,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut ApiConfig)) -> Self {
        let options = Tc2Options { key: KEY.to_owned(), ..Tc2Options::default() };
        let tc2 = Tc2Server::start(options).await.unwrap();
        tc2.store_client(ClientSpec::new(ID.into()));
        let mut config = config(&tc2.base_url());
        change(&mut config);
        Self { api: api(config), tc2 }
    }

    async fn ask(&self) -> Result<Client, DirectoryError> {
        ask(&self.api).await
    }

    /// Every request meets this.
    fn troubled(&self, fault: Fault) {
        self.tc2.faults().set([Rule::new(fault)]);
    }

    /// The first request meets this.
    fn troubled_once(&self, fault: Fault) {
        self.tc2.faults().set([Rule::new(fault).times(1)]);
    }

    fn requests(&self) -> usize {
        self.tc2.log().len()
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Value>) -> Fault {
    let headers: BTreeMap<String, String> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Fault::Answer { status, headers, body: body.into() }
}

fn unavailable(message: &str) -> DirectoryError {
    DirectoryError::Unavailable { message: message.to_owned() }
}

fn unauthorized(message: &str) -> DirectoryError {
    DirectoryError::Unauthorized { message: message.to_owned() }
}
