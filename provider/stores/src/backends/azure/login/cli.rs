//! The Azure command line: the login of the person who works here, and only where that is allowed.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::super::account::{Account, Attempt, Token, Wanted};
use crate::backends::{blocking, program};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::SecretText;

/// On Windows it is a batch file.
const PROGRAM: &str = if cfg!(windows) { "az.cmd" } else { "az" };

/// How long the program may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// Where it keeps its login, and whom it trusts.
const VARIABLES: [&str; 3] = ["AZURE_CONFIG_DIR", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"];

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "accessToken")]
    access_token: SecretText,
    /// Seconds since 1970; `expiresOn` beside it is local time without a zone.
    expires_on: i64,
}

pub(super) async fn token(
    account: &Account,
    operation: Operation,
    wanted: &Wanted,
    tenant: Option<&str>,
) -> Result<Attempt> {
    let scope = wanted.scope();
    let mut arguments = vec![
        "account".to_owned(),
        "get-access-token".to_owned(),
        "--output=json".to_owned(),
        format!("--scope={scope}"),
    ];
    arguments.extend(tenant.map(|tenant| format!("--tenant={tenant}")));
    let mut command = program::command(&account.environment, PROGRAM, &VARIABLES);
    command.args(arguments);
    let finished = blocking(operation, move || {
        program::run(operation, "`az`", command, PATIENCE)
    })
    .await;
    let finished = match finished {
        Ok(finished) => finished,
        Err(error) if error.kind() == ErrorKind::Config => {
            return Ok(Attempt::Absent(format!(
                "the program `{PROGRAM}` cannot be started"
            )));
        }
        Err(error) => return Err(error),
    };
    if !finished.success {
        let complaint = String::from_utf8_lossy(&finished.complaint);
        return Err(refusal(operation, &complaint));
    }
    let answer: Answer = serde_json::from_slice(&finished.output).map_err(|_| {
        StoreError::new(
            ErrorKind::Unavailable,
            operation,
            "the Azure command line answered something else than a token",
        )
        .with_help("use version 2.54 or newer")
    })?;
    let left = answer
        .expires_on
        .saturating_sub(Timestamp::now().as_second());
    let ttl = Duration::from_secs(u64::try_from(left).unwrap_or(0));
    Ok(Attempt::Token(Token::new(answer.access_token.0, ttl)))
}

/// What the words of the program mean; the words themselves stay here.
fn refusal(operation: Operation, complaint: &str) -> StoreError {
    let (message, help) = if complaint.contains("az login") {
        (
            "the Azure command line has no login, or one that ended",
            "run `az login`",
        )
    } else {
        (
            "the Azure command line gives no token",
            "run `az account get-access-token` by hand to see why",
        )
    };
    StoreError::new(ErrorKind::PermissionDenied, operation, message).with_help(help)
}
