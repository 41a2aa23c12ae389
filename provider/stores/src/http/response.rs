//! A whole answer. Its body may hold secrets: it is overwritten when dropped and never quoted.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{StatusCode, Url};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

/// Largest answer that is read.
pub(super) const MAX_BYTES: usize = 64 * 1024 * 1024;

/// An answer.
pub(crate) struct Response {
    operation: Operation,
    url: Url,
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body; may be secret.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Response {
    pub(super) async fn read(operation: Operation, mut answer: reqwest::Response) -> Result<Self> {
        let (status, url) = (answer.status(), answer.url().clone());
        let headers = answer.headers().clone();
        let too_large = || {
            StoreError::new(
                ErrorKind::TooLarge,
                operation,
                format!("the answer is larger than {} MiB", MAX_BYTES / 1024 / 1024),
            )
        };
        let announced = answer.content_length().unwrap_or(0);
        let announced = usize::try_from(announced).unwrap_or(usize::MAX);
        if announced > MAX_BYTES {
            return Err(too_large());
        }
        let mut body = Zeroizing::new(Vec::with_capacity(announced));
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| super::transport(operation, error))?
        {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(too_large());
            }
            if body.len() + chunk.len() > body.capacity() {
                // Growing in place would leave the old copy behind.
                let mut larger = Zeroizing::new(Vec::with_capacity((body.len() + chunk.len()) * 2));
                larger.extend_from_slice(&body);
                body = larger;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Self {
            operation,
            url,
            status,
            headers,
            body,
        })
    }

    /// The server that answered, `host:port`.
    pub(crate) fn server(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// `unavailable` when it is something else, such as the page of a proxy; nothing of it is quoted.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        self.json_borrowed()
    }

    /// The body read as JSON, with parts of it left in place.
    ///
    /// # Errors
    /// As [`Response::json`].
    pub(crate) fn json_borrowed<'a, T: serde::Deserialize<'a>>(&'a self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| {
            let what = match error.classify() {
                serde_json::error::Category::Eof => "the answer is cut off",
                serde_json::error::Category::Data => "the answer is not what the store documents",
                _ => "the answer is no JSON",
            };
            StoreError::new(ErrorKind::Unavailable, self.operation, what)
                .with_context("server", self.server())
                .with_context("status", self.status.as_u16())
                .with_help("something between here and the store may have answered instead, such as a proxy")
        })
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where the server sends the client, when it does: an absolute address.
    pub(crate) fn redirect(&self) -> Option<Url> {
        if !self.status.is_redirection() {
            return None;
        }
        let target = self.headers.get(LOCATION)?.to_str().ok()?;
        self.url.join(target).ok()
    }

    /// How to try again, as far as status and `Retry-After` tell: for 408, 412, 425, 429 and 5xx.
    pub(crate) fn retry(&self) -> Retry {
        let status = self.status.as_u16();
        if !matches!(status, 408 | 412 | 425 | 429 | 500 | 502..=504) {
            return Retry::Never;
        }
        self.retry_after().map_or(Retry::Later, Retry::After)
    }

    fn retry_after(&self) -> Option<Duration> {
        let text = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        let moment = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
        let wait = moment.duration_since(Timestamp::now());
        Some(wait.try_into().unwrap_or(Duration::ZERO))
    }

    /// The error for a status that says no by itself: what the store adds comes as `detail`, in the words of a
    /// closed list, never the body.
    pub(crate) fn error(&self, kind: ErrorKind, message: impl Into<String>) -> StoreError {
        StoreError::new(kind, self.operation, message)
            .with_context("server", self.server())
            .with_context("status", self.status.as_u16())
            .with_retry(self.retry())
    }

    /// The error for a status that is no success, in the words that all stores share. `what` is what was asked
    /// for, such as "the secret".
    pub(crate) fn refusal(&self, what: &str) -> StoreError {
        if let Some(target) = self.redirect() {
            let host = target.host_str().unwrap_or_default();
            return self
                .error(ErrorKind::Config, format!("the server answers with a redirect to `{host}`, and a login must not travel there"))
                .with_help("name the right address in the store block, or find out what stands between here and the store");
        }
        let kind = self.kind();
        let message = match self.status.as_u16() {
            401 => "the store does not accept the login".to_owned(),
            403 => format!("this login has no right to {what}"),
            404 | 410 => format!("the store does not have {what}"),
            429 => "the store asks to slow down".to_owned(),
            400 | 422 => format!("the store refuses the request for {what} as wrong"),
            _ => "the store cannot answer now".to_owned(),
        };
        self.error(kind, message)
    }

    /// The kind that the status means in most stores.
    pub(crate) fn kind(&self) -> ErrorKind {
        match self.status.as_u16() {
            400 | 422 => ErrorKind::InvalidReference,
            401 | 403 => ErrorKind::PermissionDenied,
            404 | 410 => ErrorKind::NotFound,
            405 | 501 => ErrorKind::Unsupported,
            408 | 504 => ErrorKind::Timeout,
            409 => ErrorKind::Conflict,
            413 => ErrorKind::TooLarge,
            429 => ErrorKind::Throttled,
            _ => ErrorKind::Unavailable,
        }
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
