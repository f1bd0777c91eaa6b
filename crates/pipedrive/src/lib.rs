//! hermes-pipedrive
