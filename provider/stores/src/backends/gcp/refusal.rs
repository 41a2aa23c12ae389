//! What Google says no with: a status word of a closed list, and a reason where there is one.
//! <https://cloud.google.com/apis/design/errors>
//!
//! Messages are not passed on: they may quote what was sent. Words of closed lists are.

use serde::Deserialize;
use serde_json::Value;

use super::call::Call;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::Response;

/// Why a call was refused, understood as far as callers act on it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// The status word, such as `NOT_FOUND`; empty when the answer names none.
    pub(super) status: String,
    /// Whether the message says that a version is in a state in which it cannot be read.
    pub(super) state: Option<State>,
    /// What it means to the caller.
    pub(super) error: StoreError,
}

/// The state of a version of a secret that has no value to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Disabled,
    Destroyed,
}

/// The outcome of a call: what it answers, or the refusal.
pub(super) type Outcome<T> = std::result::Result<T, Refusal>;

#[derive(Default, Deserialize)]
struct Body {
    #[serde(default)]
    error: Value,
}

impl Refusal {
    /// Reads the refusal of a call.
    pub(super) fn of_call(call: &Call<'_>, answer: &Response) -> Self {
        let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
        let status = word(&body.error["status"]);
        let reason = reason(&body.error);
        let message = body.error["message"].as_str().unwrap_or_default();
        let state = match status.as_str() {
            "FAILED_PRECONDITION" if message.contains("DESTROYED") => Some(State::Destroyed),
            "FAILED_PRECONDITION" if message.contains("DISABLED") => Some(State::Disabled),
            _ => None,
        };
        let mut error = answer.refusal(call.what);
        for (name, value) in [("error", &status), ("reason", &reason)] {
            if !value.is_empty() {
                error = error.with_context(name, value);
            }
        }
        if let Some(help) = help(&reason, error.kind(), call.permission) {
            error = error.with_help(help);
        }
        Self {
            status,
            state,
            error,
        }
    }

    /// Reads the refusal of a token service, which has a shape of its own (RFC 6749).
    pub(super) fn of_login(operation: Operation, answer: &Response) -> Self {
        let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
        let code = match &body.error {
            Value::String(_) => word(&body.error),
            _ => word(&body.error["status"]),
        };
        let refused = matches!(answer.status.as_u16(), 400 | 401 | 403 | 404 | 410);
        let error = if refused {
            answer.error(
                ErrorKind::PermissionDenied,
                "Google does not accept the login",
            )
        } else {
            answer.refusal("the login")
        };
        let error = match code.as_str() {
            "" => error,
            code => error.with_context("error", code),
        };
        let help = match code.as_str() {
            "invalid_grant" => Some(
                "the key was removed, the login ended (`gcloud auth application-default login` renews one), the \
                 identity token does not fit the conditions of the pool, or the clock of this machine is wrong",
            ),
            "invalid_target" => Some("the pool or its provider does not exist, or is disabled"),
            "invalid_scope" => Some("the scopes are wrong, or more than the login allows"),
            "invalid_client" | "unauthorized_client" => {
                Some("the client in the credentials is unknown, removed, or may not do this")
            }
            _ if refused => Some(
                "compare issuer, audience, subject and conditions with those of the pool and its provider, and check \
                 the clock of this machine",
            ),
            _ => None,
        };
        let error = match help {
            Some(help) => error.with_help(help),
            None => error,
        };
        Self {
            status: code,
            state: None,
            error: error.during(operation),
        }
    }

    /// Whether the service itself said that nothing is there.
    pub(super) fn is_missing(&self) -> bool {
        self.error.kind() == ErrorKind::NotFound
    }

    /// Whether the token was not accepted.
    pub(super) fn is_login(&self) -> bool {
        self.status == "UNAUTHENTICATED"
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self {
            status: String::new(),
            state: None,
            error,
        }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// A refusal as the error that callers get.
pub(super) fn plainly<T>(outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(StoreError::from)
}

/// A word of a closed list; empty for what is none.
fn word(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match text.len() <= 64 && text.chars().all(fits) {
        true => text.to_owned(),
        false => String::new(),
    }
}

/// The reason in the details (`google.rpc.ErrorInfo`).
fn reason(error: &Value) -> String {
    let details = error["details"].as_array().map(Vec::as_slice);
    let mut details = details.unwrap_or_default().iter();
    details
        .find_map(|detail| Some(word(&detail["reason"])).filter(|reason| !reason.is_empty()))
        .unwrap_or_default()
}

fn help(reason: &str, kind: ErrorKind, permission: &str) -> Option<String> {
    Some(match reason {
        "SERVICE_DISABLED" => {
            "enable the interface of the service in the project that calls are counted against: `gcloud services enable`"
                .to_owned()
        }
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT" => {
            "the token lacks a scope: give the machine or the login the scope `cloud-platform`".to_owned()
        }
        "CONSUMER_INVALID" => "check the name of the project; `quota_project` is one, too".to_owned(),
        "USER_PROJECT_DENIED" => {
            "allow `serviceusage.services.use` in the quota project, or name another as `quota_project`".to_owned()
        }
        "BILLING_DISABLED" => "enable billing in the project".to_owned(),
        _ if kind == ErrorKind::PermissionDenied => {
            format!("allow `{permission}` for this identity, and check project and name: Google says the same for what does not exist")
        }
        _ => return None,
    })
}
