//! `shared-secret-reference`: one secret is named in two environments.

use secretlint_core::facts::{
    Block, Environment, Position, Role, SourceFile, Subject, Via, constant_string, resolve,
};
use secretlint_core::{
    Cx, Evidence, Family, Hooks, Look, Place, Rank, Rule, RuleMeta, Severity, Sink, Word,
};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::policy::is_shared;
use crate::semantic::secrecy::is_configuration;
use crate::semantic::sharing::{environment_at, note, report_groups};
use crate::values::{Kind, meaning_of};

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

## False alarms

Public bundles and licences are shared on purpose: declare them under `[shared]` with the reason.

## References

- <https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html>
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
        Hooks::POSITION | Hooks::BLOCK | Hooks::CONCLUDE
    }

    fn words(&self) -> Vec<Word<'_>> {
        // Of texts that name a secret, and of calls that read a key from a file.
        vec![
            Word::Part("://"),
            Word::Part("arn:aws"),
            Word::Part("/secrets/"),
            Word::Part("file"),
        ]
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Mentions.when(is_configuration(block))
    }

    fn block<'a>(&self, cx: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        if matches!(block.role, Role::Data | Role::Ephemeral)
            && let Some(identity) = identity(cx, block)
            && let Some(environment) = cx.environment(block.file.id)
        {
            evidence(
                cx,
                (block.file, block.header_place(), environment.clone()),
                (&identity, block.address()),
                sink,
            );
        }
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let Some(text) = position.literal() else {
            return;
        };
        let identity = if names_one_secret(&text) {
            text.to_string()
        } else if is_key_file(position)
            && let Some(path) = resolve(cx.module.path, &text)
        {
            format!("file {path}")
        } else {
            return;
        };
        let Some(environment) = environment_at(cx, position) else {
            return;
        };
        let place = (position.block.file, position.place(), environment);
        evidence(cx, place, (&identity, position.address()), sink);
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

fn evidence(
    cx: &Cx<'_, '_>,
    (file, place, environment): (&SourceFile, Place, Environment),
    (identity, address): (&str, String),
    sink: &mut Sink,
) {
    let note = note(cx, &environment, |policy, name| {
        is_shared(policy, identity, name) || policy.shared_value_reason(&address, name).is_some()
    });
    sink.evidence(Evidence {
        key: cx.digest(identity),
        environment: Some(environment),
        place,
        path: file.path.to_string(),
        address,
        secret: false,
        note,
    });
}

/// The secret that a block reads, named together with its store in the notation that policies and other
/// places use; `None` when a part is computed.
fn identity<'a>(cx: &Cx<'_, 'a>, block: &Block<'a>) -> Option<String> {
    // A constant, or the only one that can be behind a local or variable.
    let text = |name: &str| {
        let value = block.value(name)?;
        if let Some(text) = constant_string(value) {
            return Some(text);
        }
        let trace = cx.trace(block, value);
        match &trace.literals[..] {
            [only] if only.whole && trace.complete && trace.sources.is_empty() => {
                Some(only.text.clone())
            }
            _ => None,
        }
    };
    match block.kind() {
        "azurerm_key_vault_secret" => {
            let vault = block.value("key_vault_id")?;
            let trace = cx.trace(block, vault);
            let [source] = &trace.sources[..] else {
                return None;
            };
            let Subject::Object { mode, kind, name } = &source.reference.subject else {
                return None;
            };
            let store = cx
                .workspace
                .module(source.module)
                .object(*mode, kind, name)?;
            let vault = store.value("name").and_then(constant_string)?;
            Some(format!(
                "https://{vault}.vault.azure.net/secrets/{}",
                text("name")?
            ))
        }
        "google_secret_manager_secret_version" => {
            let secret = text("secret")?;
            if secret.starts_with("projects/") {
                return None;
            }
            Some(format!("projects/{}/secrets/{secret}", text("project")?))
        }
        "vault_generic_secret" | "vault_kv_secret" => Some(format!("vault://{}", text("path")?)),
        "vault_kv_secret_v2" => Some(format!("vault://{}/{}", text("mount")?, text("name")?)),
        _ => None,
    }
}

/// The file of a private key: `private_key = file("../keys/deploy.pem")`.
fn is_key_file(position: &Position<'_, '_>) -> bool {
    let read = matches!(
        position.via,
        [Via::Argument {
            function: "file" | "filebase64",
            index: 0
        }]
    );
    read && meaning_of(position.key()).is_some_and(|meaning| meaning.kind == Kind::PrivateKey)
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
    let ours = |scheme: &str| {
        let scheme = scheme.split('+').next().unwrap_or_default();
        !["env", "file", "local"].contains(&scheme)
            && secret_policy::Scheme::from_name(scheme).is_some()
            && secret_policy::SecretRef::parse(text).is_ok()
    };
    (arn && account())
        || azure
        || google
        || text
            .split_once("://")
            .is_some_and(|(scheme, _)| ours(scheme))
}
