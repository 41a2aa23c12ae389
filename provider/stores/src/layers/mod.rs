//! Layers: each wraps a store and is one itself. The order is written in [`Layers::wrap`] and nowhere else.
//!
//! ```text
//! caller → audit → guard → single flight → retry → timeout → backend
//! ```
//!
//! Audit is outermost, so that nothing happens unrecorded. The guard stands before everything that does
//! input or output, so it also judges whoever gets what another one read. A shared flight is retried once for all
//! who wait. Each attempt has its own time limit.
//! Layers forward every method; the lint makes sure that a new one is not forgotten.
#![deny(
    clippy::missing_trait_methods,
    reason = "a method that is not forwarded skips the layers inside"
)]

mod audit;
mod guard;
mod retry;
mod single_flight;
#[cfg(test)]
mod tests;
mod timeout;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use guard::{Guard, Identity};
pub use retry::RetryPolicy;

use crate::audit::AuditLog;
use crate::store::SecretStore;

/// What is put around every store.
#[derive(Clone, Debug)]
pub struct Layers {
    /// Longest time for one attempt. Default 30 s.
    pub timeout: Duration,
    /// How often and how patiently to try again.
    pub retry: RetryPolicy,
    /// How long a value without a lease, and facts, answer further calls for the same secret; the policy is asked and
    /// the access is recorded for each of them. Default zero: every call that does not overlap another asks anew.
    pub reuse: Duration,
    /// The policy; `None` allows everything.
    pub guard: Option<Guard>,
    /// The access log; `None` records nothing.
    pub audit: Option<Arc<AuditLog>>,
    /// The clock for the age of values.
    pub now: fn() -> Timestamp,
}

impl Default for Layers {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            retry: RetryPolicy::default(),
            reuse: Duration::ZERO,
            guard: None,
            audit: None,
            now: Timestamp::now,
        }
    }
}

impl Layers {
    /// Puts the layers around `backend`.
    #[must_use]
    pub fn wrap(&self, backend: Arc<dyn SecretStore>) -> Arc<dyn SecretStore> {
        let store: Arc<dyn SecretStore> = Arc::new(timeout::Timeout::new(backend, self.timeout));
        let store: Arc<dyn SecretStore> = Arc::new(retry::Retrying::new(store, self.retry));
        let mut store: Arc<dyn SecretStore> =
            Arc::new(single_flight::SingleFlight::new(store, self.reuse));
        if let Some(guard) = &self.guard {
            store = Arc::new(guard::Guarded::new(
                store,
                guard.clone(),
                self.audit.is_some(),
                self.now,
            ));
        }
        if let Some(log) = &self.audit {
            store = Arc::new(audit::Audited::new(
                store,
                Arc::clone(log),
                self.guard.clone(),
            ));
        }
        store
    }
}
