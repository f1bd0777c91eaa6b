//! hermes-tc2
