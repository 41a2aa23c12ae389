//! An answer of the API server: JSON, or a `Status` that says what is wrong.
//!
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

/// An answer.
pub(super) struct Answer {
    pub(super) operation: Operation,
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// What is known of a `Status`: its stable reason. The message may quote names only, but is not needed.
#[derive(Deserialize)]
struct Status {
    #[serde(default)]
    reason: String,
}

impl Answer {
    /// The object in the answer.
    ///
    /// # Errors
    /// What the server says is wrong; `what` names the object.
    pub(super) fn object<T: DeserializeOwned>(&self, what: &str) -> Result<T> {
        if !self.status.is_success() {
            return Err(self.refusal(what));
        }
        serde_json::from_slice(&self.body).map_err(|_| {
            StoreError::new(
                ErrorKind::Unavailable,
                self.operation,
                "the answer is not what the store documents",
            )
            .with_help(
                "something between here and the store may have answered instead, such as a proxy",
            )
        })
    }

    /// Why the server did not do it.
    pub(super) fn refusal(&self, what: &str) -> StoreError {
        let reason = serde_json::from_slice::<Status>(&self.body)
            .map(|status| status.reason)
            .unwrap_or_default();
        let (kind, message, help) = match (reason.as_str(), self.status.as_u16()) {
            ("NotFound", _) => (
                ErrorKind::NotFound,
                format!("there is no such {what}"),
                "check namespace and name; the context may be that of another cluster",
            ),
            ("Forbidden", _) => (
                ErrorKind::PermissionDenied,
                format!("the cluster does not allow this access to the {what}"),
                "the login in use needs a role with this verb on it; `kubectl auth can-i` tells",
            ),
            ("Unauthorized", _) | (_, 401) => (
                ErrorKind::PermissionDenied,
                "the cluster does not accept the login".to_owned(),
                "the token may have expired; log in again",
            ),
            ("AlreadyExists" | "Conflict", _) => (
                ErrorKind::Conflict,
                format!("the {what} exists already or was changed meanwhile"),
                "read it again before writing",
            ),
            ("Invalid" | "BadRequest", _) => (
                ErrorKind::InvalidReference,
                format!("the cluster does not accept the {what}"),
                "check the names and the limits of the cluster",
            ),
            ("RequestEntityTooLarge", _) | (_, 413) => (
                ErrorKind::TooLarge,
                format!("the {what} is larger than the cluster accepts"),
                "a Secret holds at most 1 MiB",
            ),
            ("TooManyRequests", _) | (_, 429) => (
                ErrorKind::Throttled,
                "the API server asks to slow down".to_owned(),
                "try again later",
            ),
            ("Timeout" | "ServerTimeout", _) | (_, 504) => (
                ErrorKind::Timeout,
                "the API server did not answer in time".to_owned(),
                "try again later",
            ),
            (_, 300..=399) => (
                ErrorKind::Config,
                "the API server answers with a redirect, which is not followed".to_owned(),
                "name the address that it redirects to",
            ),
            (_, 500..) => (
                ErrorKind::Unavailable,
                "the API server cannot answer now".to_owned(),
                "try again later",
            ),
            _ => (
                ErrorKind::Unavailable,
                "something else than a Kubernetes API server answered".to_owned(),
                "check the address in the kubeconfig and the proxy settings",
            ),
        };
        StoreError::new(kind, self.operation, message)
            .with_context("status", self.status.as_u16())
            .with_help(help)
            .with_retry(self.retry(kind))
    }

    fn retry(&self, kind: ErrorKind) -> Retry {
        let passing = matches!(kind, ErrorKind::Throttled | ErrorKind::Timeout)
            || self.status.is_server_error();
        if !passing {
            return Retry::Never;
        }
        let seconds = self.headers.get(http::header::RETRY_AFTER);
        let seconds = seconds.and_then(|text| text.to_str().ok()?.trim().parse().ok());
        seconds.map_or(Retry::Later, |seconds| {
            Retry::After(Duration::from_secs(seconds))
        })
    }
}
