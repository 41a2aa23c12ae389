//! Edits that several rules offer, native syntax only. Comments stay where they are, new lines are
//! indented like their neighbours; columns are the business of whoever applies a fix.

mod extract;
mod migrate;
mod requirement;

pub(crate) use extract::{keep_elsewhere, take_default_out, take_value_out};
pub(crate) use migrate::{Obstacle, to_ephemeral};

use hcl_syntax::{Body, Span};
use secretlint_core::facts::{Attribute, Block, Content, Mode, Module, SourceFile, Subject};
use secretlint_core::{Applicability, Edit, Finding, Fix, Related};

use crate::schemas;

/// Adds the fix to a finding, or says what is in its way.
pub(crate) fn offer(finding: &mut Finding, fix: Result<Fix, Obstacle>) {
    match fix {
        Ok(fix) => finding.fixes.push(fix),
        Err(Obstacle { place, why }) => {
            finding.help =
                format!("{} It is not rewritten automatically: {why}.", finding.help).into();
            if place != finding.place {
                finding.related.push(Related {
                    place,
                    message: "this keeps it from being rewritten".to_owned(),
                });
            }
        }
    }
}

/// An edit that inserts.
pub(crate) fn insertion(file: &SourceFile, at: u32, text: String) -> Edit {
    replacement(file, Span { start: at, end: at }, text)
}

/// An edit that replaces.
pub(crate) fn replacement(file: &SourceFile, span: Span, text: String) -> Edit {
    Edit {
        place: file.place(span),
        text,
    }
}

/// A fix whose edits are in order.
pub(crate) fn fix(title: String, applicability: Applicability, mut edits: Vec<Edit>) -> Fix {
    edits.sort_by_key(|edit| edit.place);
    Fix {
        title,
        applicability,
        edits,
    }
}

/// The fix that adds one argument to a block.
pub(crate) fn add_line(
    block: &Block<'_>,
    line: &str,
    (title, applicability): (&str, Applicability),
) -> Option<Fix> {
    Some(fix(
        title.to_owned(),
        applicability,
        add_argument(block, line)?,
    ))
}

/// Adds an argument behind the last one of a block.
pub(crate) fn add_argument(block: &Block<'_>, line: &str) -> Option<Vec<Edit>> {
    let Content::Native(body) = block.content else {
        return None;
    };
    add_to_body(block.file, body, line)
}

/// Adds an argument behind the last one of a body in braces.
pub(crate) fn add_to_body(file: &SourceFile, body: Body<'_>, line: &str) -> Option<Vec<Edit>> {
    let (text, span) = (file.text(), body.span());
    let inner = Span {
        start: span.start + 1,
        end: span.end.checked_sub(1).filter(|&end| end > span.start)?,
    };
    let between = text.get(inner.start as usize..inner.end as usize)?;
    if !(text[span.start as usize..].starts_with('{')
        && text[inner.end as usize..].starts_with('}'))
    {
        return None;
    }
    let outer = indent_at(text, span.start as usize);
    let deeper = format!("{outer}{}", if outer.contains('\t') { "\t" } else { "  " });
    let line_at = |indent: &str| line.replace('\n', &format!("\n{indent}"));
    if between.trim().is_empty() && !between.contains('\n') {
        let inside = format!("\n{deeper}{}\n{outer}", line_at(&deeper));
        return Some(vec![replacement(file, inner, inside)]);
    }
    if !between.contains('\n') {
        // `{ type = string }`: the block is spread over lines, what is inside stays as it is.
        let blanks = |text: &str| (between.len() - text.len()) as u32;
        let before = blanks(between.trim_start());
        let after = blanks(between.trim_end());
        let (start, end) = (inner.start, inner.end);
        let lead = Span {
            start,
            end: start + before,
        };
        let tail = Span {
            start: end - after,
            end,
        };
        return Some(vec![
            replacement(file, lead, format!("\n{deeper}")),
            replacement(
                file,
                tail,
                format!("\n{deeper}{}\n{outer}", line_at(&deeper)),
            ),
        ]);
    }
    let Some(last) = body.attributes().last() else {
        let inside = format!("\n{deeper}{}", line_at(&deeper));
        return Some(vec![insertion(file, inner.start, inside)]);
    };
    let indent = own_indent(text, last.span().start as usize).unwrap_or(&deeper);
    let at = line_end(text, last.span().end as usize)?;
    Some(vec![insertion(
        file,
        at,
        format!("\n{indent}{}", line_at(indent)),
    )])
}

/// Adds an argument on a line of its own behind another one.
pub(crate) fn add_behind(file: &SourceFile, other: Span, line: &str) -> Option<Vec<Edit>> {
    if file.kind.is_json() {
        return None;
    }
    let text = file.text();
    let indent = own_indent(text, other.start as usize)?;
    let at = line_end(text, other.end as usize)?;
    Some(vec![insertion(file, at, format!("\n{indent}{line}"))])
}

/// True when the module reads the argument of a resource: it would be empty there once its write-only
/// sibling has the value.
pub(crate) fn is_read<'a>(module: &Module<'a>, block: &Block<'a>, argument: &str) -> bool {
    let subject = Subject::Object {
        mode: Mode::Managed,
        kind: block.kind().to_owned().into(),
        name: block.name().to_owned().into(),
    };
    module.uses_of(&subject).iter().any(|found| {
        let ignored = found.names().next() == Some("lifecycle");
        !ignored && found.reference.attribute() == Some(argument)
    })
}

/// Gives an argument's value to its write-only sibling and adds the version argument.
pub(crate) fn use_write_only(block: &Block<'_>, attribute: &Attribute<'_>) -> Option<Vec<Edit>> {
    let (file, name) = (block.file, &attribute.name);
    let version = schemas::version_argument(block.kind(), name);
    let mut edits = add_behind(file, attribute.span(), &format!("{version} = 1"))?;
    edits.push(replacement(file, attribute.name_span, format!("{name}_wo")));
    Some(edits)
}

/// Where the whole lines of an item begin and end, with the newline, when nothing else is on them
/// but a comment behind it.
pub(crate) fn whole_lines(text: &str, span: Span) -> Option<Span> {
    own_indent(text, span.start as usize)?;
    let start = text[..span.start as usize]
        .rfind('\n')
        .map_or(0, |newline| newline + 1);
    let end = line_end(text, span.end as usize)? as usize;
    let newline = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    Some(Span {
        start: start as u32,
        end: newline as u32,
    })
}

/// The end of the line on which an item ends, without its line end; `None` when something other than
/// a comment follows on the line.
fn line_end(text: &str, after: usize) -> Option<u32> {
    let rest = &text[after..];
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    let line = line.strip_suffix('\r').unwrap_or(line);
    let trailing = line.trim_start();
    let comment = trailing.starts_with('#') || trailing.starts_with("//");
    (trailing.is_empty() || comment).then_some((after + line.trim_end().len()) as u32)
}

/// The white space before `at`, when nothing else stands before it on its line.
fn own_indent(text: &str, at: usize) -> Option<&str> {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let indent = &text[line..at];
    indent.trim().is_empty().then_some(indent)
}

/// The white space at the start of the line of `at`.
fn indent_at(text: &str, at: usize) -> &str {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let rest = &text[line..];
    &rest[..rest.len() - rest.trim_start_matches([' ', '\t']).len()]
}
