//! `unmarked-secret-output`: an output shows a secret.

use secretlint_core::facts::{Block, Role, Source, Subject, Trace};
use secretlint_core::{
    Applicability, Cx, Family, Finding, Hooks, Rank, Related, Rule, RuleMeta, Severity, Sink,
};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::pointer::{is_described_as_pointer, is_pointer};
use crate::semantic::repair::add_line;
use crate::semantic::secrecy::{
    is_configuration, is_generated_name, is_known_by_name, last_key, secret_behind, secret_variable,
};
use crate::values::meaning_of;

static META: RuleMeta = rule(
    "unmarked-secret-output",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "An output exposes a secret without `sensitive`",
        why: "The value is printed at the end of every run and in the log of the pipeline.",
        help: "Remove the output, or mark it `ephemeral` (child modules) or `sensitive`; better give out the secret's name.",
        docs: r#"
```hcl,expect
output "registry_password" {
  value = azurerm_container_registry.main.admin_password
}
```

```hcl
output "registry_password" {
  value     = azurerm_container_registry.main.admin_password
  sensitive = true
}

output "secret_arn" {
  value = aws_secretsmanager_secret.main.arn
}
```

## False alarms

Outputs of modules whose callers mark the value themselves; marking it twice does no harm.

## References

- <https://developer.hashicorp.com/terraform/language/values/outputs#sensitive>
"#,
    },
);

/// The rule.
pub(crate) struct UnmarkedSecretOutput;

impl Rule for UnmarkedSecretOutput {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, cx: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        if block.role != Role::Output || !is_configuration(block) {
            return;
        }
        // `sensitive = var.x` may be true.
        let open = ["sensitive", "ephemeral"].iter().all(|name| {
            block
                .value(name)
                .is_none_or(|value| matches!(value.text().trim_matches('"'), "false" | "null"))
        });
        let Some(value) = block.value("value").filter(|_| open) else {
            return;
        };
        let trace = cx.trace(block, value);
        let found = secret_behind(cx, &trace);
        // One name against another: what the output says of itself is nearer to the value.
        if found.is_none_or(|(source, _)| is_known_by_name(cx, source)) && says_pointer(block) {
            return;
        }
        let (what, place) = match found {
            Some((source, _)) => (source.reference.address(), Some(source.place)),
            None => match (secret_variable(cx, &trace), generated_for(block, &trace)) {
                (Some(name), _) => (format!("var.{name}"), None),
                (None, Some(source)) => (source.reference.address(), Some(source.place)),
                (None, None) => return,
            },
        };
        let message = format!("`{}` shows the secret `{what}`", block.address());
        let mut finding = Finding::new(&META, block.header_place(), block.address(), message);
        finding.related.extend(place.map(|place| Related {
            place,
            message: format!("`{what}` is secret"),
        }));
        // Unsafe: what reads the output must be marked as well, or the next plan fails.
        let mark = ("Mark the output as sensitive", Applicability::Unsafe);
        finding
            .fixes
            .extend(add_line(block, "sensitive = true", mark));
        sink.report(finding);
    }
}

/// `output "password" { value = random_id.redis.hex }`: the output says what was generated.
fn generated_for<'t, 'a>(block: &Block<'a>, trace: &'t Trace<'a>) -> Option<&'t Source<'a>> {
    const RESULTS: &[&str] = &["hex", "b64_std", "b64_url", "result"];
    if !meaning_of(block.name()).is_some_and(|meaning| meaning.strong) || says_pointer(block) {
        return None;
    }
    trace.sources.iter().find(|source| {
        let Subject::Object { kind, name, .. } = &source.reference.subject else {
            return false;
        };
        let result = last_key(&source.reference).is_some_and(|last| RESULTS.contains(&last));
        kind.starts_with("random_") && result && !is_generated_name(name)
    })
}

/// `output "api_key_location"`, `description = "The name of the secret"`.
fn says_pointer(block: &Block<'_>) -> bool {
    is_pointer(block.name()) || is_described_as_pointer(block)
}
