//! Checkstyle XML: findings by file.

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use secretlint_core::report::{ReportedFinding, Unreadable};
use secretlint_core::{Report, Severity};

use super::xml::without_controls;

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.create_element("checkstyle")
        .with_attribute(("version", "4.3"))
        .write_inner_content(|xml| {
            for of_file in report
                .findings
                .chunk_by(|a, b| a.location.path == b.location.path)
            {
                file(of_file, xml)?;
            }
            report
                .unreadable
                .iter()
                .try_for_each(|file| unread(file, xml))
        })?;
    out.write_all(xml.get_ref())?;
    writeln!(out)
}

type Xml = Writer<Vec<u8>>;

fn file(findings: &[ReportedFinding], xml: &mut Xml) -> io::Result<()> {
    let path = without_controls(&findings[0].location.path);
    xml.create_element("file")
        .with_attribute(("name", &*path))
        .write_inner_content(|xml| findings.iter().try_for_each(|finding| error(finding, xml)))?;
    Ok(())
}

fn error(finding: &ReportedFinding, xml: &mut Xml) -> io::Result<()> {
    let start = finding.location.start;
    xml.create_element("error")
        .with_attributes([
            ("line", start.line.to_string().as_str()),
            ("column", start.column.to_string().as_str()),
            ("severity", severity(finding.severity)),
            ("message", &without_controls(&finding.message)),
            ("source", &format!("secretlint.{}", finding.rule)),
        ])
        .write_empty()?;
    Ok(())
}

fn unread(file: &Unreadable, xml: &mut Xml) -> io::Result<()> {
    let reason = without_controls(&file.reason);
    xml.create_element("file")
        .with_attribute(("name", &*without_controls(&file.path)))
        .write_inner_content(|xml| {
            xml.create_element("exception")
                .write_text_content(BytesText::new(&reason))?;
            Ok(())
        })?;
    Ok(())
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
          <file name="big.tf">
            <exception>permission denied</exception>
          </file>
        </checkstyle>
        "#);
    }
}
