//! Bodies: attributes, blocks, labels.

use std::collections::HashSet;

use super::{Frame, Parser};
use crate::error::SyntaxErrorKind as E;
use crate::lexer::item_begins;
use crate::token::{Punctuation as P, TokenKind as T};
use crate::tree::{Children, Kind, NONE, NodeId, flag};
use crate::{Span, work};

impl Parser<'_> {
    pub(super) fn root(&mut self) {
        let mut items = Children::EMPTY;
        loop {
            self.items(&mut items, None);
            if self.token.kind == T::End {
                break;
            }
            self.report_here(E::UnexpectedClosingBrace);
            self.bump();
        }
        self.check_duplicates(0);
        let span = Span::new(0, self.text.len() as u32);
        self.out.tree.add(Kind::Body, span, items);
    }

    /// Reads items up to a `}` or the end of the text; `true` when indentation leaves `frame`.
    fn items(&mut self, items: &mut Children, mut frame: Option<Frame>) -> bool {
        loop {
            let closes = self.at(P::CloseBrace);
            if let Some(frame) = &mut frame {
                if self.leaves(frame, closes) {
                    return true;
                }
                if closes && self.is_stray_close(*frame) {
                    self.report_here(E::UnexpectedClosingBrace);
                    self.bump();
                    continue;
                }
            }
            match self.token.kind {
                T::Newline => self.bump(),
                T::End | T::Punctuation(P::CloseBrace) => return false,
                T::Ident | T::OpenQuote => {
                    let item = self.item(true);
                    self.push(items, item);
                }
                _ => self.skip_garbage(),
            }
        }
    }

    /// In a damaged text: whether this `}` does not stand where the end of `frame` should, but
    /// behind something on its line or indented like what is inside.
    fn is_stray_close(&self, frame: Frame) -> bool {
        self.damaged
            && frame.indented == Some(true)
            && (!self.line.first || self.line.indent > frame.indent)
    }

    /// Passes over tokens that cannot begin an item.
    fn skip_garbage(&mut self) {
        self.report_here(E::ExpectedItem);
        while !matches!(
            self.token.kind,
            T::Ident | T::OpenQuote | T::Newline | T::End | T::Punctuation(P::CloseBrace)
        ) {
            self.bump();
        }
    }

    /// Passes over the rest of the line, at least one token.
    fn skip_line(&mut self) {
        self.bump();
        self.skip_until(|p| p.token.kind == T::Newline || p.line_break);
    }

    /// One attribute or block; `whole_line` demands the end of the line after it.
    fn item(&mut self, whole_line: bool) -> NodeId {
        let start = self.token.span.start;
        let frame = self.frame();
        let mut name = Span::empty(start);
        if self.token.kind == T::OpenQuote {
            self.template();
        } else {
            name = self.token.span;
            self.bump();
        }
        let (id, error) = match self.token.kind {
            T::Punctuation(P::Assign) => (
                self.attribute(start, frame),
                E::MissingNewlineAfterAttribute,
            ),
            T::Punctuation(P::Colon | P::OpenBracket | P::OpenParen) | T::Number => {
                self.report_here(E::ExpectedEqualsOrBlock);
                (
                    self.attribute(start, frame),
                    E::MissingNewlineAfterAttribute,
                )
            }
            _ => self.block(start, frame),
        };
        let node = self.out.tree.node(id);
        node.set_name(name.len());
        if node.kind == Kind::Attribute {
            self.names.push((head(self.text.as_bytes(), name), name));
        }
        if whole_line {
            self.end_line(error);
        }
        id
    }

    /// An attribute, after its name.
    fn attribute(&mut self, start: u32, frame: Frame) -> NodeId {
        if self.at(P::Assign) || self.at(P::Colon) {
            self.bump();
        }
        let value = if self.damaged && self.token.kind == T::Newline {
            self.value_below(frame)
        } else {
            self.expr()
        };
        self.add(Kind::Attribute, start, Children::one(value))
    }

    /// In a damaged text: the value of an attribute that has none on its line. Lines below that are
    /// indented more and are no items are the elements of a list without `[`.
    fn value_below(&mut self, frame: Frame) -> NodeId {
        self.report_here(E::ExpectedExpression);
        let missing = self.missing();
        while self.token.kind == T::Newline {
            self.bump();
        }
        let element = matches!(
            self.token.kind,
            T::OpenQuote | T::Number | T::Punctuation(P::OpenBrace | P::OpenBracket)
        );
        if element && self.line.indent > frame.indent {
            self.unopened_tuple(frame)
        } else {
            missing
        }
    }

    fn end_line(&mut self, error: E) {
        if self.at_line_end() || self.damaged && self.line.first {
            return;
        }
        self.report_here(error);
        match self.token.kind {
            T::Punctuation(P::CloseBrace) => {}
            T::Punctuation(P::Comma) => self.bump(),
            T::Ident if item_begins(self.text, self.token.span.start as usize) => {}
            _ => self.skip_line(),
        }
    }

    /// A block, after its type; or, when no body follows, what looks like an attribute without `=`.
    #[inline(never)]
    fn block(&mut self, start: u32, frame: Frame) -> (NodeId, E) {
        let mut children = Children::EMPTY;
        loop {
            let label = match self.token.kind {
                T::OpenQuote => self.quoted_label(),
                T::Ident => {
                    let start = self.token.span.start;
                    self.bump();
                    self.add(Kind::Label, start, Children::EMPTY)
                }
                _ => break,
            };
            self.push(&mut children, label);
        }
        let header = Span::new(start, self.prev_end);
        let body = if self.find_open_brace(children.is_empty(), frame) {
            self.nested(|p| p.braced_body(header, frame))
        } else if children.is_one() {
            return (
                self.unassigned(start, children),
                E::MissingNewlineAfterAttribute,
            );
        } else {
            self.add(Kind::Missing, self.prev_end, Children::EMPTY)
        };
        self.out.tree.node(body).kind = Kind::Body;
        self.push(&mut children, body);
        let id = self.add(Kind::Block, start, children);
        (id, E::MissingNewlineAfterBlock)
    }

    /// `name value` read as a block's header, whose one label is the value.
    fn unassigned(&mut self, start: u32, label: Children) -> NodeId {
        let node = self.out.tree.node(label.first());
        let quoted = node.flags & flag::QUOTED != 0;
        node.kind = if quoted {
            Kind::Template
        } else {
            Kind::Traversal
        };
        let value_start = node.start;
        let value = self.postfix(value_start, label.first());
        self.add(Kind::Attribute, start, Children::one(value))
    }

    /// Moves to the `{` of a block, over what often stands before it by mistake. Lines indented
    /// more than a header without `{` are its body all the same.
    fn find_open_brace(&mut self, bare: bool, frame: Frame) -> bool {
        if self.at(P::OpenBrace) {
            return true;
        }
        self.report_here(if bare {
            E::ExpectedEqualsOrBlock
        } else {
            E::ExpectedBlockBody
        });
        if self.at(P::Assign) {
            self.bump();
            return self.at(P::OpenBrace);
        }
        if bare && !self.at_line_end() && !self.at_stop() {
            self.skip_line();
        }
        if self.token.kind != T::Newline {
            return false;
        }
        while self.token.kind == T::Newline {
            self.bump();
        }
        let indented = self.token.kind == T::Ident && self.line.indent > frame.indent;
        self.at(P::OpenBrace) || indented
    }

    fn quoted_label(&mut self) -> NodeId {
        let id = self.template();
        let node = self.out.tree.node(id);
        node.kind = Kind::Label;
        let span = node.span();
        if node.child != NONE {
            self.report(E::TemplateInLabel, span);
        }
        id
    }

    /// The body of a block, from its `{`, or from its first item when that is missing.
    #[inline(never)]
    fn braced_body(&mut self, header: Span, frame: Frame) -> NodeId {
        let start = self.token.span.start;
        let outer = std::mem::replace(&mut self.newlines, true);
        self.open.braces += 1;
        let braced = self.eat(P::OpenBrace);
        let mut items = Children::EMPTY;
        let outer_names = self.names.len();
        let mut frame = frame;
        if braced && matches!(self.token.kind, T::Ident | T::OpenQuote) {
            frame.one_line = true;
            let item = self.item(false);
            self.push(&mut items, item);
            if !self.at(P::CloseBrace) || self.out.tree.node(item).kind == Kind::Block {
                self.report_here(E::SingleLineBlock);
            }
        }
        let left = self.items(&mut items, Some(frame));
        self.open.braces -= 1;
        self.newlines = outer;
        if left || !self.eat(P::CloseBrace) {
            self.report(E::UnclosedBlock, header);
        }
        self.check_duplicates(outer_names);
        self.add(Kind::Body, start, items)
    }

    /// Reports names that are set twice in one body, whose names begin at `from`.
    fn check_duplicates(&mut self, from: usize) {
        if self.names.len() - from <= 32 {
            self.check_few(from);
        } else {
            self.check_many(from);
        }
        self.names.truncate(from);
    }

    fn check_few(&mut self, from: usize) {
        for at in from..self.names.len() {
            let (head, span) = self.names[at];
            work::count(span.len() as usize);
            let name = |span: Span| &self.text[span.range()];
            let same = |&(other, before): &(u64, Span)| other == head && name(before) == name(span);
            if self.names[from..at].iter().any(same) && !span.is_empty() {
                self.report(E::DuplicateAttribute, span);
            }
        }
    }

    fn check_many(&mut self, from: usize) {
        let mut seen = HashSet::new();
        for at in from..self.names.len() {
            let span = self.names[at].1;
            work::count(span.len() as usize);
            if !seen.insert(&self.text[span.range()]) && !span.is_empty() {
                self.report(E::DuplicateAttribute, span);
            }
        }
    }
}

/// The first seven bytes of a name and its length: different names nearly always differ in them.
fn head(text: &[u8], name: Span) -> u64 {
    let (rest, length) = (&text[name.start as usize..], name.len());
    let word = match rest.first_chunk() {
        Some(bytes) => u64::from_le_bytes(*bytes),
        // At the end of a text.
        None => rest
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let kept = 8 * length.min(7);
    (word & ((1 << kept) - 1)) | u64::from(length) << 56
}
