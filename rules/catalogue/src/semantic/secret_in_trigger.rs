//! `secret-in-trigger`: a secret among the triggers of a resource.

use secretlint_core::facts::{Block, Position};
use secretlint_core::{Cx, Family, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink, Word};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_resource;
use crate::semantic::sink::{leak, report};

static META: RuleMeta = rule(
    "secret-in-trigger",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret is used as a trigger",
        why: "Triggers are stored in state and shown in every plan that changes them.",
        help: "Trigger by the secret's version (`secretref_metadata`), never by its value or an unkeyed hash of it.",
        docs: r#"
```hcl,expect
resource "terraform_data" "app" {
  triggers_replace = [var.webhook_secret]
}
```

```hcl
resource "terraform_data" "app" {
  triggers_replace = [data.secretref_metadata.webhook.number]
}
```

The `input` of `terraform_data` counts as well: it is stored and given out again as `output`.

## False alarms

A hash with a key, or the version of the secret, is no secret and is not reported; an unkeyed hash of a weak secret
can be searched for, but is not told apart from other hashes here.

## References

- <https://developer.hashicorp.com/terraform/language/resources/terraform-data>
"#,
    },
);

/// The rule.
pub(crate) struct SecretInTrigger;

impl Rule for SecretInTrigger {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        vec![
            Word::Part("triggers"),
            Word::Part("keepers"),
            Word::Part("terraform_data"),
        ]
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Mentions.when(is_resource(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let first = position.names().next().unwrap_or_default();
        // `terraform_data` keeps its input, and gives it out again.
        let kept = position.block.kind() == "terraform_data" && first == "input";
        if !(kept || matches!(first, "triggers" | "triggers_replace" | "keepers")) {
            return;
        }
        let outermost = position.via.is_empty()
            || matches!(position.via, [secretlint_core::facts::Via::Element]);
        let container = matches!(
            position.expr.kind(),
            hcl_syntax::ExprKind::Object(_) | hcl_syntax::ExprKind::Tuple(_)
        );
        if !outermost || container {
            return;
        }
        let Some(found) = leak(cx, position) else {
            return;
        };
        // `merge({ password = … })`: its members are looked at by their own names.
        let holds = |object: hcl_syntax::Expr<'_>| {
            let span = object.span();
            matches!(object.kind(), hcl_syntax::ExprKind::Object(_))
                && span.start <= found.place.start
                && found.place.end <= span.end
        };
        if position.expr.walk().any(holds) {
            return;
        }
        let message = format!(
            "`{}` stores the secret `{}` in state",
            position.address(),
            found.what
        );
        report(&META, position, &found, message, sink);
    }
}
