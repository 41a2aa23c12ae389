//! The rule trait. A rule sees facts and emits findings; it never sees flags, severity overrides,
//! suppressions or baselines.

use crate::finding::{Confidence, Severity};

/// What a rule says about itself; everything a documentation page needs.
#[derive(Clone, Debug)]
pub struct RuleMeta {
    /// Kebab-case name of the bad thing; reads well after "allow".
    pub id: &'static str,
    /// Former ids.
    pub aliases: &'static [&'static str],
    /// `credentials`, `environments`, `state`, `flow`, `lifetime` or `config`.
    pub family: &'static str,
    /// One line: what it reports.
    pub summary: &'static str,
    /// Markdown: what, why, examples (`hcl` blocks; `hcl,expect` must report), false alarms, references.
    pub docs: &'static str,
    /// Default severity.
    pub severity: Severity,
    /// Usual confidence.
    pub confidence: Confidence,
    /// Where the rule is in its life.
    pub lifecycle: Lifecycle,
}

/// Rule life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Off unless asked for.
    Preview,
    /// On by default.
    Stable,
    /// Still works; says what replaces it.
    Deprecated,
}

/// A rule. Facts and hooks are defined by `facts`; see the implementing crate for the registry.
pub trait Rule: Sync {
    /// What the rule says about itself.
    fn meta(&self) -> &'static RuleMeta;
}
