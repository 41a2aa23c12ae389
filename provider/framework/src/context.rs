//! What every handler gets besides its request.

use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::diagnostic::{Diagnostic, Diagnostics};

/// What the Terraform or OpenTofu that is asking can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// A deferral would be accepted.
    pub deferral: bool,
    /// Write-only attributes are understood.
    pub write_only_attributes: bool,
}

/// One call: the provider's configured data, a way to notice that the practitioner has interrupted the
/// run, and a place for warnings.
#[derive(Debug)]
pub struct Context<D> {
    data: Arc<D>,
    cancel: CancellationToken,
    capabilities: Capabilities,
    reports: Reports,
}

/// Messages to send along with whatever the handler returns.
pub(crate) type Reports = Arc<Mutex<Diagnostics>>;

impl<D> Context<D> {
    pub(crate) fn new(
        data: Arc<D>,
        cancel: CancellationToken,
        capabilities: Capabilities,
        reports: Reports,
    ) -> Self {
        Self {
            data,
            cancel,
            capabilities,
            reports,
        }
    }

    /// The same call with other data.
    pub(crate) fn with_data<E>(&self, data: Arc<E>) -> Context<E> {
        Context {
            data,
            cancel: self.cancel.clone(),
            capabilities: self.capabilities,
            reports: Arc::clone(&self.reports),
        }
    }

    /// What [`Provider::configure`](crate::provider::Provider::configure) returned.
    #[must_use]
    pub fn data(&self) -> &Arc<D> {
        &self.data
    }

    /// Cancelled when the practitioner interrupts the run or Terraform gives up on the call. Long work
    /// watches it and ends with an error; open and read calls are abandoned shortly afterwards anyway.
    #[must_use]
    pub fn cancellation(&self) -> &CancellationToken {
        &self.cancel
    }

    /// What the asking Terraform can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// Sends a message along with the result: a warning, or an error that does not undo what was done.
    pub fn report(&self, diagnostic: Diagnostic) {
        self.reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(diagnostic);
    }

    pub(crate) fn has_reported_error(&self) -> bool {
        self.reports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .has_error()
    }
}
