//! `secret-in-tfvars`: a variable file holds a secret.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "secret-in-tfvars",
    Family::Credentials,
    (Severity::Error, Rank::Located),
    &Texts {
        summary: "A variable file holds a secret",
        why: "Variable files are committed, copied between environments and attached to tickets.",
        help: "Rotate the value and give it through a store reference, or through `TF_VAR_…` from the identity of the run.",
        docs: r#"
```hcl,expect
# file: prod.tfvars
mysql_password = "Azerty123!"
```

```hcl
# file: prod.tfvars
mysql_password_secret_name = "prod/mysql"
```

## False alarms

Variable files of examples and tests hold real-looking values: accept those by path in `secretlint.toml`.

## References

- <https://developer.hashicorp.com/terraform/language/values/variables#variable-definitions-tfvars-files>
"#,
    },
);
