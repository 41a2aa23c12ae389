//! Strings of the JSON syntax: decoded, read as templates, and put back to their places.

use memchr::{memchr, memchr_iter};

use crate::Span;
use crate::escape::json_backslash;
use crate::parser::{Output, parse_template};
use crate::tree::{Children, Kind, NodeId, flag};

/// The first backslash of a string token that begins no escape of JSON.
pub(super) fn first_invalid_escape(token: &str) -> Option<usize> {
    let mut pos = 0;
    while let Some(at) = memchr(b'\\', &token.as_bytes()[pos..]) {
        pos += at;
        let escape = json_backslash(&token[pos..]);
        if escape.value.is_none() {
            return Some(pos);
        }
        pos += escape.len;
    }
    None
}

/// Adds a string token as a template.
pub(super) fn add(text: &str, span: Span, out: &mut Output) -> NodeId {
    let token = &text[span.range()];
    let closed = super::lexer::is_closed(token);
    let inner = &token[1..token.len() - usize::from(closed)];
    let escaped = memchr(b'\\', inner.as_bytes()).is_some();
    let mut flags = flag::JSON;
    if !closed {
        flags |= flag::UNCLOSED;
    }
    let mut children = Children::EMPTY;
    if may_hold_sequence(inner, escaped) {
        children = parts(
            text,
            Span::new(span.start + 1, span.start + 1 + inner.len() as u32),
            out,
        );
    } else if !escaped {
        flags |= flag::VERBATIM;
    }
    let id = out.tree.add(Kind::Template, span, children);
    out.tree.node(id).flags = flags;
    id
}

/// Whether `${` or `%{` is there, or might be, with its `$` written as an escape.
fn may_hold_sequence(inner: &str, escaped: bool) -> bool {
    let bytes = inner.as_bytes();
    memchr_iter(b'{', bytes).any(|at| {
        let before = at.checked_sub(1).map(|i| bytes[i]);
        match before {
            Some(b'$' | b'%') => true,
            Some(b'4' | b'5') => escaped,
            _ => false,
        }
    })
}

/// Reads the template in `span` and puts its nodes to their places in the text.
fn parts(text: &str, span: Span, out: &mut Output) -> Children {
    let (decoded, map) = decode(&text[span.range()], span.start);
    let first = out.tree.nodes.len();
    let comments = out.comments.len();
    let errors = std::mem::take(&mut out.errors);
    let children = parse_template(&decoded, out);
    out.errors = errors;
    out.comments.truncate(comments);
    for node in &mut out.tree.nodes[first..] {
        node.start = map.source(node.start);
        node.end = map.source(node.end);
        if matches!(node.kind, Kind::Traversal | Kind::StepAttribute) {
            // A name may be written with escapes.
            node.set_name(0);
        }
        if matches!(node.kind, Kind::Template | Kind::Literal) {
            if text[node.span().range()].contains('\\') {
                node.flags &= !flag::VERBATIM;
            }
            if node.kind == Kind::Template {
                node.flags |= flag::JSON;
            }
        }
    }
    children
}

/// From offsets of a decoded string to offsets of the source. Holds where runs begin that are the
/// same in both.
struct OffsetMap(Vec<(u32, u32)>);

impl OffsetMap {
    fn source(&self, decoded: u32) -> u32 {
        let after = self.0.partition_point(|run| run.0 <= decoded);
        let (from, to) = self.0[after - 1];
        to + (decoded - from)
    }
}

fn decode(inner: &str, base: u32) -> (String, OffsetMap) {
    let mut decoded = String::with_capacity(inner.len());
    let mut runs = vec![(0, base)];
    let mut pos = 0;
    while let Some(at) = memchr(b'\\', &inner.as_bytes()[pos..]) {
        decoded.push_str(&inner[pos..pos + at]);
        pos += at;
        let escape = json_backslash(&inner[pos..]);
        decoded.push(escape.value.unwrap_or('\\'));
        pos += escape.len;
        runs.push((decoded.len() as u32, base + pos as u32));
    }
    decoded.push_str(&inner[pos..]);
    (decoded, OffsetMap(runs))
}
