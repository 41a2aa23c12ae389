//! `policy-violation`: a reference that the policy will refuse during the run.

use std::borrow::Cow;

use secret_policy::{Operation, Request, SecretRef};
use secretlint_core::facts::{Block, Position, Role, SegmentKind, Via};
use secretlint_core::{Cx, Family, Finding, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::policy::{RunEnvironment, run_environment};
use crate::semantic::secrecy::is_configuration;

static META: RuleMeta = rule(
    "policy-violation",
    Family::Lifetime,
    (Severity::Error, Rank::Apart),
    &Texts {
        summary: "The policy refuses this reference",
        why: "The provider holds every reference against `secretref.toml` before it calls a store, so the run will fail here.",
        help: "Use a secret that the environment may use, or change the policy.",
        docs: r#"
The question and the words are those of the provider: which line decides, `secretlint policy explain` says. The
environment is the one that the provider block names, else the one of the file. Where neither is known before the run,
nothing is reported. Identities and what a store answers (`max_ttl`, the age of a value) show only during the run.

```hcl,expect
# file: secretref.toml
[environments.dev]
refs = ["vault+dev://**"]
[environments.prod]
refs = ["vault+prod://**"]
# file: environments/dev/main.tf
ephemeral "secretref_value" "database" {
  ref = "vault+prod://kv/payments/database#password"
}
```

```hcl
# file: secretref.toml
[environments.dev]
refs = ["vault+dev://**"]
[environments.prod]
refs = ["vault+prod://**"]
# file: environments/dev/main.tf
ephemeral "secretref_value" "database" {
  ref = "vault+dev://kv/payments/database#password"
}
```

## False alarms

None are known: the answer is the provider's own. Where the environment of a run is not known, nothing is said.

## References

- <https://github.com/secretref/secretref/blob/main/docs/guides>
"#,
    },
);

/// The rule.
pub(crate) struct PolicyViolation;

impl Rule for PolicyViolation {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn looks_into(&self, cx: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Everything.when(
            cx.policy().is_some()
                && block.kind().starts_with("secretref_")
                && is_configuration(block),
        )
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let operations = operations(position);
        if operations.is_empty() {
            return;
        }
        let Some(policy) = cx.policy() else {
            return;
        };
        let environment = match run_environment(cx, policy, position.block) {
            RunEnvironment::Known(name) => Some(name),
            RunEnvironment::Needless => None,
            RunEnvironment::Unknown => return,
        };
        for text in texts(cx, position) {
            let Ok(parsed) = SecretRef::parse(&text) else {
                continue;
            };
            let request = Request::open(environment.as_deref(), &parsed.reference).audited(true);
            let refusal = operations
                .iter()
                .map(|operation| policy.decide(&request.operation(*operation)))
                .find(|decision| !decision.is_allowed());
            if let Some(decision) = refusal {
                let line = decision.rule.map(|line| format!(" ({line})"));
                let message = format!("{}{}", decision.message, line.unwrap_or_default());
                let mut finding =
                    Finding::new(&META, position.place(), position.address(), message);
                if !decision.help.is_empty() {
                    finding.help = Cow::Owned(decision.help);
                }
                sink.report(finding);
                return;
            }
        }
    }
}

/// What the provider will do with the reference at this position; empty where no reference stands.
fn operations(position: &Position<'_, '_>) -> &'static [Operation] {
    let block = position.block;
    let reference = position.is_at(&["ref"])
        || matches!(position.path, [first, second]
            if first.name == "refs" && second.kind == SegmentKind::Key);
    let choice = |via: &Via<'_>| matches!(via, Via::Branch);
    if !reference || !position.via.iter().all(choice) {
        return &[];
    }
    match block.role {
        Role::Ephemeral => &[Operation::Open],
        Role::Data => &[Operation::Metadata],
        Role::Resource => &[Operation::Write, Operation::Metadata],
        _ => &[],
    }
}

/// Every reference that can stand at the position: written there, or in locals and variables behind it.
fn texts<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>) -> Vec<Cow<'a, str>> {
    if let Some(text) = position.literal() {
        return vec![text];
    }
    let whole = cx
        .trace_at(position)
        .literals
        .iter()
        .filter(|origin| origin.whole);
    whole.map(|origin| origin.text.clone()).collect()
}
