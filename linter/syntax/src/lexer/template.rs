//! The inside of strings, heredocs and JSON strings.

use memchr::{memchr2, memchr3};

use super::{Lexer, Mode};
use crate::chars::{Class, find};
use crate::token::TokenKind;
use crate::{Span, work};

impl Lexer<'_> {
    fn open_sequence(&mut self, kind: TokenKind) -> TokenKind {
        self.set_line_start(false);
        self.enter(Mode::Sequence { braces: 0 });
        let len = 2 + usize::from(self.at(2) == b'~');
        self.take(len, kind)
    }

    /// At `$` or `%`: the kind of sequence that opens here, or how many bytes are literal.
    fn marker(&self, pos: usize) -> Result<TokenKind, usize> {
        let byte = self.bytes()[pos];
        match self.bytes().get(pos + 1..) {
            Some([b'{', ..]) if byte == b'$' => Ok(TokenKind::OpenInterpolation),
            Some([b'{', ..]) => Ok(TokenKind::OpenDirective),
            Some([next, b'{', ..]) if *next == byte => Err(3),
            _ => Err(1),
        }
    }

    /// Just behind an opening quote: passes over the string when all in it stands for itself.
    pub(crate) fn plain_string(&mut self) -> bool {
        let end = find(&SPECIAL, true, self.bytes(), self.pos);
        work::count(end - self.pos);
        let plain = self.bytes().get(end) == Some(&b'"');
        if plain {
            self.leave();
            self.pos = end + 1;
        }
        plain
    }

    pub(super) fn quoted(&mut self) -> TokenKind {
        let mut pos = self.pos;
        self.plain = true;
        loop {
            pos = find(&SPECIAL, true, self.bytes(), pos);
            let Some(&byte) = self.bytes().get(pos) else {
                if pos == self.pos {
                    self.cut_line();
                    return self.any();
                }
                break;
            };
            match byte {
                b'"' if pos == self.pos => {
                    self.leave();
                    return self.take(1, TokenKind::CloseQuote);
                }
                b'"' => break,
                b'\\' => {
                    self.plain = false;
                    pos += 1;
                    if !matches!(self.bytes().get(pos), None | Some(b'\n' | b'\r')) {
                        pos += self.text[pos..].chars().next().map_or(0, char::len_utf8);
                    }
                }
                b'\n' | b'\r' => {
                    if pos == self.pos {
                        self.cut_line();
                        return self.any();
                    }
                    break;
                }
                b'$' | b'%' => match self.marker(pos) {
                    Ok(kind) if pos == self.pos => return self.open_sequence(kind),
                    Ok(_) => break,
                    Err(len) => {
                        self.plain = false;
                        pos += len;
                    }
                },
                _ => pos += 1,
            }
        }
        self.pos = pos;
        TokenKind::TemplateLiteral
    }

    pub(super) fn bare(&mut self) -> TokenKind {
        let mut pos = self.pos;
        while let Some(at) = memchr2(b'$', b'%', &self.bytes()[pos..]) {
            pos += at;
            match self.marker(pos) {
                Ok(kind) if pos == self.pos => return self.open_sequence(kind),
                Ok(_) => return self.take(pos - self.pos, TokenKind::TemplateLiteral),
                Err(len) => pos += len,
            }
        }
        let rest = self.bytes().len() - self.pos;
        if rest == 0 {
            return TokenKind::End;
        }
        self.take(rest, TokenKind::TemplateLiteral)
    }

    pub(super) fn set_line_start(&mut self, value: bool) {
        if let Mode::Heredoc { line_start, .. } = &mut self.mode {
            *line_start = value;
        }
    }

    /// When the line at `pos` is the end marker, where the marker ends.
    pub(super) fn marker_line_at(&self, pos: usize, marker: Span) -> Option<usize> {
        let start = pos + trimmed(&self.text[pos..]);
        work::count(start - pos);
        let marker = &self.bytes()[marker.range()];
        let rest = self.bytes()[start..].strip_prefix(marker)?;
        let blanks = rest
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c'))
            .count();
        matches!(rest.get(blanks), None | Some(b'\n')).then_some(start + marker.len())
    }

    pub(super) fn heredoc(&mut self, marker: Span, mut line_start: bool) -> TokenKind {
        let mut pos = self.pos;
        loop {
            if line_start && let Some(end) = self.marker_line_at(pos, marker) {
                if pos > self.pos {
                    break;
                }
                self.leave();
                return self.take(end - self.pos, TokenKind::CloseHeredoc);
            }
            let Some(at) = memchr3(b'\n', b'$', b'%', &self.bytes()[pos..]) else {
                pos = self.bytes().len();
                if pos == self.pos {
                    self.leave();
                    return self.any();
                }
                line_start = false;
                break;
            };
            pos += at;
            line_start = self.bytes()[pos] == b'\n';
            if line_start {
                pos += 1;
                continue;
            }
            match self.marker(pos) {
                Ok(kind) if pos == self.pos => return self.open_sequence(kind),
                Ok(_) => break,
                Err(len) => pos += len,
            }
        }
        self.set_line_start(line_start);
        self.pos = pos;
        TokenKind::TemplateLiteral
    }
}

/// Bytes that mean more than themselves in a quoted string.
static SPECIAL: Class = {
    let mut special = [false; 256];
    let bytes = b"\"\\\n\r$%";
    let mut at = 0;
    while at < bytes.len() {
        special[bytes[at] as usize] = true;
        at += 1;
    }
    special
};

/// Length of the blanks at the start of a line.
fn trimmed(line: &str) -> usize {
    let ascii = line
        .bytes()
        .take_while(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\x0b' | b'\x0c'))
        .count();
    match line.as_bytes().get(ascii) {
        Some(b) if !b.is_ascii() => {
            let blank = |c: char| c.is_whitespace() && c != '\n';
            line.len() - line.trim_start_matches(blank).len()
        }
        _ => ascii,
    }
}
