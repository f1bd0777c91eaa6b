//! hermes-sync
