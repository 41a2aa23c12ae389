//! Signals: SIGINT belongs to the host, SIGTERM to us.
//!
//! A Ctrl-C in a terminal reaches the whole process group. The host decides what it means (it calls
//! `StopProvider`), so the plugin ignores it, except in debug mode, where it was started by hand.

use std::io;

/// The signals this process handles. From creation on they no longer end the process by themselves.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
    end_on_interrupt: bool,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn install(end_on_interrupt: bool) -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            end_on_interrupt,
        })
    }

    #[cfg(windows)]
    pub(crate) fn install(end_on_interrupt: bool) -> io::Result<Self> {
        let interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(Self {
            interrupt,
            end_on_interrupt,
        })
    }

    /// Completes when a signal asks this process to end.
    #[cfg(unix)]
    pub(crate) async fn end_requested(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => if self.end_on_interrupt { return },
            }
        }
    }

    /// Completes when a signal asks this process to end.
    #[cfg(windows)]
    pub(crate) async fn end_requested(&mut self) {
        loop {
            self.interrupt.recv().await;
            if self.end_on_interrupt {
                return;
            }
        }
    }
}
