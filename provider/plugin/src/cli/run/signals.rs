//! Signals that are for the command: passed on, so that it decides what they mean.

use std::io;

#[cfg(unix)]
use rustix::process::{Pid, Signal as Kind, kill_process};
#[cfg(unix)]
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

/// The signals this process handles. From creation on they no longer end it by themselves.
pub(super) struct Signals {
    #[cfg(unix)]
    streams: Vec<(Kind, Stream)>,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

/// A signal that arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrived {
    #[cfg(unix)]
    kind: Kind,
}

#[cfg(unix)]
impl Signals {
    const PASSED_ON: [Kind; 6] = [
        Kind::HUP,
        Kind::INT,
        Kind::QUIT,
        Kind::TERM,
        Kind::USR1,
        Kind::USR2,
    ];

    pub(super) fn install() -> io::Result<Self> {
        let streams = Self::PASSED_ON
            .into_iter()
            .map(|kind| Ok((kind, signal(SignalKind::from_raw(kind.as_raw()))?)))
            .collect::<io::Result<_>>()?;
        Ok(Self { streams })
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> Arrived {
        std::future::poll_fn(|context| {
            for (kind, stream) in &mut self.streams {
                if stream.poll_recv(context).is_ready() {
                    return std::task::Poll::Ready(Arrived { kind: *kind });
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}

#[cfg(unix)]
impl Arrived {
    /// What a shell answers for a command that the signal ended.
    pub(super) fn exit_code(self) -> u8 {
        u8::try_from(128 + self.kind.as_raw()).unwrap_or(u8::MAX)
    }

    /// Passes the signal on to a process. A key on the terminal reaches the whole group, so that it was told
    /// already.
    pub(super) fn pass_on(self, process: u32) {
        use std::io::IsTerminal as _;
        let of_terminal = matches!(self.kind, Kind::INT | Kind::QUIT);
        if of_terminal && std::io::stdin().is_terminal() {
            return;
        }
        let process = i32::try_from(process).ok().and_then(Pid::from_raw);
        if let Some(process) = process {
            // One that has just ended needs no signal.
            let _ = kill_process(process, self.kind);
        }
    }
}

#[cfg(windows)]
impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        let interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(Self { interrupt })
    }

    /// The next signal.
    pub(super) async fn next(&mut self) -> Arrived {
        self.interrupt.recv().await;
        Arrived {}
    }
}

#[cfg(windows)]
impl Arrived {
    pub(super) fn exit_code(self) -> u8 {
        130
    }

    /// The system has told every process of the console.
    pub(super) fn pass_on(self, _process: u32) {}
}
