//! A program that gives proofs for workload identity federation. Run only where
//! `GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES` is `1`, as Google's own libraries demand.
//! <https://google.aip.dev/auth/4117>

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use secret_value::Secret;
use serde::Deserialize;

use super::external::External;
use crate::backends::blocking;
use crate::backends::gcp::account::Account;
use crate::backends::program::{self, Ended};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::http::SecretText;

const ALLOWED: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
const MAX_BYTES: u64 = 256 * 1024;
/// A proof in the file must hold for longer than this.
const MARGIN_SECONDS: i64 = 60;

/// The program and what is known about it.
#[derive(Clone, Debug)]
pub(super) struct Executable {
    /// The program and its arguments, divided by blanks.
    pub(super) command: String,
    pub(super) patience: Duration,
    /// Where the program keeps what it answered last.
    pub(super) output_file: Option<PathBuf>,
    /// Whom the token is exchanged for, which the program is told.
    pub(super) impersonated: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    version: u64,
    success: bool,
    #[serde(default)]
    token_type: String,
    #[serde(default)]
    id_token: Option<SecretText>,
    #[serde(default)]
    saml_response: Option<SecretText>,
    #[serde(default)]
    expiration_time: Option<i64>,
}

impl Executable {
    pub(super) async fn run(
        &self,
        account: &Account,
        operation: Operation,
        external: &External,
    ) -> Result<Secret> {
        let environment = &account.environment;
        if environment.text(ALLOWED).as_deref() != Some("1") {
            return Err(StoreError::new(
                ErrorKind::Config,
                operation,
                "the credentials want to run a program, which is not allowed",
            )
            .with_help(format!(
                "look at `credential_source` in the file of credentials; if that program is meant to run, set {ALLOWED}=1"
            )));
        }
        if let Some(kept) = self.kept(account, operation, external) {
            return Ok(kept);
        }
        let mut words = self.command.split_whitespace();
        let program = words.next().unwrap_or_default();
        let mut command = program::command(environment, program, &[ALLOWED]);
        command
            .args(words)
            .env("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", &external.audience)
            .env("GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE", &external.subject_type)
            .env("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0");
        if let Some(email) = &self.impersonated {
            command.env("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email);
        }
        if let Some(file) = &self.output_file {
            command.env("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", file);
        }
        let patience = self.patience;
        let ended = blocking(operation, move || {
            program::run(
                operation,
                "the program of the credentials",
                command,
                patience,
            )
        })
        .await?;
        let Ended {
            success: true,
            output,
            ..
        } = ended
        else {
            return Err(failed(operation, "the program of the credentials failed"));
        };
        let answer: Answer = serde_json::from_slice(&output).map_err(|_| {
            failed(
                operation,
                "the program of the credentials answered something else than a token",
            )
        })?;
        answer.accept(operation, external)
    }

    /// What the program answered before, while it holds.
    fn kept(&self, account: &Account, operation: Operation, external: &External) -> Option<Secret> {
        let path = account
            .environment
            .directory()
            .join(self.output_file.as_ref()?);
        let bytes = files::read_limited(operation, &path, MAX_BYTES).ok()?;
        let answer: Answer = serde_json::from_slice(&bytes).ok()?;
        answer.expiration_time?;
        answer.accept(operation, external).ok()
    }
}

impl Answer {
    fn accept(self, operation: Operation, external: &External) -> Result<Secret> {
        if !self.success {
            return Err(failed(
                operation,
                "the program of the credentials gave no token",
            ));
        }
        if self.version != 1 || self.token_type != external.subject_type {
            return Err(failed(
                operation,
                "the program of the credentials gave a token of another kind than agreed",
            ));
        }
        let soon = Timestamp::now().as_second() + MARGIN_SECONDS;
        if self.expiration_time.is_some_and(|end| end <= soon) {
            return Err(failed(
                operation,
                "the program of the credentials gave an expired token",
            ));
        }
        let is_saml = self.token_type.ends_with(":saml2");
        let token = if is_saml {
            self.saml_response
        } else {
            self.id_token
        };
        token
            .map(|token| token.0)
            .filter(|token| !token.is_empty())
            .ok_or_else(|| failed(operation, "the program of the credentials gave no token"))
    }
}

/// What the program wrote stays here: it may hold the token.
fn failed(operation: Operation, what: &str) -> StoreError {
    StoreError::new(ErrorKind::PermissionDenied, operation, what)
        .with_help("run the program of `credential_source` by hand to see what it says")
}
