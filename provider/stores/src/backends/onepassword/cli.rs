//! The `op` program with a service account: the fall-back where there is no Connect server, and only where the
//! block allows it. The token goes through the environment; arguments hold names alone.

use std::sync::Arc;
use std::time::Duration;

use secret_value::Secret;
use zeroize::Zeroizing;

use super::super::{StoreContext, blocking, program};
use super::Place;
use super::item::Item;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

const TOKEN: &str = "OP_SERVICE_ACCOUNT_TOKEN";
/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(25);

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
        let mut command = program::command(&self.environment, "op", &[TOKEN]);
        command.args(arguments);
        let ended =
            program::run(operation, "`op`", command, PATIENCE).map_err(|error| {
                match error.kind() {
                    ErrorKind::Config => error
                        .with_help("install the 1Password command line, or use a Connect server"),
                    _ => error,
                }
            })?;
        if ended.success {
            return Ok(ended.output);
        }
        Err(refusal(
            operation,
            &String::from_utf8_lossy(&ended.complaint),
        ))
    }
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
