//! Extending and ending leases.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use secret_value::Secret;
use serde_json::json;

use super::answer::Envelope;
use super::client::Call;
use super::credential::TOKEN_HANDLE;
use super::login::encode;
use super::refusal;
use super::run::{Need, Run};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::{LeaseFacts, LeaseHandle};

/// Extends a lease, or a token that was opened as a credential.
pub(super) async fn renew(
    run: &Arc<Run>,
    lease: &LeaseHandle,
    increment: Option<Duration>,
) -> Result<LeaseFacts> {
    let operation = Operation::Renew;
    let increment = increment.map_or(0, |increment| increment.as_secs());
    if let Some(accessor) = lease.id.strip_prefix(TOKEN_HANDLE) {
        let token = made(run, operation, accessor)?;
        let body = encode(operation, &json!({ "increment": format!("{increment}s") }))?;
        let call = Call::post(operation, "auth/token/renew-self")
            .body(&body)
            .token(&token)?;
        let answer = run.client.send(&call).await?;
        let auth = Envelope::read(operation, &answer)?.auth(operation)?;
        return Ok(LeaseFacts {
            ttl: Duration::from_secs(auth.lease_duration),
            renewable: auth.renewable,
            revocable: true,
        });
    }
    let body = encode(
        operation,
        &json!({ "lease_id": lease.id, "increment": increment }),
    )?;
    let call = Call::post(operation, "sys/leases/renew").body(&body);
    let answer = Envelope::read(operation, &run.call(Need::Lease, call).await?)?;
    run.book.extended(&lease.id, answer.lease_duration);
    Ok(LeaseFacts {
        ttl: answer.ttl(),
        renewable: answer.renewable,
        revocable: true,
    })
}

/// Ends a lease. Where only the run as a whole may end leases, that is left to the end of the run.
pub(super) async fn revoke(run: &Arc<Run>, lease: &LeaseHandle) -> Result<()> {
    let operation = Operation::Revoke;
    if let Some(accessor) = lease.id.strip_prefix(TOKEN_HANDLE) {
        let token = match made(run, operation, accessor) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        let call = Call::post(operation, "auth/token/revoke-self").token(&token)?;
        let answer = run.client.send(&call).await?;
        if answer.status.is_success() || answer.status == StatusCode::FORBIDDEN {
            return Ok(());
        }
        return Err(refusal::error(operation, &answer));
    }
    let body = encode(operation, &json!({ "lease_id": lease.id }))?;
    let call = Call::post(operation, "sys/leases/revoke").body(&body);
    let answer = run.call(Need::Lease, call).await?;
    if answer.status.is_success() {
        run.ended(&lease.id).await;
        return Ok(());
    }
    let error = refusal::error(operation, &answer);
    match error.kind() {
        ErrorKind::NotFound => {
            run.ended(&lease.id).await;
            Ok(())
        }
        ErrorKind::PermissionDenied if run.leasing_token().await.is_some() => {
            tracing::debug!("the lease ends with the token of the run");
            Ok(())
        }
        ErrorKind::PermissionDenied => Err(error.with_help(
            "grant `update` on `sys/leases/revoke`, or on `auth/token/create` so that each run gets a token of its own",
        )),
        _ => Err(error),
    }
}

fn made(run: &Run, operation: Operation, accessor: &str) -> Result<Secret> {
    run.made_token(accessor).ok_or_else(|| {
        StoreError::new(
            ErrorKind::NotFound,
            operation,
            "this run made no such token",
        )
    })
}
