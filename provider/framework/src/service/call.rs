//! Running a handler: with data, with a way to cancel it, and whatever happens inside it.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{Stream, StreamExt, stream};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
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
        let scope = self.scope();
        let reports = Reports::default();
        let context = Context::new(
            data,
            scope.token.clone(),
            capabilities,
            Arc::clone(&reports),
        );
        let outcome = scope.run(interrupted, work(context)).await;
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
        let work = async { Ok(work.await) };
        let outcome = self.scope().run(Interrupted::Abandon, work).await;
        outcome.unwrap_or_else(|failure| failure)
    }

    /// The scope of one call.
    pub(super) fn scope(&self) -> Scope {
        self.inner.running.scope()
    }
}

fn lock(reports: &Mutex<Diagnostics>) -> std::sync::MutexGuard<'_, Diagnostics> {
    reports.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Every call in flight.
#[derive(Default)]
pub(super) struct Running {
    /// Parent of the tokens of all calls in flight; replaced when they are cancelled.
    token: Mutex<CancellationToken>,
    tasks: TaskTracker,
}

/// One call in flight.
pub(super) struct Scope {
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    fn scope(&self) -> Scope {
        let token = self
            .token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .child_token();
        Scope {
            token,
            tasks: self.tasks.clone(),
        }
    }

    /// Cancels every call in flight; later calls are served as usual.
    pub(super) fn interrupt(&self) {
        let fresh = CancellationToken::new();
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *token, fresh).cancel();
    }

    /// Completes when no handler runs any more, the abandoned ones included.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Scope {
    /// Runs `work` in a task of its own, which isolates panics and outlives a caller that goes away. The
    /// token is cancelled when the caller goes away.
    pub(super) async fn run<T: Send + 'static>(
        self,
        interrupted: Interrupted,
        work: impl Future<Output = Result<T, Diagnostics>> + Send + 'static,
    ) -> Result<T, Diagnostics> {
        let _gone = self.token.clone().drop_guard();
        let task = self.tasks.spawn(work);
        let patience = async {
            self.token.cancelled().await;
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
