//! `provider-static-credential`: a provider block holds a literal credential.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "provider-static-credential",
    Family::Credentials,
    (Severity::Error, Rank::Argument),
    &Texts {
        summary: "A provider block holds a literal credential",
        why: "The credential usually opens everything that the configuration manages, and it never expires.",
        help: "Use the workload's own identity (OIDC, roles, managed identity), or an ephemeral value from a store.",
        docs: r#"
```hcl,expect
provider "mailgun" {
  api_key = "987ad62adwf1w2w2563adf2ef5323123"
}
```

```hcl
provider "mailgun" {
  api_key = var.mailgun_api_key
}
```

## False alarms

Credentials of a local emulator (`test`, `mock`) are placeholders.

## References

- <https://registry.terraform.io/providers/hashicorp/aws/latest/docs#authentication-and-configuration>
"#,
    },
);
