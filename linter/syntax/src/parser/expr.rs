//! Expressions: operators by precedence, terms, traversals, calls.

use super::Parser;
use crate::Span;
use crate::error::SyntaxErrorKind as E;
use crate::token::{Punctuation as P, TokenKind as T};
use crate::tree::{Children, Kind, NodeId, flag};
use crate::view::BinaryOperator as Op;

/// Binary operators with their precedence; a higher one binds tighter.
fn binary_operator(kind: T) -> Option<(Op, u8)> {
    let T::Punctuation(kind) = kind else {
        return None;
    };
    Some(match kind {
        P::Or => (Op::Or, 1),
        P::And => (Op::And, 2),
        P::Equal => (Op::Equal, 3),
        P::NotEqual => (Op::NotEqual, 3),
        P::Less => (Op::Less, 4),
        P::LessEqual => (Op::LessEqual, 4),
        P::Greater => (Op::Greater, 4),
        P::GreaterEqual => (Op::GreaterEqual, 4),
        P::Plus => (Op::Add, 5),
        P::Minus => (Op::Subtract, 5),
        P::Star => (Op::Multiply, 6),
        P::Slash => (Op::Divide, 6),
        P::Percent => (Op::Modulo, 6),
        _ => return None,
    })
}

impl Parser<'_> {
    /// Any expression. Gives a `Missing` node, without reading a token, when there is none.
    pub(super) fn expr(&mut self) -> NodeId {
        self.nested(|p| {
            let start = p.token.span.start;
            let first = p.operand();
            // Nearly always this is all.
            if p.at(P::Question) || binary_operator(p.token.kind).is_some() {
                p.operation(start, first)
            } else {
                first
            }
        })
    }

    /// Operators and a conditional after the first operand.
    #[inline(never)]
    fn operation(&mut self, start: u32, first: NodeId) -> NodeId {
        let condition = self.binary(start, first, 1);
        if !self.at(P::Question) {
            return condition;
        }
        self.bump();
        let mut children = Children::one(condition);
        let yes = self.expr();
        self.push(&mut children, yes);
        let no = if self.eat(P::Colon) {
            self.expr()
        } else {
            self.report_here(E::ExpectedColon);
            self.missing()
        };
        self.push(&mut children, no);
        self.add(Kind::Conditional, start, children)
    }

    /// Operators of precedence `least` and higher after the first operand. Operators of the same
    /// precedence make one flat node, so that long chains are not deep.
    fn binary(&mut self, start: u32, first: NodeId, least: u8) -> NodeId {
        let mut left = first;
        while let Some((_, level)) = binary_operator(self.token.kind) {
            if level < least {
                break;
            }
            let mut children = Children::one(left);
            while let Some((op, _)) = binary_operator(self.token.kind).filter(|o| o.1 == level) {
                self.bump();
                let start = self.token.span.start;
                let right = self.operand();
                let right = self.binary(start, right, level + 1);
                self.out.tree.node(right).role = op as u8;
                self.push(&mut children, right);
            }
            left = self.add(Kind::Binary, start, children);
        }
        left
    }

    fn operand(&mut self) -> NodeId {
        let negative = self.at(P::Minus);
        if !negative && !self.at(P::Not) {
            let start = self.token.span.start;
            let term = self.term();
            return if self.at(P::Dot) || self.at(P::OpenBracket) {
                self.postfix(start, term)
            } else {
                term
            };
        }
        self.nested(|p| {
            let start = p.token.span.start;
            p.bump();
            let operand = p.operand();
            let id = p.add(Kind::Unary, start, Children::one(operand));
            p.out.tree.node(id).flags = u8::from(negative);
            id
        })
    }

    fn term(&mut self) -> NodeId {
        let start = self.token.span.start;
        match self.token.kind {
            T::Ident => self.name_or_call(),
            T::OpenQuote | T::OpenHeredoc => self.template(),
            T::Number => {
                let text = &self.text[self.token.span.range()];
                if text.bytes().filter(|b| *b == b'.').count() > 1 || text.contains(".e") {
                    self.report_here(E::InvalidNumber);
                }
                self.bump();
                self.add(Kind::Number, start, Children::EMPTY)
            }
            T::Punctuation(P::OpenBracket) => self.tuple(),
            T::Punctuation(P::OpenBrace) => self.object(),
            T::Punctuation(P::OpenParen) => self.paren(),
            T::Punctuation(P::Less) if self.text[start as usize..].starts_with("<<") => {
                self.report_here(E::InvalidHeredocStart);
                self.bump();
                self.missing()
            }
            _ => {
                self.report_here(E::ExpectedExpression);
                self.missing()
            }
        }
    }

    fn name_or_call(&mut self) -> NodeId {
        let span = self.token.span;
        self.bump();
        if self.at(P::OpenParen) || self.at(P::DoubleColon) {
            return self.call(span.start);
        }
        let kind = match &self.text.as_bytes()[span.range()] {
            b"true" => Kind::True,
            b"false" => Kind::False,
            b"null" => Kind::Null,
            _ => Kind::Traversal,
        };
        let id = self.add(kind, span.start, Children::EMPTY);
        if kind == Kind::Traversal {
            self.out.tree.node(id).set_name(span.len());
        }
        id
    }

    #[inline(never)]
    fn paren(&mut self) -> NodeId {
        let open = self.token.span;
        let outer = std::mem::replace(&mut self.newlines, false);
        self.open.parens += 1;
        self.bump();
        let inner = self.expr();
        self.open.parens -= 1;
        self.close(P::CloseParen, outer, (open, E::UnclosedParen), false);
        self.add(Kind::Paren, open.start, Children::one(inner))
    }

    /// Reads the closing bracket, over garbage before it on the same line if there is any. `left`
    /// when indentation says that it is missing.
    pub(super) fn close(&mut self, kind: P, outer: bool, unclosed: (Span, E), left: bool) {
        if !left && !self.at(kind) && !self.at_stop() && !self.at_next_item() {
            self.report_here(unclosed.1);
            self.skip_until(|p| p.at(kind) || p.line_break || p.token.kind == T::Newline);
        }
        self.newlines = outer;
        if left || !self.eat(kind) {
            self.report(unclosed.1, unclosed.0);
        }
    }

    /// Traversal steps after a term.
    #[inline(never)]
    pub(super) fn postfix(&mut self, start: u32, base: NodeId) -> NodeId {
        let mut steps = Children::EMPTY;
        loop {
            let step = match self.token.kind {
                T::Punctuation(P::Dot) => self.dot_step(),
                T::Punctuation(P::OpenBracket) => self.bracket_step(),
                _ => break,
            };
            self.push(&mut steps, step);
        }
        if steps.is_empty() {
            return base;
        }
        let end = self.prev_end;
        let node = self.out.tree.node(base);
        if node.kind == Kind::Traversal {
            node.child = steps.first();
            node.end = end;
            return base;
        }
        node.next = steps.first();
        self.add(Kind::Index, start, Children::one(base))
    }

    fn dot_step(&mut self) -> NodeId {
        let dot = self.token.span;
        self.bump();
        match self.token.kind {
            T::Ident => {
                let length = self.token.span.len();
                self.bump();
                let id = self.add(Kind::StepAttribute, dot.start, Children::EMPTY);
                self.out.tree.node(id).set_name(length);
                id
            }
            T::Punctuation(P::Star) => {
                self.bump();
                self.add(Kind::StepSplat, dot.start, Children::EMPTY)
            }
            T::Number => {
                if self.text[self.token.span.range()].contains('.') {
                    self.report_here(E::LegacyIndexChain);
                }
                let start = self.token.span.start;
                self.bump();
                let key = self.add(Kind::Number, start, Children::EMPTY);
                self.add(Kind::StepIndex, dot.start, Children::one(key))
            }
            _ => {
                self.report(E::ExpectedAttributeName, dot);
                self.add(Kind::StepAttribute, dot.start, Children::EMPTY)
            }
        }
    }

    fn bracket_step(&mut self) -> NodeId {
        let open = self.token.span;
        let outer = std::mem::replace(&mut self.newlines, false);
        self.open.brackets += 1;
        self.bump();
        let splat = self.eat(P::Star);
        let children = if splat {
            Children::EMPTY
        } else {
            Children::one(self.expr())
        };
        self.open.brackets -= 1;
        self.close(P::CloseBracket, outer, (open, E::UnclosedBracket), false);
        if !splat {
            return self.add(Kind::StepIndex, open.start, children);
        }
        let id = self.add(Kind::StepSplat, open.start, children);
        self.out.tree.node(id).flags = flag::FULL;
        id
    }

    /// A call, after its first name.
    #[inline(never)]
    fn call(&mut self, start: u32) -> NodeId {
        while self.eat(P::DoubleColon) {
            if self.token.kind == T::Ident {
                self.bump();
            } else {
                self.report_here(E::ExpectedFunctionName);
            }
        }
        let name = self.add(Kind::Name, start, Children::EMPTY);
        let mut children = Children::one(name);
        if !self.at(P::OpenParen) {
            self.report_here(E::ExpectedFunctionName);
            return self.add(Kind::Call, start, children);
        }
        let open = self.token.span;
        let frame = self.frame();
        let outer = std::mem::replace(&mut self.newlines, false);
        self.open.parens += 1;
        self.bump();
        let mut expand = false;
        let left = self.elements(P::CloseParen, frame, |p| {
            let argument = p.expr();
            p.push(&mut children, argument);
            expand = p.eat(P::Ellipsis);
            if expand && !p.at(P::CloseParen) && !p.at_stop() {
                p.report_here(E::ExpansionNotLast);
            }
        });
        self.open.parens -= 1;
        self.close(P::CloseParen, outer, (open, E::UnclosedParen), left);
        let id = self.add(Kind::Call, start, children);
        self.out.tree.node(id).flags = if expand { flag::EXPAND } else { 0 };
        id
    }
}
