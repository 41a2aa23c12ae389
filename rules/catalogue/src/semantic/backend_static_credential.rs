//! `backend-static-credential`: a backend or remote state holds a literal credential.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "backend-static-credential",
    Family::Credentials,
    (Severity::Error, Rank::Argument),
    &Texts {
        summary: "A backend or remote state holds a literal credential",
        why: "Terraform copies backend arguments in plain text to `.terraform` and to plan files, and who reads the state reads all secrets in it.",
        help: "Leave the argument out and let the run's identity open the backend (role, managed identity, workload identity).",
        docs: r#"
```hcl,expect
terraform {
  backend "s3" {
    bucket     = "state"
    secret_key = "sdsaljasbdasddsadsa"
  }
}
```

```hcl
terraform {
  backend "s3" {
    bucket = "state"
    key    = "network/terraform.tfstate"
  }
}
```

## False alarms

None are known: the arguments are those that backends document as credentials.

## References

- <https://developer.hashicorp.com/terraform/language/backend#credentials-and-sensitive-data>
"#,
    },
);
