//! The end of the process: one shutdown hook, run once, whatever asked for it.
//!
//! Terraform does not close the ephemeral resources of a failed run; all it sends is `Shutdown`, and a
//! crashed Terraform sends nothing. Whatever happens first (the call, a signal, a lost connection), the
//! hook gives everything back that is still held, and only then does the process end.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Why the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownReason {
    /// The host called `Shutdown`: the usual end.
    Requested,
    /// The process got SIGTERM (or SIGINT in debug mode).
    Signal,
    /// The last connection of the host was lost and no new one came.
    Disconnected,
    /// The process that started this one is gone.
    ParentExited,
    /// No host ever connected.
    NeverConnected,
    /// The server itself failed.
    Failed,
}

impl ShutdownReason {
    /// Stable name for audit events.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Signal => "signal",
            Self::Disconnected => "disconnected",
            Self::ParentExited => "parent-exited",
            Self::NeverConnected => "never-connected",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for ShutdownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requested => "the host asked for it",
            Self::Signal => "a signal asked for it",
            Self::Disconnected => "the host closed its last connection",
            Self::ParentExited => "the host process is gone",
            Self::NeverConnected => "no host connected",
            Self::Failed => "the server failed",
        })
    }
}

/// What the provider does at the end.
#[tonic::async_trait]
pub trait Lifecycle: Send + Sync + 'static {
    /// Gives back everything this process still holds (leases, files).
    ///
    /// - Called at most once per process, and awaited before the process ends.
    /// - Dropped when it exceeds [`ServeOptions::shutdown_budget`](crate::ServeOptions::shutdown_budget);
    ///   what matters most comes first.
    /// - Calls of the host may still be in flight; new ones may arrive until it returns.
    async fn shutdown(&self, reason: ShutdownReason);
}

/// Runs the hook once and tells everybody when it is done.
#[derive(Clone)]
pub(crate) struct Ending {
    inner: Arc<Inner>,
}

struct Inner {
    hook: Arc<dyn Lifecycle>,
    budget: Duration,
    begun: AtomicBool,
    done: CancellationToken,
}

impl Ending {
    pub(crate) fn new(hook: Arc<dyn Lifecycle>, budget: Duration) -> Self {
        let (begun, done) = (AtomicBool::new(false), CancellationToken::new());
        Self {
            inner: Arc::new(Inner {
                hook,
                budget,
                begun,
                done,
            }),
        }
    }

    /// Runs the hook unless it has begun already, and waits for its end. The hook lives in a task of its
    /// own, so that a caller that goes away does not cut it short.
    pub(crate) async fn run(&self, reason: ShutdownReason) {
        if !self.inner.begun.swap(true, Ordering::SeqCst) {
            tracing::debug!(%reason, "shutting down");
            tokio::spawn(run_hook(Arc::clone(&self.inner), reason));
        }
        self.inner.done.cancelled().await;
    }

    /// Completes when the hook has ended.
    pub(crate) fn done(&self) -> &CancellationToken {
        &self.inner.done
    }
}

async fn run_hook(inner: Arc<Inner>, reason: ShutdownReason) {
    // Also set when the hook panics: nobody waits for ever.
    let _done = inner.done.clone().drop_guard();
    if tokio::time::timeout(inner.budget, inner.hook.shutdown(reason))
        .await
        .is_err()
    {
        tracing::warn!(budget = ?inner.budget, "the shutdown hook was cut off at its budget");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use tokio::time::Instant;

    struct Hook {
        calls: AtomicUsize,
        takes: Duration,
        panics: bool,
    }

    #[tonic::async_trait]
    impl Lifecycle for Hook {
        async fn shutdown(&self, _: ShutdownReason) {
            self.calls.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(self.takes).await;
            assert!(!self.panics, "asked to panic");
        }
    }

    fn ending(takes_seconds: u64, panics: bool) -> (Arc<Hook>, Ending) {
        let hook = Arc::new(Hook {
            calls: AtomicUsize::new(0),
            takes: Duration::from_secs(takes_seconds),
            panics,
        });
        (
            Arc::clone(&hook),
            Ending::new(hook, Duration::from_secs(10)),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn the_hook_runs_once_and_every_caller_waits_for_it() {
        let (hook, ending) = ending(5, false);
        let start = Instant::now();
        tokio::join!(
            ending.run(ShutdownReason::Requested),
            ending.run(ShutdownReason::Signal)
        );
        assert_eq!(start.elapsed(), Duration::from_secs(5));
        ending.run(ShutdownReason::Disconnected).await;
        assert_eq!(hook.calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_hook_is_cut_off_at_its_budget() {
        let (_, ending) = ending(3600, false);
        let start = Instant::now();
        ending.run(ShutdownReason::Requested).await;
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_goes_away_does_not_cut_the_hook_short() {
        let (hook, ending) = ending(5, false);
        let gone = tokio::time::timeout(
            Duration::from_secs(1),
            ending.run(ShutdownReason::Requested),
        );
        assert!(gone.await.is_err());
        ending.done().cancelled().await;
        assert_eq!(hook.calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_panicking_hook_does_not_hang_the_end() {
        let (_, ending) = ending(0, true);
        ending.run(ShutdownReason::Requested).await;
        assert!(ending.done().is_cancelled());
    }
}
