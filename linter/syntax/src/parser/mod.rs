//! The parser of the native syntax: recursive descent with bounded depth over the lexer's tokens.
//!
//! It always makes progress and reads every token once. `body` reads items, `expr` and `collection` expressions,
//! `template` strings and heredocs; this file holds what they share: the current token, the policy
//! for newlines, and recovery.

mod body;
mod collection;
mod expr;
mod template;

use crate::error::{Errors, SyntaxErrorKind as E};
use crate::lexer::{Lexer, item_begins};
use crate::token::{Punctuation as P, Token, TokenKind as T};
use crate::tree::{Children, Kind, NodeId, Tree};
use crate::{Span, work};

/// Deeper levels of blocks, brackets and templates are skipped, so that readers may recurse.
pub(crate) const MAX_DEPTH: u16 = 256;

/// What parsing gives, without the text.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) tree: Tree,
    pub(crate) errors: Errors,
    pub(crate) comments: Vec<Span>,
}

impl Output {
    /// Nothing yet, with room for what such a text has.
    pub(crate) fn of(text: &str) -> Self {
        Self {
            tree: Tree::for_text(text.len()),
            ..Self::default()
        }
    }
}

/// Brackets that are open around the current token.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    parens: u32,
    brackets: u32,
    braces: u32,
}

/// The line of the current token.
#[derive(Clone, Copy, Debug)]
struct Line {
    start: u32,
    indent: u32,
    /// Whether the current token is the first of the line.
    first: bool,
    /// Whether the next token is the first of its line.
    begins: bool,
}

/// An open bracket or block, as far as indentation tells whether it was closed.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// Indentation of the line it opens on.
    indent: u32,
    /// Whether what is inside is indented more; `None` before the first line inside.
    indented: Option<bool>,
    /// Whether what is inside begins on the same line.
    one_line: bool,
}

pub(crate) struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    token: Token,
    /// End of the token before the current one.
    prev_end: u32,
    /// Whether newlines are tokens here, or blanks.
    newlines: bool,
    /// Whether a newline was passed over just before the current token.
    line_break: bool,
    /// In a damaged text: where the line of the current token begins, and how far its first token is
    /// indented.
    line: Line,
    depth: u16,
    open: Open,
    /// Whether the text is known to be damaged, so that indentation decides what belongs where.
    damaged: bool,
    /// Whether literals stay as children of templates that are nothing else.
    keep_literals: bool,
    /// The names of the attributes so far of each body that is open, from the outside in.
    names: Vec<(u64, Span)>,
    out: Output,
}

/// Parses a whole text; the last node of the tree is the root body. A text with errors is read once
/// more with its indentation in view; `true` when that reading is given.
pub(crate) fn parse(text: &str) -> (Output, bool) {
    let strict = parse_with(text, Lexer::new(text), false);
    if strict.errors.is_empty() {
        return (strict, false);
    }
    let damaged = parse_with(text, Lexer::of_damaged(text), true);
    if damaged.errors.is_empty() {
        (strict, false)
    } else {
        (damaged, true)
    }
}

fn parse_with(text: &str, lexer: Lexer<'_>, damaged: bool) -> Output {
    let mut parser = Parser::new(text, lexer, Output::of(text));
    parser.damaged = damaged;
    parser.bump();
    parser.root();
    parser.out
}

/// Parses a text as the inside of a template and appends its parts to `out`.
pub(crate) fn parse_template(text: &str, out: &mut Output) -> Children {
    let mut parser = Parser::new(text, Lexer::of_template(text), std::mem::take(out));
    parser.keep_literals = true;
    parser.bump();
    let parts = parser.parts(false);
    *out = parser.out;
    parts
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, lexer: Lexer<'a>, out: Output) -> Self {
        Self {
            text,
            lexer,
            token: Token {
                kind: T::End,
                span: Span::empty(0),
            },
            prev_end: 0,
            newlines: true,
            line_break: false,
            line: Line {
                start: 0,
                indent: 0,
                first: false,
                begins: true,
            },
            depth: 0,
            open: Open::default(),
            damaged: false,
            keep_literals: false,
            names: Vec::new(),
            out,
        }
    }

    /// Moves to the next token that matters here.
    #[inline(never)]
    fn bump(&mut self) {
        self.prev_end = self.token.span.end;
        self.line_break = false;
        self.lexer.read(&mut self.token);
        if self.matters_seldom() && !(self.newlines && self.token.kind == T::Newline) {
            self.pass_over();
        }
        if self.damaged {
            self.find_line();
        }
    }

    fn matters_seldom(&self) -> bool {
        matches!(
            self.token.kind,
            T::Newline | T::Blank | T::Comment | T::Invalid
        )
    }

    /// Passes over tokens that do not matter here. Apart from `bump`, which is called for every token
    /// and stays small.
    #[inline(never)]
    fn pass_over(&mut self) {
        loop {
            let span = self.token.span;
            match self.token.kind {
                T::Newline if self.newlines => return,
                T::Newline => {
                    self.line_break = true;
                    self.line.begins = true;
                    self.line.start = span.end;
                }
                T::Blank => {}
                T::Comment => self.comment(span),
                T::Invalid => self.report(E::InvalidCharacter, span),
                _ => return,
            }
            self.lexer.read(&mut self.token);
        }
    }

    /// In a damaged text: finds out whether a line begins with the current token.
    fn find_line(&mut self) {
        let Token { kind, span } = self.token;
        let newline = kind == T::Newline;
        self.line.first = self.line.begins && !newline;
        self.line.begins = newline;
        if newline {
            self.line.start = span.end;
        } else if self.line.first {
            self.line.indent = span.start - self.line.start;
        }
    }

    #[inline(never)]
    fn comment(&mut self, span: Span) {
        let text = &self.text[span.range()];
        if text.starts_with("/*") && (text.len() < 4 || !text.ends_with("*/")) {
            self.report(E::UnclosedComment, Span::new(span.start, span.start + 2));
        }
        self.out.comments.push(span);
    }

    #[cold]
    #[inline(never)]
    fn report(&mut self, kind: E, span: Span) {
        self.out.errors.report(kind, span);
    }

    /// Reports at the current token.
    fn report_here(&mut self, kind: E) {
        self.report(kind, self.token.span);
    }

    fn at(&self, kind: P) -> bool {
        self.token.kind == T::Punctuation(kind)
    }

    fn at_word(&self, word: &str) -> bool {
        self.token.kind == T::Ident && &self.text[self.token.span.range()] == word
    }

    fn eat(&mut self, kind: P) -> bool {
        let there = self.at(kind);
        if there {
            self.bump();
        }
        there
    }

    fn add(&mut self, kind: Kind, start: u32, children: Children) -> NodeId {
        let span = Span::new(start, self.prev_end.max(start));
        self.out.tree.add(kind, span, children)
    }

    fn push(&mut self, children: &mut Children, id: NodeId) {
        children.push(&mut self.out.tree, id);
    }

    /// A missing expression where the current token begins. What is read after it, or wrapped
    /// around it, begins and ends no earlier.
    fn missing(&mut self) -> NodeId {
        self.prev_end = self.token.span.start;
        self.add(Kind::Missing, self.prev_end, Children::EMPTY)
    }

    /// Whether the current token cannot be inside the bracket being read: the text or the template
    /// around ends, or a bracket outside of this one closes.
    fn at_stop(&self) -> bool {
        match self.token.kind {
            T::End
            | T::Cut
            | T::CloseTemplate
            | T::CloseQuote
            | T::CloseHeredoc
            | T::TemplateLiteral
            | T::OpenInterpolation
            | T::OpenDirective => true,
            T::Punctuation(P::CloseParen) => self.open.parens > 0,
            T::Punctuation(P::CloseBracket) => self.open.brackets > 0,
            T::Punctuation(P::CloseBrace) => self.open.braces > 0,
            _ => false,
        }
    }

    /// Whether a line begins here with what can only be an item of a body.
    fn at_next_item(&self) -> bool {
        self.line_break
            && self.token.kind == T::Ident
            && item_begins(self.text, self.token.span.start as usize)
    }

    /// Remembers the line of the current token for what opens on it.
    fn frame(&self) -> Frame {
        Frame {
            indent: self.line.indent,
            indented: None,
            one_line: false,
        }
    }

    /// In a damaged text: whether the current token begins a line that is not indented enough to be
    /// inside of `frame`. `closes` says that it is the frame's own closing bracket.
    fn leaves(&self, frame: &mut Frame, closes: bool) -> bool {
        if !self.damaged || !self.line.first {
            return false;
        }
        let deeper = self.line.indent > frame.indent;
        if closes {
            return frame.indented == Some(true) && self.line.indent < frame.indent;
        }
        let inside = *frame.indented.get_or_insert(deeper || frame.one_line);
        !deeper && inside
    }

    fn at_line_end(&self) -> bool {
        self.line_break || matches!(self.token.kind, T::Newline | T::End)
    }

    /// Passes over tokens, brackets as a whole, until `stop` holds outside of the brackets passed
    /// over, or something around ends.
    fn skip_until(&mut self, stop: impl Fn(&Self) -> bool) {
        let mut nest = 0_u32;
        loop {
            work::count(1);
            if self.token.kind == T::End || nest == 0 && stop(self) {
                return;
            }
            match self.token.kind {
                T::OpenQuote
                | T::OpenHeredoc
                | T::OpenInterpolation
                | T::OpenDirective
                | T::Punctuation(P::OpenParen | P::OpenBracket | P::OpenBrace) => nest += 1,
                T::CloseQuote
                | T::CloseHeredoc
                | T::Cut
                | T::CloseTemplate
                | T::Punctuation(P::CloseParen | P::CloseBracket | P::CloseBrace) => {
                    if nest == 0 {
                        return;
                    }
                    nest -= 1;
                }
                _ => {}
            }
            self.bump();
        }
    }

    /// Runs `read` one level deeper; past the limit the level is passed over.
    fn nested(&mut self, read: impl FnOnce(&mut Self) -> NodeId) -> NodeId {
        if self.depth >= MAX_DEPTH {
            self.report_here(E::TooDeep);
            let start = self.token.span.start;
            self.skip_until(|p| {
                p.at(P::Comma) || p.token.kind == T::Newline || p.token.kind == T::TemplateLiteral
            });
            return self.add(Kind::Missing, start, Children::EMPTY);
        }
        self.depth += 1;
        let id = read(self);
        self.depth -= 1;
        id
    }
}
