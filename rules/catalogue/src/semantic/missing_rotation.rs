//! `missing-rotation`: a secret whose value the configuration keeps and that nothing rotates, or that is
//! rotated more slowly than the policy demands.

use std::time::Duration;

use secretlint_core::facts::{Block, Mode, Role, Subject, constant_text};
use secretlint_core::{Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::kept::keeps_something_else;
use crate::semantic::secrecy::{is_harmless, is_resource, secret_variable};
use crate::values::{identifies, is_one_of, last_word, meaning_of};

static META: RuleMeta = rule(
    "missing-rotation",
    Family::Lifetime,
    (Severity::Note, Rank::Apart),
    &Texts {
        summary: "A secret that the configuration fills has neither rotation nor expiry, or rotates too rarely",
        why: "A secret that is never rotated is known to everybody who ever saw it.",
        help: "Add `aws_secretsmanager_secret_rotation`, `expiration_date` or `rotation`; `secretref_secret` rotates by age.",
        docs: r#"
```hcl,expect
resource "aws_secretsmanager_secret" "database" {
  name = "prod/database"
}

resource "aws_secretsmanager_secret_version" "database" {
  secret_id     = aws_secretsmanager_secret.database.id
  secret_string = random_password.database.result
}
```

```hcl,expect
# file: secretref.toml
[environments.prod]
max_age = "30d"
# file: live/prod/main.tf
resource "aws_secretsmanager_secret_rotation" "database" {
  secret_id           = aws_secretsmanager_secret.database.id
  rotation_lambda_arn = aws_lambda_function.rotate.arn
  rotation_rules {
    automatically_after_days = 90
  }
}
```

```hcl
resource "aws_secretsmanager_secret" "database" {
  name = "prod/database"
}

resource "aws_secretsmanager_secret_version" "database" {
  secret_id     = aws_secretsmanager_secret.database.id
  secret_string = random_password.database.result
}

resource "aws_secretsmanager_secret_rotation" "database" {
  secret_id           = aws_secretsmanager_secret.database.id
  rotation_lambda_arn = aws_lambda_function.rotate.arn
}
```

A policy's `max_age` is compared with the periods that the configuration states.

## False alarms

Only secrets are reported whose value the same module writes. A secret that is filled by hand or by another program
(no version resource, or `ignore_changes` on the value) may be rotated there, which the configuration does not show.

## References

- <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets.html>
- <https://cloud.google.com/secret-manager/docs/secret-rotation>
- <https://learn.microsoft.com/azure/key-vault/secrets/tutorial-rotation>
"#,
    },
);

/// A store's secret, and the resource that writes its value: type, argument that names the secret, value.
type Filled = (&'static str, &'static str, &'static str);

const DAY: u64 = 24 * 60 * 60;

/// The rule.
pub(crate) struct MissingRotation;

impl Rule for MissingRotation {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, cx: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        let known = matches!(
            block.kind(),
            "aws_secretsmanager_secret"
                | "aws_secretsmanager_secret_rotation"
                | "azurerm_key_vault_secret"
                | "google_secret_manager_secret"
        );
        if !known || !is_resource(block) {
            return;
        }
        // Stores keep user names, hosts and addresses, too.
        let named = |name: &str| {
            let text = block.value(name).and_then(constant_text);
            text.is_some_and(|text| identifies(&text) || is_issued(&text))
        };
        if identifies(block.name())
            || is_issued(block.name())
            || named("name")
            || named("secret_id")
            || keeps_something_else(block.kind(), block)
        {
            return;
        }
        if let Some((period, limit)) = too_rare(cx, block) {
            let message = format!(
                "`{}` rotates every {period} days; the policy allows {limit}",
                block.address()
            );
            sink.report(finding(block, message));
            return;
        }
        let filled: Filled = match block.kind() {
            "aws_secretsmanager_secret" if !is_rotated(cx, block) => (
                "aws_secretsmanager_secret_version",
                "secret_id",
                "secret_string",
            ),
            "google_secret_manager_secret"
                if block.content.blocks("rotation").next().is_none()
                    && block.value("expire_time").is_none()
                    && block.value("ttl").is_none() =>
            {
                (
                    "google_secret_manager_secret_version",
                    "secret",
                    "secret_data",
                )
            }
            "azurerm_key_vault_secret" if block.value("expiration_date").is_none() => {
                if !keeps(cx, block, "value") {
                    return;
                }
                return sink.report(finding(block, nothing_rotates(block)));
            }
            _ => return,
        };
        if is_filled(cx, block, filled) {
            sink.report(finding(block, nothing_rotates(block)));
        }
    }
}

fn finding(block: &Block<'_>, message: String) -> Finding {
    Finding::new(&META, block.header_place(), block.address(), message)
}

fn nothing_rotates(block: &Block<'_>) -> String {
    format!(
        "nothing rotates `{}`, and it never expires",
        block.address()
    )
}

/// True when a resource of this module refers to `block`.
fn refers<'a>(cx: &Cx<'_, 'a>, block: &Block<'a>, (kind, argument): (&str, &str)) -> Vec<u32> {
    let (Some(first), Some(second)) = (&block.first, &block.second) else {
        return Vec::new();
    };
    let subject = Subject::Object {
        mode: Mode::Managed,
        kind: first.text.clone(),
        name: second.text.clone(),
    };
    let uses = cx.module.uses_of(&subject);
    let wanted = uses.iter().filter(|found| {
        let user = cx.module.block(found.block);
        user.role == Role::Resource && user.kind() == kind && found.names().eq([argument])
    });
    wanted.map(|found| found.block.0).collect()
}

/// The configuration writes the value, and goes on doing so.
fn is_filled<'a>(cx: &Cx<'_, 'a>, secret: &Block<'a>, (kind, argument, value): Filled) -> bool {
    let versions = refers(cx, secret, (kind, argument));
    let mut versions = versions
        .iter()
        .map(|&index| &cx.module.blocks[index as usize]);
    versions
        .any(|version| keeps(cx, version, value) && !keeps_something_else(version.kind(), version))
}

/// `vpn_certificate`, `jwt_kid`: a certificate has its own end, and the id of a key is none. The key that
/// belongs to one says so: `certificate_private_key`.
fn is_issued(name: &str) -> bool {
    const WORDS: &[&str] = &["cert", "certs", "certificate", "certificates", "crt", "kid"];
    is_one_of(last_word(name), WORDS) && meaning_of(name).is_none()
}

/// The value is given here, may be a secret, and changes of it are not ignored. What the object is called
/// says more than what the value is called.
fn keeps<'a>(cx: &Cx<'_, 'a>, block: &Block<'a>, value: &str) -> bool {
    let named = meaning_of(block.name()).is_some();
    let given = [value, &format!("{value}_wo")].iter().any(|name| {
        block.value(name).is_some_and(|value| {
            let trace = cx.trace(block, value);
            let known = trace.complete && trace.literals.is_empty() && is_harmless(cx, &trace);
            named || !known || secret_variable(cx, &trace).is_some()
        })
    });
    let ignored = block.content.blocks("lifecycle").any(|lifecycle| {
        let ignored = lifecycle.attribute("ignore_changes");
        ignored.is_some_and(|ignored| {
            let text = ignored.value.text();
            text == "all" || text.contains(value)
        })
    });
    given && !ignored
}

fn is_rotated<'a>(cx: &Cx<'_, 'a>, secret: &Block<'a>) -> bool {
    let rotation = ("aws_secretsmanager_secret_rotation", "secret_id");
    secret.value("rotation_lambda_arn").is_some() || !refers(cx, secret, rotation).is_empty()
}

/// The stated period and the policy's limit in days, when the period is longer.
fn too_rare(cx: &Cx<'_, '_>, block: &Block<'_>) -> Option<(u64, u64)> {
    let period = match block.kind() {
        "aws_secretsmanager_secret_rotation" => {
            let days = block
                .content
                .at(&["rotation_rules", "automatically_after_days"])?;
            constant_text(days)?.parse::<u64>().ok()?
        }
        "google_secret_manager_secret" => {
            let seconds = block.content.at(&["rotation", "rotation_period"])?;
            let seconds = constant_text(seconds)?;
            seconds.strip_suffix('s')?.parse::<u64>().ok()? / DAY
        }
        _ => return None,
    };
    let here = cx.environment(block.file.id)?;
    let environment = cx.policy()?.environment_meant_by(&here.name)?;
    let limit = environment.max_age()?;
    let longer = Duration::from_secs(period * DAY) > limit;
    longer.then_some((period, limit.as_secs() / DAY))
}
