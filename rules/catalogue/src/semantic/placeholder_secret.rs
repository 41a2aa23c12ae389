//! `placeholder-secret`: a dummy stands in the place of a secret.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "placeholder-secret",
    Family::Credentials,
    (Severity::Note, Rank::Placeholder),
    &Texts {
        summary: "A dummy stands in the place of a secret",
        why: "Dummies get deployed, and the next person replaces them by the real value in the same place.",
        help: "Leave the value out, or reference the secret.",
        docs: r#"
Dummy words, the field's own name, documented examples, `<…>`, `xxx`.

```hcl,expect
module "database" {
  source   = "./database"
  password = "changeme"
}
```

```hcl
module "database" {
  source   = "./database"
  password = var.password
}
```

## False alarms

The rule is a note: it says where a real value will be put one day.

## References

- <https://cwe.mitre.org/data/definitions/1392.html>
"#,
    },
);
