//! Short way to write a [`RuleMeta`].

use std::borrow::Cow;

use secretlint_core::{Confidence, Family, Lifecycle, Rank, RuleMeta, Severity};

/// The texts of a rule.
pub(crate) struct Texts {
    /// One line: what it reports.
    pub(crate) summary: &'static str,
    /// Why it matters.
    pub(crate) why: &'static str,
    /// What to do.
    pub(crate) help: &'static str,
    /// Examples, false alarms, references.
    pub(crate) docs: &'static str,
}

/// A rule that is on by default.
pub(crate) const fn rule(
    id: &'static str,
    family: Family,
    rank: (Severity, Rank),
    texts: &Texts,
) -> RuleMeta {
    let (severity, rank) = rank;
    RuleMeta {
        id: Cow::Borrowed(id),
        aliases: &[],
        family,
        summary: Cow::Borrowed(texts.summary),
        why: Cow::Borrowed(texts.why),
        help: Cow::Borrowed(texts.help),
        docs: Cow::Borrowed(texts.docs),
        severity,
        confidence: Confidence::Medium,
        rank,
        lifecycle: Lifecycle::Stable,
    }
}
