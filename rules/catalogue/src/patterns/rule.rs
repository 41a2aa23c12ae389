//! A catalogue as a rule: one hook over a file's text reports every pattern under its own id.

use std::sync::LazyLock;

use secretlint_core::facts::{Module, SourceFile, each_position};
use secretlint_core::{
    Confidence, Cx, Family, Finding, Hooks, Lifecycle, Place, Rank, Rule, RuleMeta, Severity, Sink,
};

use super::{Catalogue, Class, Match, Pattern, builtin, page, schema};

/// The credential patterns of one catalogue as a rule.
#[derive(Debug)]
pub struct CredentialPatterns<'c> {
    catalogue: &'c Catalogue,
    /// One for each pattern, in the catalogue's order.
    metas: Vec<RuleMeta>,
}

/// The shipped patterns as a rule.
pub fn builtin_rule() -> &'static CredentialPatterns<'static> {
    static RULE: LazyLock<CredentialPatterns<'static>> = LazyLock::new(|| {
        let pages = super::PAGES.iter().map(|page| (*page).into());
        let metas = builtin()
            .patterns()
            .iter()
            .zip(pages)
            .map(|(pattern, docs)| meta(pattern, docs));
        CredentialPatterns {
            catalogue: builtin(),
            metas: metas.collect(),
        }
    });
    &RULE
}

impl<'c> CredentialPatterns<'c> {
    /// A user's patterns as a rule; `None` where there are none.
    #[must_use]
    pub fn new(catalogue: &'c Catalogue) -> Option<Self> {
        let patterns = catalogue.patterns().iter();
        let metas: Vec<RuleMeta> = patterns
            .map(|pattern| meta(pattern, page::render(pattern).into()))
            .collect();
        (!metas.is_empty()).then_some(Self { catalogue, metas })
    }
}

fn meta(pattern: &Pattern, docs: schema::Text) -> RuleMeta {
    RuleMeta {
        id: pattern.id.clone(),
        aliases: &[],
        family: Family::Credentials,
        summary: pattern.summary.clone(),
        why: pattern.why.clone(),
        help: pattern.help.clone(),
        docs,
        severity: match pattern.severity {
            schema::Severity::Note => Severity::Note,
            schema::Severity::Warning => Severity::Warning,
            schema::Severity::Error => Severity::Error,
        },
        confidence: match pattern.confidence {
            schema::Confidence::Low => Confidence::Low,
            schema::Confidence::Medium => Confidence::Medium,
            schema::Confidence::High => Confidence::High,
        },
        rank: if pattern.vendor.is_empty() {
            Rank::Format
        } else {
            Rank::Vendor
        },
        lifecycle: Lifecycle::Stable,
    }
}

impl Rule for CredentialPatterns<'_> {
    fn meta(&self) -> &RuleMeta {
        // There is one: see `new`.
        &self.metas[0]
    }

    fn metas(&self) -> &[RuleMeta] {
        &self.metas
    }

    fn hooks(&self) -> Hooks {
        Hooks::TEXT
    }

    fn text(&self, cx: &Cx<'_, '_>, file: &SourceFile, sink: &mut Sink) {
        for found in self.catalogue.scan(file.text()) {
            let Some(meta) = self.metas.get(found.index) else {
                continue;
            };
            sink.report(finding(cx, file, meta, &found));
        }
    }
}

fn finding(cx: &Cx<'_, '_>, file: &SourceFile, meta: &RuleMeta, found: &Match<'_>) -> Finding {
    let place = Place {
        file: file.id,
        start: u32::try_from(found.span.start).unwrap_or(u32::MAX),
        end: u32::try_from(found.span.end).unwrap_or(u32::MAX),
    };
    let commented = file
        .parsed
        .comments()
        .any(|comment| comment.span.start <= place.start && place.end <= comment.span.end);
    let address = address(cx.module, place);
    let message = message(&found.pattern.summary, found.class, commented, &address);
    let digest = cx.digest(&file.text()[found.span.clone()]);
    let mut finding = Finding::new(meta, place, address, message).with_secret(place, digest);
    if commented {
        finding.confidence = Confidence::Low;
    }
    finding.severity = match found.class {
        Class::Real => finding.severity,
        Class::Test => finding.severity.min(Severity::Warning),
        Class::Placeholder => Severity::Note,
    };
    finding
}

fn message(summary: &str, class: Class, commented: bool, address: &str) -> String {
    let what = match class {
        Class::Real => format!("{} as a literal", capitalised(summary)),
        Class::Test => format!("{} of the test mode as a literal", capitalised(summary)),
        Class::Placeholder => format!("Placeholder in the format of a {summary}"),
    };
    match (commented, address) {
        (true, _) => format!("{what} in a comment"),
        (false, "") => what,
        (false, address) => format!("{what} in `{address}`"),
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}

/// Address of the innermost value around a place, else of the block, else empty.
fn address(module: &Module<'_>, place: Place) -> String {
    let around = |outer: Place| {
        outer.file == place.file && outer.start <= place.start && place.end <= outer.end
    };
    let mut blocks = module.blocks.iter().rev();
    let Some(block) = blocks.find(|block| around(block.file.place(block.span))) else {
        return String::new();
    };
    let mut innermost = None;
    each_position(block, &mut |position| {
        if around(position.place()) {
            innermost = Some(position.address());
        }
    });
    innermost.unwrap_or_else(|| block.address())
}
