//! AWS from outside: a real Terraform with the built provider against a moto server, with every call counted on its
//! way; and the real AWS provider consuming what ours opens.
//!
//! Elsewhere: shapes of errors, pages, retries and clocks are tested against a double that answers like AWS
//! (`provider/stores/src/backends/aws/tests`); there, in `credentials.rs`, also what a run cannot show without its
//! machine: SSO, credential processes, container and instance endpoints, FIPS and dual stack.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "stores_aws/login.rs"]
mod login;
#[path = "stores_aws/made.rs"]
mod made;
#[path = "stores_aws/peer.rs"]
mod peer;
#[path = "stores_aws/place.rs"]
mod place;
#[path = "stores_aws/values.rs"]
mod values;
#[path = "stores_aws/writes.rs"]
mod writes;
