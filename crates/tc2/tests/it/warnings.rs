//! What is put right or left out is a warning, which says where to look and nothing personal.

use std::{
    io,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use crate::read_values::client_with;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while the client with this value is read.
fn logged(place: &str, value: &Value) -> String {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, || client_with(place, value).unwrap());
    String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
}

#[test]
fn what_is_odd_is_warned_of_without_anything_personal() {
    for (place, value, expected) in [
        ("meta_agency/price_plan", json!("Ada's own plan"), "tc2.agency.id=20"),
        ("paid_recipients", json!([{"id": "ada", "email": "ada@lovelace.example"}]), "tc2.client.id=10"),
        ("paid_recipients", json!([{"id": 1}, "Ada"]), "index=1"),
    ] {
        let logged = logged(place, &value);
        assert!(logged.contains("WARN") && logged.contains(expected), "{logged}");
        for personal in ["Ada", "ada", "Lovelace", "lovelace", "+44"] {
            assert!(!logged.contains(personal), "{logged}");
        }
    }
}

#[test]
fn what_is_as_it_should_be_is_not_warned_of() {
    assert_eq!(logged("paid_recipients", &json!([{"id": 1}, {"id": 1}])), "");
}
