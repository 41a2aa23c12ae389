//! `ungated-ephemeral`: an ephemeral resource is opened in every plan although only apply needs it.

use hcl_syntax::ExprKind;
use secretlint_core::facts::{Block, Role, each_position};
use secretlint_core::{
    Applicability, Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink,
};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::repair::add_line;

static META: RuleMeta = rule(
    "ungated-ephemeral",
    Family::Flow,
    (Severity::Note, Rank::Apart),
    &Texts {
        summary: "A secret is opened in every plan although only apply needs it",
        why: "Plans run often, for many people and from branches; with the gate a plan needs no right to read the secret.",
        help: "Add `applying = terraform.applying`: while planning, only metadata and permission are checked.",
        docs: r#"
Reported where the value provably reaches only write-only arguments and provisioners.

```hcl,expect
ephemeral "secretref_value" "database" {
  ref = "vault+prod://kv/database#password"
}

resource "aws_db_instance" "main" {
  password_wo         = ephemeral.secretref_value.database.value
  password_wo_version = 1
}
```

```hcl
ephemeral "secretref_value" "database" {
  ref      = "vault+prod://kv/database#password"
  applying = terraform.applying
}

resource "aws_db_instance" "main" {
  password_wo         = ephemeral.secretref_value.database.value
  password_wo_version = 1
}
```
"#,
    },
);

/// The rule.
pub(crate) struct UngatedEphemeral;

impl Rule for UngatedEphemeral {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::MODULE
    }

    fn module(&self, cx: &Cx<'_, '_>, sink: &mut Sink) {
        let ungated = |block: &&Block<'_>| {
            block.kind().starts_with("secretref_") && block.value("applying").is_none()
        };
        for block in cx.module.blocks_of(Role::Ephemeral).filter(ungated) {
            if !is_needed_at_apply_only(cx, block) {
                continue;
            }
            let message = format!(
                "`{}` is opened in every plan, but only apply needs it",
                block.address()
            );
            let mut finding = Finding::new(&META, block.header_place(), block.address(), message);
            let gate = ("Open the secret only while applying", Applicability::Safe);
            finding
                .fixes
                .extend(add_line(block, "applying = terraform.applying", gate));
            sink.report(finding);
        }
    }
}

/// True when the value is used, and only in write-only arguments and provisioners.
fn is_needed_at_apply_only(cx: &Cx<'_, '_>, ephemeral: &Block<'_>) -> bool {
    let address = ephemeral.address();
    let (mut used, mut open) = (false, true);
    for block in &cx.module.blocks {
        each_position(block, &mut |position| {
            let ExprKind::Traversal(traversal) = position.expr.kind() else {
                return;
            };
            let text = position.expr.text();
            let here = traversal.root() == "ephemeral"
                && text.starts_with(&address)
                && !text[address.len()..]
                    .starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '-');
            if here {
                used = true;
                let safe = position
                    .names()
                    .any(|name| name == "provisioner" || name.ends_with("_wo"));
                open &= safe && block.role == Role::Resource;
            }
        });
    }
    used && open
}
