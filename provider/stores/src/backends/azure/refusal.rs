//! What key vaults mean by their errors: `{"error": {"code", "message", "innererror": {"code"}}}`. The message
//! stays here.
//!
//! <https://learn.microsoft.com/azure/key-vault/general/rest-error-codes>

use serde::Deserialize;

use crate::error::{ErrorKind, Retry, StoreError};
use crate::http::Response;

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Problem,
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
    innererror: Option<Box<Problem>>,
}

/// The innermost code; empty where the answer has none, or something else than a code.
pub(super) fn code(answer: &Response) -> String {
    let body: Body = answer.json().unwrap_or_default();
    let mut problem = body.error;
    while let Some(inner) = problem.innererror.take() {
        problem = *inner;
    }
    let fits = problem.code.len() <= 64 && problem.code.bytes().all(|b| b.is_ascii_alphanumeric());
    if fits { problem.code } else { String::new() }
}

/// The error that `answer` means; `what` was asked for.
pub(super) fn refusal(answer: &Response, what: &str) -> StoreError {
    let code = code(answer);
    let error = match (answer.status.as_u16(), code.as_str()) {
        (401, _) => answer
            .error(
                ErrorKind::PermissionDenied,
                "the vault does not accept the login",
            )
            .with_help(
                "the login must belong to the tenant of the vault; list that in `auxiliary_tenant_ids` where the \
                 application is in several",
            ),
        (403, "SecretDisabled") => answer
            .error(
                ErrorKind::PermissionDenied,
                "the secret, or this version of it, is disabled",
            )
            .with_help("enable it in the vault, or name another version"),
        (403, "ForbiddenByFirewall" | "ForbiddenByConnection") => answer
            .error(
                ErrorKind::PermissionDenied,
                "the network rules of the vault do not let this machine in",
            )
            .with_help("run where the vault can be reached, or use its private endpoint"),
        (403, "SecretManagedByKeyVault") => answer
            .error(
                ErrorKind::PermissionDenied,
                "the secret belongs to a certificate of the vault, which alone may change it",
            )
            .with_help("change the certificate, or take another name"),
        (403, _) => answer.refusal(what).with_help(
            "give the login the role `Key Vault Secrets User` to read, `Key Vault Secrets Officer` to write, or \
             `Key Vault Reader` for facts alone; with access policies: get, set, delete, list",
        ),
        (409, "ObjectIsDeletedButRecoverable") => answer
            .error(
                ErrorKind::Conflict,
                "a removed secret of this name can still be recovered, and holds the name until then",
            )
            .with_help(
                "recover it with `az keyvault secret recover`, or end it with `az keyvault secret purge`, then run \
                 again",
            ),
        (409, "ObjectIsBeingDeleted" | "ObjectIsBeingRecovered") => answer
            .error(
                ErrorKind::Conflict,
                "the vault is still removing or recovering the secret",
            )
            .with_retry(Retry::Later),
        _ => answer.refusal(what),
    };
    if code.is_empty() {
        return error;
    }
    error.with_context("error", code)
}
