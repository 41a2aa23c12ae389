//! JUnit XML: a suite for each file with findings, a failed case for each finding. Notes are cases
//! that pass, because they do not fail a run; what could not be linted is an error.

use std::io::{self, Write};

use secretlint_core::report::ReportedFinding;
use secretlint_core::{Report, Severity};

use super::human::severity_word;
use super::xml::escape;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let failures = count_failures(&report.findings);
    let errors = report.unreadable.len();
    // A clean run has one passed case: several readers take an empty report for a broken one.
    let is_clean = report.findings.is_empty() && errors == 0;
    let tests = report.findings.len() + errors + usize::from(is_clean);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="secretlint" tests="{tests}" failures="{failures}" errors="{errors}">"#
    )?;
    for of_file in report
        .findings
        .chunk_by(|a, b| a.location.path == b.location.path)
    {
        suite(of_file, out)?;
    }
    for file in &report.unreadable {
        let path = escape(&file.path);
        writeln!(
            out,
            "  <testsuite name=\"{path}\" tests=\"1\" failures=\"0\" errors=\"1\">\n    \
             <testcase name=\"lint\" classname=\"{path}\"><error message=\"{}\"/></testcase>\n  </testsuite>",
            escape(&file.reason)
        )?;
    }
    if is_clean {
        writeln!(
            out,
            "  <testsuite name=\"secretlint\" tests=\"1\" failures=\"0\" errors=\"0\">\n    \
             <testcase name=\"no findings\" classname=\"secretlint\"/>\n  </testsuite>"
        )?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(findings: &[ReportedFinding], out: &mut dyn Write) -> io::Result<()> {
    let path = escape(&findings[0].location.path);
    let (tests, failures) = (findings.len(), count_failures(findings));
    writeln!(
        out,
        r#"  <testsuite name="{path}" tests="{tests}" failures="{failures}" errors="0">"#
    )?;
    for finding in findings {
        let at = finding.location.start;
        let name = escape(&format!("{}:{}:{}", finding.rule, at.line, at.column));
        write!(out, r#"    <testcase name="{name}" classname="{path}""#)?;
        let body = escape(&format!(
            "{}:{}:{}\n{}\n{}",
            finding.location.path, at.line, at.column, finding.why, finding.help
        ));
        let message = escape(&finding.message);
        if finding.severity == Severity::Note {
            writeln!(out, "><system-out>{message}</system-out></testcase>")?;
        } else {
            let kind = severity_word(finding.severity);
            writeln!(
                out,
                r#"><failure message="{message}" type="{kind}">{body}</failure></testcase>"#
            )?;
        }
    }
    writeln!(out, "  </testsuite>")
}

fn count_failures(findings: &[ReportedFinding]) -> usize {
    let fails = |finding: &&ReportedFinding| finding.severity != Severity::Note;
    findings.iter().filter(fails).count()
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn a_finding_is_a_failed_case() {
        insta::assert_snapshot!(render(Format::Junit, false), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="secretlint" tests="2" failures="1" errors="1">
          <testsuite name="live/prod env/main.tf" tests="1" failures="1" errors="0">
            <testcase name="hardcoded-secret:12:14" classname="live/prod env/main.tf"><failure message="`x.y.password` holds a literal password" type="error">live/prod env/main.tf:12:14&#10;Whoever reads the code knows it.&#10;Reference it: `local://prod/db#password`.</failure></testcase>
          </testsuite>
          <testsuite name="big.tf" tests="1" failures="0" errors="1">
            <testcase name="lint" classname="big.tf"><error message="permission denied"/></testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
