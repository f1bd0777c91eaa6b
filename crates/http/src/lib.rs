//! The HTTP side of Hermes: routes, what they take and answer, and what they say when something is wrong.
//!
//! A handler parses its request, calls one use case and answers. Use cases run to their end even when the client hangs up
//! (`runtime.rs`), and every error is answered in one place (`error.rs`).
//!
//! Every path works with and without its trailing slash. The OpenAPI document is served at `/openapi.json`:
//!
//! ```
//! let document = hermes_http::openapi();
//! assert!(document.contains("/tc2/callback/") && document.contains("/pipedrive/callback/"));
//! ```

mod error;
mod fields;
mod openapi;
mod routes;
mod runtime;
mod server;
mod state;
mod trace;

pub use openapi::openapi;
pub use server::{HttpConfig, Origins, Server};
pub use state::Services;
