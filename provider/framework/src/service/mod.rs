//! A [`Provider`] as the protocol's service.
//!
//! [`ProviderService`] is handed to `tfplugin::serve` twice: as what makes the service of each connection, and as
//! the shutdown hook. What
//! it guarantees for every provider:
//!
//! - What a practitioner can cause is a diagnostic, never a failed call.
//! - A panic in a handler is a diagnostic without the panic's text, and the process serves on.
//! - An interruption cancels what is in flight; what it had opened is given back; the process serves on.
//! - What was opened is given back at the latest when the process ends, and then what every provider block
//!   made is closed.
//!
//! One file for each group of calls; `rpc` only forwards to them.

mod action;
mod call;
mod configuration;
mod data_source;
mod discovery;
mod earlier;
mod ephemeral;
mod function;
mod list;
mod managed;
mod offered;
mod rpc;
mod sessions;
mod state_chunks;
mod state_store;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::lifecycle::{Clock, Leases, SystemClock};
use crate::provider::{Provider, Registry};
use call::Running;
use configuration::Configuration;
pub(crate) use offered::{Front, Offered};
use sessions::Sessions;
use state_chunks::ChunkSizes;

/// How long the end of the process may take. Less than the wire's own budget.
pub const SHUTDOWN_BUDGET: Duration = Duration::from_secs(5);
/// The part of [`SHUTDOWN_BUDGET`] that leases and calls in flight may use up. The rest is kept for
/// [`Provider::close`], which may end at once what single revocations could not.
pub const REVOKE_BUDGET: Duration = Duration::from_millis(3_500);

/// A provider ready to be served. Clones share everything.
pub struct ProviderService<P: Provider> {
    inner: Arc<Inner<P>>,
    configuration: Arc<RwLock<Configuration<P::Data>>>,
}

struct Inner<P: Provider> {
    registry: Registry<P::Data>,
    /// The provider itself, with the schema of its block.
    block: Offered<P>,
    sessions: Sessions<P::Data>,
    leases: Leases,
    chunk_sizes: ChunkSizes,
    running: Running,
}

impl<P: Provider> ProviderService<P> {
    /// Serves `provider` by the system's clock.
    #[must_use]
    pub fn new(provider: P) -> Self {
        Self::with_clock(provider, Arc::new(SystemClock))
    }

    /// Serves `provider` by another clock, for tests.
    #[must_use]
    pub fn with_clock(provider: P, clock: Arc<dyn Clock>) -> Self {
        let registry = Registry::of(&provider);
        let provider = Arc::new(provider);
        let front = Front::new(&provider, P::schema, |provider, config| {
            provider.validate(config)
        });
        Self {
            inner: Arc::new(Inner {
                registry,
                block: Offered::new(provider, front),
                sessions: Sessions::default(),
                leases: Leases::new(clock),
                chunk_sizes: ChunkSizes::default(),
                running: Running::default(),
            }),
            configuration: Arc::default(),
        }
    }

    /// The same provider without what was configured: a host that serves several provider blocks from one
    /// process, as in debug mode, gives each a connection of its own. Leases and the end are shared.
    #[must_use]
    pub fn for_connection(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            configuration: Arc::default(),
        }
    }

    /// The leases that have not been given back.
    #[must_use]
    pub fn leases(&self) -> &Leases {
        &self.inner.leases
    }
}

impl<P: Provider> Clone for ProviderService<P> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            configuration: Arc::clone(&self.configuration),
        }
    }
}

#[async_trait]
impl<P: Provider> tfplugin::Lifecycle for ProviderService<P> {
    async fn shutdown(&self, reason: tfplugin::ShutdownReason) {
        tracing::debug!(%reason, leases = self.inner.leases.len(), "giving back what is left");
        let deadline = Instant::now() + SHUTDOWN_BUDGET;
        let Inner {
            running, leases, ..
        } = &*self.inner;
        running.interrupt();
        // An open that is still under way gives its lease back by itself when it ends.
        let ended = tokio::time::timeout(REVOKE_BUDGET, running.ended());
        tokio::join!(leases.shutdown(REVOKE_BUDGET), ended).1.ok();
        self.close_sessions(deadline).await;
        if tokio::time::timeout_at(deadline, running.ended())
            .await
            .is_err()
        {
            tracing::warn!("a call has ignored its cancellation");
        }
    }
}
