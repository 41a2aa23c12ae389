//! Secret references, environments and the policy file: the one vocabulary of the provider, which
//! enforces it during a run, and of the linter, which proves it before.
//!
//! Pure: no network, no environment variables, no clock. Files are read in one small function only,
//! the discovery of a policy. Read [`SecretRef`] first.
//!
//! ```
//! use secret_policy::{Policy, Request, SecretRef};
//!
//! let parsed = SecretRef::parse("vault+prod://kv/payments/db?version=3#password")?;
//! assert_eq!(parsed.reference.path(), "kv/payments/db");
//! assert!(parsed.warnings.is_empty());
//!
//! let policy = Policy::parse("secretref.toml", "[environments.dev]\nrefs = [\"vault+dev://**\"]")?;
//! let decision = policy.decide(&Request::open(Some("dev"), &parsed.reference));
//! assert!(!decision.is_allowed());
//! assert_eq!(
//!     decision.message,
//!     "environment `dev` may not open `vault+prod://kv/payments/db?version=3#password`: \
//!      no `refs` of the environment cover it"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
