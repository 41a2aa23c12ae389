//! One JSON document. Stable: fields are added, never renamed or removed, within `format_version` 1.

use std::io::{self, Write};

use secretlint_core::Report;
use secretlint_core::fix::{Applicability, Fix as Repair};
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<Suppression<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<Commit<'a>>,
}

/// A possible repair: all of its edits or none. `secretlint fix` also keeps the layout of what stands
/// around them.
#[derive(Serialize)]
struct Fix<'a> {
    title: &'a str,
    /// `safe`: the meaning stays; `unsafe`: the configuration does something else; `display-only`: needs a
    /// decision.
    applicability: &'static str,
    edits: Vec<Edit<'a>>,
}

/// The bytes `start..end` of the file become `text`.
#[derive(Serialize)]
struct Edit<'a> {
    path: &'a str,
    start: u32,
    end: u32,
    text: &'a str,
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
        findings: findings(report, &report.findings).collect(),
        suppressed: findings(report, &report.suppressed).collect(),
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

pub(super) fn findings<'a>(
    report: &'a Report,
    list: &'a [ReportedFinding],
) -> impl Iterator<Item = Finding<'a>> {
    list.iter().map(|one| finding(report, one))
}

fn finding<'a>(report: &'a Report, finding: &'a ReportedFinding) -> Finding<'a> {
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
        fixes: finding.fixes.iter().map(|one| fix(report, one)).collect(),
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

fn fix<'a>(report: &'a Report, fix: &'a Repair) -> Fix<'a> {
    let edits = fix.edits.iter().filter_map(|edit| {
        Some(Edit {
            path: report.paths.get(edit.place.file.0 as usize)?,
            start: edit.place.start,
            end: edit.place.end,
            text: &edit.text,
        })
    });
    Fix {
        title: &fix.title,
        applicability: match fix.applicability {
            Applicability::Safe => "safe",
            Applicability::Unsafe => "unsafe",
            Applicability::DisplayOnly => "display-only",
        },
        edits: edits.collect(),
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
        let fix = &value["findings"][0]["fixes"][0];
        assert_eq!(fix["applicability"], "unsafe");
        let edit = serde_json::json!({
            "path": "live/prod env/main.tf", "start": 31, "end": 41, "text": "var.password",
        });
        assert_eq!(fix["edits"], serde_json::json!([edit]));
        assert_eq!(value["suppressed"][0]["suppression"]["reason"], "rotated");
        assert_eq!(value["unreadable"][0]["path"], "big.tf");
        assert_eq!(value["summary"]["errors"], 1);
    }
}
