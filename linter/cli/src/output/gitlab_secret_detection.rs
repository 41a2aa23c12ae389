//! GitLab's secret detection report, schema 15.
//!
//! GitLab rejects entries without a commit; it comes from the CI system's variables. Outside of one,
//! the commit is all zeros, which GitLab reads as "not committed yet".

use std::io::{self, Write};

use secretlint_core::report::ReportedFinding;
use secretlint_core::{Family, Report, Severity};
use serde_json::{Value, json};

use super::Surroundings;
use secretlint_engine::project::rule_page;

const SCHEMA_VERSION: &str = "15.2.1";
const NO_COMMIT: &str = "0000000000000000000000000000000000000000";

pub(super) fn write(
    report: &Report,
    around: &Surroundings<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let commit = around.commit.unwrap_or(NO_COMMIT);
    let vulnerabilities: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| is_secret(finding, around))
        .map(|finding| vulnerability(finding, commit))
        .collect();
    let tool = json!({
        "id": "secretlint",
        "name": "secretlint",
        "version": env!("CARGO_PKG_VERSION"),
        "vendor": { "name": "secretref" },
    });
    let document = json!({
        "version": SCHEMA_VERSION,
        "scan": {
            "type": "secret_detection",
            "analyzer": tool,
            "scanner": tool,
            "start_time": time(around.times.0),
            "end_time": time(around.times.1),
            "status": if report.unreadable.is_empty() { "success" } else { "failure" },
            "messages": report.unreadable.iter()
                .map(|file| json!({
                    "level": "warn",
                    "value": format!("{} was not linted: {}", file.path, file.reason),
                }))
                .collect::<Vec<_>>(),
        },
        "vulnerabilities": vulnerabilities,
    });
    serde_json::to_writer(&mut *out, &document)?;
    writeln!(out)
}

/// Trouble with the linter's own files is not a vulnerability.
fn is_secret(finding: &ReportedFinding, around: &Surroundings<'_>) -> bool {
    around
        .meta(&finding.rule)
        .is_none_or(|meta| meta.family != Family::Config)
}

fn vulnerability(finding: &ReportedFinding, commit: &str) -> Value {
    json!({
        "id": uuid(&finding.fingerprint),
        "category": "secret_detection",
        "name": finding.rule,
        "description": format!("{}. {}", finding.message, finding.why),
        "solution": finding.help,
        "severity": match finding.severity {
            Severity::Error => "Critical",
            Severity::Warning => "Medium",
            Severity::Note => "Info",
        },
        "identifiers": [{
            "type": "secretlint_rule",
            "name": format!("secretlint rule {}", finding.rule),
            "value": finding.rule,
            "url": rule_page(&finding.rule),
        }],
        "location": {
            "file": finding.location.path,
            "start_line": finding.location.start.line,
            "end_line": finding.location.end.line,
            "commit": at_commit(finding, commit),
        },
    })
}

/// The commit that holds the secret when the history was searched, else the one that was linted.
fn at_commit(finding: &ReportedFinding, linted: &str) -> Value {
    match &finding.commit {
        Some(commit) => json!({ "sha": commit.id, "author": commit.author, "date": commit.time }),
        None => json!({ "sha": linted }),
    }
}

/// A UUID of version 8 (vendor-specific) made of the fingerprint: stable as long as that is.
fn uuid(fingerprint: &str) -> String {
    let mut hex: Vec<char> = fingerprint
        .chars()
        .chain("0".repeat(32).chars())
        .take(32)
        .collect();
    hex[12] = '8';
    hex[16] = 'a';
    let part = |from: usize, to: usize| hex[from..to].iter().collect::<String>();
    [
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
    ]
    .join("-")
}

/// UTC without a zone, as the schema wants it.
fn time(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};
    use super::*;

    #[test]
    fn every_entry_has_what_gitlab_needs() {
        let text = render(Format::GitlabSecretDetection, false);
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["scan"]["start_time"], "1970-01-01T00:00:00");
        assert_eq!(report["scan"]["status"], "failure");
        let entry = &report["vulnerabilities"][0];
        assert_eq!(entry["id"], "01234567-89ab-8def-a123-456789abcdef");
        assert_eq!(entry["identifiers"][0]["value"], "hardcoded-secret");
        assert_eq!(
            entry["location"]["commit"]["sha"],
            "0123456789abcdef0123456789abcdef01234567"
        );
    }

    #[test]
    fn uuids_are_well_formed_whatever_the_fingerprint() {
        assert_eq!(uuid("ab"), "ab000000-0000-8000-a000-000000000000");
    }
}
