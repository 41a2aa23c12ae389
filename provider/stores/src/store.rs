//! The one trait every backend and every layer implements.
//!
//! Narrow on purpose: one complete call for each verb. Conveniences belong in functions over the trait.
//! A backend implements what its [`Capability`] says; the provided methods answer `unsupported`.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::{self, StreamExt as _};
use jiff::Timestamp;
use secret_policy::SecretRef;
use secret_value::Secret;

use crate::blocks::Settings;
use crate::capability::Capability;
use crate::error::{Operation, Result, StoreError};
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};

/// Calls that are under way at the same time where each secret needs its own. The default limit of AWS Parameter
/// Store, the lowest, is 40 a second.
pub(crate) const AT_ONCE: usize = 8;

/// A place that holds secrets.
///
/// Contract of every method:
/// - the reference was made for this store: scheme and store name are not looked at again;
/// - nothing is cached beyond the call; only the layer that joins reads may keep an answer, for
///   [`crate::layers::Layers::reuse`];
/// - no value, token or response body reaches an error, a log line or the audit log;
/// - dropping the future abandons the call without side effects on later calls.
#[async_trait]
pub trait SecretStore: Send + Sync + fmt::Debug {
    /// What this store can do.
    ///
    /// - never changes during the life of the store;
    /// - does no input or output.
    fn capability(&self) -> Capability;

    /// Reads the value at `reference`, whole: the selector is applied by [`crate::select`].
    ///
    /// - honours `?version=` and `?stage=`; without them the current version is meant;
    /// - a path without a secret, a removed secret and a missing version are `not_found`, also when the
    ///   reference is optional: [`crate::select`] decides what that means;
    /// - an empty value is a value;
    /// - a lease in the answer is the caller's to give back.
    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>>;

    /// Reads several values; answers stand in the order of `references`.
    ///
    /// - one failure does not fail the others;
    /// - answers for the same secret may carry one lease together: equal handles are given back once;
    /// - the provided method fetches each by itself, eight at a time.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let calls: Vec<_> = references
            .iter()
            .map(|reference| self.fetch(reference, options))
            .collect();
        stream::iter(calls).buffered(AT_ONCE).collect().await
    }

    /// Reads facts about the secret without opening its value.
    ///
    /// - needs no right to read the value where the store tells the two apart;
    /// - creates no lease and no credential;
    /// - the same cases as for `fetch` are `not_found`.
    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata>;

    /// Stores a value as the new current version and returns its metadata.
    ///
    /// - atomic: afterwards either the old or the new version is current;
    /// - a precondition that does not hold is `conflict` and changes nothing.
    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let _ = request;
        Err(StoreError::unsupported(
            Operation::Write,
            reference.scheme().name(),
        ))
    }

    /// Removes the secret, or only the version that the reference names.
    ///
    /// - afterwards `fetch` is `not_found`;
    /// - removing what is not there is `not_found`.
    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        Err(StoreError::unsupported(
            Operation::Remove,
            reference.scheme().name(),
        ))
    }

    /// Extends a lease by about `increment`; the answer says what was granted.
    ///
    /// - `increment` counts from now and is a wish;
    /// - a lease that ended is `not_found`.
    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        let _ = increment;
        Err(StoreError::unsupported(
            Operation::Renew,
            lease.reference.scheme().name(),
        ))
    }

    /// Ends a lease now.
    ///
    /// - idempotent: a lease that ended already is success.
    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        Err(StoreError::unsupported(
            Operation::Revoke,
            lease.reference.scheme().name(),
        ))
    }

    /// Ends what the store itself holds, such as its login. The run is over; leases were given back before.
    ///
    /// - idempotent; a store that never logged in does nothing;
    /// - returns within a few seconds.
    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

/// How to fetch. The default asks for whatever the store gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchOptions {
    /// Wished lifetime of a lease; `None` leaves it to the store.
    pub ttl: Option<Duration>,
    /// Why the value is needed, for the audit log (for instance the address of the consumer).
    pub purpose: Option<String>,
    /// What the store needs to make a credential, such as a ciphertext or the names in a certificate. Each
    /// store documents its own. A fetch with arguments is never shared with another.
    pub arguments: Settings,
}

/// What to write and under which condition.
#[derive(Clone, Debug)]
pub struct WriteRequest {
    /// The new value.
    pub value: Secret,
    /// What must be stored for the write to happen.
    pub precondition: Precondition,
    /// When the value ends, where the store can remember it.
    pub expires: Option<Timestamp>,
}

impl WriteRequest {
    /// Stores `value` whatever is there.
    #[must_use]
    pub fn new(value: Secret) -> Self {
        Self {
            value,
            precondition: Precondition::None,
            expires: None,
        }
    }

    /// Stores `value` only where no secret is: generate once and keep.
    #[must_use]
    pub fn if_absent(value: Secret) -> Self {
        Self {
            precondition: Precondition::Absent,
            ..Self::new(value)
        }
    }
}

/// Condition of a write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// No condition.
    #[default]
    None,
    /// Nothing may be stored at the path (a removed secret counts as nothing).
    Absent,
    /// This version must be the current one.
    Version(String),
}
