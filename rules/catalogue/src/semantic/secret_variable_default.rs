//! `secret-variable-default`: the default of a variable is a secret.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "secret-variable-default",
    Family::Credentials,
    (Severity::Error, Rank::Located),
    &Texts {
        summary: "The default of a variable is a secret",
        why: "Every caller that sets nothing uses this value, in all environments, and it is in the history for good.",
        help: "Remove the default and mark the variable `ephemeral` or `sensitive`; let each environment give its own value from its own store.",
        docs: r#"
```hcl,expect
variable "rds_password" {
  sensitive = true
  default   = "Purplepwny2029"
}
```

```hcl
variable "rds_password" {
  sensitive = true
  default   = ""
}
```

## False alarms

A default that only a local test uses is one that somebody will deploy.

## References

- <https://cwe.mitre.org/data/definitions/1392.html>
"#,
    },
);
