//! Expressions.

use super::body::debug_by_span;
use super::{Binary, Conditional, Ref, Template, Unary};
use crate::Span;
use crate::chars::{ident_end, trailing_ident};
use crate::tree::{Kind, flag, role};

/// An expression.
#[derive(Clone, Copy)]
pub struct Expr<'a>(pub(super) Ref<'a>);

/// What an expression is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ExprKind<'a> {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number as it is written.
    Number(&'a str),
    /// A quoted string or heredoc.
    Template(Template<'a>),
    /// A name with steps: `var.x`, `a.b[0].c`. Also a bare word as an object key.
    Traversal(Traversal<'a>),
    /// `f(a, b...)`
    Call(Call<'a>),
    /// `[a, b]`
    Tuple(Tuple<'a>),
    /// `{ k = v }`
    Object(Object<'a>),
    /// `[for …]`, `{for …}`
    For(For<'a>),
    /// `-a`, `!a`
    Unary(Unary<'a>),
    /// `a + b`
    Binary(Binary<'a>),
    /// `a ? b : c`
    Conditional(Conditional<'a>),
    /// `(a)`
    Paren(Expr<'a>),
    /// Steps after anything but a name: `f(x).y`, `(a)[0]`.
    Index(Index<'a>),
    /// Nothing where an expression must be.
    Missing,
}

impl<'a> Expr<'a> {
    /// Where it is; empty for a missing expression.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// The text as it is written.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.0.text()
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> ExprKind<'a> {
        match self.0.node().kind {
            Kind::Null => ExprKind::Null,
            Kind::True => ExprKind::Bool(true),
            Kind::False => ExprKind::Bool(false),
            Kind::Number => ExprKind::Number(self.text()),
            Kind::Template => ExprKind::Template(Template(self.0)),
            Kind::Traversal => ExprKind::Traversal(Traversal(self.0)),
            Kind::Call => ExprKind::Call(Call(self.0)),
            Kind::Tuple => ExprKind::Tuple(Tuple(self.0)),
            Kind::Object => ExprKind::Object(Object(self.0)),
            Kind::For => ExprKind::For(For(self.0)),
            Kind::Unary => ExprKind::Unary(Unary(self.0)),
            Kind::Binary => ExprKind::Binary(Binary(self.0)),
            Kind::Conditional => ExprKind::Conditional(Conditional(self.0)),
            Kind::Index => ExprKind::Index(Index(self.0)),
            Kind::Paren => self
                .0
                .children()
                .next()
                .map_or(ExprKind::Missing, |inner| ExprKind::Paren(Self(inner))),
            _ => ExprKind::Missing,
        }
    }

    /// The template, if it is one.
    #[must_use]
    pub fn template(self) -> Option<Template<'a>> {
        (self.0.node().kind == Kind::Template).then_some(Template(self.0))
    }

    /// The name, if it is a name without steps; as an object key this is the key.
    #[must_use]
    pub fn bare_word(self) -> Option<&'a str> {
        match self.0.node().kind {
            Kind::Traversal if self.0.child().is_none() => Some(Traversal(self.0).root()),
            Kind::Null | Kind::True | Kind::False => Some(self.text()),
            _ => None,
        }
    }

    /// The expression inside all parentheses around it.
    #[must_use]
    pub fn unwrapped(self) -> Self {
        let mut expr = self;
        while expr.0.node().kind == Kind::Paren
            && let Some(inner) = expr.0.child()
        {
            expr = Self(inner);
        }
        expr
    }

    /// The expressions directly inside this one, in source order: operands, arguments, elements,
    /// keys and values, index keys, interpolations.
    pub fn children(self) -> impl Iterator<Item = Expr<'a>> {
        let mut stack: Vec<_> = self.0.child().into_iter().collect();
        std::iter::from_fn(move || next_expr(&mut stack))
    }

    /// This expression and all inside it, in source order, parents first. Uses no recursion.
    pub fn walk(self) -> impl Iterator<Item = Expr<'a>> {
        // Most expressions are a name or a text with nothing inside: they need no stack.
        let mut first = Some(self);
        let mut stack = Vec::new();
        std::iter::from_fn(move || {
            let expr = first.take().or_else(|| next_expr(&mut stack))?;
            stack.extend(expr.0.child());
            Some(expr)
        })
    }
}

/// Takes the next expression off the stack, and leaves its siblings there; nodes that are none give
/// way to their children.
fn next_expr<'a>(stack: &mut Vec<Ref<'a>>) -> Option<Expr<'a>> {
    loop {
        let node = stack.pop()?;
        stack.extend(node.sibling());
        match node.node().kind {
            Kind::Interpolation | Kind::Directive | Kind::StepIndex => stack.extend(node.child()),
            Kind::Literal | Kind::Name | Kind::StepAttribute | Kind::StepSplat => {}
            _ => return Some(Expr(node)),
        }
    }
}

/// A name with steps.
#[derive(Clone, Copy)]
pub struct Traversal<'a>(Ref<'a>);

impl<'a> Traversal<'a> {
    /// The first name.
    #[must_use]
    pub fn root(self) -> &'a str {
        self.0.parsed.slice(self.root_span())
    }

    /// Where the first name is.
    #[must_use]
    pub fn root_span(self) -> Span {
        self.0.node().name().unwrap_or_else(|| {
            let start = self.0.span().start;
            Span::new(start, ident_end(&self.0.parsed.text, start as usize) as u32)
        })
    }

    /// The steps after it.
    pub fn steps(self) -> impl Iterator<Item = Step<'a>> + Clone {
        self.0.children().map(Step)
    }

    /// The whole traversal.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

/// A step of a traversal.
#[derive(Clone, Copy)]
pub struct Step<'a>(Ref<'a>);

/// What a step does.
#[derive(Clone, Copy, Debug)]
pub enum StepKind<'a> {
    /// `.name`; empty when the name is missing.
    Attribute(&'a str),
    /// `[key]`, or the old form `.0`.
    Index(Expr<'a>),
    /// `.*`
    AttributeSplat,
    /// `[*]`
    FullSplat,
}

impl<'a> Step<'a> {
    /// From the dot or bracket to the end of the step.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }

    /// What it does.
    #[must_use]
    pub fn kind(self) -> StepKind<'a> {
        match self.0.node().kind {
            Kind::StepIndex => StepKind::Index(Expr(self.0.children().next().unwrap_or(self.0))),
            Kind::StepSplat if self.0.node().has(flag::FULL) => StepKind::FullSplat,
            Kind::StepSplat => StepKind::AttributeSplat,
            _ => StepKind::Attribute(self.name()),
        }
    }

    /// The name that it ends with.
    fn name(self) -> &'a str {
        match self.0.node().last_name() {
            Some(name) => self.0.parsed.slice(name),
            None => trailing_ident(self.0.text()),
        }
    }

    /// The name, if it is `.name`.
    #[must_use]
    pub fn attribute(self) -> Option<&'a str> {
        (self.0.node().kind == Kind::StepAttribute).then(|| self.name())
    }
}

/// Steps after an expression that is not a name.
#[derive(Clone, Copy)]
pub struct Index<'a>(Ref<'a>);

impl<'a> Index<'a> {
    /// What the steps start from.
    #[must_use]
    pub fn base(self) -> Expr<'a> {
        Expr(self.0.children().next().unwrap_or(self.0))
    }

    /// The steps.
    pub fn steps(self) -> impl Iterator<Item = Step<'a>> + Clone {
        self.0.children().skip(1).map(Step)
    }

    /// The whole expression.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

/// A function call.
#[derive(Clone, Copy)]
pub struct Call<'a>(Ref<'a>);

impl<'a> Call<'a> {
    /// The function's name, for example `format` or `provider::aws::arn_parse`.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.0.children().next().map_or("", Ref::text)
    }

    /// Where the name is.
    #[must_use]
    pub fn name_span(self) -> Span {
        self.0.children().next().map_or(self.0.span(), Ref::span)
    }

    /// The arguments.
    pub fn args(self) -> impl Iterator<Item = Expr<'a>> + Clone {
        self.0.children().skip(1).map(Expr)
    }

    /// Whether `...` follows the last argument.
    #[must_use]
    pub fn expand_final(self) -> bool {
        self.0.node().has(flag::EXPAND)
    }

    /// The whole call.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

/// `[a, b]`
#[derive(Clone, Copy)]
pub struct Tuple<'a>(Ref<'a>);

impl<'a> Tuple<'a> {
    /// The elements.
    pub fn elements(self) -> impl Iterator<Item = Expr<'a>> + Clone {
        self.0.children().map(Expr)
    }

    /// From bracket to bracket.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

/// `{ k = v }`
#[derive(Clone, Copy)]
pub struct Object<'a>(Ref<'a>);

impl<'a> Object<'a> {
    /// Keys with their values, in source order; a key may occur twice. A bare word as a key is a
    /// traversal without steps: see [`Expr::bare_word`].
    pub fn items(self) -> impl Iterator<Item = (Expr<'a>, Expr<'a>)> + Clone {
        let mut children = self.0.children();
        std::iter::from_fn(move || Some((Expr(children.next()?), Expr(children.next()?))))
    }

    /// From brace to brace.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

/// `[for …]` or `{for …}`
#[derive(Clone, Copy)]
pub struct For<'a>(Ref<'a>);

impl<'a> For<'a> {
    fn part(self, role: u8) -> Option<Expr<'a>> {
        self.0.child_with_role(role).map(Expr)
    }

    fn name(self, role: u8) -> Option<&'a str> {
        self.0.child_with_role(role).map(Ref::text)
    }

    /// The first of two names.
    #[must_use]
    pub fn key_name(self) -> Option<&'a str> {
        self.name(role::KEY_NAME)
    }

    /// The only name, or the second of two.
    #[must_use]
    pub fn value_name(self) -> Option<&'a str> {
        self.name(role::VALUE_NAME)
    }

    /// What is iterated over.
    #[must_use]
    pub fn collection(self) -> Option<Expr<'a>> {
        self.part(role::COLLECTION)
    }

    /// The key of each element, when an object is made.
    #[must_use]
    pub fn key(self) -> Option<Expr<'a>> {
        self.part(role::KEY)
    }

    /// The value of each element.
    #[must_use]
    pub fn value(self) -> Option<Expr<'a>> {
        self.part(role::VALUE)
    }

    /// The condition after `if`.
    #[must_use]
    pub fn condition(self) -> Option<Expr<'a>> {
        self.part(role::CONDITION)
    }

    /// Whether an object is made, not a tuple.
    #[must_use]
    pub fn makes_object(self) -> bool {
        self.0.node().has(flag::OBJECT)
    }

    /// Whether values of equal keys are grouped, with `...`.
    #[must_use]
    pub fn groups(self) -> bool {
        self.0.node().has(flag::EXPAND)
    }

    /// From bracket to bracket.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

debug_by_span!(Expr Traversal Step Index Call Tuple Object For);
