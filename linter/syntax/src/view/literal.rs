//! Literal text of templates: decoding, and the way back to the source.

use std::borrow::Cow;
use std::fmt;

use crate::escape::{Escape, backslash, is_doubled_marker, json_backslash};
use crate::{Span, work};

/// How the text of a literal is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// Nothing is special.
    None,
    /// `$${` and `%%{`: heredocs.
    Markers,
    /// Backslashes and markers: quoted strings.
    Quoted,
    /// A template in a JSON string: JSON's escapes, then markers.
    JsonMarkers,
    /// A quoted string in a template in a JSON string: all of them.
    JsonQuoted,
}

/// Literal text between the sequences of a template.
#[derive(Clone)]
pub struct Literal<'a> {
    pub(super) source: &'a str,
    pub(super) span: Span,
    pub(super) escapes: Escapes,
    /// What is kept of the text; `None` for all of it. Lines of a `<<-` heredoc lose their
    /// indentation, trim markers remove blanks.
    pub(super) kept: Option<Vec<Span>>,
}

/// A run of the value and where it comes from.
struct Piece<'a> {
    source: Span,
    /// `None`: the source text itself.
    value: Option<char>,
    text: &'a str,
}

impl<'a> Literal<'a> {
    /// Where the raw text is.
    #[must_use]
    pub fn span(&self) -> Span {
        self.span
    }

    /// The raw text.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        &self.source[self.span.range()]
    }

    /// The value: escapes decoded, the indentation of a `<<-` heredoc and what trim markers remove
    /// left out.
    #[must_use]
    pub fn value(&self) -> Cow<'a, str> {
        if self.kept.is_none() && self.escapes == Escapes::None {
            return Cow::Borrowed(self.raw());
        }
        let mut value = String::new();
        let mut only = None;
        let mut count = 0;
        self.each_piece(|piece| {
            count += 1;
            only = piece.value.is_none().then_some(piece.text);
            match piece.value {
                Some(c) => value.push(c),
                None => value.push_str(piece.text),
            }
            true
        });
        match only {
            Some(text) if count == 1 => Cow::Borrowed(text),
            _ => Cow::Owned(value),
        }
    }

    /// The source offset of the byte at `offset` of the value. Past the end of the value it is the
    /// end of the raw text.
    #[must_use]
    pub fn source_offset(&self, offset: usize) -> u32 {
        let mut left = offset;
        let mut found = self.span.end;
        self.each_piece(|piece| {
            let len = piece.value.map_or(piece.text.len(), char::len_utf8);
            if left < len {
                let inside = if piece.value.is_some() { 0 } else { left };
                found = piece.source.start + inside as u32;
                return false;
            }
            left -= len;
            true
        });
        found
    }

    /// The source range of the bytes `start..end` of the value.
    #[must_use]
    pub fn source_span(&self, start: usize, end: usize) -> Span {
        let from = self.source_offset(start);
        if end <= start {
            return Span::empty(from);
        }
        let mut left = end - 1;
        let mut found = self.span.end;
        self.each_piece(|piece| {
            let len = piece.value.map_or(piece.text.len(), char::len_utf8);
            if left < len {
                found = match piece.value {
                    Some(_) => piece.source.end,
                    None => piece.source.start + left as u32 + 1,
                };
                return false;
            }
            left -= len;
            true
        });
        Span::new(from, found.max(from))
    }

    fn each_piece(&self, mut visit: impl FnMut(Piece<'a>) -> bool) {
        let all = [self.span];
        for &span in self.kept.as_deref().unwrap_or(&all) {
            if !self.pieces_of(span, &mut visit) {
                return;
            }
        }
    }

    /// Whether to go on.
    fn pieces_of(&self, span: Span, visit: &mut impl FnMut(Piece<'a>) -> bool) -> bool {
        let text = &self.source[span.range()];
        work::count(text.len());
        let mut plain = 0;
        let mut pos = 0;
        while pos < text.len() {
            let Some(escape) = self.escape_at(text, pos) else {
                pos += 1;
                continue;
            };
            if plain < pos && !visit(piece(text, span.start, plain, pos)) {
                return false;
            }
            if let Some(c) = escape.value {
                let start = span.start + pos as u32;
                let go_on = visit(Piece {
                    source: Span::new(start, start + escape.len as u32),
                    value: Some(c),
                    text: &text[pos..pos + escape.len],
                });
                if !go_on {
                    return false;
                }
            }
            pos += escape.len;
            plain = pos;
        }
        plain == text.len() || visit(piece(text, span.start, plain, text.len()))
    }

    /// The escape at `pos`, if one is there. A marker's first character is dropped: its `value` is
    /// the same character as the second, and covers both.
    fn escape_at(&self, text: &str, pos: usize) -> Option<Escape> {
        let byte = text.as_bytes()[pos];
        let marker = |at: usize| is_doubled_marker(&text.as_bytes()[at..]);
        match (self.escapes, byte) {
            (Escapes::Quoted, b'\\') => known(backslash(&text[pos..])),
            (Escapes::JsonMarkers, b'\\') => known(json_backslash(&text[pos..])),
            (Escapes::JsonQuoted, b'\\') => known(twice(&text[pos..])),
            (Escapes::None, _) => None,
            (_, b'$' | b'%') if marker(pos) => Some(Escape {
                len: 2,
                value: Some(byte as char),
            }),
            _ => None,
        }
    }
}

fn known(escape: Escape) -> Option<Escape> {
    escape.value.map(|_| escape)
}

/// An escape of a quoted string, itself written with JSON's escapes, as `\\n` for a newline.
fn twice(rest: &str) -> Escape {
    let outer = json_backslash(rest);
    if outer.value != Some('\\') {
        return outer;
    }
    let mut decoded = String::from("\\");
    let mut lens = vec![outer.len];
    let mut pos = outer.len;
    for _ in 0..9 {
        let Some(c) = rest[pos..].chars().next() else {
            break;
        };
        let step = match c {
            '\\' => json_backslash(&rest[pos..]),
            _ => Escape {
                len: c.len_utf8(),
                value: None,
            },
        };
        decoded.push(step.value.unwrap_or(c));
        pos += step.len;
        lens.push(step.len);
    }
    let inner = backslash(&decoded);
    match inner.value {
        None => outer,
        value => Escape {
            len: lens[..inner.len].iter().sum(),
            value,
        },
    }
}

fn piece(text: &str, base: u32, start: usize, end: usize) -> Piece<'_> {
    Piece {
        source: Span::new(base + start as u32, base + end as u32),
        value: None,
        text: &text[start..end],
    }
}

impl fmt::Debug for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Literal({}..{})", self.span.start, self.span.end)
    }
}
