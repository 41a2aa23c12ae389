//! `shared-secret-reference`: one secret is named in two environments.

use secretlint_core::facts::Position;
use secretlint_core::{Cx, Evidence, Family, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_configuration;
use crate::semantic::sharing::report_groups;

static META: RuleMeta = rule(
    "shared-secret-reference",
    Family::Environments,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "Two environments read one and the same secret",
        why: "Whoever gets at the weaker environment holds the key of the stronger one, and neither can be rotated alone.",
        help: "Give each environment its own secret. If it is meant to be shared, declare it under `[shared]` in `secretref.toml` with a reason.",
        docs: r#"
Only references that name one secret in the world are compared: ARNs with an account, vault and secret names together,
project paths, secretref references. Equal short names in different accounts are different secrets.

```hcl,expect
# file: environments/dev/main.tf
ephemeral "secretref_value" "database" {
  ref = "vault+main://kv/payments/database#password"
}
# file: environments/prod/main.tf
ephemeral "secretref_value" "database" {
  ref = "vault+main://kv/payments/database#password"
}
```

```hcl
# file: environments/dev/main.tf
ephemeral "secretref_value" "database" {
  ref = "vault+dev://kv/payments/database#password"
}
# file: environments/prod/main.tf
ephemeral "secretref_value" "database" {
  ref = "vault+prod://kv/payments/database#password"
}
```
"#,
    },
);

/// The rule.
pub(crate) struct SharedSecretReference;

impl Rule for SharedSecretReference {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION | Hooks::CONCLUDE
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if !position.is_leaf() || !is_configuration(position.block) {
            return;
        }
        let file = position.block.file;
        let Some(environment) = cx.environment(file.id) else {
            return;
        };
        let Some(text) = position.literal().filter(|text| names_one_secret(text)) else {
            return;
        };
        sink.evidence(Evidence {
            key: cx.digest(&text),
            environment: Some(environment.clone()),
            place: position.place(),
            path: file.path.to_string(),
            address: position.address(),
            secret: false,
            note: String::new(),
        });
    }

    fn conclude(&self, evidence: &[Evidence], sink: &mut Sink) {
        report_groups(&META, evidence, sink, |first, names| {
            format!(
                "the secret that `{}` names is used in {names}",
                first.address
            )
        });
    }
}

/// True for a text that names one secret, wherever it is read.
fn names_one_secret(text: &str) -> bool {
    let arn = text.starts_with("arn:aws")
        && (text.contains(":secretsmanager:")
            || text.contains(":ssm:") && text.contains(":parameter/"));
    let account = || {
        text.split(':').nth(4).is_some_and(|account| {
            account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let azure = text.starts_with("https://") && text.contains(".vault.azure.net/secrets/");
    let google = text.starts_with("projects/") && text.contains("/secrets/");
    let ours = secret_policy::SecretRef::parse(text).is_ok()
        && !["env://", "file://", "local://"]
            .iter()
            .any(|start| text.starts_with(start));
    (arn && account()) || azure || google || (text.contains("://") && ours)
}
