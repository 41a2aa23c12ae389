//! `long-lived-credential`: a resource creates a credential that does not expire.

use secretlint_core::facts::Block;
use secretlint_core::{Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_resource;

static META: RuleMeta = rule(
    "long-lived-credential",
    Family::Lifetime,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A resource creates a long-lived credential",
        why: "The credential works for whoever gets hold of it, from anywhere, until somebody notices; the value is in state.",
        help: "Use the identity of the workload instead.",
        docs: r#"
```hcl,expect
resource "aws_iam_access_key" "deploy" {
  user = "deploy"
}
```

```hcl
resource "aws_iam_role" "deploy" {
  name               = "deploy"
  assume_role_policy = data.aws_iam_policy_document.github.json
}
```

## False alarms

Credentials with an expiry argument that is set are not reported. A key that a partner demands and no identity can
replace is one to accept with a reason and a date.

## References

- <https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html>
- <https://cloud.google.com/iam/docs/best-practices-for-managing-service-account-keys>
- <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>
"#,
    },
);

/// Arguments that end a credential.
const EXPIRIES: &[&str] = &[
    "expires_at",
    "expires_on",
    "expiration",
    "end_date",
    "end_date_relative",
    "seconds_to_live",
    "ttl",
    "lifetime_seconds",
    "expiry",
    "expires_in",
];

/// The rule.
pub(crate) struct LongLivedCredential;

impl Rule for LongLivedCredential {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, _: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        if !is_resource(block) {
            return;
        }
        let Some(instead) = schemas::instead_of_long_lived(block.kind()) else {
            return;
        };
        let ends = |name: &&str| {
            block
                .value(name)
                .is_some_and(|value| !matches!(value.kind(), hcl_syntax::ExprKind::Null))
        };
        if EXPIRIES.iter().any(ends) {
            return;
        }
        let message = format!(
            "`{}` creates a credential that does not expire",
            block.address()
        );
        let mut finding = Finding::new(&META, block.header_place(), block.address(), message);
        finding.help = instead.into();
        sink.report(finding);
    }
}
