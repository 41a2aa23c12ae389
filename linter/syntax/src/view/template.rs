//! Templates: quoted strings, heredocs and JSON strings, with their parts.

use std::borrow::Cow;

use super::body::debug_by_span;
use super::literal::{Escapes, Literal};
use super::{Expr, Ref};
use crate::Span;
use crate::layout::{self, Piece};
use crate::tree::{Kind, NONE, flag, role};

/// A quoted string, a heredoc or a JSON string.
#[derive(Clone, Copy)]
pub struct Template<'a>(pub(super) Ref<'a>);

/// One part of a template.
#[derive(Clone, Debug)]
pub enum Part<'a> {
    /// Literal text.
    Literal(Literal<'a>),
    /// `${…}`
    Interpolation(Expr<'a>),
    /// `%{…}`
    Directive(Directive<'a>),
}

impl<'a> Template<'a> {
    /// From the opening quote to the closing one; of a heredoc from `<<` to the end marker.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// Whether it is a heredoc.
    #[must_use]
    pub fn is_heredoc(self) -> bool {
        self.0.node().has(flag::HEREDOC)
    }

    /// Whether its closing quote or end marker was found.
    #[must_use]
    pub fn is_closed(self) -> bool {
        !self.0.node().has(flag::UNCLOSED)
    }

    /// Whether it is literal text alone.
    #[must_use]
    pub fn is_literal(self) -> bool {
        self.0.children().all(|n| n.node().kind == Kind::Literal)
    }

    /// What is between the quotes, or the lines between a heredoc's markers.
    #[must_use]
    pub fn content_span(self) -> Span {
        let span = self.span();
        let closed = self.is_closed();
        let (before, after) = if self.is_heredoc() {
            let text = self.0.text();
            let first_line = text.find('\n').map_or(text.len(), |at| at + 1);
            let last_line = text.rfind('\n').map_or(text.len(), |at| at + 1);
            (first_line, text.len() - last_line)
        } else {
            let escaped = self.0.node().has(flag::JSON) && self.0.text().starts_with('\\');
            let quote = 1 + usize::from(escaped);
            (quote, quote)
        };
        let start = span.start + before as u32;
        let end = span.end - if closed { after as u32 } else { 0 };
        Span::new(start, end.max(start))
    }

    /// The parts in order. An empty template has none; neighbours are never both literal.
    #[must_use]
    pub fn parts(self) -> impl ExactSizeIterator<Item = Part<'a>> + Clone {
        self.part_list().into_iter()
    }

    /// The expressions of its interpolations, in order; those of directives are left out.
    pub fn interpolations(self) -> impl Iterator<Item = Expr<'a>> + Clone {
        let children = self.0.children();
        children
            .filter(|child| child.node().kind == Kind::Interpolation)
            .map(|child| Expr(child.children().next().unwrap_or(child)))
    }

    /// The value when there is no interpolation or directive.
    #[must_use]
    pub fn as_literal(self) -> Option<Cow<'a, str>> {
        let node = self.0.node();
        if node.child == NONE && node.has(flag::VERBATIM) && !node.has(flag::INDENTED) {
            return Some(Cow::Borrowed(self.0.parsed.slice(self.content_span())));
        }
        if !self.is_literal() {
            return None;
        }
        match self.part_list().pop() {
            None => Some(Cow::Borrowed("")),
            Some(Part::Literal(literal)) => Some(literal.value()),
            Some(_) => None,
        }
    }

    /// The literal part when there is no interpolation or directive, for its place. `None` also
    /// for an empty template.
    #[must_use]
    pub fn literal(self) -> Option<Literal<'a>> {
        if !self.is_literal() {
            return None;
        }
        match self.part_list().pop() {
            Some(Part::Literal(literal)) => Some(literal),
            _ => None,
        }
    }

    /// The value with sequences left as they are written.
    #[must_use]
    pub fn text(self) -> Cow<'a, str> {
        if let Some(literal) = self.as_literal() {
            return literal;
        }
        let mut text = String::new();
        for (part, node) in self.part_list().iter().zip(self.0.children()) {
            match part {
                Part::Literal(literal) => text.push_str(&literal.value()),
                Part::Interpolation(_) | Part::Directive(_) => text.push_str(node.text()),
            }
        }
        Cow::Owned(text)
    }

    fn escapes(self) -> Escapes {
        let node = self.0.node();
        match (node.has(flag::JSON), node.has(flag::QUOTED)) {
            (false, true) => Escapes::Quoted,
            (false, false) => Escapes::Markers,
            (true, true) => Escapes::JsonQuoted,
            (true, false) => Escapes::JsonMarkers,
        }
    }

    fn literal_at(self, span: Span, verbatim: bool) -> Literal<'a> {
        Literal {
            source: &self.0.parsed.text,
            span,
            escapes: if verbatim {
                Escapes::None
            } else {
                self.escapes()
            },
            kept: None,
        }
    }

    fn part_list(self) -> Vec<Part<'a>> {
        let node = self.0.node();
        let content = self.content_span();
        let mut parts: Vec<_> = if node.child != NONE {
            self.0.children().map(|child| self.part(child)).collect()
        } else if content.is_empty() {
            Vec::new()
        } else {
            let literal = self.literal_at(content, node.has(flag::VERBATIM));
            vec![Part::Literal(literal)]
        };
        self.lay_out(&mut parts);
        parts
    }

    fn part(self, child: Ref<'a>) -> Part<'a> {
        match child.node().kind {
            Kind::Interpolation => {
                Part::Interpolation(Expr(child.children().next().unwrap_or(child)))
            }
            Kind::Directive => Part::Directive(Directive(child)),
            _ => Part::Literal(self.literal_at(child.span(), child.node().has(flag::VERBATIM))),
        }
    }

    /// Leaves out what trim markers and `<<-` remove.
    fn lay_out(self, parts: &mut [Part<'a>]) {
        let indented = self.0.node().has(flag::INDENTED);
        let trims = |n: Ref<'_>| {
            n.node().kind != Kind::Literal && n.node().has(flag::TRIM_BEFORE | flag::TRIM_AFTER)
        };
        if !indented && !self.0.children().any(trims) {
            return;
        }
        let nodes: Vec<_> = self.0.children().collect();
        let pieces: Vec<_> = parts
            .iter()
            .enumerate()
            .map(|(index, part)| match part {
                Part::Literal(literal) => Piece::Literal(literal.span),
                _ => Piece::Sequence {
                    trims_before: nodes[index].node().has(flag::TRIM_BEFORE),
                    trims_after: nodes[index].node().has(flag::TRIM_AFTER),
                },
            })
            .collect();
        let quoted = self.0.node().has(flag::QUOTED);
        let kept = layout::kept(&self.0.parsed.text, &pieces, quoted, indented);
        for (part, kept) in parts.iter_mut().zip(kept) {
            if let Part::Literal(literal) = part {
                literal.kept = Some(kept);
            }
        }
    }
}

/// What a directive does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DirectiveKind {
    /// Not a directive of the language.
    Invalid = 0,
    /// `%{ if condition }`
    If,
    /// `%{ else }`
    Else,
    /// `%{ endif }`
    EndIf,
    /// `%{ for k, v in collection }`
    For,
    /// `%{ endfor }`
    EndFor,
}

impl DirectiveKind {
    pub(crate) fn from_flags(flags: u8) -> Self {
        match flags & !(flag::TRIM_BEFORE | flag::TRIM_AFTER) {
            1 => Self::If,
            2 => Self::Else,
            3 => Self::EndIf,
            4 => Self::For,
            5 => Self::EndFor,
            _ => Self::Invalid,
        }
    }
}

/// `%{…}`. Directives are parts like others; what they enclose are the parts up to their end.
#[derive(Clone, Copy)]
pub struct Directive<'a>(Ref<'a>);

impl<'a> Directive<'a> {
    /// What it does.
    #[must_use]
    pub fn kind(self) -> DirectiveKind {
        DirectiveKind::from_flags(self.0.node().flags)
    }

    /// From `%{` to `}`.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// The condition of `if`, the collection of `for`.
    #[must_use]
    pub fn expr(self) -> Option<Expr<'a>> {
        match self.kind() {
            DirectiveKind::If => self.0.children().next().map(Expr),
            DirectiveKind::For => self.0.child_with_role(role::COLLECTION).map(Expr),
            _ => None,
        }
    }

    /// The names that `for` defines: key if any, value.
    pub fn names(self) -> impl Iterator<Item = &'a str> {
        self.0
            .children()
            .filter(|n| n.node().kind == Kind::Name)
            .map(Ref::text)
    }
}

debug_by_span!(Template Directive);
