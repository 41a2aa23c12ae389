//! `generated-secret-in-state`: a resource makes a secret and keeps it in state.

use secretlint_core::facts::Block;
use secretlint_core::{Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::repair::{offer, to_ephemeral};
use crate::semantic::secrecy::{is_generated_name, is_resource};
use crate::semantic::versions::{EPHEMERAL_CORE, upgrade_first};

static META: RuleMeta = rule(
    "generated-secret-in-state",
    Family::State,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A resource generates a secret that stays in state",
        why: "The generated value is in state and plan files in plain text, for as long as the resource exists.",
        help: "Generate the value with an ephemeral resource and write it to the store with a write-only argument.",
        docs: r#"
```hcl,expect
resource "random_password" "database" {
  length = 32
}
```

```hcl
ephemeral "random_password" "database" {
  length = 32
}

resource "random_string" "suffix" {
  length = 4
}
```

## False alarms

`random_password` used as a name or suffix is no secret: use `random_id` or `random_string` for those.

## References

- <https://registry.terraform.io/providers/hashicorp/random/latest/docs/ephemeral-resources/password>
- <https://developer.hashicorp.com/terraform/language/state/sensitive-data>
"#,
    },
);

/// The rule.
pub(crate) struct GeneratedSecretInState;

impl Rule for GeneratedSecretInState {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, cx: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        let names = block.kind().starts_with("random_") && is_generated_name(block.name());
        if !is_resource(block) || names {
            return;
        }
        let Some(stored) = schemas::generated(block.kind()) else {
            return;
        };
        let message = format!(
            "`{}` generates a secret that stays in state",
            block.address()
        );
        let mut finding = Finding::new(&META, block.header_place(), block.address(), message);
        if let (Some(ephemeral), Some(since)) = (stored.ephemeral, stored.since) {
            let upgrade = upgrade_first(cx, (stored.provider, stored.since), EPHEMERAL_CORE);
            finding.help = format!(
                "Use `ephemeral \"{ephemeral}\"` (provider {} {since}, Terraform {EPHEMERAL_CORE}) with a write-only argument, or `secretref_secret`, which generates into the store and keeps only the version in state.{upgrade}",
                stored.provider
            )
            .into();
        }
        offer(&mut finding, to_ephemeral(cx, block, stored));
        sink.report(finding);
    }
}
