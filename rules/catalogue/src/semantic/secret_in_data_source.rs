//! `secret-in-data-source`: a secret is given to a data source that sends and stores its arguments.

use hcl_syntax::ExprKind;
use secretlint_core::facts::{Block, Position, Role};
use secretlint_core::{Cx, Family, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_configuration;
use crate::semantic::sink::{leak, report};

static META: RuleMeta = rule(
    "secret-in-data-source",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret is an argument of a request or program whose arguments are stored",
        why: "Terraform stores the arguments of data sources in state and plan files, and shows them in its trace log; a URL is logged by every proxy on the way.",
        help: "Let the program that needs the answer ask for it with its own identity, or make the call from a provisioner with an ephemeral value.",
        docs: r#"
Looks at `data "http"` (URL, headers, body) and `data "external"` (program, query).

```hcl,expect
data "http" "release" {
  url = "https://api.example.com/releases/latest"
  request_headers = {
    Authorization = "Bearer ${var.api_token}"
  }
}
```

```hcl
data "http" "release" {
  url = "https://api.example.com/releases/latest"
  request_headers = {
    Accept = "application/json"
  }
}
```

## False alarms

A variable that is named like a secret and holds none, such as the name of a header. Literals are reported by
`hardcoded-secret` instead.

## References

- <https://registry.terraform.io/providers/hashicorp/http/latest/docs/data-sources/http>
- <https://developer.hashicorp.com/terraform/language/state/sensitive-data>
"#,
    },
);

/// The rule.
pub(crate) struct SecretInDataSource;

impl Rule for SecretInDataSource {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Everything.when(
            block.role == Role::Data
                && matches!(block.kind(), "http" | "external")
                && is_configuration(block),
        )
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let block = position.block;
        if !position.via.is_empty() {
            return;
        }
        let first = position.names().next().unwrap_or_default();
        let sent = match block.kind() {
            "http" => matches!(first, "url" | "request_headers" | "request_body"),
            "external" => matches!(first, "program" | "query"),
            _ => false,
        };
        let reference = matches!(
            position.expr.kind(),
            ExprKind::Traversal(_)
                | ExprKind::Template(_)
                | ExprKind::Call(_)
                | ExprKind::Index(_)
                | ExprKind::Tuple(_)
        );
        if !sent || !reference {
            return;
        }
        let Some(found) = leak(cx, position) else {
            return;
        };
        let message = format!(
            "`{}` stores and sends the secret `{}`",
            position.address(),
            found.what
        );
        report(&META, position, &found, message, sink);
    }
}
