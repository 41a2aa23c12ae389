//! The tree: nodes in one vector, children linked, each with its byte range and nothing else.
//!
//! A parent is stored after its children, so that `a + b` or `a[0]` can be wrapped around what was
//! read before without moving anything. Names, numbers and string contents are read from the text.

use std::cell::Cell;

use crate::Span;

/// Index of a node.
pub(crate) type NodeId = u32;

/// No node.
pub(crate) const NONE: NodeId = u32::MAX;

/// What a node is. Comments name the children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Attributes and blocks.
    Body,
    /// The value.
    Attribute,
    /// Labels, then the body.
    Block,
    /// Like `Template`, or none for a bare name.
    Label,
    Null,
    True,
    False,
    Number,
    /// Parts; none when it is one plain literal, or empty.
    Template,
    Literal,
    /// The expression.
    Interpolation,
    /// Loop names, then the expression.
    Directive,
    /// Steps. The root name is at the start.
    Traversal,
    /// The base, then steps.
    Index,
    StepAttribute,
    /// The key.
    StepIndex,
    StepSplat,
    /// The name, then arguments.
    Call,
    Name,
    Tuple,
    /// Keys and values in turn.
    Object,
    /// Parts told apart by `Role`.
    For,
    Unary,
    /// Operands; all but the first with the operator before them in `role`.
    Binary,
    /// Condition, true value, false value.
    Conditional,
    Paren,
    Missing,
}

/// Facts about a node, by kind.
pub(crate) mod flag {
    /// Template or label: a quoted string.
    pub(crate) const QUOTED: u8 = 1;
    /// Template: a heredoc.
    pub(crate) const HEREDOC: u8 = 2;
    /// Template: `<<-`.
    pub(crate) const INDENTED: u8 = 4;
    /// Template: its end marker is missing.
    pub(crate) const UNCLOSED: u8 = 8;
    /// Template: written inside a JSON string, so escaped twice.
    pub(crate) const JSON: u8 = 16;
    /// Template or literal: the text stands for itself, without escapes.
    pub(crate) const VERBATIM: u8 = 32;
    /// Interpolation or directive: `~` at the start.
    pub(crate) const TRIM_BEFORE: u8 = 64;
    /// Interpolation or directive: `~` at the end.
    pub(crate) const TRIM_AFTER: u8 = 128;
    // The flags of attributes, blocks and traversals are the length of the name they begin with, in
    // bytes, those of attribute steps of the name they end with; 0 where it is longer than that,
    // quoted or missing.
    /// Call: `...` after the last argument. For: grouping.
    pub(crate) const EXPAND: u8 = 1;
    /// For: makes an object.
    pub(crate) const OBJECT: u8 = 2;
    /// Splat: `[*]`.
    pub(crate) const FULL: u8 = 1;
}

/// Roles of the parts of a `for`.
pub(crate) mod role {
    pub(crate) const KEY_NAME: u8 = 1;
    pub(crate) const VALUE_NAME: u8 = 2;
    pub(crate) const COLLECTION: u8 = 3;
    pub(crate) const KEY: u8 = 4;
    pub(crate) const VALUE: u8 = 5;
    pub(crate) const CONDITION: u8 = 6;
}

/// One node: 20 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// See [`flag`]; for directives and unary operators also a number.
    pub(crate) flags: u8,
    /// What the node is to its parent; see [`role`] and `Kind::Binary`.
    pub(crate) role: u8,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// First child.
    pub(crate) child: NodeId,
    /// Next child of the same parent.
    pub(crate) next: NodeId,
}

impl Node {
    pub(crate) fn span(&self) -> Span {
        Span::new(self.start, self.end)
    }

    pub(crate) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The bare name that an attribute, a block or a traversal begins with, when its length is known.
    pub(crate) fn name(&self) -> Option<Span> {
        let length = u32::from(self.flags);
        (length != 0).then(|| Span::new(self.start, self.start + length))
    }

    /// The name that an attribute step ends with, when its length is known.
    pub(crate) fn last_name(&self) -> Option<Span> {
        let length = u32::from(self.flags);
        (length != 0).then(|| Span::new(self.end - length, self.end))
    }

    /// Remembers the length of the name.
    pub(crate) fn set_name(&mut self, length: u32) {
        self.flags = u8::try_from(length).unwrap_or(0);
    }
}

/// Nodes under construction.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
}

/// Room for more nodes than this is not kept.
const MOST_KEPT: usize = 1 << 16;

thread_local! {
    /// Room for the next tree of this thread: how many nodes a text has is known only at the end, and
    /// growing and shrinking costs more than copying them once.
    static ROOM: Cell<Vec<Node>> = const { Cell::new(Vec::new()) };
}

impl Tree {
    /// An empty tree for a text of that length, in the room that an earlier one has left.
    pub(crate) fn for_text(length: usize) -> Self {
        let mut nodes = ROOM.take();
        nodes.reserve(length / 16);
        Self { nodes }
    }

    /// The nodes, without room for more.
    pub(crate) fn finish(mut self) -> Box<[Node]> {
        let nodes = self.nodes.as_slice().into();
        self.nodes.clear();
        if self.nodes.capacity() <= MOST_KEPT {
            ROOM.set(self.nodes);
        }
        nodes
    }

    pub(crate) fn add(&mut self, kind: Kind, span: Span, children: Children) -> NodeId {
        let id = self.nodes.len() as NodeId;
        self.nodes.push(Node {
            kind,
            flags: 0,
            role: 0,
            start: span.start,
            end: span.end,
            child: children.first,
            next: NONE,
        });
        id
    }

    pub(crate) fn node(&mut self, id: NodeId) -> &mut Node {
        &mut self.nodes[id as usize]
    }
}

/// The children of a node that is not added yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Children {
    first: NodeId,
    last: NodeId,
}

impl Children {
    pub(crate) const EMPTY: Self = Self {
        first: NONE,
        last: NONE,
    };

    pub(crate) fn one(id: NodeId) -> Self {
        Self {
            first: id,
            last: id,
        }
    }

    pub(crate) fn push(&mut self, tree: &mut Tree, id: NodeId) {
        if self.last == NONE {
            self.first = id;
        } else {
            tree.node(self.last).next = id;
        }
        self.last = id;
    }

    pub(crate) fn is_empty(self) -> bool {
        self.first == NONE
    }

    pub(crate) fn is_one(self) -> bool {
        !self.is_empty() && self.first == self.last
    }

    pub(crate) fn first(self) -> NodeId {
        self.first
    }
}
