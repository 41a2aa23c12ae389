//! Programs that a block allows to be run: bounded in time and in what they say.

use std::io::Read as _;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(25);
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What every program needs to run and to reach its servers.
const VARIABLES: [&str; 13] = [
    "APPDATA",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOCALAPPDATA",
    "NO_PROXY",
    "PATH",
    "SystemRoot",
    "TMPDIR",
    "USERPROFILE",
    "XDG_CONFIG_HOME",
    "https_proxy",
    "no_proxy",
];

/// A program that ended. What it said may be secret.
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) output: Zeroizing<Vec<u8>>,
    pub(super) complaint: Zeroizing<Vec<u8>>,
}

/// Runs `program` with the usual variables and `more`, and waits for its end; blocks.
///
/// # Errors
/// `config` when it cannot be started, `timeout` when it does not end.
pub(super) fn run(
    operation: Operation,
    environment: &Environment,
    program: &str,
    arguments: &[String],
    more: &[&str],
) -> Result<Finished> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(environment.directory())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in VARIABLES.iter().chain(more) {
        if let Some(value) = environment.variable(name) {
            command.env(name, value);
        }
    }
    let mut child = command.spawn().map_err(|error| {
        StoreError::new(
            ErrorKind::Config,
            operation,
            format!("the program `{program}` cannot be started"),
        )
        .with_source(error)
    })?;
    let output = drain(child.stdout.take());
    let complaint = drain(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(StoreError::new(
                    ErrorKind::Timeout,
                    operation,
                    format!("`{program}` did not answer in time"),
                )
                .with_retry(Retry::Later));
            }
        }
    };
    Ok(Finished {
        status,
        output: output.join().unwrap_or_default(),
        complaint: complaint.join().unwrap_or_default(),
    })
}

/// Reads a stream to its end beside the program.
fn drain(
    stream: Option<impl std::io::Read + Send + 'static>,
) -> std::thread::JoinHandle<Zeroizing<Vec<u8>>> {
    std::thread::spawn(move || {
        let mut bytes = Zeroizing::new(Vec::with_capacity(64 * 1024));
        if let Some(stream) = stream {
            // What is cut off is no JSON and is noticed there.
            let _ = stream.take(MAX_BYTES).read_to_end(&mut bytes);
        }
        bytes
    })
}
