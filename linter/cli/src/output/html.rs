//! One self-contained page: summary, a map of secrets by environment, every finding with its masked
//! excerpt. No script, nothing loaded from elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use secretlint_core::report::{Location, ReportedFinding};
use secretlint_core::{Digest, Report};
use secretlint_engine::project::rule_page;

use super::Surroundings;
use super::human::{severity_word, summary};
use super::xml::escape;

const HEAD: &str = include_str!("html_head.html");

/// Name of the column for files that are in no environment.
const NOWHERE: &str = "(none)";

pub(super) fn write(
    report: &Report,
    around: &Surroundings<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    writeln!(out, "<p>{}</p>", escape(&summary(report)))?;
    map(report, around, out)?;
    writeln!(out, "<h2>Findings</h2>")?;
    for finding in &report.findings {
        entry(finding, out)?;
    }
    if !report.unreadable.is_empty() {
        writeln!(out, "<h2>Not linted</h2><ul>")?;
        for file in &report.unreadable {
            let (path, reason) = (escape(&file.path), escape(&file.reason));
            writeln!(out, "<li><code>{path}</code>: {reason}</li>")?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</main></body></html>")
}

/// Where one secret is used, by environment.
#[derive(Default)]
struct Row<'r> {
    addresses: BTreeSet<&'r str>,
    places: BTreeMap<String, BTreeSet<String>>,
}

/// One row a secret (equal literals share a digest), one column an environment.
fn map(report: &Report, around: &Surroundings<'_>, out: &mut dyn Write) -> io::Result<()> {
    let rows = rows(report, around);
    if rows.is_empty() {
        return Ok(());
    }
    let columns: BTreeSet<&str> = rows
        .values()
        .flat_map(|row| row.places.keys().map(String::as_str))
        .collect();
    write!(
        out,
        "<h2>Secrets by environment</h2>\n<table><tr><th>secret</th>"
    )?;
    for column in &columns {
        write!(out, "<th>{}</th>", escape(column))?;
    }
    writeln!(out, "</tr>")?;
    for row in rows.values() {
        let real = row.places.keys().filter(|name| *name != NOWHERE).count();
        let class = if real > 1 { " class=\"shared\"" } else { "" };
        let addresses: Vec<_> = row.addresses.iter().map(|text| escape(text)).collect();
        write!(out, "<tr{class}><th>{}</th>", addresses.join("<br>"))?;
        for column in &columns {
            let places = row.places.get(*column).into_iter().flatten();
            let places: Vec<_> = places.map(|place| escape(place)).collect();
            write!(out, "<td>{}</td>", places.join("<br>"))?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table>")
}

fn rows<'r>(report: &'r Report, around: &Surroundings<'_>) -> BTreeMap<Digest, Row<'r>> {
    let mut rows: BTreeMap<Digest, Row<'r>> = BTreeMap::new();
    for finding in &report.findings {
        let Some(digest) = finding.digest else {
            continue;
        };
        let row = rows.entry(digest).or_default();
        row.addresses.insert(&finding.address);
        let related = finding.related.iter().map(|related| &related.location);
        for location in related.chain([&finding.location]) {
            let environment = (around.environment_of)(&location.path);
            let places = row.places.entry(environment.unwrap_or(NOWHERE.into()));
            places.or_default().insert(place(location));
        }
    }
    rows
}

fn entry(finding: &ReportedFinding, out: &mut dyn Write) -> io::Result<()> {
    let severity = severity_word(finding.severity);
    writeln!(
        out,
        "<article class=\"{severity}\"><h3>{severity} <a href=\"{}\">{}</a> {}</h3>",
        escape(&rule_page(&finding.rule)),
        escape(&finding.rule),
        escape(&finding.message)
    )?;
    writeln!(
        out,
        "<p><code>{}</code></p>",
        escape(&place(&finding.location))
    )?;
    writeln!(out, "<pre>{}</pre>", excerpt(&finding.location))?;
    let (why, help) = (escape(&finding.why), escape(&finding.help));
    writeln!(out, "<p>{why}</p><p><strong>{help}</strong></p>")?;
    if !finding.related.is_empty() {
        writeln!(out, "<ul>")?;
        for related in &finding.related {
            let (at, message) = (place(&related.location), escape(&related.message));
            writeln!(out, "<li><code>{}</code>: {message}</li>", escape(&at))?;
        }
        writeln!(out, "</ul>")?;
    }
    writeln!(out, "</article>")
}

fn place(location: &Location) -> String {
    format!(
        "{}:{}:{}",
        location.path, location.start.line, location.start.column
    )
}

/// The masked lines with the place marked.
fn excerpt(location: &Location) -> String {
    let text = &location.excerpt.text;
    let (start, end) = location.excerpt.highlight;
    match (text.get(..start), text.get(start..end), text.get(end..)) {
        (Some(before), Some(marked), Some(after)) => {
            format!(
                "{}<mark>{}</mark>{}",
                escape(before),
                escape(marked),
                escape(after)
            )
        }
        _ => escape(text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, tests::render};

    #[test]
    fn the_page_maps_secrets_to_environments_and_loads_nothing() {
        let page = render(Format::Html, false);
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains("<th>(none)</th><th>prod</th>"), "{page}");
        assert!(page.contains("<mark>"));
        for loader in ["<script", "<link", "src=", "@import", "url("] {
            assert!(!page.contains(loader), "{loader}");
        }
    }
}
