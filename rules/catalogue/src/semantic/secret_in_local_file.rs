//! `secret-in-local-file`: a secret is written to a file.

use secretlint_core::facts::{Block, Position};
use secretlint_core::{Cx, Family, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_resource;
use crate::semantic::sink::{leak, report};

static META: RuleMeta = rule(
    "secret-in-local-file",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret is written to a file by Terraform",
        why: "The file stays on every machine that ran Terraform, and the content is in state as well.",
        help: "Let the program that needs the secret fetch it, or hand it over in memory with an ephemeral value.",
        docs: r#"
```hcl,expect
resource "local_file" "kubeconfig" {
  filename = "kubeconfig"
  content  = azurerm_kubernetes_cluster.main.kube_config_raw
}
```

```hcl
resource "local_file" "inventory" {
  filename = "inventory"
  content  = aws_instance.app.private_ip
}
```

## False alarms

A key written for a person on their own machine is reported as well: the state has it, too.

## References

- <https://registry.terraform.io/providers/hashicorp/local/latest/docs/resources/sensitive_file>
- <https://developer.hashicorp.com/terraform/language/state/sensitive-data>
"#,
    },
);

/// Resources that write files, to disk or to a bucket.
const WRITERS: &[&str] = &["local_file", "local_sensitive_file"];

/// The rule.
pub(crate) struct SecretInLocalFile;

impl Rule for SecretInLocalFile {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Everything.when(WRITERS.contains(&block.kind()) && is_resource(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        let content = matches!(
            position.key(),
            "content" | "content_base64" | "sensitive_content"
        );
        if !content || position.path.len() != 1 || !position.via.is_empty() {
            return;
        }
        let Some(found) = leak(cx, position) else {
            return;
        };
        let message = format!(
            "`{}` writes the secret `{}` to a file",
            position.block.address(),
            found.what
        );
        report(&META, position, &found, message, sink);
    }
}
