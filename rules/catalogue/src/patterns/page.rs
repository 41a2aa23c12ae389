//! The documentation page of a pattern, written from its data. Compiled by the build script too.

use std::fmt::Write as _;

use super::schema::Pattern;

/// Markdown: what it is, why it matters, what to do, how a match is decided, references.
pub fn render(pattern: &Pattern) -> String {
    let mut page = String::new();
    let decided = match (pattern.verify, pattern.key.is_empty()) {
        (Some(_), _) => "the format, and a check of its structure or checksum",
        (None, true) => "the format alone",
        (None, false) => "the name the value is assigned to, and the value's format",
    };
    let _ = write!(
        page,
        "A literal {}, issued by {}.\n\n## Why\n\n{}\n\n## What to do\n\n{}\n\n\
         Then reference the new value (an ephemeral resource, or a variable marked `ephemeral`) \
         instead of writing it down.\n\n## How it is decided\n\nBy {decided}. \
         Templates and references never match; documentation examples and dummy values are notes.\n",
        pattern.summary, pattern.vendor, pattern.why, pattern.help,
    );
    if !pattern.references.is_empty() {
        page.push_str("\n## References\n\n");
        for reference in pattern.references.iter() {
            let _ = writeln!(page, "- <{reference}>");
        }
    }
    page
}
