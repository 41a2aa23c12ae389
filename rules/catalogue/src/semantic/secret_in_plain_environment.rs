//! `secret-in-plain-environment`: a secret in the plain environment of a container, function or app.

use hcl_syntax::{Expr, ExprKind, Part, Span};
use secretlint_core::facts::{Block, FileKind, Position, Role, Segment, SegmentKind, Via};
use secretlint_core::{
    Cx, Family, Finding, Hooks, Look, Place, Rank, Related, Rule, RuleMeta, Severity, Sink, Word,
};

use crate::schemas;
use crate::semantic::brought::{by_locals, by_template};
use crate::semantic::describe::{Texts, rule};
use crate::semantic::fills::only_fills_secrets;
use crate::semantic::pointer::{is_approle, is_pointer};
use crate::semantic::secrecy::{is_configuration, secret_address};
use crate::semantic::sink::{leak, report_with};
use crate::values::{identifies, is_key_id, is_one_of, line_before};

static META: RuleMeta = rule(
    "secret-in-plain-environment",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret is put into the plain environment of a container, function or app",
        why: "Plain environments are shown in consoles, APIs, task definitions and crash reports, and they are stored in state.",
        help: "Let the platform fetch the secret: `secrets` with `valueFrom` (ECS), `secret_key_ref` (Kubernetes, Cloud Run), Key Vault references (App Service), or read it at start-up by its name.",
        docs: r#"
```hcl,expect
resource "aws_lambda_function" "app" {
  environment {
    variables = {
      DB_PASSWORD = var.db_password
    }
  }
}
```

```hcl
resource "aws_lambda_function" "app" {
  environment {
    variables = {
      DB_PASSWORD_SECRET_ARN = aws_secretsmanager_secret.database.arn
    }
  }
}
```

Literals in such places are reported by `hardcoded-secret`.

## False alarms

A variable whose name promises a secret and that holds the name of one. Maps that only look like environments, in
modules outside the tree.

## References

- <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html>
- <https://learn.microsoft.com/azure/app-service/app-service-key-vault-references>
- <https://cloud.google.com/run/docs/configuring/services/secrets>
- <https://kubernetes.io/docs/concepts/configuration/secret/>
"#,
    },
);

/// Names of maps and lists that become environments, in resources and in inputs of modules.
const CONTAINERS: &[&str] = &[
    "environment",
    "environment_variables",
    "environment_vars",
    "env",
    "env_vars",
    "env_variables",
    "app_settings",
    "container_environment",
    "task_environment",
    "environment_variable",
    "lambda_environment",
    "container_envs",
    "envs",
    "config_vars",
    "extra_env",
    "lambda_env_vars",
    "map_environment",
    "plain_env",
];

/// Names inside which an environment's secrets are references.
pub(crate) const REFERENCES: &[&str] = &[
    "secrets",
    "secret",
    "value_from",
    "valueFrom",
    "secret_environment_variables",
    "secure_environment_variables",
    "secret_env",
    "map_secrets",
    "sticky_settings",
];

/// Each container, and each resource with an environment, has one of these in a name.
const WORDS: &[Word<'_>] = &[
    Word::Part("env"),
    Word::Part("app_settings"),
    Word::Part("config_vars"),
    Word::Part("config_map"),
    Word::Part("container_definitions"),
];

/// The rule.
pub(crate) struct SecretInPlainEnvironment;

impl Rule for SecretInPlainEnvironment {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        WORDS.to_vec()
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        let role = matches!(
            block.role,
            Role::Resource | Role::Module | Role::Locals | Role::File
        );
        let job = block.file.kind == FileKind::Nomad && block.role == Role::Other;
        Look::Mentions.when((role || job) && is_configuration(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if position.key() == "container_definitions" && position.via.is_empty() {
            return definitions(cx, position, sink);
        }
        if !is_variable(position) && !is_assignment(position) {
            if is_whole(position) {
                through_locals(cx, position, sink);
            }
            return;
        }
        if says_public(position.key()) {
            return;
        }
        let Some(found) = leak(cx, position) else {
            return;
        };
        if only_fills_secrets(cx, position) {
            return;
        }
        if is_other(position.meaning(), position.expr, &found.what) {
            return;
        }
        let message = format!(
            "`{}` puts the secret `{}` into a plain environment",
            position.address(),
            found.what
        );
        report_with(
            &META,
            (position, instead(position.block.kind())),
            &found,
            message,
            sink,
        );
    }
}

/// True for ids, names and addresses that are taken out of a stored document.
fn is_other(name: &str, value: Expr<'_>, what: &str) -> bool {
    !is_key_id(name)
        && (identifies(name) && what.starts_with("data.")
            // `SECRET_NAME = var.login_secret`: one name against another.
            || is_pointer(name)
                && !is_approle(name)
                && matches!(value.kind(), ExprKind::Traversal(_))
                && what.starts_with("var."))
}

/// The platform's own way to name a secret, by the beginning of the resource's type.
const OWN_REFERENCES: &[(&str, &str)] = &[
    (
        "aws_apprunner_service",
        "Name it in `runtime_environment_secrets` by its ARN; the instance role reads it.",
    ),
    (
        "aws_batch_job_definition",
        "Name it in `secrets` with `valueFrom` (the ARN of the secret or parameter); the execution role reads it.",
    ),
    (
        "aws_codebuild_project",
        "Give the variable `type = \"SECRETS_MANAGER\"` or `\"PARAMETER_STORE\"` and the name of the secret as its value.",
    ),
    (
        "aws_ecs_task_definition",
        "Name it in `secrets` of the container: `{ name = \"…\", valueFrom = aws_secretsmanager_secret.….arn }`; the execution role reads it.",
    ),
    (
        "aws_lambda_function",
        "Lambda has no secret references: pass the ARN of the secret and read it at start-up, for instance with the Parameters and Secrets extension.",
    ),
    (
        "azurerm_container_app",
        "Put it into a `secret` block with `key_vault_secret_id` and name that in `secret_name` of the `env` block.",
    ),
    (
        "azurerm_container_group",
        "Use `secure_environment_variables`, which are not shown, or mount it as a secret volume; better let the container read the vault with its identity.",
    ),
    (
        "azurerm_",
        "Give a Key Vault reference: `\"@Microsoft.KeyVault(SecretUri=${azurerm_key_vault_secret.….versionless_id})\"`; the identity of the app reads it.",
    ),
    (
        "google_cloud_run_v2_",
        "Use `value_source { secret_key_ref { secret = … version = \"latest\" } }` in the `env` block, or mount it as a volume; the service account reads it.",
    ),
    (
        "google_cloud_run_",
        "Use `value_from { secret_key_ref { name = … key = \"latest\" } }` in the `env` block, or mount it as a volume; the service account reads it.",
    ),
    (
        "google_cloudfunctions",
        "Name it in `secret_environment_variables`, or mount it with `secret_volumes`; the service account reads it.",
    ),
    ("heroku_", "Use `sensitive_config_vars`."),
    (
        "kubernetes_",
        "Use `value_from { secret_key_ref { name = … key = … } }` in the `env` block; the Secret is filled by an operator or by `data_wo`.",
    ),
];

fn instead(kind: &str) -> Option<&'static str> {
    let found = OWN_REFERENCES
        .iter()
        .find(|(start, _)| kind.starts_with(start));
    found.map(|(_, advice)| *advice)
}

/// True for the value of one variable of an environment.
fn is_variable(position: &Position<'_, '_>) -> bool {
    if !position.via.is_empty()
        || matches!(
            position.expr.kind(),
            ExprKind::Object(_) | ExprKind::Tuple(_) | ExprKind::Bool(_) | ExprKind::Number(_)
        )
        || !ends_a_path(position)
    {
        return false;
    }
    let Some(depth) = position
        .path
        .iter()
        .position(|segment| is_container(&segment.name))
    else {
        return schemas_say(position);
    };
    // Beyond the container itself, and not in a provisioner's own environment.
    depth + 1 < position.path.len()
        && !position
            .names()
            .any(|name| REFERENCES.contains(&name) || name == "provisioner")
}

/// `METADATA_PUBLIC_CERT`, `APPINSIGHTS_CONNECTION_STRING`: whatever the store calls it, it is no
/// secret.
fn says_public(name: &str) -> bool {
    const WORDS: &[&str] = &["public", "appinsights", "applicationinsights"];
    name.split(['_', '-', '.'])
        .any(|word| is_one_of(word, WORDS))
}

/// `env = ["DB_PASSWORD=${var.db_password}"]`, as for Docker containers.
fn is_assignment(position: &Position<'_, '_>) -> bool {
    if position.via != [Via::Element] || !matches!(position.key(), "env" | "environment") {
        return false;
    }
    let ExprKind::Template(template) = position.expr.kind() else {
        return false;
    };
    let Some(Part::Literal(first)) = template.parts().next() else {
        return false;
    };
    let name = first.raw().split('=').next().unwrap_or_default();
    name.len() < first.raw().len()
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// `environment`, `app_settings_common`, `worker_environment_variables`.
fn is_container(name: &str) -> bool {
    const PARTS: &[&str] = &[
        "app_settings",
        "environment_variables",
        "env_vars",
        "environment_vars",
        "config_vars",
    ];
    let apart = |name: &str, part: &str| {
        name.strip_prefix(part)
            .is_some_and(|rest| rest.starts_with('_'))
            || name
                .strip_suffix(part)
                .is_some_and(|rest| rest.ends_with('_'))
    };
    let secured = || {
        let words = ["secret", "secure", "sensitive"];
        words.iter().any(|word| name.contains(word))
    };
    CONTAINERS.contains(&name) || PARTS.iter().any(|part| apart(name, part)) && !secured()
}

fn schemas_say(position: &Position<'_, '_>) -> bool {
    position.block.role == Role::Resource
        && position.path.len() > 1
        && (schemas::is_environment(position.block.kind(), &position.names())
            || is_of_beanstalk(position))
        && !position.names().any(|name| REFERENCES.contains(&name))
}

/// `setting { namespace = "aws:elasticbeanstalk:application:environment" … value = … }`
fn is_of_beanstalk(position: &Position<'_, '_>) -> bool {
    position.block.kind().starts_with("aws_elastic_beanstalk_")
        && position.is_at(&["setting", "value"])
        && position.block.content.blocks("setting").any(|setting| {
            let is = |name, wanted: &dyn Fn(Expr<'_>) -> bool| {
                let attribute = setting.attribute(name);
                attribute.is_some_and(|attribute| wanted(attribute.value))
            };
            is("value", &|value| value.span() == position.expr.span())
                && is("namespace", &|space| {
                    space.text().contains(":application:environment")
                })
        })
}

/// `environment { variables { DB_PASSWORD = … } }`: maps were written as blocks.
fn is_old_map(position: &Position<'_, '_>) -> bool {
    let is =
        |segment: &Segment<'_>, name| segment.kind == SegmentKind::Block && segment.name == name;
    matches!(position.path, [.., outer, map, _] if is(outer, "environment") && is(map, "variables"))
}

/// A map member, or the `value` of a `{ name, value }` pair or block.
fn ends_a_path(position: &Position<'_, '_>) -> bool {
    position.path.last().is_some_and(|segment| {
        (segment.kind == SegmentKind::Key || is_old_map(position))
            && !matches!(&*segment.name, "valueFrom" | "value_from" | "name" | "arn")
            || segment.kind == SegmentKind::Attribute
                && (&*segment.name == "value" || is_of_nomad(position))
    })
}

/// `env { DB_PASSWORD = var.db_password }` of a job.
fn is_of_nomad(position: &Position<'_, '_>) -> bool {
    position.block.file.kind == FileKind::Nomad
        && matches!(position.path, [.., outer, _] if &*outer.name == "env")
}

/// The value of a whole environment that is put together: `merge(local.database, { … })`, `[for … in { … } : …]`.
fn is_whole(position: &Position<'_, '_>) -> bool {
    let (key, kind) = (position.key(), position.block.kind());
    let computed = matches!(
        position.expr.kind(),
        ExprKind::Traversal(_) | ExprKind::Call(_) | ExprKind::Conditional(_) | ExprKind::For(_)
    );
    if !computed || !position.via.is_empty() || position.block.role == Role::Locals {
        return false;
    }
    let mut outer = position.names().rev().skip(1);
    let within = |name: &str| REFERENCES.contains(&name) || name == "provisioner";
    let whole = is_container(key)
        || key == "variables" && outer.clone().next() == Some("environment")
        || position.path.len() == 1 && schemas::is_environment(kind, &position.names());
    whole
        && !outer.any(|name| within(name) || is_container(name) && key != "variables")
        && ["local.", "for "]
            .iter()
            .any(|word| position.expr.text().contains(word))
}

/// The secrets among the members of locals that become an environment. A local that is called like one is
/// looked at where it stands.
fn through_locals<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
    let mut reported: Option<Span> = None;
    for member in by_locals(cx, position, is_container) {
        let by = member.by.span();
        if says_public(&member.name) || reported == Some(by) {
            continue;
        }
        let Some(what) = secret_address(cx, &cx.trace(member.block, member.value)) else {
            continue;
        };
        if is_other(&member.name, member.value, &what) {
            continue;
        }
        reported = Some(by);
        let message = format!(
            "`{}` puts the secret `{what}` into a plain environment, as `{}`",
            position.address(),
            member.name
        );
        let place = position.block.file.place(by);
        let mut finding = Finding::new(&META, place, position.address(), message);
        finding.related.push(Related {
            place: member.block.file.place(member.value.span()),
            message: format!("`{what}` enters here"),
        });
        let advice = instead(position.block.kind());
        finding.help = advice.map_or(finding.help, Into::into);
        sink.report(finding);
    }
}

/// Task definitions written as a JSON text with interpolations.
fn definitions<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
    let ExprKind::Template(template) = position.expr.kind() else {
        return rendered(cx, position, sink);
    };
    let file = position.block.file;
    for part in template.parts() {
        let Part::Interpolation(inner) = part else {
            continue;
        };
        if is_plain(line_before(file.text(), inner.span().start as usize))
            && let Some(what) = secret_address(cx, &cx.trace(position.block, inner))
        {
            sink.report(defined(position, file.place(inner.span()), &what));
        }
    }
}

/// The variables of a template of task definitions.
fn rendered<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
    for variable in by_template(cx, position, is_plain) {
        if !is_pointer(&variable.name)
            && let Some(what) = secret_address(cx, &cx.trace(variable.block, variable.value))
        {
            let place = variable.block.file.place(variable.value.span());
            sink.report(defined(position, place, &what));
        }
    }
}

/// True for the beginning of a line of a task definition that goes on with a value.
fn is_plain(line: &str) -> bool {
    line.contains("value") && !line.contains("valueFrom")
}

fn defined(position: &Position<'_, '_>, place: Place, what: &str) -> Finding {
    let message = format!(
        "`{}` puts the secret `{what}` into a plain environment",
        position.address()
    );
    let mut finding = Finding::new(&META, place, position.address(), message);
    let advice = instead(position.block.kind()).or(instead("aws_ecs_task_definition"));
    finding.help = advice.map_or(finding.help, Into::into);
    finding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_and_environment_has_a_word() {
        let has_word = |name: &str| WORDS.iter().any(|word| word.is_in(name));
        assert!(CONTAINERS.iter().all(|name| has_word(name)));
        for (kind, paths) in schemas::environments() {
            assert!(
                has_word(kind) || paths.iter().all(|path| has_word(path)),
                "{kind}"
            );
        }
    }
}
