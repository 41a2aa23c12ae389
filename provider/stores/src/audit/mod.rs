//! The access log: who opened what, when, why, and how it ended, in a form that shows every change.
//!
//! JSON lines. Each line holds the hash of the line before, so that an edit, a gap or a swap breaks the
//! chain at its place. Checkpoints are sealed with a key kept outside the project, so that a chain
//! computed anew does not pass. This machine also remembers where each log stood, so that lines cut off at
//! the end are missed. Read [`AuditLog`] for writing, [`verify`] for proving, [`read`] for showing.
//!
//! Not for hiding: references, claims and run ids are in it. Values never are.

mod chain;
mod event;
mod filter;
mod key;
mod log;
#[cfg(test)]
mod tests;
mod verify;

pub use chain::Entry;
pub use event::{Access, AuditContext, Event, EventKind, Outcome};
pub use filter::Filter;
pub use key::KeySource;
pub use log::{AuditLog, AuditOptions, Flush};
pub use verify::{Problem, ProblemKind, Report, read, verify};
