//! `hermes setup`.

mod admins;
mod baseline;
mod common;
mod fields;
mod pipelines;
mod webhooks;

use crate::{
    cli::{Setup, SetupPart},
    config::Config,
};

pub(super) async fn setup(config: &Config, args: &Setup) -> anyhow::Result<()> {
    match &args.part {
        None => pipelines::setup(config, &args.pipelines).await,
        Some(SetupPart::Fields(args)) => fields::setup(config, args).await,
        Some(SetupPart::Admins(args)) => admins::setup(config, args).await,
        Some(SetupPart::Webhooks(args)) => webhooks::setup(config, args).await,
        Some(SetupPart::Baseline(args)) => baseline::setup(config, args).await,
    }
}
