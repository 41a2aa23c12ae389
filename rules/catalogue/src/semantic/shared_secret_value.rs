//! `shared-secret-value`: one literal secret is used in two environments.

use secretlint_core::{Family, Rank, RuleMeta, Severity};

use crate::semantic::describe::{Texts, rule};

pub(super) const META: RuleMeta = rule(
    "shared-secret-value",
    Family::Environments,
    (Severity::Error, Rank::Apart),
    &Texts {
        summary: "One literal secret is used in two environments",
        why: "Whoever gets at the weaker environment holds the key of the stronger one, and neither can be rotated alone.",
        help: "Give each environment its own secret. If it is meant to be shared, say so under `[shared]` in `secretref.toml` with a reason.",
        docs: r#"
Equal secrets are found by keyed digest, in tfvars, folders and terragrunt trees of different environments. One finding names all places.

```hcl,expect
# file: environments/dev/terraform.tfvars
admin_password = "Praveen@1234"
# file: environments/prod/terraform.tfvars
admin_password = "Praveen@1234"
```

```hcl
# file: environments/dev/terraform.tfvars
admin_username = "operator"
# file: environments/prod/terraform.tfvars
admin_username = "operator"
```

## False alarms

Keys that are public by design and equal everywhere: declare where they stand.

```toml
[shared]
values = [{ address = "var.maps_browser_key", reason = "restricted by origin, shown in every page" }]
```

Dummies that no environment uses are left out; a default that all environments really use is not. Environments come
from folders, variable files, backends, terragrunt trees, keys of maps by workspace, `environment` variables and tags,
and from the policy file.

## References

- <https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html>
"#,
    },
);
