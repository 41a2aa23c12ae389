//! Operations: unary, binary, conditional.

use super::body::debug_by_span;
use super::{Expr, Ref};
use crate::Span;

/// A unary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `!`
    Not,
}

/// `-a`, `!a`
#[derive(Clone, Copy)]
pub struct Unary<'a>(pub(super) Ref<'a>);

impl<'a> Unary<'a> {
    /// The operator.
    #[must_use]
    pub fn operator(self) -> UnaryOperator {
        if self.0.node().flags == 1 {
            UnaryOperator::Negate
        } else {
            UnaryOperator::Not
        }
    }

    /// The operand.
    #[must_use]
    pub fn operand(self) -> Expr<'a> {
        Expr(self.0.children().next().unwrap_or(self.0))
    }

    /// The whole expression.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

macro_rules! operators {
    ($($(#[$doc:meta])* $name:ident = $value:literal,)*) => {
        /// A binary operator.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum BinaryOperator { $($(#[$doc])* $name = $value,)* }

        impl BinaryOperator {
            fn from_role(role: u8) -> Option<Self> {
                match role { $($value => Some(Self::$name),)* _ => None }
            }
        }
    };
}

operators! {
    /// `||`
    Or = 1,
    /// `&&`
    And = 2,
    /// `==`
    Equal = 3,
    /// `!=`
    NotEqual = 4,
    /// `<`
    Less = 5,
    /// `<=`
    LessEqual = 6,
    /// `>`
    Greater = 7,
    /// `>=`
    GreaterEqual = 8,
    /// `+`
    Add = 9,
    /// `-`
    Subtract = 10,
    /// `*`
    Multiply = 11,
    /// `/`
    Divide = 12,
    /// `%`
    Modulo = 13,
}

/// Operands joined by operators of the same precedence, to be read from left to right:
/// `a - b + c` has three operands and two operators.
#[derive(Clone, Copy)]
pub struct Binary<'a>(pub(super) Ref<'a>);

impl<'a> Binary<'a> {
    /// The operands, at least two.
    pub fn operands(self) -> impl Iterator<Item = Expr<'a>> + Clone {
        self.0.children().map(Expr)
    }

    /// The operators, one fewer than operands.
    pub fn operators(self) -> impl Iterator<Item = BinaryOperator> + Clone {
        self.0
            .children()
            .skip(1)
            .filter_map(|node| BinaryOperator::from_role(node.node().role))
    }

    /// The whole expression.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

/// `condition ? yes : no`
#[derive(Clone, Copy)]
pub struct Conditional<'a>(pub(super) Ref<'a>);

impl<'a> Conditional<'a> {
    fn child(self, index: usize) -> Expr<'a> {
        Expr(self.0.children().nth(index).unwrap_or(self.0))
    }

    /// What decides.
    #[must_use]
    pub fn condition(self) -> Expr<'a> {
        self.child(0)
    }

    /// The value if true.
    #[must_use]
    pub fn true_value(self) -> Expr<'a> {
        self.child(1)
    }

    /// The value if false.
    #[must_use]
    pub fn false_value(self) -> Expr<'a> {
        self.child(2)
    }

    /// The whole expression.
    #[must_use]
    pub fn span(self) -> Span {
        self.0.span()
    }
}

debug_by_span!(Unary Binary Conditional);
