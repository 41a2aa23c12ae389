//! Running a handler: with data, with a way to cancel it, and whatever happens inside it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::ProviderService;
use crate::context::{Capabilities, Context, Reports};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::provider::Provider;

/// How long an interrupted call may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(2);

/// What to do with a call that is interrupted and does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupted {
    /// Answer without it; the handler runs on, and what it opens is given back.
    Abandon,
    /// Wait: half-made objects must be recorded.
    Wait,
}

/// The outcome of a handler: perhaps a value, and messages.
pub(super) struct Answer<T> {
    pub(super) value: Option<T>,
    pub(super) diagnostics: Diagnostics,
}

impl<T> From<Result<T, Diagnostics>> for Answer<T> {
    fn from(result: Result<T, Diagnostics>) -> Self {
        match result {
            Ok(value) => Self {
                value: Some(value),
                diagnostics: Diagnostics::new(),
            },
            Err(diagnostics) => Self {
                value: None,
                diagnostics,
            },
        }
    }
}

impl<P: Provider> ProviderService<P> {
    /// Runs a handler that needs the provider's data.
    pub(super) async fn call<T, W, F>(
        &self,
        interrupted: Interrupted,
        capabilities: Capabilities,
        work: W,
    ) -> Answer<T>
    where
        T: Send + 'static,
        W: FnOnce(Context<P::Data>) -> F,
        F: Future<Output = Result<T, Diagnostics>> + Send + 'static,
    {
        match self.data() {
            Ok(data) => self.call_with(data, interrupted, capabilities, work).await,
            Err(diagnostics) => Answer {
                value: None,
                diagnostics,
            },
        }
    }

    /// Runs a handler with `data`.
    pub(super) async fn call_with<D, T, W, F>(
        &self,
        data: Arc<D>,
        interrupted: Interrupted,
        capabilities: Capabilities,
        work: W,
    ) -> Answer<T>
    where
        T: Send + 'static,
        W: FnOnce(Context<D>) -> F,
        F: Future<Output = Result<T, Diagnostics>> + Send + 'static,
    {
        let token = self.token();
        let reports = Reports::default();
        let context = Context::new(data, token.clone(), capabilities, Arc::clone(&reports));
        let outcome = supervise(work(context), &token, interrupted).await;
        let Answer {
            value,
            diagnostics: failure,
        } = outcome.into();
        let mut diagnostics = std::mem::take(&mut *lock(&reports));
        diagnostics.extend(failure);
        Answer { value, diagnostics }
    }

    /// Runs a check that needs no data.
    pub(super) async fn check<F>(&self, work: F) -> Diagnostics
    where
        F: Future<Output = Diagnostics> + Send + 'static,
    {
        let token = self.token();
        let outcome = supervise(async { Ok(work.await) }, &token, Interrupted::Abandon).await;
        outcome.unwrap_or_else(|failure| failure)
    }
}

fn lock(reports: &Mutex<Diagnostics>) -> std::sync::MutexGuard<'_, Diagnostics> {
    reports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs `work` in a task of its own, which isolates panics and outlives a caller that goes away. The
/// token is cancelled when the caller goes away.
pub(super) async fn supervise<T: Send + 'static>(
    work: impl Future<Output = Result<T, Diagnostics>> + Send + 'static,
    token: &CancellationToken,
    interrupted: Interrupted,
) -> Result<T, Diagnostics> {
    let _gone = token.clone().drop_guard();
    let task = tokio::spawn(work);
    let patience = async {
        token.cancelled().await;
        match interrupted {
            Interrupted::Abandon => tokio::time::sleep(PATIENCE).await,
            Interrupted::Wait => std::future::pending().await,
        }
    };
    tokio::select! {
        done = task => done.unwrap_or_else(|failure| Err(crash(&failure))),
        () = patience => Err(interruption()),
    }
}

/// `items`, then what `work` ends with. Both run at the same time; dropping the stream cancels the work.
pub(super) fn followed_by<E: Send + 'static>(
    items: impl Stream<Item = E> + Send + 'static,
    work: impl Future<Output = Option<E>> + Send + 'static,
) -> impl Stream<Item = Result<E, Status>> + Send + 'static {
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    let last = async move { tasks.join_next().await.and_then(Result::ok).flatten() };
    items
        .chain(stream::once(last).filter_map(std::future::ready))
        .map(Ok)
}

/// The message of a panic may hold a secret, so it is not repeated; the panic hook has logged the place.
fn crash(failure: &JoinError) -> Diagnostics {
    let why = if failure.is_panic() {
        "The provider crashed while it was working on this"
    } else {
        "The work was cut off"
    };
    Diagnostic::error("Provider crashed")
        .detail(format!(
            "{why}. This is a bug in the provider; its log (TF_LOG_PROVIDER=error) names the place."
        ))
        .into()
}

/// What an interrupted call answers.
pub(super) fn interruption() -> Diagnostics {
    Diagnostic::error("Interrupted")
        .detail("The run was interrupted before this was finished.")
        .into()
}
