//! One line a finding: `path:line:column: severity[rule] message`. Editors' problem matchers and grep
//! understand it.

use std::io::{self, Write};

use secretlint_core::Report;

use super::human::severity_word;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for finding in &report.findings {
        let at = &finding.location;
        writeln!(
            out,
            "{}:{}:{}: {}[{}] {}",
            at.path,
            at.start.line,
            at.start.column,
            severity_word(finding.severity),
            finding.rule,
            finding.message
        )?;
    }
    for file in &report.unreadable {
        writeln!(out, "{}: not linted: {}", file.path, file.reason)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn one_line_a_finding() {
        insta::assert_snapshot!(render(Format::Short, false), @r"
        live/prod env/main.tf:12:14: error[hardcoded-secret] `x.y.password` holds a literal password
        big.tf: not linted: permission denied
        ");
    }
}
