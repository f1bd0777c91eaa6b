//! Where use cases run: on the runtime of the process, not on the thread that serves the request.
//!
//! So a client that hangs up does not break a transaction off half-way, and one request that works hard does not hold up
//! the others of its thread.

use tokio::runtime::Handle;
use tracing::Instrument;

use crate::error::ApiError;

/// Runs a use case to its end, whatever becomes of the request.
pub(crate) async fn to_the_end<T, E>(
    runtime: &Handle,
    use_case: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    E: Send + 'static,
    ApiError: From<E>,
{
    match runtime.spawn(use_case.in_current_span()).await {
        Ok(result) => Ok(result?),
        Err(error) => {
            tracing::error!(%error, "a use case broke down");
            Err(ApiError::Internal)
        }
    }
}
