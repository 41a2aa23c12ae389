//! Every place where a value stands, with what surrounds it.
//!
//! [`each_position`] walks a block once and shows each expression, containers before their
//! elements, together with the path of names that leads to it. Secrecy is decided from the path
//! (block, type, attribute, map key), not from a word on the same line.

use std::borrow::Cow;
use std::cell::OnceCell;

use hcl_syntax::{Body, Expr, ExprKind, Item, Span};

use crate::facts::block::{Block, Content, key_text, members};
use crate::facts::constant::{constant_string, constant_text};
use crate::facts::functions::is_one_way;
use crate::facts::trace::Trace;
use crate::finding::Place;

/// Deeper nesting is not looked into; real files stay below 40.
const MAX_DEPTH: usize = 200;

/// One name on the way from the block to the value.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// The name; empty for computed map keys.
    pub name: Cow<'a, str>,
    /// The name as written.
    pub span: Span,
    /// What the name names.
    pub kind: SegmentKind,
}

/// What a [`Segment`] names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SegmentKind {
    /// A nested block's keyword; `dynamic "x" { content {` counts as the block `x`.
    Block,
    /// A nested block's label.
    Label,
    /// An attribute.
    Attribute,
    /// A key of an object.
    Key,
}

/// What stands between the attribute (or map key) and the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via<'a> {
    /// Argument number `index` of a function.
    Argument {
        /// Function name, `jsonencode`.
        function: &'a str,
        /// From 0.
        index: usize,
    },
    /// One of the two results of a conditional.
    Branch,
    /// An interpolation of a template with other parts.
    Template,
    /// An element of a tuple, or the result of a `for`.
    Element,
    /// The collection of an index expression.
    Indexed,
}

/// A value with its surroundings. Borrowed from the walk: copy out what is needed.
#[derive(Debug)]
pub struct Position<'p, 'a> {
    /// The top-level block, or the file's own attributes.
    pub block: &'p Block<'a>,
    /// Names from the block to the value, outermost first; never empty.
    pub path: &'p [Segment<'a>],
    /// What stands between the last name and the value.
    pub via: &'p [Via<'a>],
    /// True when a function from which nothing can be read back stands around the value, at any
    /// depth: `md5(templatefile("x", { password = … }))`.
    pub hashed: bool,
    /// The value: a leaf or a container.
    pub expr: Expr<'a>,
    /// The text of the name that goes with a `value` in a `{ name = …, value = … }` pair.
    pub pair: Option<&'p Pair<'a>>,
    /// The attribute the value belongs to, as a whole.
    pub attribute: Span,
    pub(crate) trace: OnceCell<Trace<'a>>,
}

/// The name of a `{ name = "DB_PASSWORD", value = "…" }` pair.
#[derive(Clone, Debug)]
pub struct Pair<'a> {
    /// The constant name.
    pub name: Cow<'a, str>,
    /// Where the name stands.
    pub span: Span,
}

impl<'a> Position<'_, 'a> {
    /// The word that says what the value is: the name of a pair, else the last name of the path.
    #[must_use]
    pub fn meaning(&self) -> &str {
        match self.pair {
            Some(pair) => &pair.name,
            None => self.key(),
        }
    }

    /// The last name of the path as written.
    #[must_use]
    pub fn key(&self) -> &str {
        self.path.last().map_or("", |segment| &segment.name)
    }

    /// Names of the path from the block inwards.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator + Clone {
        self.path.iter().map(|segment| &*segment.name)
    }

    /// True when the path's names are exactly these.
    #[must_use]
    pub fn is_at(&self, names: &[&str]) -> bool {
        self.path.len() == names.len() && self.names().eq(names.iter().copied())
    }

    /// True when the path ends with these names.
    #[must_use]
    pub fn ends_with(&self, names: &[&str]) -> bool {
        self.path.len() >= names.len()
            && self
                .names()
                .rev()
                .zip(names.iter().rev())
                .all(|(have, want)| have == *want)
    }

    /// True for strings, numbers, booleans, null and references: nothing further is inside.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        matches!(
            self.expr.kind(),
            ExprKind::Template(_)
                | ExprKind::Number(_)
                | ExprKind::Bool(_)
                | ExprKind::Null
                | ExprKind::Traversal(_)
        )
    }

    /// The text of a constant scalar.
    #[must_use]
    pub fn literal(&self) -> Option<Cow<'a, str>> {
        constant_text(self.expr)
    }

    /// Where the value stands.
    #[must_use]
    pub fn place(&self) -> Place {
        self.block.file.place(self.expr.span())
    }

    /// The attribute (name and value) the value belongs to.
    #[must_use]
    pub fn attribute_place(&self) -> Place {
        self.block.file.place(self.attribute)
    }

    /// True when the value is an argument, at any depth, of a function of that name.
    #[must_use]
    pub fn inside(&self, function: &str) -> bool {
        self.via
            .iter()
            .any(|via| matches!(via, Via::Argument { function: name, .. } if *name == function))
    }

    /// Address of the value: `aws_db_instance.main.password`, `local.db.password`, `var.name` for a
    /// default, `module.db.password`.
    #[must_use]
    pub fn address(&self) -> String {
        let mut address = self.block.address();
        for segment in self.path {
            if !address.is_empty() {
                address.push('.');
            }
            address.push_str(if segment.name.is_empty() {
                "*"
            } else {
                &segment.name
            });
        }
        if let Some(pair) = self.pair {
            address.push('[');
            address.push_str(&pair.name);
            address.push(']');
        }
        address
    }
}

/// Is shown the values of a block.
pub trait Visitor<'a> {
    /// True to be shown what is inside an outermost attribute or nested block. `paired` says that one of
    /// the block's own attributes names the value of another. JSON is always shown.
    fn enters(&mut self, item: Span, paired: bool) -> bool;

    /// One value; containers are shown before what is inside them.
    fn position(&mut self, position: &Position<'_, 'a>);
}

/// Shows every value of a block to `visit`, containers before what is inside them.
pub fn each_position<'a>(block: &Block<'a>, visit: &mut dyn FnMut(&Position<'_, 'a>)) {
    struct All<'v, 'a>(&'v mut dyn FnMut(&Position<'_, 'a>));
    impl<'a> Visitor<'a> for All<'_, 'a> {
        fn enters(&mut self, _: Span, _: bool) -> bool {
            true
        }

        fn position(&mut self, position: &Position<'_, 'a>) {
            (self.0)(position);
        }
    }
    visit_positions(block, &mut All(visit));
}

/// Shows the values of a block to a visitor.
pub fn visit_positions<'a>(block: &Block<'a>, visitor: &mut dyn Visitor<'a>) {
    Positions::default().show(block, visitor);
}

/// Shows values, of one block after the other; keeps the room that this takes.
#[derive(Default)]
pub struct Positions<'a> {
    path: Vec<Segment<'a>>,
    via: Vec<Via<'a>>,
    holders: Vec<Holder<'a>>,
}

impl<'a> Positions<'a> {
    /// Shows the values of a block to a visitor.
    pub fn show(&mut self, block: &Block<'a>, visitor: &mut dyn Visitor<'a>) {
        let mut walk = Walk {
            block,
            path: std::mem::take(&mut self.path),
            via: std::mem::take(&mut self.via),
            outer: 0,
            holders: std::mem::take(&mut self.holders),
            attribute: block.header,
            visitor,
        };
        match block.content {
            Content::Native(body) => walk.body(body, 0),
            Content::Json(expr) => walk.members(expr, 0, SegmentKind::Attribute),
        }
        (self.path, self.via, self.holders) = (walk.path, walk.via, walk.holders);
    }
}

struct Walk<'w, 'a> {
    block: &'w Block<'a>,
    path: Vec<Segment<'a>>,
    via: Vec<Via<'a>>,
    /// How many of them stand outside of the last name.
    outer: usize,
    holders: Vec<Holder<'a>>,
    attribute: Span,
    visitor: &'w mut dyn Visitor<'a>,
}

/// A body or object, which can be a pair of name and value.
struct Holder<'a> {
    content: Content<'a>,
    /// How many segments of the path lead to it.
    depth: usize,
    pair: OnceCell<Option<Pair<'a>>>,
}

impl<'a> Holder<'a> {
    fn pair(&self) -> Option<&Pair<'a>> {
        let pair = self.pair.get_or_init(|| {
            let (name, span) = pair_name(self.content)?;
            Some(Pair { name, span })
        });
        pair.as_ref()
    }
}

impl<'a> Walk<'_, 'a> {
    fn body(&mut self, body: Body<'a>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        self.hold(Content::Native(body));
        let paired = depth == 0 && self.holders.last().is_some_and(|own| own.pair().is_some());
        for item in body.items() {
            if depth == 0 && !self.visitor.enters(item.span(), paired) {
                continue;
            }
            match item {
                Item::Attribute(attribute) => {
                    self.attribute = attribute.span();
                    let name = attribute.name_span();
                    self.named(
                        Cow::Borrowed(self.block.file.parsed.slice(name)),
                        name,
                        SegmentKind::Attribute,
                        attribute.value(),
                        depth,
                    );
                }
                Item::Block(block) => self.block(block, depth),
            }
        }
        self.holders.pop();
    }

    fn block(&mut self, block: hcl_syntax::Block<'a>, depth: usize) {
        let before = self.path.len();
        let mut labels = block.labels();
        let mut push = |name, span, kind| self.path.push(Segment { name, span, kind });
        let kind = block.kind();
        if kind == "dynamic" {
            if let Some(label) = labels.next() {
                push(label.text, label.span, SegmentKind::Block);
            }
        } else if kind != "content" {
            push(Cow::Borrowed(kind), block.kind_span(), SegmentKind::Block);
            for label in labels {
                push(label.text, label.span, SegmentKind::Label);
            }
        }
        self.body(block.body(), depth + 1);
        self.path.truncate(before);
    }

    fn members(&mut self, object: Expr<'a>, depth: usize, kind: SegmentKind) {
        self.hold(Content::Json(object));
        if let ExprKind::Object(members) = object.kind() {
            for (key, value) in members.items() {
                if kind == SegmentKind::Attribute {
                    self.attribute = Span {
                        start: key.span().start,
                        end: value.span().end,
                    };
                }
                self.named(
                    key_text(key).unwrap_or_default(),
                    key.span(),
                    kind,
                    value,
                    depth,
                );
            }
        }
        self.holders.pop();
    }

    fn named(
        &mut self,
        name: Cow<'a, str>,
        span: Span,
        kind: SegmentKind,
        value: Expr<'a>,
        depth: usize,
    ) {
        self.path.push(Segment { name, span, kind });
        let outer = std::mem::replace(&mut self.outer, self.via.len());
        self.expr(value, depth + 1);
        self.outer = outer;
        self.path.pop();
    }

    fn expr(&mut self, expr: Expr<'a>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let kind = expr.kind();
        if let ExprKind::Paren(inner) = kind {
            return self.expr(inner, depth + 1);
        }
        self.show(expr);
        match kind {
            ExprKind::Object(_) => self.members(expr, depth, SegmentKind::Key),
            ExprKind::Tuple(items) => {
                for item in items.elements() {
                    self.through(Via::Element, item, depth);
                }
            }
            ExprKind::Call(call) => {
                let function = call.name();
                for (index, argument) in call.args().enumerate() {
                    self.through(Via::Argument { function, index }, argument, depth);
                }
            }
            ExprKind::Conditional(conditional) => {
                self.through(Via::Branch, conditional.true_value(), depth);
                self.through(Via::Branch, conditional.false_value(), depth);
            }
            ExprKind::Template(template) => {
                for inner in template.interpolations() {
                    self.through(Via::Template, inner, depth);
                }
            }
            ExprKind::Index(index) => self.through(Via::Indexed, index.base(), depth),
            ExprKind::For(for_expr) => {
                if let Some(value) = for_expr.value() {
                    self.through(Via::Element, value, depth);
                }
            }
            _ => {}
        }
    }

    fn through(&mut self, via: Via<'a>, expr: Expr<'a>, depth: usize) {
        self.via.push(via);
        self.expr(expr, depth + 1);
        self.via.pop();
    }

    fn show(&mut self, expr: Expr<'a>) {
        let depth = self.path.len();
        // A pair speaks for its own `value` only, not for what is nested deeper under other names.
        let pair = if is_pair_value(&self.path[depth - 1].name) {
            let own = self.holders.iter().rev();
            own.take_while(|holder| holder.depth + 1 == depth)
                .find_map(Holder::pair)
        } else {
            None
        };
        self.visitor.position(&Position {
            block: self.block,
            path: &self.path,
            via: &self.via[self.outer..],
            hashed: self
                .via
                .iter()
                .any(|via| matches!(via, Via::Argument { function, .. } if is_one_way(function))),
            expr,
            pair,
            attribute: self.attribute,
            trace: OnceCell::new(),
        });
    }

    fn hold(&mut self, content: Content<'a>) {
        self.holders.push(Holder {
            content,
            depth: self.path.len(),
            pair: OnceCell::new(),
        });
    }
}

fn is_pair_value(name: &str) -> bool {
    matches!(
        name,
        "value" | "Value" | "VALUE" | "plaintext_value" | "default_value" | "content"
    )
}

fn is_pair_name(name: &str) -> bool {
    matches!(
        name,
        "name"
            | "Name"
            | "NAME"
            | "key"
            | "Key"
            | "variable_name"
            | "secret_name"
            | "parameter_name"
    )
}

/// The constant name of a pair; the content must have a value next to it.
fn pair_name(content: Content<'_>) -> Option<(Cow<'_, str>, Span)> {
    let name = match content {
        Content::Native(body) => {
            let attributes = body.attributes();
            named(attributes.map(|attribute| (attribute.name(), attribute)))?.value()
        }
        Content::Json(object) => {
            let members = members(object);
            named(members.map(|member| (member.name, member.value)))?
        }
    };
    Some((constant_string(name)?, name.span()))
}

/// What stands under the first name that names a pair, when another is that of its value.
fn named<T>(members: impl Iterator<Item = (impl AsRef<str>, T)>) -> Option<T> {
    let mut found = None;
    let mut has_value = false;
    for (name, member) in members {
        let name = name.as_ref();
        has_value |= is_pair_value(name);
        if found.is_none() && is_pair_name(name) {
            found = Some(member);
        }
    }
    found.filter(|_| has_value)
}
