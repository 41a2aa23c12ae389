//! Output formats: one file each, one line here. A format gets the report, what it may know about the
//! rules and the terminal, and a writer; nothing else, so no format can leak what the report masks.

mod checkstyle;
mod destination;
mod github;
mod gitlab_codequality;
mod gitlab_secret_detection;
mod html;
mod human;
mod json;
mod jsonl;
mod junit;
mod sarif;
mod short;
mod xml;

use std::io::{self, Write};

use clap::ValueEnum;
use secretlint_core::{Report, RuleMeta};

pub(crate) use destination::{Destination, write_atomically};
pub(crate) use human::severity_word;

/// How a report is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Source excerpts with explanations, for people.
    #[default]
    Human,
    /// One line a finding, for editors and grep.
    Short,
    /// One JSON document.
    Json,
    /// One JSON document a line: findings, then the summary.
    Jsonl,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab code quality report.
    GitlabCodequality,
    /// GitLab secret detection report.
    GitlabSecretDetection,
    /// JUnit XML.
    Junit,
    /// Checkstyle XML.
    Checkstyle,
    /// One self-contained page with a map of secrets by environment.
    Html,
}

/// How text for people may look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Whether colour is wanted and understood.
    pub(crate) colour: bool,
    /// Whether links are understood.
    pub(crate) links: bool,
    /// Whether characters beyond ASCII are understood.
    pub(crate) unicode: bool,
    /// Columns to wrap at.
    pub(crate) width: usize,
}

impl Look {
    /// For files: nothing that only a terminal understands.
    pub(crate) fn plain() -> Self {
        Self {
            colour: false,
            links: false,
            unicode: true,
            width: 100,
        }
    }
}

/// What a format may know besides the report.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// Every rule that ran, sorted by id.
    pub(crate) rules: &'a [&'a RuleMeta],
    /// How text for people may look.
    pub(crate) look: Look,
    /// Leave out everything but findings.
    pub(crate) quiet: bool,
    /// The commit that was looked at, when a CI system says it.
    pub(crate) commit: Option<&'a str>,
    /// When the run started, and when it ended.
    pub(crate) times: (jiff::Timestamp, jiff::Timestamp),
    /// The environment of a file, by its display path.
    pub(crate) environment_of: &'a dyn Fn(&str) -> Option<String>,
}

impl Surroundings<'_> {
    /// What a rule says about itself.
    fn meta(&self, id: &str) -> Option<&RuleMeta> {
        let index = self
            .rules
            .binary_search_by(|meta| (*meta.id).cmp(id))
            .ok()?;
        Some(self.rules[index])
    }
}

impl Format {
    /// Writes `report` to `out`.
    pub(crate) fn write(
        self,
        report: &Report,
        around: &Surroundings<'_>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        match self {
            Self::Human => human::write(report, around, out),
            Self::Short => short::write(report, out),
            Self::Json => json::write(report, out),
            Self::Jsonl => jsonl::write(report, out),
            Self::Sarif => sarif::write(report, around, out),
            Self::Github => github::write(report, out),
            Self::GitlabCodequality => gitlab_codequality::write(report, out),
            Self::GitlabSecretDetection => gitlab_secret_detection::write(report, around, out),
            Self::Junit => junit::write(report, out),
            Self::Checkstyle => checkstyle::write(report, out),
            Self::Html => html::write(report, around, out),
        }
    }
}

/// Percent-encodes a relative path for use as a URI reference (RFC 3986).
fn uri(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'/'
            | b'-'
            | b'.'
            | b'_'
            | b'~'
            | b'@'
            | b'+' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
        text
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use secretlint_core::finding::{Confidence, Digest, Place, Severity};
    use secretlint_core::fix::{Applicability, Edit, Fix};
    use secretlint_core::report::{
        Excerpt, LineColumn, Location, RelatedLocation, ReportedFinding, Stats, Suppression,
        Unreadable,
    };
    use std::borrow::Cow;

    use secretlint_core::{Family, FileId, Lifecycle, Rank};

    pub(crate) static META: RuleMeta = RuleMeta {
        id: Cow::Borrowed("hardcoded-secret"),
        aliases: &[],
        family: Family::Credentials,
        summary: Cow::Borrowed("A secret is written as a literal."),
        why: Cow::Borrowed("Whoever reads the code knows it."),
        help: Cow::Borrowed("Reference it."),
        docs: Cow::Borrowed(
            "A secret is written as a literal.\n\n## Why\n\nWhoever reads the code knows it.",
        ),
        rank: Rank::Generic,
        severity: Severity::Error,
        confidence: Confidence::High,
        lifecycle: Lifecycle::Stable,
    };

    fn location(path: &str, line: u32) -> Location {
        let text = "resource \"x\" \"y\" {\n  password = \"********\"\n}".to_owned();
        Location {
            path: path.into(),
            span: (31, 41),
            start: LineColumn { line, column: 14 },
            end: LineColumn { line, column: 24 },
            excerpt: Excerpt {
                first_line: line - 1,
                highlight: (32, 42),
                text,
            },
        }
    }

    fn finding(suppression: Option<Suppression>) -> ReportedFinding {
        ReportedFinding {
            rule: "hardcoded-secret".into(),
            severity: Severity::Error,
            confidence: Confidence::High,
            file: FileId(0),
            project_path: "live/prod env/main.tf".into(),
            location: location("live/prod env/main.tf", 12),
            message: "`x.y.password` holds a literal password".into(),
            why: "Whoever reads the code knows it.".into(),
            help: "Reference it: `local://prod/db#password`.".into(),
            address: "x.y.password".into(),
            fingerprint: "0123456789abcdef0123456789abcdef".into(),
            digest: Some(Digest([7; 16])),
            related: vec![RelatedLocation {
                location: location("live/dev/main.tf", 3),
                message: "the same value in dev".into(),
            }],
            fixes: vec![Fix {
                title: "Read the value from a variable".into(),
                applicability: Applicability::Unsafe,
                edits: vec![Edit {
                    place: Place {
                        file: FileId(0),
                        start: 31,
                        end: 41,
                    },
                    text: "var.password".into(),
                }],
            }],
            suppression,
            commit: None,
        }
    }

    pub(crate) fn report() -> Report {
        Report {
            paths: vec!["live/prod env/main.tf".into()],
            findings: vec![finding(None)],
            suppressed: vec![finding(Some(Suppression {
                kind: "comment",
                reason: Some("rotated".into()),
            }))],
            unreadable: vec![Unreadable {
                path: "big.tf".into(),
                reason: "permission denied".into(),
            }],
            stats: Stats {
                files: 2,
                bytes: 100,
                modules: 1,
                commits: 0,
            },
        }
    }

    pub(crate) fn render(format: Format, quiet: bool) -> String {
        let rules = [&META];
        let environment = |path: &str| path.starts_with("live/prod").then(|| "prod".to_owned());
        let time = jiff::Timestamp::UNIX_EPOCH;
        let around = Surroundings {
            rules: &rules,
            look: Look {
                width: 80,
                ..Look::plain()
            },
            quiet,
            commit: Some("0123456789abcdef0123456789abcdef01234567"),
            times: (time, time),
            environment_of: &environment,
        };
        let mut out = Vec::new();
        format.write(&report(), &around, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn paths_become_uri_references() {
        assert_eq!(uri("a b/ü#1.tf"), "a%20b/%C3%BC%231.tf");
        assert_eq!(uri("live/prod/main.tf"), "live/prod/main.tf");
    }
}
