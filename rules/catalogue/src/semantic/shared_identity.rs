//! `shared-identity`: two environments act under one role.

use secretlint_core::facts::{Position, Role};
use secretlint_core::{Cx, Evidence, Family, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_configuration;
use crate::semantic::sharing::report_groups;

static META: RuleMeta = rule(
    "shared-identity",
    Family::Environments,
    (Severity::Note, Rank::Apart),
    &Texts {
        summary: "Two environments act under one identity",
        why: "What is allowed in production is allowed from the other environment, too, and the access log cannot tell them apart.",
        help: "Give each environment a role, service account or application of its own.",
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

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let block = position.block;
        if block.role != Role::Provider || !is_configuration(block) {
            return;
        }
        let identity = position.ends_with(&["assume_role", "role_arn"])
            || position.ends_with(&["assume_role_with_web_identity", "role_arn"])
            || position.is_at(&["impersonate_service_account"]);
        let Some(environment) = cx.environment(block.file.id).filter(|_| identity) else {
            return;
        };
        let Some(text) = position
            .literal()
            .filter(|text| text.contains(':') || text.contains('@'))
        else {
            return;
        };
        sink.evidence(Evidence {
            key: cx.digest(&text),
            environment: Some(environment.clone()),
            place: position.place(),
            path: block.file.path.to_string(),
            address: position.address(),
            secret: false,
            note: String::new(),
        });
    }

    fn conclude(&self, evidence: &[Evidence], sink: &mut Sink) {
        report_groups(&META, evidence, sink, |first, names| {
            format!("the identity of `{}` is used in {names}", first.address)
        });
    }
}
