//! `hardcoded-secret`: a literal stands in the place of a secret.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "hardcoded-secret",
    Family::Credentials,
    (Severity::Error, Rank::Generic),
    &Texts {
        summary: "A literal stands in the place of a secret",
        why: "Everybody who can read the file, its history or a copy of it can use the secret, and it cannot be rotated without a commit.",
        help: "Rotate the value. Then read it where it is used: an ephemeral resource or `secretref_value` into a write-only argument, or a variable marked `ephemeral`.",
        docs: r#"
An argument, local or module input that is secret by its provider's schema or by its name is given a literal.

```hcl,expect
module "database" {
  source   = "./database"
  password = "roboshop1"
}
```

```hcl
module "database" {
  source      = "./database"
  password    = var.password
  secret_name = "prod/database"
}
```

Names, paths, ARNs, ids, public keys, settings and text that is filled in at deployment (`#{TOKEN}`) are no secrets.
Dummies are reported by `placeholder-secret`.

## False alarms

Names of secrets, paths, settings and dummies are told apart by their shape; a value that a person would call a
password is one, however weak.

## References

- <https://cwe.mitre.org/data/definitions/798.html>
"#,
    },
);
