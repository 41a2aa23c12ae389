//! Notices that the host is gone although nobody said so.
//!
//! A host that crashes or is killed calls nothing, and its plugins would live on with their leases. Two
//! signs are watched: the number of live connections, and on Unix the parent process. The parent is asked
//! for once a second rather than through `PR_SET_PDEATHSIG`: that signal follows the *thread* that started
//! the plugin, which a Go program may end at any time. A dead parent only takes the grace away; while a
//! connection lives, somebody still uses the plugin.

use std::time::Duration;

use tokio::sync::watch;

use crate::ending::ShutdownReason;

/// How often the parent process is asked for.
#[cfg(unix)]
const PARENT_POLL: Duration = Duration::from_secs(1);

/// Counts the connections that passed authentication.
#[derive(Clone)]
pub(crate) struct Live {
    count: watch::Sender<usize>,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            count: watch::Sender::new(0),
        }
    }

    /// Counts one connection until the guard is dropped.
    pub(crate) fn enter(&self) -> LiveGuard {
        self.count.send_modify(|count| *count += 1);
        LiveGuard { live: self.clone() }
    }

    /// Waits until `test` holds for the number of connections.
    async fn until(&self, test: impl FnMut(&usize) -> bool) {
        // The sender is `self`, so the channel cannot be closed while this waits.
        let _ = self.count.subscribe().wait_for(test).await;
    }
}

/// Counts one connection while it exists.
pub(crate) struct LiveGuard {
    live: Live,
}

impl Drop for LiveGuard {
    fn drop(&mut self) {
        self.live.count.send_modify(|count| *count -= 1);
    }
}

/// How long the watchdog waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the first connection.
    pub(crate) connect: Duration,
    /// For a new connection after the last one was lost.
    pub(crate) grace: Duration,
}

/// Completes when the host is gone.
pub(crate) async fn host_gone(live: &Live, parent: Parent, patience: Patience) -> ShutdownReason {
    tokio::select! {
        reason = disconnected(live, patience) => reason,
        reason = orphaned(live, parent.exited()) => reason,
    }
}

async fn disconnected(live: &Live, patience: Patience) -> ShutdownReason {
    let first = tokio::time::timeout(patience.connect, live.until(|count| *count > 0));
    if first.await.is_err() {
        return ShutdownReason::NeverConnected;
    }
    loop {
        live.until(|count| *count == 0).await;
        let next = tokio::time::timeout(patience.grace, live.until(|count| *count > 0));
        if next.await.is_err() {
            return ShutdownReason::Disconnected;
        }
    }
}

async fn orphaned(live: &Live, parent_exited: impl Future<Output = ()>) -> ShutdownReason {
    parent_exited.await;
    live.until(|count| *count == 0).await;
    ShutdownReason::ParentExited
}

/// The process that started this one.
#[derive(Clone, Copy)]
pub(crate) struct Parent {
    #[cfg(unix)]
    id: Option<rustix::process::Pid>,
}

impl Parent {
    /// To be called before the host can know that this process runs: afterwards it may already be gone.
    pub(crate) fn current() -> Self {
        Self {
            #[cfg(unix)]
            id: rustix::process::getppid(),
        }
    }

    /// Completes when the parent has ended: an orphan gets another one. A process that was an orphan from
    /// the start keeps its own.
    #[cfg(unix)]
    async fn exited(self) {
        while rustix::process::getppid() == self.id {
            tokio::time::sleep(PARENT_POLL).await;
        }
    }

    /// Never completes: the parent cannot be observed here.
    #[cfg(not(unix))]
    async fn exited(self) {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, sleep};

    const PATIENCE: Patience = Patience {
        connect: Duration::from_secs(60),
        grace: Duration::from_secs(3),
    };

    #[tokio::test(start_paused = true)]
    async fn a_host_that_never_connects_is_given_up() {
        let start = Instant::now();
        assert_eq!(
            disconnected(&Live::new(), PATIENCE).await,
            ShutdownReason::NeverConnected
        );
        assert_eq!(start.elapsed(), PATIENCE.connect);
    }

    #[tokio::test(start_paused = true)]
    async fn losing_the_last_connection_ends_after_the_grace() {
        let live = Live::new();
        let (first, second) = (live.enter(), live.enter());
        let start = Instant::now();
        let lose_both = async {
            sleep(Duration::from_secs(10)).await;
            drop(first);
            sleep(Duration::from_secs(10)).await;
            drop(second);
        };
        let (reason, ()) = tokio::join!(disconnected(&live, PATIENCE), lose_both);
        assert_eq!(reason, ShutdownReason::Disconnected);
        assert_eq!(start.elapsed(), Duration::from_secs(23));
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_within_the_grace_keeps_the_process() {
        let live = Live::new();
        drop(live.enter());
        let start = Instant::now();
        let come_back = async {
            let first = live.enter();
            sleep(Duration::from_secs(5)).await;
            drop(first);
            sleep(Duration::from_secs(2)).await;
            let again = live.enter();
            sleep(Duration::from_secs(100)).await;
            drop(again);
        };
        let (reason, ()) = tokio::join!(disconnected(&live, PATIENCE), come_back);
        assert_eq!(reason, ShutdownReason::Disconnected);
        assert_eq!(start.elapsed(), Duration::from_secs(5 + 2 + 100 + 3));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_parent_takes_the_grace_away_but_no_live_connection() {
        let live = Live::new();
        let connection = live.enter();
        let start = Instant::now();
        let parent = sleep(Duration::from_secs(1));
        let lose = async {
            sleep(Duration::from_secs(5)).await;
            drop(connection);
        };
        let (reason, ()) = tokio::join!(orphaned(&live, parent), lose);
        assert_eq!(reason, ShutdownReason::ParentExited);
        assert_eq!(start.elapsed(), Duration::from_secs(5));
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn a_living_parent_is_not_reported() {
        let reported = tokio::time::timeout(Duration::from_secs(60), Parent::current().exited());
        assert!(reported.await.is_err());
    }
}
