//! The lexer of the JSON syntax.

use memchr::memchr3;

use crate::Span;
use crate::chars::{ident_end, is_ascii_ident_start, skip_blanks};
use crate::token::{Punctuation as P, Token, TokenKind as T};
use crate::work;

/// Gives the tokens of a JSON text; never fails.
#[derive(Clone, Debug)]
pub(crate) struct JsonLexer<'a> {
    text: &'a str,
    pos: usize,
}

impl<'a> JsonLexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, pos: 0 }
    }

    /// The next token; at the end `End`, again and again.
    pub(crate) fn next_token(&mut self) -> Token {
        let start = self.pos;
        let kind = self.scan();
        work::count(self.pos - start);
        Token {
            kind,
            span: Span::new(start as u32, self.pos as u32),
        }
    }

    fn scan(&mut self) -> T {
        let bytes = self.text.as_bytes();
        let rest = &bytes[self.pos..];
        let (kind, len) = match rest {
            [] => (T::End, 0),
            [b' ' | b'\t', ..] => (T::Blank, skip_blanks(bytes, self.pos) - self.pos),
            [b'\n', ..] => (T::Newline, 1),
            [b'\r', b'\n', ..] => (T::Newline, 2),
            [b'\r', ..] => (T::Blank, 1),
            [b'"', ..] => (T::JsonString, string_len(rest)),
            [b'{', ..] => (T::Punctuation(P::OpenBrace), 1),
            [b'}', ..] => (T::Punctuation(P::CloseBrace), 1),
            [b'[', ..] => (T::Punctuation(P::OpenBracket), 1),
            [b']', ..] => (T::Punctuation(P::CloseBracket), 1),
            [b',', ..] => (T::Punctuation(P::Comma), 1),
            [b':', ..] => (T::Punctuation(P::Colon), 1),
            [b'=', ..] => (T::Punctuation(P::Assign), 1),
            [b'#', ..] | [b'/', b'/', ..] => (T::Comment, line_len(rest)),
            [b'/', b'*', ..] => (T::Comment, block_len(rest)),
            [b'-' | b'+' | b'.' | b'0'..=b'9', ..] => (T::Number, number_len(rest)),
            [b, ..] if is_ascii_ident_start(*b) => {
                (T::Ident, ident_end(self.text, self.pos) - self.pos)
            }
            _ if self.pos == 0 && self.text.starts_with('\u{feff}') => (T::Blank, 3),
            _ => {
                let c = self.text[self.pos..].chars().next();
                (T::Invalid, c.map_or(1, char::len_utf8))
            }
        };
        self.pos += len;
        kind
    }
}

/// Whether a string token ends with its quote.
pub(super) fn is_closed(token: &str) -> bool {
    token[1..].strip_suffix('"').is_some_and(|inner| {
        let backslashes = inner.len() - inner.trim_end_matches('\\').len();
        backslashes % 2 == 0
    })
}

/// A string ends at its quote, or without one at the end of its line.
fn string_len(rest: &[u8]) -> usize {
    let mut pos = 1;
    while let Some(at) = memchr3(b'"', b'\\', b'\n', &rest[pos..]) {
        pos += at;
        match rest[pos] {
            b'"' => return pos + 1,
            b'\n' => return pos - usize::from(rest[pos - 1] == b'\r' && pos > 1),
            _ if matches!(rest.get(pos + 1), None | Some(b'\n' | b'\r')) => pos += 1,
            _ if rest[pos + 1].is_ascii() => pos += 2,
            _ => pos += 1,
        }
    }
    rest.len()
}

fn line_len(rest: &[u8]) -> usize {
    memchr::memchr(b'\n', rest).unwrap_or(rest.len())
}

fn block_len(rest: &[u8]) -> usize {
    memchr::memmem::find(&rest[2..], b"*/").map_or(rest.len(), |at| at + 4)
}

fn number_len(rest: &[u8]) -> usize {
    let part = |b: &&u8| matches!(b, b'-' | b'+' | b'.' | b'0'..=b'9' | b'e' | b'E');
    rest.iter().take_while(part).count()
}
