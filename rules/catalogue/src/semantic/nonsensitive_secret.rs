//! `nonsensitive-secret`: `nonsensitive()` is applied to a secret.

use hcl_syntax::ExprKind;
use secretlint_core::facts::{Block, Position};
use secretlint_core::{
    Cx, Family, Finding, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink, Word,
};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::{is_configuration, secret_address};

static META: RuleMeta = rule(
    "nonsensitive-secret",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "`nonsensitive()` uncovers a secret",
        why: "From here on Terraform prints the value in plans, logs and outputs.",
        help: "Take `nonsensitive()` away, or take out of the secret only the part that is none before applying it.",
        docs: r#"
```hcl,expect
locals {
  database = nonsensitive(random_password.database.result)
}
```

```hcl
locals {
  has_token = nonsensitive(var.token != "")
  image     = nonsensitive(data.aws_ssm_parameter.image.value)
}
```

## False alarms

Keys of `for_each`, comparisons and parts of a document that are named like something else (`username`, `arn`) are not
reported. A `random_password` that serves as a name is.

## References

- <https://developer.hashicorp.com/terraform/language/functions/nonsensitive>
"#,
    },
);

/// The rule.
pub(crate) struct NonsensitiveSecret;

impl Rule for NonsensitiveSecret {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        vec![Word::Part("nonsensitive")]
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Mentions.when(is_configuration(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let ExprKind::Call(call) = position.expr.kind() else {
            return;
        };
        // Keys for `for_each` are names; what is counted or hashed is not shown.
        let repeated = matches!(position.names().next(), Some("for_each" | "count"));
        if call.name() != "nonsensitive" || repeated || position.hashed {
            return;
        }
        let Some(argument) = call.args().next() else {
            return;
        };
        let Some(what) = secret_address(cx, &cx.trace(position.block, argument)) else {
            return;
        };
        let message = format!("`nonsensitive` uncovers the secret `{what}`");
        sink.report(Finding::new(
            &META,
            position.place(),
            position.address(),
            message,
        ));
    }
}
