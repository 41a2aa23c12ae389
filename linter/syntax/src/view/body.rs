//! Bodies, attributes, blocks and labels.

use std::borrow::Cow;

use super::{Expr, Ref, Template};
use crate::Span;
use crate::chars::ident_end;
use crate::tree::{Kind, flag};

/// Attributes and blocks between braces, or at the top of a text.
#[derive(Clone, Copy)]
pub struct Body<'a>(pub(super) Ref<'a>);

impl<'a> Body<'a> {
    /// Attributes and blocks in source order.
    pub fn items(self) -> impl Iterator<Item = Item<'a>> + Clone {
        self.0.children().filter_map(|node| match node.node().kind {
            Kind::Attribute => Some(Item::Attribute(Attribute(node))),
            Kind::Block => Some(Item::Block(Block(node))),
            _ => None,
        })
    }

    /// The attributes in source order; a name may occur twice in a broken text.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'a>> + Clone {
        self.items().filter_map(Item::attribute)
    }

    /// The blocks in source order.
    pub fn blocks(self) -> impl Iterator<Item = Block<'a>> + Clone {
        self.items().filter_map(Item::block)
    }

    /// The first attribute of this name.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<Attribute<'a>> {
        // Most names are told apart by their length, which is in the node.
        let length = |attribute: &Attribute<'_>| attribute.0.node().name().map(Span::len);
        self.attributes().find(|attribute| {
            length(attribute).is_none_or(|length| length as usize == name.len())
                && attribute.name() == name
        })
    }

    /// The blocks of this type in source order.
    pub fn blocks_of<'n>(self, kind: &'n str) -> impl Iterator<Item = Block<'a>> + use<'a, 'n> {
        self.blocks().filter(move |block| block.kind() == kind)
    }

    /// From `{` to `}`, or the whole text. Empty when a block has no body.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

/// One item of a body.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// `name = value`
    Attribute(Attribute<'a>),
    /// `type "label" { … }`
    Block(Block<'a>),
}

impl<'a> Item<'a> {
    /// The attribute, if it is one.
    #[must_use]
    pub fn attribute(self) -> Option<Attribute<'a>> {
        match self {
            Self::Attribute(attribute) => Some(attribute),
            Self::Block(_) => None,
        }
    }

    /// The block, if it is one.
    #[must_use]
    pub fn block(self) -> Option<Block<'a>> {
        match self {
            Self::Attribute(_) => None,
            Self::Block(block) => Some(block),
        }
    }

    /// The whole item.
    #[must_use]
    pub fn span(self) -> Span {
        match self {
            Self::Attribute(attribute) => attribute.span(),
            Self::Block(block) => block.span(),
        }
    }
}

/// Name at the start of an item: bare, or without its quotes.
#[inline]
fn leading_name(node: Ref<'_>) -> Span {
    node.node().name().unwrap_or_else(|| find_name(node))
}

/// The name of an item whose node does not tell it.
#[cold]
fn find_name(node: Ref<'_>) -> Span {
    let text = &node.parsed.text;
    let start = node.span().start as usize;
    if text.as_bytes().get(start) != Some(&b'"') {
        return Span::new(start as u32, ident_end(text, start) as u32);
    }
    let mut end = start + 1;
    while let Some(&byte) = text.as_bytes().get(end) {
        match byte {
            b'"' | b'\n' | b'\r' => break,
            b'\\' if !matches!(text.as_bytes().get(end + 1), Some(b'\n' | b'\r')) => end += 2,
            _ => end += 1,
        }
    }
    let end = end.min(node.span().end as usize);
    Span::new(start as u32 + 1, text.floor_char_boundary(end) as u32)
}

/// `name = value`
#[derive(Clone, Copy)]
pub struct Attribute<'a>(Ref<'a>);

impl<'a> Attribute<'a> {
    /// The name, without quotes if it has some.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.0.parsed.slice(self.name_span())
    }

    /// Where the name is, without quotes.
    #[must_use]
    pub fn name_span(self) -> Span {
        leading_name(self.0)
    }

    /// From the name to the end of the value.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// The value; [`ExprKind::Missing`](super::ExprKind::Missing) when there is none.
    #[must_use]
    pub fn value(self) -> Expr<'a> {
        Expr(self.0.children().next().unwrap_or(self.0))
    }
}

/// `type "label" { … }`
#[derive(Clone, Copy)]
pub struct Block<'a>(Ref<'a>);

impl<'a> Block<'a> {
    /// The block's type, for example `resource`.
    #[must_use]
    pub fn kind(self) -> &'a str {
        self.0.parsed.slice(self.kind_span())
    }

    /// Where the type is.
    #[must_use]
    pub fn kind_span(self) -> Span {
        leading_name(self.0)
    }

    /// The labels in order.
    pub fn labels(self) -> impl Iterator<Item = Label<'a>> + Clone {
        self.0.children().filter_map(Label::of)
    }

    /// The label at `index`, from 0.
    #[must_use]
    pub fn label(self, index: usize) -> Option<Label<'a>> {
        self.labels().nth(index)
    }

    /// What is between the braces.
    #[must_use]
    pub fn body(self) -> Body<'a> {
        Body(self.0.children().last().unwrap_or(self.0))
    }

    /// The whole block.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// The type and labels, without the brace.
    #[must_use]
    pub fn header_span(self) -> Span {
        let labels = self.0.children().filter(|n| n.node().kind == Kind::Label);
        let end = labels.last().map_or_else(
            || {
                let quote = u32::from(self.0.text().starts_with('"'));
                (self.kind_span().end + quote).min(self.span().end)
            },
            |label| label.span().end,
        );
        Span::new(self.span().start, end)
    }
}

/// A label of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label<'a> {
    /// The name it gives, without quotes and escapes.
    pub text: Cow<'a, str>,
    /// Where it is, with quotes.
    pub span: Span,
}

impl<'a> Label<'a> {
    fn of(node: Ref<'a>) -> Option<Self> {
        if node.node().kind != Kind::Label {
            return None;
        }
        let text = if node.node().has(flag::QUOTED) {
            Template(node).text()
        } else {
            Cow::Borrowed(node.text())
        };
        Some(Self {
            text,
            span: node.span(),
        })
    }
}

macro_rules! debug_by_span {
    ($($name:ident)*) => { $(
        impl std::fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({}..{})"), self.span().start, self.span().end)
            }
        }
    )* };
}
pub(super) use debug_by_span;

debug_by_span!(Body Attribute Block);
