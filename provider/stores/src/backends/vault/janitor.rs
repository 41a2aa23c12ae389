//! Ending what a run that was killed left behind, named by its journal.

use std::sync::Arc;

use serde_json::json;

use super::answer::Envelope;
use super::client::Call;
use super::login::encode;
use super::options::Options;
use super::refusal;
use super::run::{Need, Run};
use crate::blocks::Settings;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::identity::IdentityTokens;
use crate::journal;

/// Ends a token or lease of a run.
///
/// The login is that of the environment. It is only used with the server that the environment names, because
/// journals lie in project folders, where others may put some.
///
/// # Errors
/// `config` when the environment names another server; `permission_denied`, saying which right is missing.
pub(crate) async fn end(
    environment: &Environment,
    identity: &Arc<IdentityTokens>,
    run: &journal::Run,
    held: &journal::Held,
) -> Result<()> {
    let operation = Operation::Revoke;
    let options = Options {
        environment: environment.clone(),
        settings: Settings::new().with_some("namespace", run.server.namespace.clone()),
    };
    let login = Arc::new(Run::new(options, Arc::clone(identity))?);
    if login.client.address() != run.server.address {
        return Err(StoreError::new(
            ErrorKind::Config,
            operation,
            "the journal names another server than the environment, so the login is not sent there",
        )
        .with_context("journal", &run.server.address)
        .with_context("environment", login.client.address())
        .with_help(format!(
            "if the server is yours, set VAULT_ADDR={} and a login for it",
            run.server.address
        )));
    }
    let (path, body, right) = if held.reference.is_none() {
        (
            "auth/token/revoke-accessor",
            json!({ "accessor": held.id }),
            "`update` on `auth/token/revoke-accessor`",
        )
    } else {
        (
            "sys/leases/revoke",
            json!({ "lease_id": held.id, "sync": true }),
            "`update` on `sys/leases/revoke`",
        )
    };
    let body = encode(operation, &body)?;
    let answer = login
        .call(Need::Read, Call::post(operation, path).body(&body))
        .await?;
    let outcome = match Envelope::read(operation, &answer) {
        Err(error) if is_over(&error, &answer) => Ok(()),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(error.with_help(format!(
            "log in with {right}, or wait: it ends by itself at {}",
            held.expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        ))),
        other => other.map(drop),
    };
    if let Err(error) = login.close().await {
        tracing::debug!("the login could not be ended: {error}");
    }
    outcome
}

/// Whether there is nothing left to end.
fn is_over(error: &StoreError, answer: &crate::http::Response) -> bool {
    error.kind() == ErrorKind::NotFound || refusal::says(answer, "invalid accessor")
}
