//! `stored-secret`: a plan or state file holds a secret.

use secretlint_core::facts::{Block, Position, Role};
use secretlint_core::{Cx, Family, Finding, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::literal::literal;
use crate::semantic::secrecy::is_secret_variable;
use crate::values::{Judgement, Kind, judge};

static META: RuleMeta = rule(
    "stored-secret",
    Family::State,
    (Severity::Error, Rank::Generic),
    &Texts {
        summary: "A plan or state file holds a secret",
        why: "State and plan files keep every value in plain text; whoever can read the file has the secret.",
        help: "Rotate the secret, keep the file out of the repository in an encrypted backend, and read or generate the value with an ephemeral resource.",
        docs: r#"
A report of what is already stored: results that a provider's schema calls secret, outputs marked `sensitive`, and outputs and plan variables whose name promises a secret. Arguments and vendor tokens in these files are reported by their own rules.

```hcl,expect
# file: terraform.tfstate
{
  "lineage": "9b5c", "serial": 3,
  "resources": [
    { "mode": "managed", "type": "random_password", "name": "database",
      "instances": [{ "attributes": { "length": 20, "result": "plum-Anchor-4471" } }] }
  ]
}
```

```hcl
# file: terraform.tfstate
{
  "lineage": "9b5c", "serial": 3,
  "outputs": { "bucket": { "value": "logs-4471", "type": "string" } },
  "resources": []
}
```

## False alarms

A result that a provider's schema calls secret may be used as a name only, such as a random suffix made with `random_password`: make it with `random_id` or `random_string`, or accept the place in `secretlint.toml`, since these files hold no comments.

## References

- <https://developer.hashicorp.com/terraform/language/state/sensitive-data>
- <https://opentofu.org/docs/language/state/encryption/>
"#,
    },
);

/// The rule.
pub(crate) struct StoredSecret;

impl Rule for StoredSecret {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Everything.when(block.file.kind.is_record())
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if !position.is_leaf() || !is_secret(position) {
            return;
        }
        let Some(text) = position.literal() else {
            return;
        };
        let exact = !matches!(position.block.role, Role::Output | Role::Variable);
        let is_a_value = !matches!(
            judge(&text, Kind::Secret, position.key(), exact),
            Judgement::NotSecret(_)
        );
        let is_said = literal(position)
            .is_some_and(|literal| !matches!(literal.judgement, Judgement::NotSecret(_)));
        if !is_a_value || is_said {
            return;
        }
        let (place, address) = (position.place(), position.address());
        let message = format!("`{address}` is stored here in plain text");
        let finding = Finding::new(&META, place, address, message);
        sink.report(finding.with_secret(place, cx.digest(&text)));
    }
}

/// True where a secret is recorded: by schema, by `sensitive`, by name.
fn is_secret(position: &Position<'_, '_>) -> bool {
    let block = position.block;
    let name = block.first.as_ref().map_or("", |label| &*label.text);
    match block.role {
        Role::Resource | Role::Data => {
            let Some(attribute) = position.names().next() else {
                return false;
            };
            let kind = block.kind();
            let stored = match block.role {
                Role::Data => schemas::stored_by_data(kind),
                _ => schemas::generated(kind),
            };
            stored.is_some_and(|stored| stored.secret.contains(&attribute))
                || schemas::is_secret_result(kind, attribute)
        }
        Role::Output => {
            let is_value = position.names().next() == Some("value");
            let is_sensitive = block
                .value("sensitive")
                .is_some_and(|expr| expr.text() == "true");
            is_value && (is_sensitive || is_secret_variable(name))
        }
        Role::Variable => position.names().next() == Some("value") && is_secret_variable(name),
        _ => false,
    }
}
