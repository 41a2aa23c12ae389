//! Values that are known from the text alone.

use std::borrow::Cow;

use hcl_syntax::{Expr, ExprKind};

use crate::facts::block::peel;

/// The text of a constant scalar: a string without interpolation, a number or a boolean as written.
/// `None` for null, references, calls and containers.
#[must_use]
pub fn constant_text(expr: Expr<'_>) -> Option<Cow<'_, str>> {
    match peel(expr).kind() {
        ExprKind::Template(template) => template.as_literal(),
        ExprKind::Number(text) => Some(Cow::Borrowed(text)),
        ExprKind::Bool(true) => Some(Cow::Borrowed("true")),
        ExprKind::Bool(false) => Some(Cow::Borrowed("false")),
        _ => None,
    }
}

/// The text of a constant string; `None` for everything else.
#[must_use]
pub fn constant_string(expr: Expr<'_>) -> Option<Cow<'_, str>> {
    match peel(expr).kind() {
        ExprKind::Template(template) => template.as_literal(),
        _ => None,
    }
}
