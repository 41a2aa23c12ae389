//! The parser of the JSON syntax: the same nodes, the same promises.
//!
//! Strings are templates, as in `.tf.json` files. What is wrong inside such a template is not
//! reported: plans and states hold strings of any kind.

mod lexer;
mod string;

pub(crate) use lexer::JsonLexer;

use crate::Span;
use crate::error::SyntaxErrorKind as E;
use crate::parser::{MAX_DEPTH, Output};
use crate::token::{Punctuation as P, Token, TokenKind as T};
use crate::tree::{Children, Kind, NodeId};

struct JsonParser<'a> {
    text: &'a str,
    lexer: JsonLexer<'a>,
    token: Token,
    prev_end: u32,
    depth: u16,
    out: Output,
}

/// Parses a whole text; the last node of the tree is a body whose child is the value.
pub(crate) fn parse(text: &str) -> Output {
    let mut parser = JsonParser {
        text,
        lexer: JsonLexer::new(text),
        token: Token {
            kind: T::End,
            span: Span::empty(0),
        },
        prev_end: 0,
        depth: 0,
        out: Output::of(text),
    };
    parser.bump();
    let value = parser.value();
    if parser.token.kind != T::End {
        parser.report(E::JsonTrailing);
        while parser.token.kind != T::End {
            parser.bump();
        }
    }
    let span = Span::new(0, text.len() as u32);
    parser.out.tree.add(Kind::Body, span, Children::one(value));
    parser.out
}

impl JsonParser<'_> {
    fn bump(&mut self) {
        self.prev_end = self.token.span.end;
        loop {
            self.token = self.lexer.next_token();
            match self.token.kind {
                T::Blank | T::Newline => {}
                T::Comment => {
                    self.report(E::JsonComment);
                    self.out.comments.push(self.token.span);
                }
                T::Invalid => self.report(E::InvalidCharacter),
                _ => return,
            }
        }
    }

    fn report(&mut self, kind: E) {
        self.out.errors.report(kind, self.token.span);
    }

    fn at(&self, kind: P) -> bool {
        self.token.kind == T::Punctuation(kind)
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

    fn missing(&mut self) -> NodeId {
        self.add(Kind::Missing, self.prev_end, Children::EMPTY)
    }

    fn leaf(&mut self, kind: Kind) -> NodeId {
        let start = self.token.span.start;
        self.bump();
        self.add(kind, start, Children::EMPTY)
    }

    /// A value. Reads nothing when there is none.
    fn value(&mut self) -> NodeId {
        match self.token.kind {
            T::Punctuation(P::OpenBrace) => self.nested(Self::object),
            T::Punctuation(P::OpenBracket) => self.nested(Self::array),
            T::JsonString => self.string(),
            T::Number => {
                if !is_number(&self.text[self.token.span.range()]) {
                    self.report(E::InvalidNumber);
                }
                self.leaf(Kind::Number)
            }
            T::Ident => match &self.text[self.token.span.range()] {
                "null" => self.leaf(Kind::Null),
                "true" => self.leaf(Kind::True),
                "false" => self.leaf(Kind::False),
                _ => {
                    self.report(E::JsonExpectedValue);
                    self.leaf(Kind::Missing)
                }
            },
            _ => {
                self.report(E::JsonExpectedValue);
                self.missing()
            }
        }
    }

    fn string(&mut self) -> NodeId {
        let span = self.token.span;
        if !lexer::is_closed(&self.text[span.range()]) {
            self.report(E::UnclosedString);
        } else if let Some(at) = string::first_invalid_escape(&self.text[span.range()]) {
            let start = span.start + at as u32;
            let place = Span::new(start, start + 1);
            self.out.errors.report(E::InvalidEscape, place);
        }
        self.bump();
        string::add(self.text, span, &mut self.out)
    }

    /// Runs `read` one level deeper; past the limit the bracket is passed over.
    fn nested(&mut self, read: impl FnOnce(&mut Self) -> NodeId) -> NodeId {
        if self.depth < MAX_DEPTH {
            self.depth += 1;
            let id = read(self);
            self.depth -= 1;
            return id;
        }
        self.report(E::TooDeep);
        let start = self.token.span.start;
        let mut nest = 0_u32;
        loop {
            match self.token.kind {
                T::Punctuation(P::OpenBrace | P::OpenBracket) => nest += 1,
                T::Punctuation(P::CloseBrace | P::CloseBracket) => nest -= 1,
                T::End => break,
                _ => {}
            }
            self.bump();
            if nest == 0 {
                break;
            }
        }
        self.add(Kind::Missing, start, Children::EMPTY)
    }

    fn array(&mut self) -> NodeId {
        self.elements((P::CloseBracket, E::UnclosedBracket), |p, children| {
            let value = p.value();
            children.push(&mut p.out.tree, value);
        })
    }

    fn object(&mut self) -> NodeId {
        self.elements((P::CloseBrace, E::UnclosedObject), |p, children| {
            let key = p.key();
            children.push(&mut p.out.tree, key);
            let value = if p.eat(P::Colon) || p.eat(P::Assign) {
                p.value()
            } else {
                p.report(E::JsonExpectedColon);
                p.missing()
            };
            children.push(&mut p.out.tree, value);
        })
    }

    fn key(&mut self) -> NodeId {
        if self.token.kind == T::JsonString {
            return self.string();
        }
        self.report(E::JsonExpectedKey);
        match self.token.kind {
            T::Ident => self.leaf(Kind::Traversal),
            T::Number => self.leaf(Kind::Number),
            _ => self.missing(),
        }
    }

    /// Elements separated by commas, from bracket to bracket.
    fn elements(
        &mut self,
        (close, unclosed): (P, E),
        read: impl Fn(&mut Self, &mut Children),
    ) -> NodeId {
        let open = self.token.span;
        self.bump();
        let mut children = Children::EMPTY;
        while !self.at_end(close) {
            let before = self.token.span;
            read(self, &mut children);
            let comma = self.token.span;
            if self.eat(P::Comma) {
                if self.at(close) {
                    self.out.errors.report(E::JsonTrailingComma, comma);
                }
            } else if !self.at_end(close) {
                self.report(E::JsonExpectedComma);
                if self.token.span == before {
                    self.bump();
                }
            }
        }
        if !self.eat(close) {
            self.out.errors.report(unclosed, open);
        }
        let kind = if close == P::CloseBrace {
            Kind::Object
        } else {
            Kind::Tuple
        };
        self.add(kind, open.start, children)
    }

    /// At the closing bracket, at any other one, or at the end of the text.
    fn at_end(&self, close: P) -> bool {
        self.at(close)
            || self.token.kind == T::End
            || self.depth > 1 && (self.at(P::CloseBrace) || self.at(P::CloseBracket))
    }
}

fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|e| digits(e.strip_prefix(['+', '-']).unwrap_or(e)))
}
