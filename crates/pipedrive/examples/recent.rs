//! Looks at an account: whose key it is, what its pipelines are called, and which organizations changed lately.
//!
//! ```sh
//! PD_API_KEY=… cargo run -p hermes-pipedrive --example recent -- https://example.pipedrive.com 7
//! ```

use std::{env, error::Error, io::Write};

use chrono::{TimeDelta, Utc};
use hermes_pipedrive::{
    Client, Config, Filter, Secret,
    wire::{Organization, Pipeline},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let base_url = arguments.next().ok_or("say which account: https://example.pipedrive.com")?;
    let days = arguments.next().map_or(Ok(7), |days| days.parse())?;
    let api_key = Secret::new(env::var("PD_API_KEY").map_err(|_| "PD_API_KEY is not set")?);

    rustls::crypto::ring::default_provider().install_default().ok();
    let client = Client::new(Config::new(base_url.parse()?, api_key))?;
    let mut out = std::io::stdout().lock();

    let me = client.me().await?;
    writeln!(out, "user {}: {}", me.id, me.name.unwrap_or_default())?;

    for pipeline in client.list::<Pipeline>(&Filter::new()).all().await? {
        writeln!(out, "pipeline {}: {}", pipeline.id, pipeline.body.name.unwrap_or_default())?;
    }

    let mut changed = client.list::<Organization>(&Filter::new().updated_since(Utc::now() - TimeDelta::days(days)));
    while let Some(page) = changed.next().await? {
        for organization in page {
            let name = organization.body.name.unwrap_or_default();
            writeln!(out, "organization {}: {name}", organization.id)?;
        }
    }
    Ok(())
}
