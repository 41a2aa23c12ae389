//! What an open can return to be renewed and given back.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::diagnostic::Diagnostic;

/// A period of validity with a handle.
#[async_trait]
pub trait Lease: Send + Sync + 'static {
    /// The lease as it was granted.
    fn facts(&self) -> LeaseFacts;

    /// Extends the lease; the facts are those of the extended one. Never called at the same time as
    /// another `renew` or `revoke` of this lease, nor after `revoke` has succeeded.
    ///
    /// # Errors
    /// Why it could not be extended. It is tried again while the lease lives.
    async fn renew(&self) -> Result<LeaseFacts, Diagnostic>;

    /// Ends the lease early. Called once, unless it fails; ending what has already ended succeeds. May be
    /// dropped half way when it takes longer than [`CLOSE_BUDGET`](super::CLOSE_BUDGET).
    ///
    /// # Errors
    /// Why it could not be ended.
    async fn revoke(&self) -> Result<(), Diagnostic>;
}

/// How long a lease lives and what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeaseFacts {
    /// Time to live from now; `None` when it does not expire.
    pub ttl: Option<Duration>,
    /// Whether it can be extended.
    pub renewable: bool,
    /// Whether it can be ended early.
    pub revocable: bool,
}

impl fmt::Debug for dyn Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.facts()).finish()
    }
}
