//! What every provider block made, until it is closed at the end of the process.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::join_all;
use tokio::time::Instant;

use super::{ProviderService, SHUTDOWN_BUDGET};
use crate::provider::Provider;

/// The data of every provider block that was accepted. Usually one: Terraform starts a process for each
/// block. In debug mode one process serves them all, each over a connection of its own.
pub(super) struct Sessions<D> {
    table: Mutex<Table<D>>,
}

struct Table<D> {
    open: Vec<Arc<D>>,
    /// After the shutdown nothing is taken in any more.
    shut: bool,
}

impl<D> Default for Sessions<D> {
    fn default() -> Self {
        let (open, shut) = (Vec::new(), false);
        Self {
            table: Mutex::new(Table { open, shut }),
        }
    }
}

impl<D> Sessions<D> {
    /// Takes data in, to be closed at the end. False when the end has come: it has to be closed now.
    fn take_in(&self, data: &Arc<D>) -> bool {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if !table.shut {
            table.open.push(Arc::clone(data));
        }
        !table.shut
    }

    /// What is left to close; each is given once.
    fn shut(&self) -> Vec<Arc<D>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.shut = true;
        std::mem::take(&mut table.open)
    }
}

impl<P: Provider> ProviderService<P> {
    /// Takes in what a provider block made. `None` when the process is ending: it has been closed.
    pub(super) async fn take_in_session(&self, data: P::Data) -> Option<Arc<P::Data>> {
        let data = Arc::new(data);
        if self.inner.sessions.take_in(&data) {
            return Some(data);
        }
        self.close_session(&data, Instant::now() + SHUTDOWN_BUDGET)
            .await;
        None
    }

    /// Closes what every provider block made, all at once, and takes nothing in any more.
    pub(super) async fn close_sessions(&self, deadline: Instant) {
        let open = self.inner.sessions.shut();
        join_all(open.iter().map(|data| self.close_session(data, deadline))).await;
    }

    /// Nobody listens to diagnostics any more: what goes wrong is in the log.
    async fn close_session(&self, data: &P::Data, deadline: Instant) {
        let closing = AssertUnwindSafe(self.inner.block.item.close(data)).catch_unwind();
        match tokio::time::timeout_at(deadline, closing).await {
            Ok(Ok(found)) => {
                for problem in &found {
                    tracing::warn!(%problem, "the end of the provider");
                }
            }
            Ok(Err(_)) => tracing::error!("the provider crashed while it was closed"),
            Err(_) => tracing::warn!("the provider was not closed in time"),
        }
    }
}
