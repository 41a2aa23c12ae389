//! Periods of validity: what a store promises about how long an answer holds, and how to end it early.
//!
//! Read [`Leased`] first. The state machine that renews and revokes lives with the caller; here are the
//! facts only.

use std::fmt;
use std::time::Duration;

use secret_policy::SecretRef;
use sha2::{Digest as _, Sha256};

use crate::hex;

/// A value together with the lease it came with, if any.
#[derive(Clone, Debug)]
pub struct Leased<T> {
    /// What was fetched.
    pub value: T,
    /// `None` when the store puts no end to the value.
    pub lease: Option<Lease>,
}

impl<T> Leased<T> {
    /// A value without a lease.
    #[must_use]
    pub fn forever(value: T) -> Self {
        Self { value, lease: None }
    }

    /// A value that ends with `lease`.
    #[must_use]
    pub fn until(value: T, lease: Lease) -> Self {
        Self {
            value,
            lease: Some(lease),
        }
    }

    /// Changes the value and keeps the lease.
    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Leased<U> {
        Leased {
            value: change(self.value),
            lease: self.lease,
        }
    }
}

/// A lease: its handle and the facts at the time of the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names the lease to the store.
    pub handle: LeaseHandle,
    /// How long it holds and what can be done with it.
    pub facts: LeaseFacts,
}

/// Facts about a lease, counted from the answer that carried them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseFacts {
    /// Time left.
    pub ttl: Duration,
    /// True when [`crate::SecretStore::renew`] can extend it.
    pub renewable: bool,
    /// True when [`crate::SecretStore::revoke`] really ends it; false for sessions that only expire.
    pub revocable: bool,
}

/// Names a lease to the store that gave it. Holds no credential: safe in a journal and in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseHandle {
    /// The reference whose opening created the lease; it also routes renewals to the right store.
    pub reference: SecretRef,
    /// The store's own identifier of the lease.
    pub id: String,
}

impl LeaseHandle {
    /// A short name for the lease that does not show its id. `None` when the store gave none.
    #[must_use]
    pub fn id_hash(&self) -> Option<String> {
        (!self.id.is_empty()).then(|| id_hash(&self.id))
    }
}

/// A short name for the lease `id`: the first 16 hexadecimal digits of its SHA-256.
#[must_use]
pub fn id_hash(id: &str) -> String {
    let digest = Sha256::digest(id.as_bytes());
    hex::encode(&digest[..8])
}

impl fmt::Display for LeaseHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lease {} of {}", self.id, self.reference)
    }
}
