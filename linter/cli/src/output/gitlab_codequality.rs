//! GitLab's code quality report: an array in the form of Code Climate issues.
//!
//! Equal fingerprints are merged by GitLab, so two findings of one place must not share one.

use std::collections::HashMap;
use std::io::{self, Write};

use secretlint_core::{Report, Severity};
use serde_json::json;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let issues: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            let count = seen.entry(&finding.fingerprint).or_default();
            *count += 1;
            let fingerprint = match *count {
                1 => finding.fingerprint.clone(),
                more => format!("{}-{more}", finding.fingerprint),
            };
            json!({
                "type": "issue",
                "check_name": finding.rule,
                "description": finding.message,
                "content": { "body": format!("{}\n\n{}", finding.why, finding.help) },
                "categories": ["Security"],
                "fingerprint": fingerprint,
                "severity": severity(finding.severity),
                "location": {
                    "path": finding.location.path,
                    "lines": {
                        "begin": finding.location.start.line,
                        "end": finding.location.end.line,
                    },
                },
            })
        })
        .collect();
    serde_json::to_writer(&mut *out, &issues)?;
    writeln!(out)
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Note => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn every_issue_has_what_gitlab_needs() {
        let text = render(Format::GitlabCodequality, false);
        let issues: serde_json::Value = serde_json::from_str(&text).unwrap();
        let issue = &issues[0];
        for field in ["description", "check_name", "fingerprint"] {
            assert!(
                issue[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field}"
            );
        }
        assert_eq!(issue["severity"], "critical");
        assert_eq!(issue["location"]["path"], "live/prod env/main.tf");
        assert_eq!(issue["location"]["lines"]["begin"], 12);
        // Suppressed findings are not reported.
        assert_eq!(issues.as_array().unwrap().len(), 1);
    }
}
