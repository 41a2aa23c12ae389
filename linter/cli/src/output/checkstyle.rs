//! Checkstyle XML: findings by file.

use std::io::{self, Write};

use secretlint_core::{Report, Severity};

use super::xml::escape;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<checkstyle version="4.3">"#)?;
    for of_file in report
        .findings
        .chunk_by(|a, b| a.location.path == b.location.path)
    {
        writeln!(
            out,
            r#"  <file name="{}">"#,
            escape(&of_file[0].location.path)
        )?;
        for finding in of_file {
            writeln!(
                out,
                r#"    <error line="{}" column="{}" severity="{}" message="{}" source="secretlint.{}"/>"#,
                finding.location.start.line,
                finding.location.start.column,
                severity(finding.severity),
                escape(&finding.message),
                escape(&finding.rule)
            )?;
        }
        writeln!(out, "  </file>")?;
    }
    for file in &report.unreadable {
        writeln!(
            out,
            r#"  <file name="{}"><exception>{}</exception></file>"#,
            escape(&file.path),
            escape(&file.reason)
        )?;
    }
    writeln!(out, "</checkstyle>")
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn findings_are_grouped_by_file() {
        insta::assert_snapshot!(render(Format::Checkstyle, false), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <checkstyle version="4.3">
          <file name="live/prod env/main.tf">
            <error line="12" column="14" severity="error" message="`x.y.password` holds a literal password" source="secretlint.hardcoded-secret"/>
          </file>
          <file name="big.tf"><exception>permission denied</exception></file>
        </checkstyle>
        "#);
    }
}
