//! PGP recipients, through the `gpg` program and its agent, which keep the private keys. Nothing secret is in
//! its arguments; it reads the encrypted key from its input.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::Part;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// How long `gpg` may take: its agent may ask somebody for a passphrase.
const PATIENCE: Duration = Duration::from_secs(25);
/// A data key or a share of it is 33 bytes at most.
const MAX_PART_BYTES: u64 = 1024;

/// What `gpg` needs to find its keys and its agent.
const VARIABLES: [&str; 12] = [
    "APPDATA",
    "DISPLAY",
    "GNUPGHOME",
    "GPG_TTY",
    "HOME",
    "LOCALAPPDATA",
    "PATH",
    "SystemRoot",
    "TERM",
    "USERPROFILE",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
];

/// Decrypts an armoured message.
pub(super) fn decrypt(operation: Operation, environment: &Environment, text: &str) -> Result<Part> {
    let program = environment
        .variable("SOPS_GPG_EXEC")
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| OsString::from("gpg"));
    let mut command = Command::new(&program);
    command
        .args(["--batch", "--no-tty", "--quiet", "--decrypt"])
        .current_dir(environment.directory())
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    for name in VARIABLES {
        if let Some(value) = environment.variable(name) {
            command.env(name, value);
        }
    }
    let failed = |kind, message: &str| StoreError::new(kind, operation, message);
    let mut child = command.spawn().map_err(|error| {
        failed(
            ErrorKind::Config,
            "the program `gpg`, which PGP recipients need, cannot be started",
        )
        .with_help("install GnuPG, or add an age recipient to the file")
        .with_source(error)
    })?;
    if let Some(mut input) = child.stdin.take() {
        // When it does not read, its status says why.
        let _ = input.write_all(text.as_bytes());
    }
    let output = child.stdout.take();
    let reader = std::thread::spawn(move || {
        let mut part = Zeroizing::new(Vec::with_capacity(MAX_PART_BYTES as usize + 1));
        let read = output.map(|output| output.take(MAX_PART_BYTES + 1).read_to_end(&mut part));
        matches!(read, Some(Ok(_))).then_some(part)
    });
    let started = Instant::now();
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Some(status),
            Ok(None) if started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
        }
    };
    let part = reader.join().ok().flatten();
    let Some(status) = status else {
        return Err(failed(ErrorKind::Timeout, "`gpg` did not answer in time"));
    };
    match part {
        Some(part) if status.success() && !part.is_empty() => Ok(part),
        _ => Err(failed(
            ErrorKind::PermissionDenied,
            "`gpg` has no private key that opens it",
        )
        .with_help("import the private key, or unlock the agent by decrypting something first")),
    }
}
