//! What the linter knows and says: facts about modules, findings, fixes, the report, the rule trait.
//!
//! Pure: no I/O, no clock, no environment. Read [`Rule`] first, then [`Finding`] and [`facts`].

pub mod digest;
pub mod facts;
pub mod finding;
pub mod fix;
pub mod keywords;
pub mod report;
pub mod rule;

pub use digest::DigestKey;
pub use finding::{Confidence, Digest, FileId, Finding, Place, Related, RuleId, Severity};
pub use fix::{Applicability, Edit, Fix};
pub use keywords::Keywords;
pub use report::Report;
pub use rule::{
    Cx, Evidence, Family, Hooks, Lifecycle, Look, Occurrence, Rank, Rule, RuleMeta, Sink, Word,
};
