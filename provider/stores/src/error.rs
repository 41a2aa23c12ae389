//! The crate's one error: what failed, why, what to do, and whether trying again can help.
//!
//! A [`StoreError`] never carries a value, a response body, a header or a token: only names of places.
//! [`ErrorKind`] is the stable, harmless word that the audit log records.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secret_policy::SecretRef;

/// Result of every operation of this crate.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Class of a failure. The words of [`ErrorKind::as_str`] are stable: audit logs and tests rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing is stored at the path, or not in the version asked for.
    NotFound,
    /// The store, or the operating system, refused access to this identity.
    PermissionDenied,
    /// The policy refused the access before the store was asked, or refused what came back.
    PolicyDenied,
    /// The store cannot do this at all.
    Unsupported,
    /// The reference does not fit the store or the secret (wrong path, unknown selector, not text).
    InvalidReference,
    /// What is stored was changed, truncated, replaced or rolled back.
    Integrity,
    /// The precondition of a write does not hold.
    Conflict,
    /// Another process holds the lock of the store.
    Locked,
    /// No answer within the time limit.
    Timeout,
    /// The store asks to slow down.
    Throttled,
    /// The store cannot be reached or cannot answer now.
    Unavailable,
    /// The configuration of the store is missing or wrong.
    Config,
    /// A value or file is larger than the limit.
    TooLarge,
    /// The access could not be recorded and the audit log is set to fail closed.
    Audit,
    /// The operating system reported an input or output error.
    Io,
}

impl ErrorKind {
    /// The stable word for this kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::PolicyDenied => "policy_denied",
            Self::Unsupported => "unsupported",
            Self::InvalidReference => "invalid_reference",
            Self::Integrity => "integrity",
            Self::Conflict => "conflict",
            Self::Locked => "locked",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Config => "config",
            Self::TooLarge => "too_large",
            Self::Audit => "audit",
            Self::Io => "io",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The verb that failed; also the event word of the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Read a value.
    Open,
    /// Read facts about a secret without its value.
    Metadata,
    /// Store a value.
    Write,
    /// Remove a secret or a version of it.
    Remove,
    /// Extend a lease.
    Renew,
    /// End a lease.
    Revoke,
    /// Prepare a store: find, create, unlock or change its keys.
    Configure,
}

impl Operation {
    /// The stable word for this operation.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Metadata => "metadata",
            Self::Write => "write",
            Self::Remove => "remove",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::Configure => "configure",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// The same call fails the same way until somebody changes something.
    #[default]
    Never,
    /// The cause is temporary; the caller chooses the delay.
    Later,
    /// The store named the time to wait.
    After(Duration),
}

/// Why an operation on a store failed. Cheap to clone, so that callers who shared one read share its error.
#[derive(Clone)]
pub struct StoreError(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    operation: Operation,
    message: String,
    help: Option<String>,
    context: Vec<(&'static str, String)>,
    retry: Retry,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl StoreError {
    /// An error of `kind`. `message` says what is wrong and why, in one sentence without a final stop.
    #[must_use]
    pub fn new(kind: ErrorKind, operation: Operation, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner {
            kind,
            operation,
            message: message.into(),
            help: None,
            context: Vec::new(),
            retry: Retry::Never,
            source: None,
        }))
    }

    /// The error of a method that a store does not have.
    #[must_use]
    pub fn unsupported(operation: Operation, store: &str) -> Self {
        Self::new(
            ErrorKind::Unsupported,
            operation,
            format!("the store `{store}` does not support {operation}"),
        )
    }

    /// Adds what the practitioner can do about it.
    #[must_use]
    pub fn with_help(self, help: impl Into<String>) -> Self {
        self.change(|inner| inner.help = Some(help.into()))
    }

    /// Adds the name of a place: a file, a store, a policy line. Never a value.
    #[must_use]
    pub fn with_context(self, key: &'static str, value: impl fmt::Display) -> Self {
        self.change(|inner| inner.context.push((key, value.to_string())))
    }

    /// Adds the reference that was asked for, unless one is there already.
    #[must_use]
    pub fn with_reference(self, reference: &SecretRef) -> Self {
        if self.context("reference").is_some() {
            return self;
        }
        self.with_context("reference", reference)
    }

    /// Says whether the same call may succeed later.
    #[must_use]
    pub fn with_retry(self, retry: Retry) -> Self {
        self.change(|inner| inner.retry = retry)
    }

    /// Keeps the underlying error. Its text must not hold secrets; parsers that quote their input are out.
    #[must_use]
    pub fn with_source(self, source: impl Error + Send + Sync + 'static) -> Self {
        self.change(|inner| inner.source = Some(Arc::new(source)))
    }

    /// Replaces the operation: helpers that serve several verbs report the caller's.
    #[must_use]
    pub fn during(self, operation: Operation) -> Self {
        self.change(|inner| inner.operation = operation)
    }

    /// The class of the failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The verb that failed.
    #[must_use]
    pub fn operation(&self) -> Operation {
        self.0.operation
    }

    /// What is wrong and why, without places.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry
    }

    /// The place recorded under `key`.
    #[must_use]
    pub fn context(&self, key: &str) -> Option<&str> {
        let found = self.0.context.iter().find(|(name, _)| *name == key);
        found.map(|(_, value)| value.as_str())
    }

    fn change(mut self, edit: impl FnOnce(&mut Inner)) -> Self {
        edit(Arc::make_mut(&mut self.0));
        self
    }
}

impl fmt::Display for StoreError {
    /// The message, then the places in parentheses. The help is left to the caller's layout.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        for (index, (key, value)) in self.0.context.iter().enumerate() {
            let lead = if index == 0 { " (" } else { ", " };
            write!(f, "{lead}{key}: {value}")?;
        }
        if self.0.context.is_empty() {
            Ok(())
        } else {
            f.write_str(")")
        }
    }
}

impl fmt::Debug for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoreError({}, {}: {self}",
            self.0.operation, self.0.kind
        )?;
        if let Some(help) = self.help() {
            write!(f, "; help: {help}")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, "; caused by: {source}")?;
        }
        f.write_str(")")
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_the_place_after_the_reason() {
        let error = StoreError::new(
            ErrorKind::NotFound,
            Operation::Open,
            "there is no such file",
        )
        .with_context("file", "/x/store.age")
        .with_context("store", "local")
        .with_help("create it");
        assert_eq!(
            error.to_string(),
            "there is no such file (file: /x/store.age, store: local)"
        );
        assert_eq!(error.help(), Some("create it"));
        assert_eq!(error.kind().as_str(), "not_found");
    }

    #[test]
    fn a_clone_is_not_changed_by_later_additions() {
        let first = StoreError::unsupported(Operation::Renew, "env");
        let second = first.clone().with_help("do not renew");
        assert_eq!(first.help(), None);
        assert_eq!(second.help(), Some("do not renew"));
    }
}
