//! A catalogue as a rule: one hook over a file's text reports every pattern under its own id.

use std::ops::Range;
use std::sync::LazyLock;

use hcl_syntax::Span;
use secretlint_core::facts::{FileKind, Module, SourceFile, each_position};
use secretlint_core::{
    Confidence, Cx, Family, Finding, Hooks, Lifecycle, Occurrence, Place, Rank, Rule, RuleMeta,
    Severity, Sink, Word,
};

use crate::values::is_commented;

use super::{Catalogue, Class, Match, Pattern, builtin, page, schema};

/// The credential patterns of one catalogue as a rule.
#[derive(Debug)]
pub struct CredentialPatterns<'c> {
    catalogue: &'c Catalogue,
    /// One for each pattern, in the catalogue's order.
    metas: Vec<RuleMeta>,
    /// The pattern of each keyword.
    owners: Vec<u16>,
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
        CredentialPatterns::with_metas(builtin(), metas.collect())
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
        (!metas.is_empty()).then(|| Self::with_metas(catalogue, metas))
    }

    fn with_metas(catalogue: &'c Catalogue, metas: Vec<RuleMeta>) -> Self {
        Self {
            catalogue,
            metas,
            owners: catalogue.keywords().map(|(_, index)| index).collect(),
        }
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

    fn words(&self) -> Vec<Word<'_>> {
        let keywords = self.catalogue.keywords();
        keywords.map(|(word, _)| Word::Part(word)).collect()
    }

    fn text(&self, cx: &Cx<'_, '_>, file: &SourceFile, words: &[Occurrence], sink: &mut Sink) {
        let place = |found: &Occurrence| {
            let owner = self.owners[found.word as usize];
            (usize::from(owner), found.start as usize)
        };
        let matches = self.catalogue.scan_at(file.text(), words.iter().map(place));
        if matches.is_empty() {
            return;
        }
        let comments: Vec<Span> = file.parsed.comments().map(|comment| comment.span).collect();
        let addresses = addresses(cx.module, file, &matches);
        for (found, address) in matches.iter().zip(addresses) {
            let Some(meta) = self.metas.get(found.index) else {
                continue;
            };
            let commented = is_inside_one(&comments, &found.span)
                || file.kind == FileKind::Text && is_commented(file.text(), found.span.start);
            // A placeholder in a comment explains a format, as it should.
            if commented && found.class == Class::Placeholder {
                continue;
            }
            // So does a description. Tokens have a shape of their own, whatever is said about them.
            if found.pattern.verify == Some(schema::Verify::Password) && is_talk(&address) {
                continue;
            }
            sink.report(finding(cx, (file, meta), found, (commented, address)));
        }
    }
}

/// True for the address of a text for people: `var.url.description`.
fn is_talk(address: &str) -> bool {
    let last = address.rsplit('.').next().unwrap_or(address);
    matches!(last, "description" | "error_message")
}

/// True when one of the sorted spans holds the range.
fn is_inside_one(spans: &[Span], range: &Range<usize>) -> bool {
    let before = spans.partition_point(|span| span.start as usize <= range.start);
    before > 0 && range.end <= spans[before - 1].end as usize
}

fn finding(
    cx: &Cx<'_, '_>,
    (file, meta): (&SourceFile, &RuleMeta),
    found: &Match<'_>,
    (commented, address): (bool, String),
) -> Finding {
    let place = Place {
        file: file.id,
        start: u32::try_from(found.span.start).unwrap_or(u32::MAX),
        end: u32::try_from(found.span.end).unwrap_or(u32::MAX),
    };
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

/// For each match, which are sorted, the address of the innermost value around it, else of the
/// block, else an empty text. Each block is walked once, however many matches it has.
fn addresses(module: &Module<'_>, file: &SourceFile, matches: &[Match<'_>]) -> Vec<String> {
    let mut addresses = vec![String::new(); matches.len()];
    let mut name = |span: Span, address: &dyn Fn() -> String| {
        let from = matches.partition_point(|found| found.span.start < span.start as usize);
        let after = matches[from..].partition_point(|found| found.span.start < span.end as usize);
        let inside = from..from + after;
        if !inside.is_empty() {
            let text = address();
            for at in inside.filter(|&at| matches[at].span.end <= span.end as usize) {
                addresses[at].clone_from(&text);
            }
        }
    };
    // Blocks are in the order of the files, which are sorted by path.
    let first = module
        .blocks
        .partition_point(|block| block.file.path < file.path);
    let of_file = module.blocks[first..]
        .iter()
        .take_while(|block| block.file.path == file.path);
    for block in of_file {
        name(block.span, &|| block.address());
        let has_some = matches
            .partition_point(|found| found.span.start < block.span.start as usize)
            < matches.partition_point(|found| found.span.start < block.span.end as usize);
        if has_some {
            each_position(block, &mut |position| {
                name(position.expr.span(), &|| position.address());
            });
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use secretlint_core::facts::{FileKind, NoEnvironments, SourceFile, Workspace};
    use secretlint_core::{
        Confidence, Cx, DigestKey, FileId, Occurrence, Rule as _, Severity, Sink,
    };

    use super::builtin_rule;
    use crate::patterns::{builtin, expand_example};

    /// Rule, severity, confidence and message of each finding in the text of one file.
    fn check(example: &str) -> Vec<(String, Severity, Confidence, String)> {
        let text = expand_example(example).unwrap();
        let files = [SourceFile::new(
            FileId(0),
            "main.tf",
            FileKind::Terraform,
            text,
        )];
        let workspace = Workspace::build(&files, &NoEnvironments);
        let key = DigestKey::unkeyed();
        let cx = Cx::new(&workspace, &workspace.modules()[0], &key);
        let mut sink = Sink::new();
        let words = builtin().places(files[0].text());
        let keywords = builtin().keywords().map(|(_, owner)| usize::from(owner));
        let keywords: Vec<usize> = keywords.collect();
        let occurrence = |(owner, start): (usize, usize)| Occurrence {
            word: keywords.iter().position(|own| *own == owner).unwrap() as u32,
            start: start as u32,
        };
        let words: Vec<_> = words.into_iter().map(occurrence).collect();
        builtin_rule().text(&cx, &files[0], &words, &mut sink);
        let shown = sink.findings.into_iter().map(|finding| {
            assert_eq!(finding.secrets, [finding.place]);
            assert!(finding.digest.is_some());
            (
                finding.rule.to_string(),
                finding.severity,
                finding.confidence,
                finding.message,
            )
        });
        shown.collect()
    }

    fn one(
        id: &str,
        severity: Severity,
        confidence: Confidence,
        message: &str,
    ) -> Vec<(String, Severity, Confidence, String)> {
        vec![(id.to_owned(), severity, confidence, message.to_owned())]
    }

    #[test]
    fn the_message_names_the_vendor_and_the_address() {
        let text = "provider \"github\" {\n  token = \"ghp_{{base62 30}}{{crc32}}\"\n}\n";
        let message =
            "GitHub personal access token (classic) as a literal in `provider.github.token`";
        let expected = one(
            "github-personal-access-token",
            Severity::Error,
            Confidence::High,
            message,
        );
        assert_eq!(check(text), expected);
    }

    #[test]
    fn made_up_tokens_are_notes_and_test_keys_are_warnings() {
        let text = "locals {\n  token = \"ghp_{{base62 36}}\"\n}\n";
        let message = "Placeholder in the format of a GitHub personal access token (classic) in `local.token`";
        let expected = one(
            "github-personal-access-token",
            Severity::Note,
            Confidence::High,
            message,
        );
        assert_eq!(check(text), expected);
        let text = "locals {\n  key = \"sk_test_{{alnum 24}}\"\n}\n";
        let message =
            "Stripe secret or restricted key of the test mode as a literal in `local.key`";
        assert_eq!(
            check(text),
            one(
                "stripe-secret-key",
                Severity::Warning,
                Confidence::High,
                message
            )
        );
    }

    #[test]
    fn comments_lower_confidence_and_explain_formats_freely() {
        let text = "# token = ghp_{{base62 30}}{{crc32}}\n";
        let message = "GitHub personal access token (classic) as a literal in a comment";
        let expected = one(
            "github-personal-access-token",
            Severity::Error,
            Confidence::Low,
            message,
        );
        assert_eq!(check(text), expected);
        assert_eq!(check("# postgres://USER:PASSWORD@HOST:5432/NAME\n"), []);
    }
}
