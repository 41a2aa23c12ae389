//! `missing-write-only-version`: a write-only argument without its version argument.

use secretlint_core::facts::Block;
use secretlint_core::{
    Applicability, Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink,
};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::repair::{add_behind, fix};
use crate::semantic::secrecy::is_resource;

static META: RuleMeta = rule(
    "missing-write-only-version",
    Family::State,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A write-only argument has no version argument",
        why: "Terraform does not store write-only values, so it cannot see that one changed: rotation never reaches the resource.",
        help: "Set the version argument and raise it with each rotation, for instance from `secretref_metadata`.",
        docs: r#"
```hcl,expect
resource "aws_db_instance" "main" {
  password_wo = ephemeral.secretref_value.database.value
}
```

```hcl
resource "aws_db_instance" "main" {
  password_wo         = ephemeral.secretref_value.database.value
  password_wo_version = data.secretref_metadata.database.number
}
```

## False alarms

Providers that notice a new value by themselves, through a hash in their private state (`tfe`), are left out.

## References

- <https://developer.hashicorp.com/terraform/language/resources/ephemeral/write-only>
"#,
    },
);

/// The rule.
pub(crate) struct MissingWriteOnlyVersion;

impl Rule for MissingWriteOnlyVersion {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, _: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        // These providers notice a new value by themselves, by a hash in their private state.
        if !is_resource(block) || block.kind().starts_with("tfe_") {
            return;
        }
        for argument in
            schemas::write_only_arguments(block.kind()).filter(|argument| !argument.contains('.'))
        {
            let Some(found) = block.content.attribute(&format!("{argument}_wo")) else {
                continue;
            };
            if matches!(found.value.kind(), hcl_syntax::ExprKind::Null) {
                continue;
            }
            let version = schemas::version_argument(block.kind(), argument);
            if block.content.attribute(&version).is_some() {
                continue;
            }
            let address = format!("{}.{}", block.address(), found.name);
            let message = format!(
                "`{address}` has no `{version}`, so a new value never reaches the resource"
            );
            let mut finding = Finding::new(&META, block.file.place(found.span()), address, message);
            // Unsafe: the first version makes the provider send the value once more.
            let add = add_behind(block.file, found.span(), &format!("{version} = 1"));
            finding.fixes.extend(
                add.map(|edits| fix(format!("Add `{version}`"), Applicability::Unsafe, edits)),
            );
            sink.report(finding);
        }
    }
}
