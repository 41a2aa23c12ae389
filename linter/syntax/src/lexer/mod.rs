//! The lexer of the native syntax: a stack of modes, one token at a time, never fails.
//!
//! Its decisions depend on the text alone, not on the parser, so lexing again gives the same tokens.
//! Damage is contained here where the parser cannot do it: a quoted string ends at its line's end
//! whatever is open inside it, and a template sequence does not swallow the lines of other items.

mod damage;
mod first;
mod template;

use memchr::{memchr, memmem};

pub(crate) use damage::item_begins;

use damage::Lookaround;
use first::{FIRST, Shape};

use crate::Span;
use crate::chars::{ident_end, is_ident_start, skip_blanks};
use crate::token::{Punctuation as P, Token, TokenKind};
use crate::work;

/// What the lexer is inside of.
#[derive(Clone, Copy, Debug)]
enum Mode {
    /// Nothing else: bodies and expressions.
    Code,
    /// `${…}` or `%{…}` with the number of open braces inside: code, too.
    Sequence { braces: u32 },
    /// `"…"`
    Quoted,
    /// `<<EOT`; the marker's place, and whether a line begins here.
    Heredoc { marker: Span, line_start: bool },
    /// A heredoc without an end, in a damaged text: it ends at this offset.
    Endless { end: u32 },
    /// A template that fills the whole text.
    Bare,
    /// Empty `Cut` tokens that are still to be given out, at least one.
    Cuts { left: u32 },
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    pos: usize,
    mode: Mode,
    /// What is around the current mode, from the outside in.
    around: Vec<Mode>,
    /// The last literal of a quoted string has neither escapes nor markers of sequences.
    pub(crate) plain: bool,
    /// Given when the text is known to be damaged: comments and heredocs without an end then end
    /// where the text around goes on.
    lookaround: Option<Lookaround<'a>>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            pos: 0,
            mode: Mode::Code,
            around: Vec::new(),
            plain: false,
            lookaround: None,
        }
    }

    /// Reads a text that is known to be damaged.
    pub(crate) fn of_damaged(text: &'a str) -> Self {
        let mut lexer = Self::new(text);
        lexer.lookaround = Some(Lookaround::new(text));
        lexer
    }

    /// Reads the whole text as the inside of a template, as in JSON strings.
    pub(crate) fn of_template(text: &'a str) -> Self {
        let mut lexer = Self::new(text);
        lexer.mode = Mode::Bare;
        lexer
    }

    /// The next token; at the end `End`, again and again.
    pub(crate) fn next_token(&mut self) -> Token {
        let start = self.pos;
        let kind = self.any();
        work::count(self.pos - start);
        Token {
            kind,
            span: Span::new(start as u32, self.pos as u32),
        }
    }

    /// Makes `token` the next one, without the spaces and tabs before it where code is read: they
    /// would be half of all tokens.
    #[inline(always)]
    pub(crate) fn read(&mut self, token: &mut Token) {
        if matches!(self.mode, Mode::Code | Mode::Sequence { .. }) {
            let start = skip_blanks(self.bytes(), self.pos);
            work::count(start - self.pos);
            self.pos = start;
            token.span.start = start as u32;
            token.kind = self.code();
        } else {
            token.span.start = self.pos as u32;
            token.kind = self.any();
        }
        token.span.end = self.pos as u32;
        work::count(token.span.len() as usize);
    }

    /// Passes over a token of any mode.
    #[inline(never)]
    fn any(&mut self) -> TokenKind {
        match self.mode {
            Mode::Code | Mode::Sequence { .. } => self.code(),
            Mode::Quoted => self.quoted(),
            Mode::Heredoc { marker, line_start } => self.heredoc(marker, line_start),
            Mode::Endless { end } => self.endless(end as usize),
            Mode::Bare => self.bare(),
            Mode::Cuts { left } => self.cut(left),
        }
    }

    #[inline]
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// Where the last token that was read ends.
    pub(crate) fn pos(&self) -> u32 {
        self.pos as u32
    }

    fn enter(&mut self, mode: Mode) {
        self.around.push(self.mode);
        self.mode = mode;
    }

    fn leave(&mut self) {
        self.mode = self.around.pop().unwrap_or(Mode::Code);
    }

    fn at(&self, offset: usize) -> u8 {
        self.bytes().get(self.pos + offset).copied().unwrap_or(0)
    }

    #[inline]
    fn take(&mut self, len: usize, kind: TokenKind) -> TokenKind {
        self.pos += len;
        kind
    }

    fn punct(&mut self, len: usize, kind: P) -> TokenKind {
        self.take(len, TokenKind::Punctuation(kind))
    }

    /// What most tokens are is known from their first byte.
    #[inline(always)]
    fn code(&mut self) -> TokenKind {
        let Some(&byte) = self.bytes().get(self.pos) else {
            return TokenKind::End;
        };
        let first = &FIRST[byte as usize];
        match first.shape {
            Shape::Ident => {
                self.pos = ident_end(self.text, self.pos + 1);
                TokenKind::Ident
            }
            Shape::Alone => self.take(1, first.kind),
            Shape::Unless if !first.longer.contains(&self.at(1)) => self.take(1, first.kind),
            Shape::Outside if matches!(self.mode, Mode::Code) => self.take(1, first.kind),
            Shape::Quote => self.open_quote(),
            _ => self.longer(byte),
        }
    }

    #[inline(never)]
    fn open_quote(&mut self) -> TokenKind {
        self.enter(Mode::Quoted);
        self.take(1, TokenKind::OpenQuote)
    }

    /// Tokens that need a look at more than their first byte.
    #[inline(never)]
    fn longer(&mut self, byte: u8) -> TokenKind {
        match byte {
            b' ' | b'\t' => {
                self.pos = skip_blanks(self.bytes(), self.pos + 1);
                TokenKind::Blank
            }
            b'\n' => self.newline(1),
            b'\r' if self.at(1) == b'\n' => self.newline(2),
            b'\r' => self.take(1, TokenKind::Blank),
            b'0'..=b'9' => self.number(),
            b'#' => self.line_comment(),
            b'{' => {
                if let Mode::Sequence { braces } = &mut self.mode {
                    *braces += 1;
                }
                self.punct(1, P::OpenBrace)
            }
            b'}' => self.close_brace(),
            b'~' if self.at(1) == b'}' && self.ends_sequence() => {
                self.leave();
                self.take(2, TokenKind::CloseTemplate)
            }
            b'/' => self.slash(),
            b'<' if self.at(1) == b'<' => self.open_heredoc(),
            b'\xef' if self.pos == 0 && self.text.starts_with('\u{feff}') => {
                self.take(3, TokenKind::Blank)
            }
            _ if byte.is_ascii() => self.operator(byte),
            _ => self.other(),
        }
    }

    /// An operator of several bytes, or nothing of the language.
    fn operator(&mut self, byte: u8) -> TokenKind {
        let next = self.at(1);
        match (byte, next) {
            (b'=', b'=') => self.punct(2, P::Equal),
            (b'=', b'>') => self.punct(2, P::Arrow),
            (b'!', b'=') => self.punct(2, P::NotEqual),
            (b'<', b'=') => self.punct(2, P::LessEqual),
            (b'>', b'=') => self.punct(2, P::GreaterEqual),
            (b':', b':') => self.punct(2, P::DoubleColon),
            (b'&', b'&') => self.punct(2, P::And),
            (b'|', b'|') => self.punct(2, P::Or),
            (b'.', b'.') if self.at(2) == b'.' => self.punct(3, P::Ellipsis),
            (b'.', _) => self.punct(1, P::Dot),
            _ => self.take(1, TokenKind::Invalid),
        }
    }

    fn other(&mut self) -> TokenKind {
        let c = self.text[self.pos..].chars().next().unwrap_or('\0');
        self.pos += c.len_utf8();
        if !is_ident_start(c) {
            return TokenKind::Invalid;
        }
        self.pos = ident_end(self.text, self.pos);
        TokenKind::Ident
    }

    /// Digits, dots and exponents, not ending in a dot: the scanner's rule of the reference
    /// implementation, which lets `0.1.2` through to be refused as a whole.
    fn number(&mut self) -> TokenKind {
        let mut end = self.pos;
        let mut pos = self.pos;
        loop {
            match self.bytes().get(pos) {
                Some(b'0'..=b'9') => pos += 1,
                Some(b'.') => {
                    pos += 1;
                    continue;
                }
                Some(b'e' | b'E') => {
                    let sign = usize::from(matches!(self.bytes().get(pos + 1), Some(b'+' | b'-')));
                    if !self
                        .bytes()
                        .get(pos + 1 + sign)
                        .is_some_and(u8::is_ascii_digit)
                    {
                        break;
                    }
                    pos += 2 + sign;
                }
                _ => break,
            }
            end = pos;
        }
        self.pos = end;
        TokenKind::Number
    }

    fn line_comment(&mut self) -> TokenKind {
        let rest = &self.bytes()[self.pos..];
        let len = memchr(b'\n', rest).unwrap_or(rest.len());
        let len = len - usize::from(len > 0 && len < rest.len() && rest[len - 1] == b'\r');
        self.take(len, TokenKind::Comment)
    }

    fn slash(&mut self) -> TokenKind {
        match self.at(1) {
            b'/' => self.line_comment(),
            b'*' if self.is_endless_comment() => self.line_comment(),
            b'*' => {
                let body = &self.bytes()[self.pos + 2..];
                let len = memmem::find(body, b"*/").map_or(body.len(), |at| at + 2);
                self.take(2 + len, TokenKind::Comment)
            }
            _ => self.punct(1, P::Slash),
        }
    }

    fn ends_sequence(&self) -> bool {
        matches!(self.mode, Mode::Sequence { braces: 0 })
    }

    fn close_brace(&mut self) -> TokenKind {
        if self.ends_sequence() {
            self.leave();
            return self.take(1, TokenKind::CloseTemplate);
        }
        if let Mode::Sequence { braces } = &mut self.mode {
            *braces -= 1;
        }
        self.punct(1, P::CloseBrace)
    }

    /// `<<MARKER` and a newline open a heredoc; anything else on the line makes two `<`.
    fn open_heredoc(&mut self) -> TokenKind {
        let mut start = self.pos + 2;
        start += usize::from(self.bytes().get(start) == Some(&b'-'));
        let begins = self.text[start..]
            .chars()
            .next()
            .is_some_and(is_ident_start);
        let end = if begins {
            ident_end(self.text, start)
        } else {
            start
        };
        let newline = match self.bytes().get(end..) {
            Some([b'\n', ..]) => 1,
            Some([b'\r', b'\n', ..]) => 2,
            _ => 0,
        };
        if end == start || newline == 0 {
            return self.punct(1, P::Less);
        }
        let content = end + newline;
        let mode = if self.is_endless_heredoc(&self.text[start..end], content) {
            Mode::Endless {
                end: self.guess_heredoc_end(content) as u32,
            }
        } else {
            Mode::Heredoc {
                marker: Span::new(start as u32, end as u32),
                line_start: true,
            }
        };
        self.enter(mode);
        self.pos = content;
        TokenKind::OpenHeredoc
    }

    /// A newline inside a template sequence may show that the sequence is not closed: then it ends
    /// here, with the string around it.
    fn newline(&mut self, len: usize) -> TokenKind {
        if let (Mode::Sequence { braces }, Some(&outer)) = (self.mode, self.around.last()) {
            match outer {
                Mode::Quoted if braces == 0 && item_begins(self.text, self.pos + len) => {
                    self.cut_line();
                    return self.any();
                }
                Mode::Heredoc { marker, .. }
                    if self.marker_line_at(self.pos + len, marker).is_some() =>
                {
                    self.leave();
                    self.set_line_start(true);
                }
                _ => {}
            }
        }
        self.take(len, TokenKind::Newline)
    }

    /// Closes everything that is open on a line whose string has no end: up to the heredoc around,
    /// or all. Each open string gives one `Cut`.
    fn cut_line(&mut self) {
        let mut left = 0;
        loop {
            match self.mode {
                Mode::Quoted => left += 1,
                Mode::Sequence { .. } => {}
                _ => break,
            }
            self.leave();
        }
        self.enter(Mode::Cuts { left });
    }

    fn cut(&mut self, left: u32) -> TokenKind {
        if left > 1 {
            self.mode = Mode::Cuts { left: left - 1 };
        } else {
            self.leave();
        }
        TokenKind::Cut
    }
}
