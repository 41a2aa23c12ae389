//! A mistake in a policy file: where, what, what to do.

use std::fmt;

use crate::span::Span;

/// A mistake in a policy file. A file with a mistake gives no policy at all: half a policy would
/// allow or refuse something nobody wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyDiagnostic {
    /// The file, as the caller named it.
    pub file: String,
    /// The bytes at fault.
    pub span: Span,
    /// Line of the span's start, from 1.
    pub line: u32,
    /// Column of the span's start in characters, from 1.
    pub column: u32,
    /// What is wrong, without a full stop.
    pub message: String,
    /// What to do, without a full stop.
    pub help: String,
}

impl fmt::Display for PolicyDiagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}; {}",
            self.file, self.line, self.column, self.message, self.help
        )
    }
}

/// The mistakes of a policy file, in the order of the text; never empty, at most [`Self::MOST`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", join(.0))]
pub struct PolicyError(pub Vec<PolicyDiagnostic>);

impl PolicyError {
    /// More mistakes than this are not collected.
    pub const MOST: usize = 100;
}

fn join(diagnostics: &[PolicyDiagnostic]) -> String {
    diagnostics
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
