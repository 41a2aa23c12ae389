//! `foreign-environment-reference`: a secret of production is named in another environment.

use secret_policy::environments::{infer, is_production};
use secretlint_core::facts::{Block, Position, Role};
use secretlint_core::{Cx, Family, Finding, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::policy::{RunEnvironment, is_shared, run_environment};
use crate::semantic::secrecy::{is_configuration, is_named_secret};

static META: RuleMeta = rule(
    "foreign-environment-reference",
    Family::Environments,
    (Severity::Error, Rank::Apart),
    &Texts {
        summary: "A production secret is named in another environment",
        why: "Who may run the weaker environment may read the production secret.",
        help: "Use the secret of this environment, or declare the reference under `[shared]` in `secretref.toml` with a reason.",
        docs: r#"
```hcl,expect
# file: environments/dev/main.tf
ephemeral "aws_secretsmanager_secret_version" "database" {
  secret_id = "prod/payments/database"
}
```

```hcl
# file: environments/dev/main.tf
ephemeral "aws_secretsmanager_secret_version" "database" {
  secret_id = "dev/payments/database"
}
```

Only whole segments of a path count (`prod/database`, `/production/token`), and only production's secrets.

## False alarms

A pipeline or shared service that works for production from another account reads production's secret on purpose:
declare the reference under `[shared]` in `secretref.toml`.

## References

- <https://owasp.org/www-project-devsecops-guideline/>
- <https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html>
"#,
    },
);

/// The rule.
pub(crate) struct ForeignEnvironmentReference;

impl Rule for ForeignEnvironmentReference {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Everything
            .when(matches!(block.role, Role::Data | Role::Ephemeral) && is_configuration(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let block = position.block;
        if position.path.len() != 1
            || !matches!(
                position.key(),
                "secret_id" | "name" | "path" | "arn" | "ref" | "secret"
            )
        {
            return;
        }
        let secret = match schemas::stored_by_data(block.kind()) {
            Some(stored) => !stored.named || is_named_secret(block.name(), Some(block)),
            None => block.kind().starts_with("secretref_"),
        };
        if !secret {
            return;
        }
        let Some(here) = cx
            .environment(block.file.id)
            .filter(|here| !is_production(&here.name))
        else {
            return;
        };
        // Where the policy knows, it decides: see `policy-violation`.
        if block.kind().starts_with("secretref_")
            && cx.policy().is_some_and(|policy| {
                !policy.environments().is_empty()
                    && run_environment(cx, policy, block) != RunEnvironment::Unknown
            })
        {
            return;
        }
        let Some(text) = position.literal().filter(|text| text.contains('/')) else {
            return;
        };
        let Some(found) = infer(&text).filter(|found| is_production(found.environment)) else {
            return;
        };
        if cx
            .policy()
            .is_some_and(|policy| is_shared(policy, &text, &here.name))
        {
            return;
        }
        let message = format!(
            "`{}` belongs to {} and is named in {}",
            position.address(),
            found.environment,
            here.name
        );
        sink.report(Finding::new(
            &META,
            position.place(),
            position.address(),
            message,
        ));
    }
}
