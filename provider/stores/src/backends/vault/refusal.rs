//! Why the server said no, in our own words: a closed list of known texts decides, and nothing that the server
//! wrote is repeated, because error texts of engines may quote what they were given.

use serde::Deserialize;

use crate::error::{ErrorKind, Operation, Retry, StoreError};
use crate::http::Response;

#[derive(Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

/// A text that servers are known to write, and what it means.
struct Known {
    text: &'static str,
    kind: ErrorKind,
    message: &'static str,
    help: &'static str,
}

const fn known(
    text: &'static str,
    kind: ErrorKind,
    message: &'static str,
    help: &'static str,
) -> Known {
    Known {
        text,
        kind,
        message,
        help,
    }
}

/// The first that fits counts.
const KNOWN: &[Known] = &[
    known(
        "is sealed",
        ErrorKind::Unavailable,
        "the server is sealed",
        "nothing can be read until its operators unseal it",
    ),
    known(
        "not initialized",
        ErrorKind::Unavailable,
        "the server is not initialised",
        "its operators have to initialise and unseal it first",
    ),
    known(
        LEADERLESS,
        ErrorKind::Unavailable,
        "the cluster has no leader at the moment",
        "try again when its servers have chosen one",
    ),
    known(
        "rate limit quota exceeded",
        ErrorKind::Throttled,
        "the server asks to slow down: a rate limit quota is used up",
        "start fewer runs at the same time, or ask for a larger quota",
    ),
    known(
        "lease count quota exceeded",
        ErrorKind::Throttled,
        "the server gives out no more leases: a quota is used up",
        "end leases that are no longer needed (see `lease list`), or ask for a larger quota",
    ),
    known(
        "no handler for route",
        ErrorKind::NotFound,
        "nothing is mounted at this path",
        "check the mount and the namespace; references name the mount first, such as `vault://kv/team/db#password`",
    ),
    known(
        "check-and-set parameter did not match",
        ErrorKind::Conflict,
        "another version is current than the one that was expected",
        "read the current version and decide again",
    ),
    known(
        "check-and-set parameter required",
        ErrorKind::Conflict,
        "this mount takes only writes that name the current version",
        "grant `read` on the metadata of the path, so that the version can be named",
    ),
    known(
        "wrapping token is not valid or does not exist",
        ErrorKind::NotFound,
        "the wrapping token was used already or has expired",
        "if it was meant to be fresh, somebody else may have opened it: treat what it held as stolen and ask for a new one",
    ),
    known(
        "lease not found",
        ErrorKind::NotFound,
        "the lease has ended",
        "open the secret again",
    ),
    known(
        "invalid lease",
        ErrorKind::NotFound,
        "the lease has ended",
        "open the secret again",
    ),
    known(
        "lease is not renewable",
        ErrorKind::Unsupported,
        "this lease cannot be extended",
        "ask for a longer one, or give the role a longer default",
    ),
    known(
        "batch tokens cannot be renewed",
        ErrorKind::Unsupported,
        "a batch token cannot be extended",
        "log in with a method that gives service tokens",
    ),
    known(
        "batch tokens cannot create",
        ErrorKind::Unsupported,
        "a batch token cannot make other tokens",
        "log in with a method that gives service tokens",
    ),
    known(
        "invalid username or password",
        ErrorKind::PermissionDenied,
        "the user name or password of the login is wrong",
        "check both in the auth block of the store",
    ),
    known(
        "ldap operation failed",
        ErrorKind::PermissionDenied,
        "the directory refused the login",
        "check the user name and password in the auth block of the store",
    ),
    known(
        "invalid role or secret id",
        ErrorKind::PermissionDenied,
        "the role id or the secret id of the login is wrong, used up or expired",
        "issue a new secret id",
    ),
    known(
        "invalid role id",
        ErrorKind::PermissionDenied,
        "the role id of the login is wrong",
        "check `role_id`",
    ),
    known(
        "invalid secret id",
        ErrorKind::PermissionDenied,
        "the secret id of the login is wrong, used up or expired",
        "issue a new secret id",
    ),
    known(
        "invalid audience",
        ErrorKind::PermissionDenied,
        "the identity token is for another audience than the role accepts",
        "set `audience` in the auth block to one of `bound_audiences` of the role",
    ),
    known(
        "audience claim does not match",
        ErrorKind::PermissionDenied,
        "the identity token is for another audience than the role accepts",
        "set `audience` in the auth block to one of `bound_audiences` of the role",
    ),
    known(
        "token is expired",
        ErrorKind::PermissionDenied,
        "the identity token has expired",
        "let the automation issue a new one, and compare the clocks of both machines",
    ),
    known(
        "invalid not before",
        ErrorKind::PermissionDenied,
        "the identity token is not valid yet",
        "compare the clocks of both machines",
    ),
    known(
        "does not match any associated bound claim",
        ErrorKind::PermissionDenied,
        "the role does not accept this run: a claim of its identity is another than `bound_claims` demands",
        "compare `secretref_whoami` with the role",
    ),
    known(
        "error validating claims",
        ErrorKind::PermissionDenied,
        "the role does not accept this run: its identity lacks a claim that the role demands",
        "compare `secretref_whoami` with the role",
    ),
    known(
        "sub claim does not match",
        ErrorKind::PermissionDenied,
        "the role does not accept this run: its identity has another subject than `bound_subject`",
        "compare `secretref_whoami` with the role",
    ),
    known(
        "error validating token",
        ErrorKind::PermissionDenied,
        "the server does not accept the identity token",
        "check that the auth method trusts the issuer of the token",
    ),
    known(
        "error verifying token",
        ErrorKind::PermissionDenied,
        "the server cannot verify the identity token",
        "check that the auth method trusts the issuer of the token",
    ),
    known(
        "could not be found",
        ErrorKind::Config,
        "there is no such role in the auth method",
        "check `role` in the auth block",
    ),
    known(
        "invalid role name",
        ErrorKind::Config,
        "there is no such role in the auth method",
        "check `role` in the auth block",
    ),
    known(
        "no client certificate found",
        ErrorKind::Config,
        "no client certificate was shown",
        "set `client_cert` and `client_key` of the store block",
    ),
    known(
        "client certificate must be supplied",
        ErrorKind::Config,
        "no client certificate was shown",
        "set `client_cert` and `client_key` of the store block",
    ),
    known(
        "invalid certificate or no client certificate supplied",
        ErrorKind::PermissionDenied,
        "the server does not accept the client certificate",
        "check the certificate, its time of validity and the authority in the auth method",
    ),
    known(
        "failed to match all constraints for this login certificate",
        ErrorKind::PermissionDenied,
        "the server does not accept the client certificate for this role",
        "check the certificate and `name` in the auth block",
    ),
    known(
        "unknown role",
        ErrorKind::NotFound,
        "there is no such role at this path",
        "check the last part of the path",
    ),
    known(
        "encryption key not found",
        ErrorKind::NotFound,
        "there is no such key at this path",
        "check the last part of the path",
    ),
    known(
        "message authentication failed",
        ErrorKind::InvalidReference,
        "the ciphertext was not made with this key and context, or was changed",
        "check the key, the context and the ciphertext",
    ),
    known(
        "invalid ciphertext",
        ErrorKind::InvalidReference,
        "this is no ciphertext of the transit engine",
        "ciphertexts start with `vault:v1:`",
    ),
    known(
        "unsupported path",
        ErrorKind::NotFound,
        "the engine at this mount has no such path",
        "see the documentation of the engine for its paths",
    ),
    known(
        "unsupported operation",
        ErrorKind::Unsupported,
        "the engine cannot do this at this path",
        "some paths must be written to (`method = \"POST\"`), others can only be read",
    ),
    known(
        "missing client token",
        ErrorKind::PermissionDenied,
        "no token was sent",
        "set VAULT_TOKEN, or an auth block in the store block",
    ),
    known(
        "namespace not authorized",
        ErrorKind::PermissionDenied,
        "the token belongs to another namespace",
        "set `namespace` of the store block, and log in there",
    ),
    known(
        "plugin not found in the catalog",
        ErrorKind::Unsupported,
        "this server does not have the engine",
        "ask its operators to add the plugin",
    ),
];

const LEADERLESS: &str = "active cluster node not found";

fn texts(answer: &Response) -> String {
    let errors: Errors =
        serde_json::from_slice(&answer.body).unwrap_or(Errors { errors: Vec::new() });
    errors.errors.join("\n").to_lowercase()
}

/// Whether waiting does not help: a sealed server has to be unsealed by somebody.
pub(super) fn is_final(answer: &Response) -> bool {
    answer.status.as_u16() == 503 && texts(answer).contains("is sealed")
}

/// Whether the cluster is choosing a leader.
pub(super) fn is_leaderless(answer: &Response) -> bool {
    texts(answer).contains(LEADERLESS)
}

/// The policy of the token refuses, as opposed to a token that is no longer known. Servers do not promise the
/// difference, so it only shapes the message.
fn is_policy(texts: &str) -> bool {
    texts.contains("1 error occurred") || texts.contains("preflight capability check")
}

/// Whether the refusal is of this text of the closed list.
pub(super) fn says(answer: &Response, text: &str) -> bool {
    texts(answer).contains(text)
}

/// The error for an answer that is no success.
pub(super) fn error(operation: Operation, answer: &Response) -> StoreError {
    let texts = texts(answer);
    let error = match KNOWN.iter().find(|known| texts.contains(known.text)) {
        Some(known) => answer
            .error(known.kind, known.message)
            .with_help(known.help),
        None => by_status(answer, &texts),
    };
    error.during(operation).with_retry(Retry::Never)
}

fn by_status(answer: &Response, texts: &str) -> StoreError {
    match answer.status.as_u16() {
        403 if is_policy(texts) => answer
            .error(
                ErrorKind::PermissionDenied,
                "the policies of this login do not allow it",
            )
            .with_help("grant the capability on this path to the role or user that logs in"),
        403 => answer
            .error(
                ErrorKind::PermissionDenied,
                "the server refused: the token is not valid any more, or its policies do not allow it",
            )
            .with_help("log in again, or grant the capability on this path"),
        404 => answer.error(ErrorKind::NotFound, "nothing is stored at this path"),
        400 => answer
            .error(
                ErrorKind::InvalidReference,
                "the server did not accept the request",
            )
            .with_help(
                "check the path and the arguments; the log of the server says more, which is not repeated here because \
                 it may hold secrets",
            ),
        429 => answer.error(ErrorKind::Throttled, "the server asks to slow down"),
        412 => answer.error(
            ErrorKind::Unavailable,
            "the server has not caught up with what was written before",
        ),
        500 => answer
            .error(
                ErrorKind::Unavailable,
                "the server failed inside, for instance because a database or cloud behind it did not answer",
            )
            .with_help(
                "the log of the server says why; it is not repeated here because it may hold secrets",
            ),
        502 | 504 => answer
            .error(
                ErrorKind::Unavailable,
                "something in front of the server could not reach it",
            )
            .with_help("check the load balancer or proxy, and the server behind it"),
        503 => answer
            .error(ErrorKind::Unavailable, "the server is not available")
            .with_help("it is sealed, in maintenance or starting"),
        _ => answer.error(answer.kind(), "the server refused the request"),
    }
}
