//! What remains of a template's literal text after trim markers and `<<-` took their part.
//!
//! Follows the reference implementation step by step, its corner cases included: heredocs are cut
//! into lines, trim markers act on the line next to them alone, and the indentation of a `<<-`
//! heredoc is measured after that.

use crate::Span;
use crate::escape::backslash;
use crate::work;

/// A part of a template, as far as layout is concerned.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Piece {
    /// Literal text.
    Literal(Span),
    /// An interpolation or directive.
    Sequence {
        trims_before: bool,
        trims_after: bool,
    },
}

/// A line of literal text, or a sequence.
struct Line {
    /// Index of the piece.
    of: usize,
    /// `None` for a sequence.
    span: Option<Span>,
}

/// For each piece, the ranges that are kept, in order.
pub(crate) fn kept(text: &str, pieces: &[Piece], quoted: bool, indented: bool) -> Vec<Vec<Span>> {
    let mut lines = cut(text, pieces, quoted);
    trim(text, pieces, &mut lines, quoted);
    if indented {
        unindent(text, &mut lines);
    }
    let mut kept = vec![Vec::new(); pieces.len()];
    for line in lines {
        if let Some(span) = line.span.filter(|span| !span.is_empty()) {
            kept[line.of].push(span);
        }
    }
    kept
}

fn cut(text: &str, pieces: &[Piece], quoted: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    for (of, piece) in pieces.iter().enumerate() {
        match *piece {
            Piece::Sequence { .. } => lines.push(Line { of, span: None }),
            Piece::Literal(span) if quoted => lines.push(Line {
                of,
                span: Some(span),
            }),
            Piece::Literal(span) => {
                let mut start = span.start;
                for line in text[span.range()].split_inclusive('\n') {
                    let end = start + line.len() as u32;
                    lines.push(Line {
                        of,
                        span: Some(Span::new(start, end)),
                    });
                    start = end;
                }
            }
        }
    }
    lines
}

fn trim(text: &str, pieces: &[Piece], lines: &mut [Line], quoted: bool) {
    for at in 0..lines.len() {
        work::count(lines[at].span.map_or(0, |span| span.len() as usize));
        let Piece::Sequence {
            trims_before,
            trims_after,
        } = pieces[lines[at].of]
        else {
            continue;
        };
        if trims_after && let Some(line) = lines.get_mut(at + 1) {
            line.span = line.span.map(|span| trim_start(text, span, quoted));
        }
        if trims_before && at > 0 {
            let line = &mut lines[at - 1];
            line.span = line.span.map(|span| trim_end(text, span, quoted));
        }
    }
}

/// Length of the character or escape at the start of `rest`, and whether it is blank.
fn unit(rest: &str, quoted: bool) -> (usize, bool) {
    let c = rest.chars().next().unwrap_or('x');
    if quoted && c == '\\' {
        let escape = backslash(rest);
        return (escape.len, escape.value.is_some_and(char::is_whitespace));
    }
    (c.len_utf8(), c.is_whitespace())
}

fn trim_start(text: &str, span: Span, quoted: bool) -> Span {
    let mut rest = &text[span.range()];
    while !rest.is_empty() {
        let (len, blank) = unit(rest, quoted);
        if !blank {
            break;
        }
        rest = &rest[len..];
    }
    Span::new(span.end - rest.len() as u32, span.end)
}

fn trim_end(text: &str, span: Span, quoted: bool) -> Span {
    let mut rest = &text[span.range()];
    let mut end = span.start;
    while !rest.is_empty() {
        let (len, blank) = unit(rest, quoted);
        rest = &rest[len..];
        if !blank {
            end = span.end - rest.len() as u32;
        }
    }
    Span::new(span.start, end)
}

fn unindent(text: &str, lines: &mut [Line]) {
    let mut least = usize::MAX;
    let mut line_start = true;
    let mut first_of_line = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let content = line.span.map(|span| &text[span.range()]);
        if line_start {
            line_start = false;
            let indent = match content {
                Some(content) if content.ends_with('\n') && content.trim().is_empty() => None,
                Some(content) => {
                    first_of_line.push(at);
                    Some(content.chars().take_while(|c| c.is_whitespace()).count())
                }
                None => Some(0),
            };
            least = least.min(indent.unwrap_or(usize::MAX));
        }
        line_start |= content.is_some_and(|content| content.ends_with('\n'));
    }
    for at in first_of_line {
        if let Some(span) = &mut lines[at].span {
            let line = &text[span.range()];
            let cut = line
                .char_indices()
                .nth(least)
                .map_or(line.len(), |(i, _)| i);
            span.start += cut as u32;
        }
    }
}
