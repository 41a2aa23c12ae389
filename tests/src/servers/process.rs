//! A server as a child process that cannot outlive its test: it has a process group of its own, which is
//! ended on drop, and a watchdog that ends it when the test process dies without dropping anything.
//!
//! What the server prints goes to a file and is shown when the test fails.

use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};

/// How long a server may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(5);

/// How much of a log is shown.
const SHOWN_BYTES: usize = 8 * 1024;

/// Waits for the end of its input, which comes when the test process is gone, and ends the group.
const WATCHDOG: &str = "read -r line; kill -s \"$1\" -- \"-$2\"; sleep 1; kill -s KILL -- \"-$2\"";

/// A running server process.
pub(super) struct Process {
    name: &'static str,
    child: Child,
    group: Pid,
    log: PathBuf,
    stop: Signal,
    watchdog: Child,
}

impl Process {
    /// Starts `command` with an empty environment but for `PATH`, what the command itself sets, and a home
    /// folder inside `folder`. Standard output and error go to `<name>.log` there. `stop` is the signal
    /// that asks it to end.
    pub(super) fn start(
        name: &'static str,
        mut command: Command,
        folder: &Path,
        stop: Signal,
    ) -> Result<Self> {
        let log = folder.join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        isolate(&mut command, folder);
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let group = Pid::from_child(&child);
        let watchdog = match watch(group, stop) {
            Ok(watchdog) => watchdog,
            Err(error) => {
                let _ = kill_process_group(group, Signal::KILL);
                return Err(error);
            }
        };
        Ok(Self {
            name,
            child,
            group,
            log,
            stop,
            watchdog,
        })
    }

    /// Asks `ready` every 20 ms until it says yes.
    ///
    /// # Errors
    /// When the server ends first or `limit` passes; with the end of its log.
    pub(super) fn wait_ready(
        &mut self,
        limit: Duration,
        mut ready: impl FnMut() -> bool,
    ) -> Result<()> {
        let started = Instant::now();
        while !ready() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status}\n{}", self.name, self.log_tail());
            }
            if started.elapsed() > limit {
                bail!(
                    "{} was not ready after {} s\n{}",
                    self.name,
                    limit.as_secs(),
                    self.log_tail()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The process id of the server itself.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends `signal` to the whole group.
    pub(super) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process_group(self.group, signal)
            .with_context(|| format!("cannot send {signal:?} to {}", self.name))
    }

    /// Ends the server at once, as a crash would.
    pub(super) fn kill(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::KILL)?;
        Ok(self.child.wait()?)
    }

    /// The end of what the server printed.
    pub(super) fn log_tail(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let from = bytes.len().saturating_sub(SHOWN_BYTES);
        String::from_utf8_lossy(&bytes[from..]).into_owned()
    }

    fn stop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // A paused server would not see the request.
            let _ = kill_process_group(self.group, Signal::CONT);
            let _ = kill_process_group(self.group, self.stop);
            let started = Instant::now();
            while started.elapsed() < GRACE && matches!(self.child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        if test_kill_process_group(self.group).is_ok() {
            let _ = kill_process_group(self.group, Signal::KILL);
        }
        let _ = self.child.wait();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "a failed test shows its servers' logs")]
    fn drop(&mut self) {
        let log = std::thread::panicking().then(|| self.log_tail());
        self.stop();
        if let Some(log) = log {
            eprintln!("--- end of the log of {} ---\n{}", self.name, log);
        }
    }
}

/// Takes everything but `PATH` out of the environment and puts home and temporary files into `folder`;
/// what was set on `command` before stays.
pub(super) fn isolate(command: &mut Command, folder: &Path) {
    let set: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command.env_clear();
    for kept in ["PATH", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .env("LC_ALL", "C")
        .envs(set);
}

fn watch(group: Pid, stop: Signal) -> Result<Child> {
    let stop = stop.as_raw().to_string();
    let group = group.as_raw_nonzero().to_string();
    Command::new("sh")
        .args(["-c", WATCHDOG, "watchdog", &stop, &group])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("cannot start sh")
}

/// A port on 127.0.0.1 that nobody listens on now. Another program may take it before it is used: who
/// calls this must be ready to try again.
pub(super) fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    Ok(listener.local_addr()?.port())
}

/// Runs `start` up to three times: the port it picked may have been taken in between.
pub(super) fn with_retries<T>(mut start: impl FnMut() -> Result<T>) -> Result<T> {
    let mut attempts = 3;
    loop {
        attempts -= 1;
        match start() {
            Err(_) if attempts > 0 => {}
            other => return other,
        }
    }
}

/// An empty temporary folder of a server.
pub(super) fn folder(name: &str) -> Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(&format!("secretref-{name}-"))
        .tempdir()
        .context("cannot create a temporary folder")
}
