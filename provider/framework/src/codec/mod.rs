//! Values to bytes and back, directed by their [`Type`](crate::types::Type).
//!
//! [`msgpack`] is what crosses the wire both ways; [`json`] is what a stored state arrives in. Both are
//! total: hostile bytes end in a [`CodecError`] with the place, never in a panic, an overflow of the
//! stack or an allocation larger than the input justifies.

pub mod json;
pub mod msgpack;

use crate::path::Path;

/// Why a value cannot be read or written, and where. Holds no text of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{kind}", place(path))]
#[non_exhaustive]
pub struct CodecError {
    /// Where in the value.
    pub path: Path,
    /// What is wrong.
    pub kind: CodecErrorKind,
}

/// What is wrong with an encoded value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecErrorKind {
    /// The bytes end too early.
    #[error("the encoded value ends too early")]
    Truncated,
    /// Bytes are left after the value.
    #[error("the encoded value is followed by other bytes")]
    Trailing,
    /// Another kind of value stands where the schema wants `expected`.
    #[error("expected {expected}, found {found}")]
    Mismatch {
        /// What the schema asks for.
        expected: String,
        /// What is there.
        found: &'static str,
    },
    /// Text that is no number.
    #[error("the text is not a number")]
    NotANumber,
    /// Text that is not UTF-8.
    #[error("the text is not valid UTF-8")]
    NotUtf8,
    /// A map or object has the same key twice.
    #[error("a key appears twice")]
    DuplicateKey,
    /// An object lacks an attribute of the schema.
    #[error("the attribute is missing")]
    MissingAttribute,
    /// An object has an attribute that the schema does not know.
    #[error("the schema has no such attribute")]
    UnexpectedAttribute,
    /// The number of elements of a tuple is wrong.
    #[error("expected {expected} elements, found {found}")]
    WrongLength {
        /// Elements in the type.
        expected: usize,
        /// Elements in the value.
        found: usize,
    },
    /// The type sent with a value of any type is wrong.
    #[error(transparent)]
    BadType(#[from] crate::types::TypeError),
    /// Not JSON.
    #[error("the stored value is not valid JSON")]
    NotJson,
    /// An unknown value where all must be known.
    #[error("the value must be known")]
    Unknown,
    /// A secret that cannot travel as text; `alternative` names the attribute that can carry it.
    #[error(
        "the secret is not {}, so it cannot be given to Terraform as text without being changed; use {alternative}",
        if *.utf8 { "in Unicode normal form C" } else { "valid UTF-8 text" }
    )]
    UnsafeText {
        /// True when the bytes are UTF-8 but not normalised.
        utf8: bool,
        /// What to use instead.
        alternative: String,
    },
}

impl CodecError {
    pub(crate) fn new(path: &Path, kind: impl Into<CodecErrorKind>) -> Self {
        Self {
            path: path.clone(),
            kind: kind.into(),
        }
    }
}

fn place(path: &Path) -> String {
    if path.is_root() {
        String::new()
    } else {
        format!("{path}: ")
    }
}
