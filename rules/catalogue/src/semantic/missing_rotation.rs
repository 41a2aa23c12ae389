//! `missing-rotation`: a stored secret that nothing rotates and that never expires.

use secretlint_core::facts::{Block, Role};
use secretlint_core::{Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, preview};
use crate::semantic::secrecy::is_resource;

static META: RuleMeta = preview(
    "missing-rotation",
    Family::Lifetime,
    (Severity::Note, Rank::Apart),
    &Texts {
        summary: "A stored secret has neither rotation nor expiry",
        why: "A secret that is never rotated is known to everybody who ever saw it.",
        help: "Add `aws_secretsmanager_secret_rotation`, `expiration_date` or `rotation`; `secretref_secret` rotates by age.",
        docs: r#"
```hcl,expect
resource "aws_secretsmanager_secret" "database" {
  name = "prod/database"
}
```

```hcl
resource "aws_secretsmanager_secret" "database" {
  name = "prod/database"
}

resource "aws_secretsmanager_secret_rotation" "database" {
  secret_id           = aws_secretsmanager_secret.database.id
  rotation_lambda_arn = aws_lambda_function.rotate.arn
}
```

Off by default: many secrets are rotated by other means, which the configuration does not show.
"#,
    },
);

/// The rule.
pub(crate) struct MissingRotation;

impl Rule for MissingRotation {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::BLOCK
    }

    fn block<'a>(&self, cx: &Cx<'_, 'a>, block: &Block<'a>, sink: &mut Sink) {
        if !is_resource(block) {
            return;
        }
        let missing = match block.kind() {
            "aws_secretsmanager_secret" => !is_rotated(cx, block),
            "azurerm_key_vault_secret" => block.value("expiration_date").is_none(),
            "google_secret_manager_secret" => {
                block.content.blocks("rotation").next().is_none()
                    && block.value("expire_time").is_none()
                    && block.value("ttl").is_none()
            }
            _ => false,
        };
        if missing {
            let message = format!(
                "nothing rotates `{}`, and it never expires",
                block.address()
            );
            sink.report(Finding::new(
                &META,
                block.header_place(),
                block.address(),
                message,
            ));
        }
    }
}

fn is_rotated(cx: &Cx<'_, '_>, secret: &Block<'_>) -> bool {
    let reference = format!("aws_secretsmanager_secret.{}", secret.name());
    let mut rotations = cx
        .module
        .blocks_of(Role::Resource)
        .filter(|block| block.kind() == "aws_secretsmanager_secret_rotation");
    rotations.any(|block| {
        block
            .value("secret_id")
            .is_some_and(|id| id.text().contains(&reference))
    }) || secret.value("rotation_lambda_arn").is_some()
}
