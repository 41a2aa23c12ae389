//! Repairs as plain data: text edits plus an honest statement of how safe they are.

use crate::finding::Place;

/// How far a fix may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applicability {
    /// Shown, never applied: needs a decision or a value we do not have.
    DisplayOnly,
    /// Changes what the configuration does; applied only on request.
    Unsafe,
    /// Meaning is preserved and comments survive.
    Safe,
}

/// Replace the bytes of `place` by `text`. Edits of one fix do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty range = insertion.
    pub place: Place,
    /// The new text. Never a secret that was not already at `place`.
    pub text: String,
}

/// One repair: all of its edits or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the fix does, as an imperative sentence.
    pub title: String,
    /// How far it may be trusted.
    pub applicability: Applicability,
    /// The changes, sorted by place.
    pub edits: Vec<Edit>,
}
