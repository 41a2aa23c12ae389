//! What the engine itself reports: trouble with syntax, configuration and suppressions.

use std::borrow::Cow;

use secretlint_core::{Confidence, Family, Lifecycle, Rank, RuleMeta, Severity};

const fn meta(
    id: &'static str,
    severity: Severity,
    texts: (&'static str, &'static str, &'static str),
    docs: &'static str,
) -> RuleMeta {
    let (summary, why, help) = texts;
    RuleMeta {
        id: Cow::Borrowed(id),
        aliases: &[],
        family: Family::Config,
        summary: Cow::Borrowed(summary),
        why: Cow::Borrowed(why),
        help: Cow::Borrowed(help),
        docs: Cow::Borrowed(docs),
        severity,
        confidence: Confidence::High,
        rank: Rank::Apart,
        lifecycle: Lifecycle::Stable,
    }
}

static METAS: [RuleMeta; 4] = [
    meta(
        "invalid-config",
        Severity::Error,
        (
            "A mistake in secretlint.toml, secretref.toml or the baseline",
            "A setting that is not understood is not in force, so the run may check less than you think.",
            "Correct the file; its JSON Schema lists every key.",
        ),
        "Configuration is read strictly: unknown keys, wrong types, unknown rules, bad globs and dates are\n\
         reported with their place, and nothing is guessed.\n",
    ),
    meta(
        "invalid-suppression",
        Severity::Warning,
        (
            "A suppression comment that does not hold",
            "The comment looks as if it silenced a finding, but it does not.",
            "Correct, renew or remove the comment.",
        ),
        "Form: `# secretlint: allow RULE reason=\"…\" until=2027-01-31`. Reported are unknown rules, missing\n\
         reasons where they are demanded, bad dates, and comments whose last day has passed.\n",
    ),
    meta(
        "syntax-error",
        Severity::Warning,
        (
            "Text that is not valid HCL or JSON",
            "What cannot be read cannot be checked: the rest of the file is linted, this part may not be.",
            "Correct the syntax.",
        ),
        "The parser recovers after an error and lints what follows; the finding shows what was not understood.\n\
         Nothing is said of files that another program makes or reads: templates of ERB, Jinja and Go, and\n\
         policies of Vault, whose reader takes more.\n",
    ),
    meta(
        "unused-suppression",
        Severity::Note,
        (
            "A suppression comment that silences nothing",
            "Left-over suppressions hide the next real finding on their line.",
            "Remove the comment.",
        ),
        "Reported when no finding of the named rules is at the place the comment speaks for.\n",
    ),
];

/// All of them, sorted by id.
pub(crate) fn metas() -> &'static [RuleMeta] {
    &METAS
}

pub(crate) fn invalid_config() -> &'static RuleMeta {
    &METAS[0]
}

pub(crate) fn invalid_suppression() -> &'static RuleMeta {
    &METAS[1]
}

pub(crate) fn syntax_error() -> &'static RuleMeta {
    &METAS[2]
}

pub(crate) fn unused_suppression() -> &'static RuleMeta {
    &METAS[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accessors_name_their_rule() {
        assert_eq!(invalid_config().id, "invalid-config");
        assert_eq!(invalid_suppression().id, "invalid-suppression");
        assert_eq!(syntax_error().id, "syntax-error");
        assert_eq!(unused_suppression().id, "unused-suppression");
    }
}
