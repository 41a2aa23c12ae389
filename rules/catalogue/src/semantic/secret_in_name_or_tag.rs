//! `secret-in-name-or-tag`: a secret becomes a part of a name, tag or description.

use secretlint_core::facts::{Block, Position};
use secretlint_core::{Cx, Family, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink, Word};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_resource;
use crate::semantic::sink::{leak, report};
use crate::values::identifies;

static META: RuleMeta = rule(
    "secret-in-name-or-tag",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret becomes part of a name, tag or description",
        why: "Names and tags are copied to bills, logs, inventories and monitoring; nobody treats them as secret.",
        help: "Use a random suffix that is no secret (`random_id`), or a version number.",
        docs: r#"
```hcl,expect
resource "aws_s3_bucket" "data" {
  tags = {
    Owner = random_password.owner.result
  }
}
resource "random_id" "owner" {
  byte_length = 4
}
```

```hcl
resource "aws_s3_bucket" "data" {
  tags = {
    Owner = random_id.owner.hex
  }
}
```

## False alarms

What is taken out of a stored document under a name that promises nothing counts as secret with the document.

## References

- <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>
"#,
    },
);

/// The rule.
pub(crate) struct SecretInNameOrTag;

impl Rule for SecretInNameOrTag {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        vec![
            Word::Part("description"),
            Word::Part("comment"),
            Word::Part("display_name"),
            Word::Part("tags"),
            Word::Part("labels"),
            Word::Part("annotations"),
        ]
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Mentions.when(is_resource(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if !position.via.is_empty() || !is_public(position) {
            return;
        }
        let reference = matches!(
            position.expr.kind(),
            hcl_syntax::ExprKind::Traversal(_)
                | hcl_syntax::ExprKind::Template(_)
                | hcl_syntax::ExprKind::Index(_)
        );
        if !reference {
            return;
        }
        // `email_address`: what is taken out of a store for a person or place.
        if identifies(position.key()) {
            return;
        }
        let Some(found) = leak(cx, position) else {
            return;
        };
        let message = format!("`{}` shows the secret `{}`", position.address(), found.what);
        report(&META, position, &found, message, sink);
    }
}

fn is_public(position: &Position<'_, '_>) -> bool {
    let first = position.names().next().unwrap_or_default();
    match position.path.len() {
        1 => matches!(first, "description" | "comment" | "display_name"),
        2 => matches!(first, "tags" | "labels" | "tags_all" | "annotations"),
        _ => false,
    }
}
