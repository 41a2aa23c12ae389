//! JUnit XML: a suite for each file with findings, a failed case for each finding. Notes are cases
//! that pass, because they do not fail a run; what could not be linted is an error.
//!
//! The attribute `skipped` of the root element is taken out again: strict readers, such as Jenkins'
//! xUnit plugin, refuse a report that has it there.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, Writer};
use secretlint_core::report::{ReportedFinding, Unreadable};
use secretlint_core::{Report, Severity};

use super::human::severity_word;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut suites = Suites::new("secretlint");
    let by_file = report
        .findings
        .chunk_by(|a, b| a.location.path == b.location.path);
    suites.add_test_suites(by_file.map(suite));
    suites.add_test_suites(report.unreadable.iter().map(unread));
    if suites.test_suites.is_empty() {
        // A clean run has one passed case: several readers take an empty report for a broken one.
        let mut clean = TestSuite::new("secretlint");
        let mut case = TestCase::new("no findings", TestCaseStatus::success());
        case.set_classname("secretlint");
        clean.add_test_case(case);
        suites.add_test_suite(clean);
    }
    let text = suites.to_string().map_err(io::Error::other)?;
    out.write_all(strict(&text).map_err(io::Error::other)?.as_slice())
}

/// The document without `skipped` at its root.
fn strict(text: &str) -> Result<Vec<u8>, quick_xml::Error> {
    let mut reader = Reader::from_str(text);
    let mut writer = Writer::new(Vec::with_capacity(text.len()));
    loop {
        match reader.read_event()? {
            Event::Eof => return Ok(writer.into_inner()),
            Event::Start(root) if root.name().as_ref() == b"testsuites" => {
                let kept = root.attributes().filter_map(Result::ok);
                let kept = kept.filter(|attribute| attribute.key.as_ref() != b"skipped");
                let root = BytesStart::new("testsuites").with_attributes(kept);
                writer.write_event(Event::Start(root))?;
            }
            other => writer.write_event(other)?,
        }
    }
}

fn suite(findings: &[ReportedFinding]) -> TestSuite {
    let mut suite = TestSuite::new(findings[0].location.path.as_str());
    suite.add_test_cases(findings.iter().map(case));
    suite
}

fn case(finding: &ReportedFinding) -> TestCase {
    let (path, at) = (&finding.location.path, finding.location.start);
    let name = format!("{}:{}:{}", finding.rule, at.line, at.column);
    let mut case = if finding.severity == Severity::Note {
        let mut case = TestCase::new(name, TestCaseStatus::success());
        case.set_system_out(finding.message.as_str());
        case
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status
            .set_message(finding.message.as_str())
            .set_type(severity_word(finding.severity))
            .set_description(format!(
                "{path}:{}:{}\n{}\n{}",
                at.line, at.column, finding.why, finding.help
            ));
        TestCase::new(name, status)
    };
    case.set_classname(path.as_str());
    case
}

fn unread(file: &Unreadable) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(file.reason.as_str()).set_type("error");
    let mut case = TestCase::new("lint", status);
    case.set_classname(file.path.as_str());
    let mut suite = TestSuite::new(file.path.as_str());
    suite.add_test_case(case);
    suite
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn a_finding_is_a_failed_case() {
        insta::assert_snapshot!(render(Format::Junit, false), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="secretlint" tests="2" failures="1" errors="1">
            <testsuite name="live/prod env/main.tf" tests="1" skipped="0" errors="0" failures="1">
                <testcase name="hardcoded-secret:12:14" classname="live/prod env/main.tf">
                    <failure message="`x.y.password` holds a literal password" type="error">live/prod env/main.tf:12:14
        Whoever reads the code knows it.
        Reference it: `local://prod/db#password`.</failure>
                </testcase>
            </testsuite>
            <testsuite name="big.tf" tests="1" skipped="0" errors="1" failures="0">
                <testcase name="lint" classname="big.tf">
                    <error message="permission denied" type="error"/>
                </testcase>
            </testsuite>
        </testsuites>
        "#);
    }
}
