//! Small edits that several rules offer. Native syntax only; where an edit could damage a comment
//! or the layout of a one-line block, there is none.

use secretlint_core::facts::{Attribute, Block};
use secretlint_core::{Applicability, Edit, Fix, Place};

/// Adds a line right after the opening brace of a block.
pub(crate) fn add_line(
    block: &Block<'_>,
    line: &str,
    (title, applicability): (&str, Applicability),
) -> Option<Fix> {
    if block.file.kind.is_json() {
        return None;
    }
    let text = block.file.text();
    let header = block.header.end as usize;
    let brace = header + text.get(header..block.span.end as usize)?.find('{')?;
    let indent = indent_of(text, block.header.start as usize)?;
    let rest = &text[brace + 1..];
    let (end, new) = if rest.starts_with(['\n', '\r']) {
        (brace + 1, format!("\n{indent}  {line}"))
    } else if rest.starts_with('}') {
        (brace + 1, format!("\n{indent}  {line}\n{indent}"))
    } else {
        return None;
    };
    let end = end as u32;
    Some(Fix {
        title: title.to_owned(),
        applicability,
        edits: vec![Edit {
            place: Place {
                file: block.file.id,
                start: end,
                end,
            },
            text: new,
        }],
    })
}

/// Gives an argument's value to its write-only sibling and adds the version argument.
pub(crate) fn use_write_only(block: &Block<'_>, attribute: &Attribute<'_>) -> Option<Fix> {
    if block.file.kind.is_json() {
        return None;
    }
    let text = block.file.text();
    let (start, name) = (attribute.name_span.start, &attribute.name);
    let indent = indent_of(text, start as usize)?;
    let place = |start: u32, end: u32| Place {
        file: block.file.id,
        start,
        end,
    };
    Some(Fix {
        title: format!("Give the value to `{name}_wo`, which is not stored"),
        applicability: Applicability::Unsafe,
        edits: vec![
            Edit {
                place: place(start, start),
                text: format!("{name}_wo_version = 1\n{indent}"),
            },
            Edit {
                place: place(start, attribute.name_span.end),
                text: format!("{name}_wo"),
            },
        ],
    })
}

/// The white space before `at`, when nothing else stands before it on its line.
fn indent_of(text: &str, at: usize) -> Option<&str> {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = &text[line..at];
    indent.trim().is_empty().then_some(indent)
}
