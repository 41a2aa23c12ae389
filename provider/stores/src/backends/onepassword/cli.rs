//! The `op` program with a service account: the fall-back where there is no Connect server, and only where the
//! block allows it. The token goes through the environment; arguments hold names alone.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use std::io::Read as _;

use secret_value::Secret;
use zeroize::Zeroizing;

use super::super::{StoreContext, blocking};
use super::Place;
use super::item::Item;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

const TOKEN: &str = "OP_SERVICE_ACCOUNT_TOKEN";
/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(25);
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What the program needs to run and to reach its servers.
const VARIABLES: [&str; 14] = [
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
    TOKEN,
];

#[derive(Debug)]
pub(super) struct Cli {
    environment: Environment,
}

impl Cli {
    pub(super) fn new(context: &StoreContext<'_>) -> Self {
        Self {
            environment: context.environment.clone(),
        }
    }

    /// The item with all its fields, by one call.
    pub(super) async fn item(
        self: &Arc<Self>,
        operation: Operation,
        vault: &str,
        item: &str,
    ) -> Result<Item> {
        let arguments = [
            "item", "get", "--vault", vault, "--format", "json", "--", item,
        ];
        let output = self.run(operation, &arguments).await?;
        serde_json::from_slice(&output).map_err(|_| {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "`op` answered something else than an item",
            )
            .with_help("use version 2 of the program")
        })
    }

    /// The content of a file.
    pub(super) async fn file(
        self: &Arc<Self>,
        operation: Operation,
        place: &Place<'_>,
    ) -> Result<Secret> {
        let mut reference = format!("op://{}/{}/", place.vault, place.item);
        if let Some(section) = place.section {
            reference.push_str(section);
            reference.push('/');
        }
        reference.push_str(place.field);
        let arguments = ["read", "--no-newline", "--", &reference];
        let mut output = self.run(operation, &arguments).await?;
        Ok(Secret::new(std::mem::take(&mut *output)))
    }

    async fn run(
        self: &Arc<Self>,
        operation: Operation,
        arguments: &[&str],
    ) -> Result<Zeroizing<Vec<u8>>> {
        if self.environment.text(TOKEN).is_none() {
            return Err(StoreError::new(
                ErrorKind::Config,
                operation,
                format!("`{TOKEN}`, which `op` logs in with, is not set"),
            ));
        }
        let cli = Arc::clone(self);
        let arguments: Vec<String> = arguments.iter().map(|word| (*word).to_owned()).collect();
        blocking(operation, move || cli.run_now(operation, &arguments)).await
    }

    fn run_now(&self, operation: Operation, arguments: &[String]) -> Result<Zeroizing<Vec<u8>>> {
        let mut command = Command::new("op");
        command
            .args(arguments)
            .current_dir(self.environment.directory())
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in VARIABLES {
            if let Some(value) = self.environment.variable(name) {
                command.env(name, value);
            }
        }
        let mut child = command.spawn().map_err(|error| {
            StoreError::new(
                ErrorKind::Config,
                operation,
                "the program `op` cannot be started",
            )
            .with_help("install the 1Password command line, or use a Connect server")
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
                        "`op` did not answer in time",
                    )
                    .with_retry(Retry::Later));
                }
            }
        };
        let output = output.join().unwrap_or_default();
        if status.success() {
            return Ok(output);
        }
        let complaint = complaint.join().unwrap_or_default();
        Err(refusal(operation, &String::from_utf8_lossy(&complaint)))
    }
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

/// The error that the words of the program mean; the words themselves stay here.
fn refusal(operation: Operation, complaint: &str) -> StoreError {
    let says = |words: &[&str]| words.iter().any(|word| complaint.contains(word));
    let (kind, message, retry) = if says(&[
        "isn't an item",
        "isn't a vault",
        "not found",
        "doesn't exist",
    ]) {
        (
            ErrorKind::NotFound,
            "1Password has no such vault or item that this service account may see",
            Retry::Never,
        )
    } else if says(&["Too many requests", "rate limit", "Rate limit"]) {
        (
            ErrorKind::Throttled,
            "the store asks to slow down",
            Retry::Later,
        )
    } else if says(&["More than one item"]) {
        (
            ErrorKind::InvalidReference,
            "there are several items with that name; use the id",
            Retry::Never,
        )
    } else if says(&[
        "Unauthorized",
        "unauthorized",
        "Signin credentials",
        "service account token",
        "not authorized",
        "403",
        "401",
    ]) {
        (
            ErrorKind::PermissionDenied,
            "1Password does not accept the service account",
            Retry::Never,
        )
    } else {
        (
            ErrorKind::Unavailable,
            "`op` could not answer",
            Retry::Later,
        )
    };
    StoreError::new(kind, operation, message).with_retry(retry)
}
