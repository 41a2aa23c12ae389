//! `shared-identity`: two environments act under one role.

use secretlint_core::facts::{Block, Environment, Position, Role};
use secretlint_core::{
    Cx, Evidence, Family, Hooks, Look, Place, Rank, Rule, RuleMeta, Severity, Sink,
};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_configuration;
use crate::semantic::sharing::{note, report_groups};

static META: RuleMeta = rule(
    "shared-identity",
    Family::Environments,
    (Severity::Note, Rank::Apart),
    &Texts {
        summary: "Two environments act under one identity",
        why: "What is allowed in production is allowed from the other environment, too, and the access log cannot tell them apart.",
        help: "Give each environment a role, service account or application of its own. If one is meant to be shared, declare it under `[shared]` in `secretref.toml` with a reason.",
        docs: r#"
```hcl,expect
# file: environments/dev/main.tf
provider "aws" {
  assume_role {
    role_arn = "arn:aws:iam::123456789012:role/deploy"
  }
}
# file: environments/prod/main.tf
provider "aws" {
  assume_role {
    role_arn = "arn:aws:iam::123456789012:role/deploy"
  }
}
```

```hcl
# file: environments/dev/main.tf
provider "aws" {
  assume_role {
    role_arn = "arn:aws:iam::123456789012:role/deploy-dev"
  }
}
# file: environments/prod/main.tf
provider "aws" {
  assume_role {
    role_arn = "arn:aws:iam::210987654321:role/deploy-prod"
  }
}
```

## False alarms

A central deployment role that every environment assumes on purpose: declare it in `secretref.toml`, and let it assume
a role of its own in each environment.

```toml
[shared]
identities = [{ identity = "arn:aws:iam::123456789012:role/deploy", reason = "one pipeline deploys everything" }]
```

## References

- <https://docs.aws.amazon.com/wellarchitected/latest/security-pillar/identity-management.html>
"#,
    },
);

/// The rule.
pub(crate) struct SharedIdentity;

impl Rule for SharedIdentity {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION | Hooks::CONCLUDE
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Everything.when(block.role == Role::Provider && is_configuration(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let block = position.block;
        if !position.via.is_empty() || !is_identity(position) {
            return;
        }
        if let Some(text) = position.literal() {
            if let Some(environment) = cx.environment(block.file.id) {
                let place = (block.file.path.to_string(), position.place());
                evidence(cx, position, (&text, environment.clone(), place), sink);
            }
            return;
        }
        // One configuration for many environments: what each variable file gives counts there.
        let trace = cx.trace_at(position);
        for origin in trace.literals.iter().filter(|origin| origin.whole) {
            let file = cx.workspace.file(origin.place.file);
            if let (Some(file), Some(environment)) = (file, cx.environment(origin.place.file)) {
                let place = (file.path.to_string(), origin.place);
                evidence(
                    cx,
                    position,
                    (&origin.text, environment.clone(), place),
                    sink,
                );
            }
        }
    }

    fn conclude(&self, evidence: &[Evidence], sink: &mut Sink) {
        report_groups(&META, evidence, sink, |first, names| {
            format!("the identity of `{}` is used in {names}", first.address)
        });
    }
}

/// Arguments of provider blocks that say who acts.
fn is_identity(position: &Position<'_, '_>) -> bool {
    const IDENTITIES: &[(&str, &[&str])] = &[
        ("aws", &["assume_role", "role_arn"]),
        ("aws", &["assume_role_with_web_identity", "role_arn"]),
        ("aws", &["access_key"]),
        ("azuread", &["client_id"]),
        ("azurerm", &["client_id"]),
        ("google", &["impersonate_service_account"]),
        ("google-beta", &["impersonate_service_account"]),
        ("vault", &["auth_login", "parameters", "role_id"]),
    ];
    let kind = position.block.kind();
    IDENTITIES
        .iter()
        .any(|(provider, path)| *provider == kind && position.is_at(path))
}

fn evidence(
    cx: &Cx<'_, '_>,
    position: &Position<'_, '_>,
    (text, environment, (path, place)): (&str, Environment, (String, Place)),
    sink: &mut Sink,
) {
    // Short words are names of profiles and the like, which mean something else in each account.
    if text.len() < 16 || text.contains("EXAMPLE") {
        return;
    }
    let note = note(cx, &environment, |policy, name| {
        policy.shared_identity_reason(text, name).is_some()
    });
    sink.evidence(Evidence {
        key: cx.digest(text),
        environment: Some(environment),
        place,
        path,
        address: position.address(),
        secret: false,
        note,
    });
}
