//! One JSON document. Stable: fields are added, never renamed or removed, within `format_version` 1.

use std::io::{self, Write};

use secretlint_core::Report;
use secretlint_core::report::{LineColumn, Location, ReportedFinding};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    format_version: u32,
    tool: Tool,
    findings: Vec<Finding<'a>>,
    suppressed: Vec<Finding<'a>>,
    unreadable: Vec<Unreadable<'a>>,
    summary: Summary,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
pub(super) struct Finding<'a> {
    rule: &'a str,
    severity: secretlint_core::Severity,
    confidence: secretlint_core::Confidence,
    #[serde(flatten)]
    place: Place<'a>,
    message: &'a str,
    why: &'a str,
    help: &'a str,
    address: &'a str,
    fingerprint: &'a str,
    excerpt: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<Suppression<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Commit<'a>>,
}

/// The oldest commit that holds the secret, when the history was searched.
#[derive(Serialize)]
struct Commit<'a> {
    id: &'a str,
    author: &'a str,
    time: &'a str,
}

#[derive(Serialize)]
struct Place<'a> {
    path: &'a str,
    start: Position,
    end: Position,
}

/// 1-based; columns count Unicode scalar values; `offset` counts bytes from 0.
#[derive(Serialize)]
struct Position {
    line: u32,
    column: u32,
    offset: u32,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    message: &'a str,
}

#[derive(Serialize)]
struct Suppression<'a> {
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
pub(super) struct Unreadable<'a> {
    path: &'a str,
    reason: &'a str,
}

#[derive(Serialize)]
pub(super) struct Summary {
    errors: usize,
    warnings: usize,
    notes: usize,
    suppressed: usize,
    files: usize,
    bytes: u64,
    modules: usize,
    #[serde(skip_serializing_if = "is_zero")]
    commits: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(report))?;
    writeln!(out)
}

fn document(report: &Report) -> Document<'_> {
    Document {
        format_version: 1,
        tool: Tool {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        },
        findings: report.findings.iter().map(finding).collect(),
        suppressed: report.suppressed.iter().map(finding).collect(),
        unreadable: unreadable(report).collect(),
        summary: summary(report),
    }
}

pub(super) fn unreadable(report: &Report) -> impl Iterator<Item = Unreadable<'_>> {
    report.unreadable.iter().map(|file| Unreadable {
        path: &file.path,
        reason: &file.reason,
    })
}

pub(super) fn summary(report: &Report) -> Summary {
    use secretlint_core::Severity::{Error, Note, Warning};
    let count = |severity| {
        let of = report.findings.iter().filter(|f| f.severity == severity);
        of.count()
    };
    Summary {
        errors: count(Error),
        warnings: count(Warning),
        notes: count(Note),
        suppressed: report.suppressed.len(),
        files: report.stats.files,
        bytes: report.stats.bytes,
        modules: report.stats.modules,
        commits: report.stats.commits,
    }
}

pub(super) fn finding(finding: &ReportedFinding) -> Finding<'_> {
    Finding {
        rule: &finding.rule,
        severity: finding.severity,
        confidence: finding.confidence,
        place: place(&finding.location),
        message: &finding.message,
        why: &finding.why,
        help: &finding.help,
        address: &finding.address,
        fingerprint: &finding.fingerprint,
        excerpt: &finding.location.excerpt.text,
        related: finding
            .related
            .iter()
            .map(|related| Related {
                place: place(&related.location),
                message: &related.message,
            })
            .collect(),
        suppression: finding.suppression.as_ref().map(|suppression| Suppression {
            kind: suppression.kind,
            reason: suppression.reason.as_deref(),
        }),
        commit: finding.commit.as_ref().map(|commit| Commit {
            id: &commit.id,
            author: &commit.author,
            time: &commit.time,
        }),
    }
}

fn place(location: &Location) -> Place<'_> {
    let position = |at: LineColumn, offset| Position {
        line: at.line,
        column: at.column,
        offset,
    };
    Place {
        path: &location.path,
        start: position(location.start, location.span.0),
        end: position(location.end, location.span.1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn the_document_holds_every_part_of_the_report() {
        let value: serde_json::Value = serde_json::from_str(&render(Format::Json, false)).unwrap();
        assert_eq!(value["format_version"], 1);
        assert_eq!(value["findings"][0]["rule"], "hardcoded-secret");
        assert_eq!(value["findings"][0]["start"]["line"], 12);
        assert_eq!(
            value["findings"][0]["related"][0]["path"],
            "live/dev/main.tf"
        );
        assert_eq!(value["suppressed"][0]["suppression"]["reason"], "rotated");
        assert_eq!(value["unreadable"][0]["path"], "big.tf");
        assert_eq!(value["summary"]["errors"], 1);
    }
}
