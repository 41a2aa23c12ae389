//! Does a local only become the content of secrets?

use std::borrow::Cow;

use hcl_syntax::{Expr, ExprKind, For};
use secretlint_core::Cx;
use secretlint_core::facts::{Block, Position, Role, Step, Subject, Use};

use crate::semantic::secret_in_plain_environment::REFERENCES;

/// True in a local, called like an environment, that only becomes the content of secrets.
pub(crate) fn only_fills_secrets(cx: &Cx<'_, '_>, position: &Position<'_, '_>) -> bool {
    let mut names = position.names();
    let (Role::Locals, Some(local), member) = (position.block.role, names.next(), names.next())
    else {
        return false;
    };
    let takes = |found: &&Use<'_>| match found.reference.path.first() {
        Some(Step::Key(key)) => member.is_none_or(|member| **key == *member),
        _ => true,
    };
    let subject = Subject::Local(Cow::Owned(local.to_owned()));
    let uses = cx.module.uses_of(&subject);
    let mut uses = uses
        .iter()
        .filter(takes)
        .filter(|found| !takes_names_only(found))
        .peekable();
    uses.peek().is_some() && uses.all(|found| fills_secret(cx.module.block(found.block), found))
}

/// `env = [for name, value in local.envs : { name = name, valueFrom = … }]`: the values are not used.
fn takes_names_only(found: &Use<'_>) -> bool {
    let loops = found
        .attribute
        .value
        .walk()
        .filter_map(|expr| match expr.kind() {
            ExprKind::For(run) => Some(run),
            _ => None,
        });
    let over = |run: &For<'_>| {
        run.collection()
            .is_some_and(|collection| collection.span() == found.expr.span())
    };
    loops.filter(over).any(|run| {
        let uses = |expr: Expr<'_>| {
            expr.walk().any(|inner| match inner.kind() {
                ExprKind::Traversal(traversal) => run.value_name() == Some(traversal.root()),
                _ => false,
            })
        };
        run.key_name().is_some() && ![run.key(), run.value()].into_iter().flatten().any(uses)
    })
}

/// `kubernetes_secret`, `module "secret"`, `string_data = …`.
fn fills_secret(block: &Block<'_>, found: &Use<'_>) -> bool {
    let says = |name: &str| {
        name.split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| matches!(word, "secret" | "secrets"))
    };
    let kept = match block.role {
        Role::Resource => says(block.kind()),
        Role::Module => says(block.name()),
        _ => false,
    };
    kept || found
        .names()
        .any(|name| matches!(name, "string_data" | "stringData") || REFERENCES.contains(&name))
}
