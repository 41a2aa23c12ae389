//! A host that treats a provider as Terraform and OpenTofu do, for tests.
//!
//! [`Host`] speaks the real protocol over HTTP/2: to a service inside the test ([`Host::in_process`]), or
//! to a real process with mutual TLS ([`Host::process`]). A [`Profile`] says which core it plays: the cores
//! differ in what they send, in what they put up with, and in what they bring back at close.
//!
//! The host checks what the cores check, and answers with [`HostError::Refused`] where they would: a
//! provider whose tests pass here is not surprised there.

mod checks;
mod connect;
mod ephemeral;
mod host;
mod managed;
mod profile;
mod schema;
mod state_store;

pub use ephemeral::Ephemeral;
pub use host::{Host, HostError, Reply};
pub use managed::{Planned, StoredObject};
pub use profile::{Phase, PrivateAtClose, Profile};
pub use state_store::StateStore;

use crate::value::{Object, Value};

/// An object value from names and values; what is left out is null, and blocks left out are empty.
#[must_use]
pub fn object<const N: usize>(attributes: [(&str, Value); N]) -> Object {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
