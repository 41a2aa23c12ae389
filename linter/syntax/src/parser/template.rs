//! Strings and heredocs: literal parts, interpolations, directives.

use memchr::{memchr, memchr2};

use super::Parser;
use crate::Span;
use crate::error::SyntaxErrorKind as E;
use crate::escape::first_invalid_escape;
use crate::token::{Token, TokenKind as T};
use crate::tree::{Children, Kind, NodeId, flag};
use crate::view::DirectiveKind as D;

impl Parser<'_> {
    /// A quoted string or heredoc, from its opening token.
    pub(super) fn template(&mut self) -> NodeId {
        let Token { kind, span } = self.token;
        if kind != T::OpenQuote || self.keep_literals || !self.lexer.plain_string() {
            return self.any_template();
        }
        self.token.span.end = self.lexer.pos();
        self.bump();
        self.add_template(span.start, flag::QUOTED, Children::EMPTY)
    }

    /// A quoted string or heredoc with any content.
    #[inline(never)]
    fn any_template(&mut self) -> NodeId {
        let open = self.token;
        let outer = std::mem::replace(&mut self.newlines, false);
        let errors = self.out.errors.len();
        self.bump();
        let quoted = open.kind == T::OpenQuote;
        let parts = self.parts(quoted);
        self.newlines = outer;
        let (close, error) = if quoted {
            (T::CloseQuote, E::UnclosedString)
        } else {
            (T::CloseHeredoc, E::UnclosedHeredoc)
        };
        let closed = self.token.kind == close;
        // A sequence that is not closed takes the closing quote with it: one error is enough.
        if !closed && !self.out.errors.ends_with(E::UnclosedTemplate, errors) {
            self.report(error, open.span);
        }
        if closed || self.token.kind == T::Cut {
            self.bump();
        }
        let mut flags = if quoted { flag::QUOTED } else { flag::HEREDOC };
        if !closed {
            flags |= flag::UNCLOSED;
        }
        if self.text[open.span.range()].starts_with("<<-") {
            flags |= flag::INDENTED;
        }
        self.add_template(open.span.start, flags, parts)
    }

    /// Adds the node; a single literal is dropped, since the node alone says as much.
    fn add_template(&mut self, start: u32, mut flags: u8, parts: Children) -> NodeId {
        let nodes = &mut self.out.tree.nodes;
        let mut children = parts;
        if parts.is_empty() {
            flags |= flag::VERBATIM;
        } else if !self.keep_literals
            && parts.is_one()
            && nodes[parts.first() as usize].kind == Kind::Literal
        {
            flags |= nodes[parts.first() as usize].flags;
            nodes.truncate(parts.first() as usize);
            children = Children::EMPTY;
        }
        let id = self.add(Kind::Template, start, children);
        self.out.tree.node(id).flags = flags;
        id
    }

    /// The parts of a template up to its closing token; `escapes` when backslashes are special.
    pub(super) fn parts(&mut self, escapes: bool) -> Children {
        let mut parts = Children::EMPTY;
        let mut nesting = Vec::new();
        loop {
            let part = match self.token.kind {
                T::TemplateLiteral => self.literal(escapes),
                T::OpenInterpolation => self.sequence(Kind::Interpolation),
                T::OpenDirective => {
                    let id = self.sequence(Kind::Directive);
                    self.check_nesting(id, &mut nesting);
                    id
                }
                _ => break,
            };
            self.push(&mut parts, part);
        }
        if let Some(&open) = nesting.last() {
            let span = self.out.tree.node(open).span();
            self.report(E::UnbalancedDirective, span);
        }
        parts
    }

    fn literal(&mut self, escapes: bool) -> NodeId {
        let span = self.token.span;
        let bytes = &self.text.as_bytes()[span.range()];
        // The lexer has looked at every byte of a quoted string, and is still behind this one.
        let plain = escapes && self.lexer.plain;
        let dollar = !plain && memchr2(b'$', b'%', bytes).is_some();
        let backslash = escapes && !plain && memchr(b'\\', bytes).is_some();
        if backslash && let Some(at) = first_invalid_escape(&self.text[span.range()]) {
            let start = span.start + at as u32;
            self.report(E::InvalidEscape, Span::new(start, start + 1));
        }
        self.bump();
        let id = self.out.tree.add(Kind::Literal, span, Children::EMPTY);
        let verbatim = !dollar && !backslash;
        self.out.tree.node(id).flags = if verbatim { flag::VERBATIM } else { 0 };
        id
    }

    /// `${…}` or `%{…}`, from its opening token.
    fn sequence(&mut self, kind: Kind) -> NodeId {
        let open = self.token.span;
        let outer = std::mem::take(&mut self.open);
        self.newlines = false;
        self.bump();
        let mut children = Children::EMPTY;
        let mut directive = D::Invalid;
        if kind == Kind::Interpolation {
            children = Children::one(self.expr());
        } else {
            directive = self.directive(&mut children);
        }
        let closed = self.close_sequence(open);
        self.open = outer;
        let id = self.add(kind, open.start, children);
        let mut flags = directive as u8;
        if open.len() == 3 {
            flags |= flag::TRIM_BEFORE;
        }
        if closed == 2 {
            flags |= flag::TRIM_AFTER;
        }
        self.out.tree.node(id).flags = flags;
        id
    }

    /// Reads the end of a sequence; its length, or 0 when it is missing.
    fn close_sequence(&mut self, open: Span) -> u32 {
        if self.token.kind != T::CloseTemplate {
            let ends = self.at_stop();
            let (error, span) = if ends {
                (E::UnclosedTemplate, open)
            } else {
                (E::ExtraInTemplate, self.token.span)
            };
            self.report(error, span);
            self.skip_until(|p| p.token.kind == T::CloseTemplate || p.at_stop());
        }
        if self.token.kind != T::CloseTemplate {
            return 0;
        }
        let len = self.token.span.len();
        self.bump();
        len
    }

    fn directive(&mut self, children: &mut Children) -> D {
        let word = &self.text[self.token.span.range()];
        let kind = match (self.token.kind, word) {
            (T::Ident, "if") => D::If,
            (T::Ident, "else") => D::Else,
            (T::Ident, "endif") => D::EndIf,
            (T::Ident, "for") => D::For,
            (T::Ident, "endfor") => D::EndFor,
            _ => {
                self.report_here(E::InvalidDirective);
                return D::Invalid;
            }
        };
        self.bump();
        match kind {
            D::If => *children = Children::one(self.expr()),
            D::For => self.loop_head(children),
            _ => {}
        }
        kind
    }

    /// Checks that `if`, `for` and their ends match; `open` holds the directives that are open.
    fn check_nesting(&mut self, id: NodeId, open: &mut Vec<NodeId>) {
        let node = *self.out.tree.node(id);
        let around = open
            .last()
            .map(|&o| D::from_flags(self.out.tree.node(o).flags));
        let fits = match D::from_flags(node.flags) {
            D::If | D::For => {
                open.push(id);
                true
            }
            D::Else => {
                let inside_if = around == Some(D::If);
                if inside_if {
                    open.pop();
                    open.push(id);
                }
                inside_if
            }
            D::EndIf => {
                let fits = matches!(around, Some(D::If | D::Else));
                if fits {
                    open.pop();
                }
                fits
            }
            D::EndFor => {
                let fits = around == Some(D::For);
                if fits {
                    open.pop();
                }
                fits
            }
            D::Invalid => true,
        };
        if !fits {
            self.report(E::UnbalancedDirective, node.span());
        }
    }
}
