//! Annotations of GitHub Actions: workflow commands that the runner reads from standard output.

use std::io::{self, Write};

use secretlint_core::{Report, Severity};

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        let at = &finding.location;
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        write!(
            out,
            "::{command} file={},line={},endLine={}",
            property(&at.path),
            at.start.line,
            at.end.line
        )?;
        // Columns are understood within one line only.
        if at.start.line == at.end.line {
            write!(out, ",col={},endColumn={}", at.start.column, at.end.column)?;
        }
        let text = format!("{}. {}\n{}", finding.message, finding.why, finding.help);
        writeln!(out, ",title={}::{}", property(&finding.rule), data(&text))?;
    }
    for file in &report.unreadable {
        let text = format!("not linted: {}", file.reason);
        writeln!(
            out,
            "::error file={}::{}",
            property(&file.path),
            data(&text)
        )?;
    }
    Ok(())
}

/// Escapes the text after `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};
    use super::*;

    #[test]
    fn findings_become_workflow_commands() {
        insta::assert_snapshot!(render(Format::Github, false), @"
        ::error file=live/prod env/main.tf,line=12,endLine=12,col=14,endColumn=24,title=hardcoded-secret::`x.y.password` holds a literal password. Whoever reads the code knows it.%0AReference it: `local://prod/db#password`.
        ::error file=big.tf::not linted: permission denied
        ");
    }

    #[test]
    fn nothing_can_end_a_command_early() {
        assert_eq!(data("a%\r\n::error::b"), "a%25%0D%0A::error::b");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
