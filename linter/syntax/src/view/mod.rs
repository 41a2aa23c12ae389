//! Views of a parsed text: small copyable handles that read the tree and the text.

mod body;
mod expr;
mod literal;
mod operation;
mod template;

pub use body::{Attribute, Block, Body, Item, Label};
pub use expr::{Call, Expr, ExprKind, For, Index, Object, Step, StepKind, Traversal, Tuple};
pub use literal::Literal;
pub use operation::{Binary, BinaryOperator, Conditional, Unary, UnaryOperator};
pub use template::{Directive, DirectiveKind, Part, Template};

use crate::error::SyntaxError;
use crate::parser::Output;
use crate::token::{Comment, Token};
use crate::tree::{Children, Kind, NONE, Node, NodeId};
use crate::{Reading, Span};

/// A parsed text: the text itself, its tree, its comments and its errors.
#[derive(Clone, Debug)]
pub struct Parsed {
    text: String,
    nodes: Box<[Node]>,
    comments: Vec<Span>,
    errors: Vec<SyntaxError>,
    reading: Reading,
}

impl Parsed {
    pub(crate) fn new(text: String, mut output: Output, reading: Reading) -> Self {
        if output.tree.nodes.is_empty() {
            output.tree.add(Kind::Body, Span::empty(0), Children::EMPTY);
        }
        Self {
            text,
            nodes: output.tree.finish(),
            comments: output.comments,
            errors: output.errors.into_sorted(),
            reading,
        }
    }

    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text of a byte range of this text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        &self.text[span.range()]
    }

    /// Whether this is the JSON syntax.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.reading == Reading::Json
    }

    /// The top-level attributes and blocks. Empty for JSON, where what is a block depends on a
    /// schema: see [`Parsed::root_expr`].
    #[must_use]
    pub fn body(&self) -> Body<'_> {
        Body(self.root())
    }

    /// The value of a JSON text; `None` for the native syntax.
    #[must_use]
    pub fn root_expr(&self) -> Option<Expr<'_>> {
        let root = self.root();
        if self.is_json() {
            root.children().next().map(Expr)
        } else {
            None
        }
    }

    /// What does not follow the grammar, in order of place; at most
    /// [`MAX_ERRORS`](crate::MAX_ERRORS).
    #[must_use]
    pub fn errors(&self) -> &[SyntaxError] {
        &self.errors
    }

    /// All comments in order.
    pub fn comments(&self) -> impl ExactSizeIterator<Item = Comment<'_>> + Clone {
        self.comments
            .iter()
            .map(|&span| Comment::at(&self.text, span))
    }

    /// All tokens in order; concatenated they are the text. Lexes the text again.
    pub fn tokens(&self) -> impl Iterator<Item = Token> {
        crate::tokens(&self.text, self.reading)
    }

    /// Bytes of memory this value holds, with the text.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.text.capacity()
            + self.nodes.len() * size_of::<Node>()
            + self.comments.capacity() * size_of::<Span>()
            + self.errors.capacity() * size_of::<SyntaxError>()
    }

    fn root(&self) -> Ref<'_> {
        Ref {
            parsed: self,
            id: self.nodes.len() as NodeId - 1,
        }
    }
}

/// A node of a parsed text.
#[derive(Clone, Copy)]
pub(crate) struct Ref<'a> {
    parsed: &'a Parsed,
    id: NodeId,
}

impl<'a> Ref<'a> {
    fn node(self) -> &'a Node {
        &self.parsed.nodes[self.id as usize]
    }

    fn span(self) -> Span {
        self.node().span()
    }

    fn text(self) -> &'a str {
        self.parsed.slice(self.span())
    }

    fn child(self) -> Option<Self> {
        self.children().next()
    }

    /// The next child of the same parent.
    fn sibling(self) -> Option<Self> {
        let next = self.node().next;
        Nodes {
            parsed: self.parsed,
            next,
        }
        .next()
    }

    fn children(self) -> Nodes<'a> {
        Nodes {
            parsed: self.parsed,
            next: self.node().child,
        }
    }

    fn child_with_role(self, role: u8) -> Option<Self> {
        self.children().find(|child| child.node().role == role)
    }
}

/// Siblings.
#[derive(Clone, Copy)]
pub(crate) struct Nodes<'a> {
    parsed: &'a Parsed,
    next: NodeId,
}

impl<'a> Iterator for Nodes<'a> {
    type Item = Ref<'a>;

    fn next(&mut self) -> Option<Ref<'a>> {
        if self.next == NONE {
            return None;
        }
        let found = Ref {
            parsed: self.parsed,
            id: self.next,
        };
        self.next = found.node().next;
        Some(found)
    }
}
