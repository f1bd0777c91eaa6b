//! The client and the CRM against a server that answers as Pipedrive is documented, and seen, to answer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod account;
mod answers;
mod connections;
mod crm;
mod limits;
mod lists;
mod logs;
mod requests;
mod retries;
mod sandbox;
mod setting_up;
mod told;
mod webhooks;
