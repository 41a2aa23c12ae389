//! For people: each finding with its masked source excerpt, why it matters and what to do, rendered by
//! miette; then one summary line.

use std::fmt;
use std::io::{self, Write};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};
use secretlint_core::report::{Excerpt, ReportedFinding};
use secretlint_core::{Report, Severity};
use secretlint_engine::project::rule_page;

use super::Surroundings;

pub(super) fn write(
    report: &Report,
    around: &Surroundings<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let handler = handler(around);
    let mut text = String::new();
    for finding in &report.findings {
        text.clear();
        handler
            .render_report(
                &mut text,
                &Shown {
                    finding,
                    links: around.look.links,
                },
            )
            .map_err(|_| io::Error::other("a finding could not be rendered"))?;
        writeln!(out, "{text}")?;
    }
    for file in &report.unreadable {
        writeln!(out, "{}: not linted: {}", file.path, file.reason)?;
    }
    if !around.quiet {
        writeln!(out, "{}", summary(report))?;
    }
    Ok(())
}

/// The word for a severity in every line-based format.
pub(crate) fn severity_word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

fn handler(around: &Surroundings<'_>) -> GraphicalReportHandler {
    let theme = GraphicalTheme {
        characters: if around.look.unicode {
            ThemeCharacters::unicode()
        } else {
            ThemeCharacters::ascii()
        },
        styles: if around.look.colour {
            ThemeStyles::ansi()
        } else {
            ThemeStyles::none()
        },
    };
    GraphicalReportHandler::new_themed(theme)
        .with_width(around.look.width)
        .with_links(around.look.links)
        .with_context_lines(1)
}

pub(super) fn summary(report: &Report) -> String {
    let count = |severity| {
        report
            .findings
            .iter()
            .filter(|f| f.severity == severity)
            .count()
    };
    let mut files = number(report.stats.files, "file");
    if report.stats.commits > 0 {
        files = format!("{files} of {}", number(report.stats.commits, "commit"));
    }
    let mut text = if report.findings.is_empty() {
        format!("No findings in {files}")
    } else {
        format!(
            "{} ({}, {}, {}) in {files}",
            number(report.findings.len(), "finding"),
            number(count(Severity::Error), "error"),
            number(count(Severity::Warning), "warning"),
            number(count(Severity::Note), "note"),
        )
    };
    if !report.suppressed.is_empty() {
        text.push_str(&format!(", {} suppressed", report.suppressed.len()));
    }
    if !report.unreadable.is_empty() {
        text.push_str(&format!(
            ", {} not linted",
            number(report.unreadable.len(), "file")
        ));
    }
    text.push('.');
    text
}

fn number(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

/// A finding as miette sees it.
struct Shown<'a> {
    finding: &'a ReportedFinding,
    links: bool,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        // The word is there without colour, too.
        let severity = severity_word(self.finding.severity);
        Some(Box::new(format!("{severity}[{}]", self.finding.rule)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn url<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.links
            .then(|| Box::new(rule_page(&self.finding.rule)) as Box<dyn fmt::Display>)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let mut text = format!("{}\n{}", self.finding.help, self.finding.why);
        for related in &self.finding.related {
            let at = &related.location;
            text.push_str(&format!(
                "\nsee {}:{}:{}: {}",
                at.path, at.start.line, at.start.column, related.message
            ));
        }
        Some(Box::new(text))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let (start, end) = self.finding.location.excerpt.highlight;
        let label = LabeledSpan::new_primary_with_span(None, SourceSpan::from(start..end));
        Some(Box::new(std::iter::once(label)))
    }
}

impl SourceCode for Shown<'_> {
    /// Reads from the excerpt, whose first line is not the file's: the line number is moved.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let Excerpt {
            first_line, text, ..
        } = &self.finding.location.excerpt;
        let inner = text.as_str().read_span(span, before, after)?;
        Ok(Box::new(MietteSpanContents::new_named(
            self.finding.location.path.clone(),
            inner.data(),
            *inner.span(),
            inner.line() + (*first_line as usize).saturating_sub(1),
            inner.column(),
            inner.line_count(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn a_finding_shows_place_reason_and_repair() {
        insta::assert_snapshot!(render(Format::Human, false), @r#"
        error[hardcoded-secret]

          × `x.y.password` holds a literal password
            ╭─[live/prod env/main.tf:12:14]
         11 │ resource "x" "y" {
         12 │   password = "********"
            ·              ──────────
         13 │ }
            ╰────
          help: Reference it: `local://prod/db#password`.
                Whoever reads the code knows it.
                see live/dev/main.tf:3:14: the same value in dev

        big.tf: not linted: permission denied
        1 finding (1 error, 0 warnings, 0 notes) in 2 files, 1 suppressed, 1 file not linted.
        "#);
    }

    #[test]
    fn quiet_leaves_out_the_summary() {
        assert!(!render(Format::Human, true).contains("1 finding ("));
        assert!(render(Format::Human, false).contains("1 finding ("));
    }
}
