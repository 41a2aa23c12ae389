//! Bodies: attributes, blocks, labels.

use super::Parser;
use crate::Span;
use crate::error::SyntaxErrorKind as E;
use crate::token::{Punctuation as P, TokenKind as T};
use crate::tree::{Children, Kind, NONE, NodeId};

impl Parser<'_> {
    pub(super) fn root(&mut self) {
        let mut items = Children::EMPTY;
        loop {
            self.items(&mut items);
            if self.token.kind == T::End {
                break;
            }
            self.report_here(E::UnexpectedClosingBrace);
            self.bump();
        }
        let span = Span::new(0, self.text.len() as u32);
        self.out.tree.add(Kind::Body, span, items);
    }

    /// Reads items up to a `}` or the end of the text.
    fn items(&mut self, items: &mut Children) {
        loop {
            match self.token.kind {
                T::Newline => self.bump(),
                T::End | T::Punctuation(P::CloseBrace) => return,
                T::Ident | T::OpenQuote => {
                    let item = self.item(true);
                    self.push(items, item);
                }
                _ => {
                    self.report_here(E::ExpectedItem);
                    self.skip_line();
                }
            }
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
        let quoted = self.token.kind == T::OpenQuote;
        if quoted {
            self.template();
        } else {
            self.bump();
        }
        if self.at(P::Assign) || self.at(P::Colon) {
            return self.attribute(start, whole_line);
        }
        self.block(start, whole_line)
    }

    fn attribute(&mut self, start: u32, whole_line: bool) -> NodeId {
        if self.at(P::Colon) {
            self.report_here(E::ExpectedEqualsOrBlock);
        }
        self.bump();
        let value = self.expr();
        let id = self.add(Kind::Attribute, start, Children::one(value));
        if whole_line {
            self.end_line(E::MissingNewlineAfterAttribute);
        }
        id
    }

    fn end_line(&mut self, error: E) {
        if self.at_line_end() {
            return;
        }
        self.report_here(error);
        match self.token.kind {
            T::Punctuation(P::CloseBrace) => {}
            T::Punctuation(P::Comma) => self.bump(),
            T::Ident if crate::lexer::item_begins(self.text, self.token.span.start as usize) => {}
            _ => self.skip_line(),
        }
    }

    fn block(&mut self, start: u32, whole_line: bool) -> NodeId {
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
        let found = self.find_open_brace(children.is_empty());
        let body = if found {
            self.nested(|p| p.braced_body(header))
        } else {
            self.add(Kind::Missing, self.prev_end, Children::EMPTY)
        };
        self.out.tree.node(body).kind = Kind::Body;
        self.push(&mut children, body);
        let id = self.add(Kind::Block, start, children);
        if found && whole_line {
            self.end_line(E::MissingNewlineAfterBlock);
        }
        id
    }

    /// Moves to the `{` of a block, over what often stands before it by mistake.
    fn find_open_brace(&mut self, bare: bool) -> bool {
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
        } else if !bare {
            while self.token.kind == T::Newline {
                self.bump();
            }
        } else if !self.at_line_end() && !self.at_stop() {
            self.skip_line();
        }
        self.at(P::OpenBrace)
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

    /// The body of a block, from its `{`.
    fn braced_body(&mut self, header: Span) -> NodeId {
        let start = self.token.span.start;
        let outer = std::mem::replace(&mut self.newlines, true);
        self.open.braces += 1;
        self.bump();
        let mut items = Children::EMPTY;
        if matches!(self.token.kind, T::Ident | T::OpenQuote) {
            let item = self.item(false);
            self.push(&mut items, item);
            if !self.at(P::CloseBrace) || self.out.tree.node(item).kind == Kind::Block {
                self.report_here(E::SingleLineBlock);
            }
        }
        self.items(&mut items);
        self.open.braces -= 1;
        self.newlines = outer;
        if !self.eat(P::CloseBrace) {
            self.report(E::UnclosedBlock, header);
        }
        self.add(Kind::Body, start, items)
    }
}
