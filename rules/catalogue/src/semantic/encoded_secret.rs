//! `encoded-secret`: a text (document, script, base64) holds a secret.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "encoded-secret",
    Family::Credentials,
    (Severity::Error, Rank::Located),
    &Texts {
        summary: "A text (document, script, base64) holds a secret",
        why: "Text inside a string is as readable as the file, and base64 is no encryption.",
        help: "Rotate the value and build the text from references, or hand the program the name of the secret instead.",
        docs: r#"
Pairs in JSON, YAML, env files, scripts and connection strings inside strings, heredocs and base64, the `value` beside
a `name`, and passwords in the grammar of commands: `mysql -pVALUE`, `IDENTIFIED BY 'VALUE'`,
`echo root:VALUE | chpasswd`.

```hcl,expect
resource "helm_release" "app" {
  name  = "app"
  chart = "app"
  values = [<<-EOT
    database:
      password: "n4hJ82kd!s"
  EOT
  ]
}
```

```hcl
resource "helm_release" "app" {
  name  = "app"
  chart = "app"
  values = [<<-EOT
    database:
      existingSecret: "database"
  EOT
  ]
}
```

## False alarms

Documentation inside strings that shows an example. Texts that `file` and `templatefile` read are searched, too, when
they are in the tree.

## References

- <https://cwe.mitre.org/data/definitions/798.html>
"#,
    },
);
