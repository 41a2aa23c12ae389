//! Why a text is not a reference: where, what is wrong, what to do. Never quotes a value, because
//! what was typed in the wrong place may be a credential.

use crate::span::Span;

/// What is wrong, as a stable word for logs and tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferenceErrorKind {
    /// Longer than [`crate::SecretRef::MAX_BYTES`].
    TooLong,
    /// A control, invisible or otherwise forbidden character, or a broken percent escape.
    Character,
    /// No `scheme://` at the start, or a scheme that does not exist.
    Scheme,
    /// The store name is empty or has other characters than `a-z`, `0-9`, `.` and `-`.
    Store,
    /// The path does not have the shape its scheme demands.
    Path,
    /// Unknown, repeated or contradicting query key, or a value that the key does not take.
    Query,
    /// Empty selector or an invalid JSON pointer.
    Selector,
    /// A host or address, which belongs in the store block.
    Host,
    /// A credential or authentication parameter, which never belongs in a reference.
    Credential,
    /// Another tool's notation that cannot be expressed as a reference.
    NotConvertible,
}

/// A text that is not a reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}; {help}")]
#[non_exhaustive]
pub struct ReferenceError {
    /// What is wrong, as a stable word.
    pub kind: ReferenceErrorKind,
    /// The bytes of the given text that are wrong.
    pub span: Span,
    /// What is wrong, without a full stop and without values of the text.
    pub message: String,
    /// What to do, as an imperative without a full stop.
    pub help: String,
}

impl ReferenceError {
    pub(crate) fn new(
        kind: ReferenceErrorKind,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            span,
            message: message.into(),
            help: help.into(),
        }
    }
}

/// Something that was understood although it is not written as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReferenceWarning {
    /// The bytes of the given text that should be written differently.
    pub span: Span,
    /// What is unusual, without a full stop.
    pub message: String,
    /// The whole reference as it should be written.
    pub fix: String,
}
