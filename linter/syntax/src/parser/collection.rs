//! Collections: tuples, objects, `for` expressions.

use super::{Frame, Parser};
use crate::Span;
use crate::error::SyntaxErrorKind as E;
use crate::token::{Punctuation as P, TokenKind as T};
use crate::tree::{Children, Kind, NodeId, flag, role};

impl Parser<'_> {
    /// Reads elements separated by commas, up to the closing bracket; `true` when indentation
    /// leaves `frame`.
    pub(super) fn elements(
        &mut self,
        close: P,
        mut frame: Frame,
        mut read: impl FnMut(&mut Self),
    ) -> bool {
        loop {
            if !self.at(close) && self.leaves(&mut frame, false) {
                return true;
            }
            if self.at(close) || self.at_stop() || self.at_next_item() {
                return false;
            }
            let before = self.token.span;
            read(self);
            if self.at(close) || self.eat(P::Comma) || self.at_stop() || self.at_next_item() {
                continue;
            }
            self.report_here(E::ExpectedComma);
            if self.token.span == before {
                self.bump();
            }
        }
    }

    #[inline(never)]
    pub(super) fn tuple(&mut self) -> NodeId {
        let open = self.token.span;
        let frame = self.frame();
        let outer = std::mem::replace(&mut self.newlines, false);
        self.open.brackets += 1;
        self.bump();
        if self.at_word("for") {
            return self.for_expr(open, outer);
        }
        let mut children = Children::EMPTY;
        let left = self.elements(P::CloseBracket, frame, |p| {
            let element = p.expr();
            p.push(&mut children, element);
        });
        self.open.brackets -= 1;
        self.close(P::CloseBracket, outer, (open, E::UnclosedBracket), left);
        self.add(Kind::Tuple, open.start, children)
    }

    /// The elements and the `]` of a tuple whose `[` is missing.
    pub(super) fn unopened_tuple(&mut self, frame: Frame) -> NodeId {
        let start = self.token.span.start;
        let outer = std::mem::replace(&mut self.newlines, false);
        let mut children = Children::EMPTY;
        self.elements(P::CloseBracket, frame, |p| {
            let element = p.expr();
            p.push(&mut children, element);
        });
        self.newlines = outer;
        self.eat(P::CloseBracket);
        self.add(Kind::Tuple, start, children)
    }

    #[inline(never)]
    pub(super) fn object(&mut self) -> NodeId {
        let open = self.token.span;
        let mut frame = self.frame();
        let outer = std::mem::replace(&mut self.newlines, false);
        self.open.braces += 1;
        self.bump();
        if self.at_word("for") {
            return self.for_expr(open, outer);
        }
        self.newlines = true;
        frame.one_line = !self.line_break;
        let mut children = Children::EMPTY;
        let left = loop {
            while self.token.kind == T::Newline {
                self.bump();
            }
            if self.leaves(&mut frame, self.at(P::CloseBrace)) {
                break true;
            }
            if self.at(P::CloseBrace) || self.at_stop() {
                break false;
            }
            self.object_item(&mut children);
        };
        self.open.braces -= 1;
        self.close(P::CloseBrace, outer, (open, E::UnclosedObject), left);
        self.add(Kind::Object, open.start, children)
    }

    fn object_item(&mut self, children: &mut Children) {
        let before = self.token.span;
        let key = self.expr();
        self.push(children, key);
        let value = if self.eat(P::Assign) || self.eat(P::Colon) {
            self.expr()
        } else {
            self.report_here(E::ExpectedKeySeparator);
            if self.at(P::OpenBrace) {
                self.expr()
            } else {
                self.missing()
            }
        };
        self.push(children, value);
        let ended = self.token.kind == T::Newline || self.at(P::CloseBrace) || self.at_stop();
        if ended || self.eat(P::Comma) {
            return;
        }
        self.report_here(E::ExpectedItemSeparator);
        if self.token.span == before {
            self.bump();
        }
    }

    /// A `for` expression, at its keyword.
    #[inline(never)]
    fn for_expr(&mut self, open: Span, outer: bool) -> NodeId {
        let object = self.text.as_bytes()[open.start as usize] == b'{';
        let mut children = Children::EMPTY;
        self.bump();
        self.loop_head(&mut children);
        if !self.eat(P::Colon) {
            self.report_here(E::InvalidFor);
        }
        let mut group = false;
        if !self.at_stop() {
            let first = self.expr();
            let arrow = self.eat(P::Arrow);
            if arrow != object {
                self.report(E::InvalidFor, open);
            }
            self.part(
                &mut children,
                if arrow { role::KEY } else { role::VALUE },
                first,
            );
            if arrow {
                let value = self.expr();
                self.part(&mut children, role::VALUE, value);
            }
            group = self.eat(P::Ellipsis);
            if group && !object {
                self.report(E::InvalidFor, open);
            }
            if self.at_word("if") {
                self.bump();
                let condition = self.expr();
                self.part(&mut children, role::CONDITION, condition);
            }
        }
        let close = if object {
            self.open.braces -= 1;
            P::CloseBrace
        } else {
            self.open.brackets -= 1;
            P::CloseBracket
        };
        self.close(close, outer, (open, E::InvalidFor), false);
        let id = self.add(Kind::For, open.start, children);
        let flags = u8::from(group) * flag::EXPAND + u8::from(object) * flag::OBJECT;
        self.out.tree.node(id).flags = flags;
        id
    }

    fn part(&mut self, children: &mut Children, role: u8, id: NodeId) {
        self.out.tree.node(id).role = role;
        self.push(children, id);
    }

    /// `k, v in collection`, of a `for` expression or directive.
    pub(super) fn loop_head(&mut self, children: &mut Children) {
        let first = self.loop_name();
        if self.eat(P::Comma) {
            self.part(children, role::KEY_NAME, first);
            let second = self.loop_name();
            self.part(children, role::VALUE_NAME, second);
        } else {
            self.part(children, role::VALUE_NAME, first);
        }
        if !self.at_word("in") {
            self.report_here(E::InvalidFor);
            return;
        }
        self.bump();
        let collection = self.expr();
        self.part(children, role::COLLECTION, collection);
    }

    fn loop_name(&mut self) -> NodeId {
        let start = self.token.span.start;
        if self.token.kind != T::Ident {
            self.report_here(E::InvalidFor);
            return self.missing();
        }
        self.bump();
        self.add(Kind::Name, start, Children::EMPTY)
    }
}
