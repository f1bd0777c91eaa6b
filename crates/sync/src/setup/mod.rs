//! How Hermes is set up for an account: which pipelines serve the price plans, who works there, and who is told of changes.
//!
//! What is asked of the CRM is asked first; then everything is written in one transaction. Whatever is in order already
//! stays as it is.

pub mod admins;
pub mod pipelines;
pub mod webhooks;

use hermes_store::StoreError;

/// How often something is written, as long as others are in the way.
const ATTEMPTS: usize = 3;

/// Does it again a few times while others hold what it needs. Each time nothing of it was done.
async fn repeated<R, E>(work: impl AsyncFn() -> Result<R, E>, cause: fn(&E) -> Option<&StoreError>) -> Result<R, E> {
    for _ in 1..ATTEMPTS {
        match work().await {
            Err(error) if cause(&error).is_some_and(StoreError::is_contention) => {}
            outcome => return outcome,
        }
    }
    work().await
}
