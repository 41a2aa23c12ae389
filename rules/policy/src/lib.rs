//! Secret references, environments and the policy file: the one vocabulary of the provider, which
//! enforces it during a run, and of the linter, which proves it before.
//!
//! Pure: no network, no environment variables, no clock. Files are read in one small function only,
//! the discovery of a policy. Read [`SecretRef`] first.

pub mod convert;
pub mod environments;
mod glob;
mod nearest;
pub mod policy;
mod reference;
mod span;

pub use nearest::nearest;
pub use policy::{
    Caller, Claims, Decision, Operation, Policy, PolicyDiagnostic, PolicyError, Request,
};
pub use reference::{
    Encoding, Parsed, RefPattern, ReferenceError, ReferenceErrorKind, ReferenceWarning, Scheme,
    SecretRef, Selector,
};
pub use span::Span;
