//! Programs that stores run where a block or a variable allows it: bounded in time and output, and nothing of the
//! environment but what they need.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What a program needs to run and to reach its servers.
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

/// How a program ended, and what it wrote; both streams may hold secrets.
pub(super) struct Ended {
    pub(super) success: bool,
    pub(super) output: Zeroizing<Vec<u8>>,
    #[cfg_attr(
        not(any(feature = "azure", feature = "onepassword")),
        expect(dead_code, reason = "only those programs are understood")
    )]
    pub(super) complaint: Zeroizing<Vec<u8>>,
}

/// The start of `program` in the directory of this run, with the usual variables and those called `more`.
pub(super) fn command(environment: &Environment, program: &str, more: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(environment.directory()).env_clear();
    for name in VARIABLES.iter().chain(more) {
        if let Some(value) = environment.variable(name) {
            command.env(name, value);
        }
    }
    command
}

/// Runs `command` without input; `name` is for messages. Blocks.
///
/// # Errors
/// `config` when it cannot be started, `timeout` when it does not end in time: it is killed then.
pub(super) fn run(
    operation: Operation,
    name: &str,
    mut command: Command,
    patience: Duration,
) -> Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| {
            StoreError::new(
                ErrorKind::Config,
                operation,
                format!("{name} cannot be started"),
            )
            .with_source(error)
        })?;
    let output = drain(child.stdout.take());
    let complaint = drain(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if started.elapsed() < patience => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(StoreError::new(
                    ErrorKind::Timeout,
                    operation,
                    format!("{name} did not answer in time"),
                )
                .with_retry(Retry::Later));
            }
        }
    };
    Ok(Ended {
        success: status.success(),
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
