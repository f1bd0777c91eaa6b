//! TutorCruncher (TC2): its webhooks, whether one is genuine and what it says, and its API, which tells of a client.
//!
//! [`Tc2Webhooks`] implements the port [`ClientWebhooks`]. A delivery is opened in two steps, so that nothing that came
//! is lost: [`open`](ClientWebhooks::open) checks the signature and takes the body apart into events, to the letter;
//! [`read`](ClientWebhooks::read) then reads one event, now or whenever it is tried again. An event that makes no sense
//! spoils neither its neighbours nor its own safe-keeping.
//!
//! ```
//! use hermes_domain::{event::ClientEvent, ports::ClientWebhooks};
//! use hermes_tc2::{SignaturePolicy, SigningKey, Tc2Webhooks};
//!
//! let body = br#"{"_request_time": 1700000000, "events": [{
//!     "action": "EDITED_A_CLIENT", "verb": "Edited a Client", "timestamp": "2023-11-14T22:13:20.5+00:00",
//!     "subject": {"model": "Client", "id": 10, "meta_agency": {"id": 20, "name": "Ada's"}}
//! }]}"#;
//!
//! let key = SigningKey::new("the integration's private key")?;
//! let signature = key.sign(body);
//! let webhooks = Tc2Webhooks::new(SignaturePolicy::Required(key));
//!
//! let delivery = webhooks.open(body, Some(&signature))?;
//! let event = &delivery.events[0];
//! assert_eq!((event.entity.as_deref(), event.entity_id), (Some("Client"), Some(10)));
//!
//! let Ok(ClientEvent::Client(client)) = webhooks.read(&event.payload) else { panic!("a client's event") };
//! assert_eq!(client.agency.name.as_deref(), Some("Ada's"));
//!
//! assert!(webhooks.open(body, Some("00ff")).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Tc2Api`] implements the port [`ClientDirectory`](hermes_domain::ports::ClientDirectory). It, and nothing else here,
//! does I/O. What it is told of a client is read as the subject of an event is.
//!
//! ```no_run
//! use hermes_domain::{Tc2ClientId, ports::ClientDirectory};
//! use hermes_tc2::{ApiConfig, Secret, Tc2Api};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Once, when the program starts:
//! rustls::crypto::ring::default_provider().install_default().ok();
//!
//! let key = Secret::new("integration-private-key");
//! let tc2 = Tc2Api::new(ApiConfig::new("https://secure.tutorcruncher.com", Some(key)))?;
//! let client = tc2.client(Tc2ClientId::new(10)).await?;
//! println!("the agency {}", client.agency.id);
//! # Ok(())
//! # }
//! ```
//!
//! No input makes anything here panic.

mod api;
mod client;
mod envelope;
mod event;
mod extra;
mod json;
mod moment;
mod object;
mod python_json;
mod signature;
mod value;

use hermes_domain::{
    event::{ClientEvent, Delivery, Fault},
    ports::{ClientWebhooks, DeliveryError},
};

pub use crate::{
    api::{ApiConfig, BuildError, Secret, Tc2Api},
    extra::{BadSource, ExtraSource, ExtraSources},
    signature::{EmptyKey, SignaturePolicy, SigningKey},
};

/// Reads what TC2 sends.
#[derive(Debug, Clone)]
pub struct Tc2Webhooks {
    signatures: SignaturePolicy,
    extra: ExtraSources,
}

impl Tc2Webhooks {
    pub fn new(signatures: SignaturePolicy) -> Self {
        Self { signatures, extra: ExtraSources::default() }
    }

    /// Reads these extra fields as well.
    #[must_use]
    pub fn with_extra(mut self, sources: ExtraSources) -> Self {
        self.extra = sources;
        self
    }
}

impl ClientWebhooks for Tc2Webhooks {
    fn open(&self, body: &[u8], signature: Option<&str>) -> Result<Delivery, DeliveryError> {
        if !self.signatures.accepts(body, signature) {
            return Err(DeliveryError::Unauthorized);
        }
        envelope::take_apart(body).map_err(DeliveryError::Malformed)
    }

    fn read(&self, payload: &str) -> Result<ClientEvent, Vec<Fault>> {
        event::read(payload, &self.extra)
    }
}
