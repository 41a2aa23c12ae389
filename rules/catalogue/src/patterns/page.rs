//! The documentation page of a pattern, written from its data; `why` and `help` are shown beside it.
//! Compiled by the build script too.

use std::fmt::Write as _;

use super::schema::Pattern;

/// Markdown: what it is, how a match is decided, references.
pub fn render(pattern: &Pattern) -> String {
    let mut page = String::new();
    let decided = match (pattern.verify, pattern.key.is_empty()) {
        (Some(_), _) => "the format, and a check of its structure or checksum",
        (None, true) => "the format alone",
        (None, false) => "the name the value is assigned to, and the value's format",
    };
    let issuer = match pattern.vendor.as_ref() {
        "" => String::new(),
        vendor => format!(", issued by {vendor}"),
    };
    let _ = write!(
        page,
        "A literal {}{issuer}.\n\n## How it is decided\n\nBy {decided}. Templates and references \
         never match; documentation examples and dummy values are notes.\n",
        pattern.summary,
    );
    if !pattern.references.is_empty() {
        page.push_str("\n## References\n\n");
        for reference in pattern.references.iter() {
            let _ = writeln!(page, "- <{reference}>");
        }
    }
    page
}
