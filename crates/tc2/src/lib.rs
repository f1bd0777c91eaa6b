//! The webhooks of TutorCruncher (TC2): whether one is genuine, and what it says.
//!
//! [`Tc2Webhooks`] implements the port [`ClientWebhooks`]. A delivery is opened in two steps, so that nothing that came
//! is lost: [`open`](ClientWebhooks::open) checks the signature and takes the body apart into events, to the letter;
//! [`read`](ClientWebhooks::read) then reads one event, now or whenever it is tried again. An event that makes no sense
//! spoils neither its neighbours nor its own safe-keeping.
//!
//! Nothing here does I/O, and no input makes it panic.
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

mod client;
mod envelope;
mod event;
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

pub use crate::signature::{EmptyKey, SignaturePolicy, SigningKey};

/// Reads what TC2 sends.
#[derive(Debug, Clone)]
pub struct Tc2Webhooks {
    signatures: SignaturePolicy,
}

impl Tc2Webhooks {
    pub fn new(signatures: SignaturePolicy) -> Self {
        Self { signatures }
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
        event::read(payload)
    }
}
