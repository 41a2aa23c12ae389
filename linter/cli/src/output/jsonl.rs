//! One JSON document a line, for pipelines: `{"type":"finding",…}`, `unreadable`, at last `summary`.
//! The members are those of the JSON document.

use std::io::{self, Write};

use secretlint_core::Report;
use serde::Serialize;

use super::json::{self, Finding, Summary, Unreadable};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Finding(Finding<'a>),
    Suppressed(Finding<'a>),
    Unreadable(Unreadable<'a>),
    Summary(Summary),
}

pub(super) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let findings = json::findings(report, &report.findings);
    let suppressed = json::findings(report, &report.suppressed);
    let lines = findings
        .map(Line::Finding)
        .chain(suppressed.map(Line::Suppressed))
        .chain(json::unreadable(report).map(Line::Unreadable))
        .chain([Line::Summary(json::summary(report))]);
    for line in lines {
        serde_json::to_writer(&mut *out, &line)?;
        writeln!(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn every_line_is_a_document_and_the_last_one_sums_up() {
        let text = render(Format::Jsonl, false);
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let types: Vec<_> = lines
            .iter()
            .map(|line| line["type"].as_str().unwrap())
            .collect();
        assert_eq!(types, ["finding", "suppressed", "unreadable", "summary"]);
        assert_eq!(lines[0]["start"]["line"], 12);
        assert_eq!(lines[3]["errors"], 1);
    }
}
