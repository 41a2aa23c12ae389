//! `secret-in-state-data-source`: a data source reads a secret, and its result is stored in state.

use secretlint_core::facts::{Block, Role};
use secretlint_core::{Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::kept::keeps_something_else;
use crate::semantic::repair::{offer, to_ephemeral};
use crate::semantic::secrecy::{is_configuration, is_named_secret};
use crate::semantic::versions::{EPHEMERAL_CORE, upgrade_first};
use crate::values::meaning_of;

static META: RuleMeta = rule(
    "secret-in-state-data-source",
    Family::State,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A data source copies a secret into state",
        why: "Terraform stores the result of every data source in state and plan files, in plain text.",
        help: "Open the secret with an ephemeral resource and hand it to write-only arguments.",
        docs: r#"
```hcl,expect
data "aws_secretsmanager_secret_version" "database" {
  secret_id = "prod/database"
}
```

```hcl
ephemeral "aws_secretsmanager_secret_version" "database" {
  secret_id = "prod/database"
}

data "aws_ssm_parameter" "image" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}
```

The fix rewrites the block, every reference to it in the module and in the modules the value goes through, and gives
the value to write-only arguments. It is offered when all consumers can take an ephemeral value; else the finding names
the one that cannot. Where the provider has no ephemeral resource of the same shape, `secretref_value` takes its place.

Parameter stores hold settings, too: `aws_ssm_parameter` is reported only where a name says that it is a secret.

## False alarms

Documents that hold no secret although they are kept in a secret store.

## References

- <https://developer.hashicorp.com/terraform/language/state/sensitive-data>
- <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/ephemeral-resources/secretsmanager_secret_version>
"#,
    },
);

/// The rule.
pub(crate) struct SecretInStateDataSource;

impl Rule for SecretInStateDataSource {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, cx: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        if block.role != Role::Data || !is_configuration(block) {
            return;
        }
        let kind = block.kind();
        let Some(stored) = schemas::stored_by_data(kind) else {
            return;
        };
        if stored.named
            && !is_named_secret(block.name(), Some(block))
            && !repeats_secrets(cx, block)
        {
            return;
        }
        if keeps_something_else(kind, block) {
            return;
        }
        let message = format!(
            "`{}` copies a secret into state and plan files",
            block.address()
        );
        let mut finding = Finding::new(&META, block.header_place(), block.address(), message);
        let upgrade = upgrade_first(cx, (stored.provider, stored.since), EPHEMERAL_CORE);
        finding.help = match (stored.ephemeral, stored.since) {
            (Some(ephemeral), Some(since)) => format!(
                "Use `ephemeral \"{ephemeral}\"` (provider {} {since}, Terraform {EPHEMERAL_CORE}) and hand the value to a write-only argument.{upgrade}",
                stored.provider
            ),
            (Some(ephemeral), None) => format!("Use `ephemeral \"{ephemeral}\"` and hand the value to a write-only argument.{upgrade}"),
            _ => format!(
                "The provider has no ephemeral resource for it: use `ephemeral \"secretref_value\"` with a reference and hand the value to a write-only argument.{upgrade}"
            ),
        }
        .into();
        offer(&mut finding, to_ephemeral(cx, block, stored));
        sink.report(finding);
    }
}

/// `for_each = toset(local.parameters)`, where the names are listed elsewhere.
fn repeats_secrets<'a>(cx: &Cx<'_, 'a>, block: &Block<'a>) -> bool {
    let each = block
        .value("name")
        .is_some_and(|name| name.text().contains("each."));
    let Some(names) = block.value("for_each").filter(|_| each) else {
        return false;
    };
    let trace = cx.trace(block, names);
    let strong = |text: &str| meaning_of(text).is_some_and(|meaning| meaning.strong);
    trace.literals.iter().any(|origin| strong(&origin.text))
}
