//! What helps to read a text that is known to be damaged.

use std::collections::HashMap;

use memchr::{memchr, memmem, memrchr};

use super::Lexer;
use crate::chars::{ident_end, is_ascii_ident_start, skip_blanks};
use crate::token::TokenKind;
use crate::work;

/// What is known about a damaged text before it is read again.
#[derive(Clone, Debug)]
pub(super) struct Lookaround<'a> {
    /// Where the last `*/` is.
    last_comment_end: Option<usize>,
    /// Lines that could end a heredoc, with where each occurs last.
    last_lines: HashMap<&'a str, usize>,
}

impl<'a> Lookaround<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut last_lines = HashMap::new();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let word = line.trim();
            if !word.is_empty() && ident_end(word, 0) == word.len() {
                last_lines.insert(word, start);
            }
            start += line.len();
        }
        Self {
            last_comment_end: memmem::rfind(text.as_bytes(), b"*/"),
            last_lines,
        }
    }
}

impl Lexer<'_> {
    pub(super) fn is_endless_comment(&self) -> bool {
        self.lookaround
            .as_ref()
            .is_some_and(|known| known.last_comment_end.is_none_or(|at| at < self.pos + 2))
    }

    pub(super) fn is_endless_heredoc(&self, marker: &str, content: usize) -> bool {
        self.lookaround
            .as_ref()
            .is_some_and(|known| known.last_lines.get(marker).is_none_or(|&at| at < content))
    }

    /// Where the lines from `content` on seem to belong to the body around the heredoc that opens
    /// at `pos`: at an item or a closing brace that is not indented more than the heredoc's line.
    /// The newline before stays outside.
    pub(super) fn guess_heredoc_end(&self, content: usize) -> usize {
        let line = memrchr(b'\n', &self.bytes()[..self.pos]).map_or(0, |at| at + 1);
        let indent = skip_blanks(self.bytes(), line) - line;
        let mut start = content;
        while start < self.bytes().len() {
            let first = skip_blanks(self.bytes(), start);
            work::count(first - start);
            let closes = self.bytes().get(first) == Some(&b'}');
            if first - start <= indent && (closes || item_begins(self.text, first)) {
                break;
            }
            start = memchr(b'\n', &self.bytes()[first..])
                .map_or(self.bytes().len(), |at| first + at + 1);
        }
        start - usize::from(start > content && self.bytes()[start - 1] == b'\n')
    }

    pub(super) fn endless(&mut self, end: usize) -> TokenKind {
        if self.pos < end {
            return self.take(end - self.pos, TokenKind::TemplateLiteral);
        }
        self.leave();
        TokenKind::Cut
    }
}

/// Whether an item of a body begins at `pos`, blanks aside: `name =`, `name {` or `name "`, which no
/// expression outside of braces can.
pub(crate) fn item_begins(text: &str, pos: usize) -> bool {
    let bytes = text.as_bytes();
    let start = skip_blanks(bytes, pos);
    if !bytes.get(start).copied().is_some_and(is_ascii_ident_start) {
        return false;
    }
    let end = ident_end(text, start);
    work::count(end - pos);
    if matches!(&text[start..end], "in" | "if" | "for" | "else") {
        return false;
    }
    match bytes.get(skip_blanks(bytes, end)..) {
        Some([b'=', b'=' | b'>', ..]) => false,
        Some([b'=' | b'{' | b'"', ..]) => true,
        _ => false,
    }
}
