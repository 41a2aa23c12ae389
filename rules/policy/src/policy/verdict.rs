//! What the policy says about a request, and the words it says it with.

use super::Environment;
use super::decision::{Reason, Request};
use crate::span::Span;

/// What the policy says, before the line is looked up.
pub(super) struct Verdict {
    pub(super) reason: Reason,
    pub(super) span: Option<Span>,
    pub(super) message: String,
    pub(super) help: String,
}

impl Verdict {
    pub(super) fn allowed(reason: Reason, span: Option<Span>, message: String) -> Self {
        Self {
            reason,
            span,
            message,
            help: String::new(),
        }
    }

    pub(super) fn refused(
        reason: Reason,
        span: Option<Span>,
        message: String,
        help: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            span,
            message,
            help: help.into(),
        }
    }
}

/// A refusal is the error, so that `?` gives the order.
pub(super) type Checked<T = ()> = Result<T, Verdict>;

pub(super) fn may(environment: &Environment, request: &Request<'_>) -> String {
    format!(
        "environment `{}` may {} {}",
        environment.name,
        request.operation,
        quoted(request)
    )
}

pub(super) fn may_not(environment: Option<&Environment>, request: &Request<'_>) -> String {
    match environment {
        Some(environment) => format!(
            "environment `{}` may not {} {}",
            environment.name,
            request.operation,
            quoted(request)
        ),
        None => format!("nobody may {} {}", request.operation, quoted(request)),
    }
}

pub(super) fn quoted(request: &Request<'_>) -> String {
    format!("`{}`", request.reference)
}
