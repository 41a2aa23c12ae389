//! `secret-in-command`: a secret in the command line or script of a provisioner.

use secretlint_core::facts::{Block, Position, Via};
use secretlint_core::{Cx, Family, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink, Word};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::is_resource;
use crate::semantic::sink::{leak, report};

static META: RuleMeta = rule(
    "secret-in-command",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret is put into the command line of a provisioner",
        why: "Command lines are visible to every process of the machine and are printed to the log of the run.",
        help: "Pass the secret through the provisioner's `environment` from an ephemeral value, or let the program read it itself.",
        docs: r#"
```hcl,expect
resource "terraform_data" "schema" {
  provisioner "local-exec" {
    command = "mysql -u root -p${var.db_password} < schema.sql"
  }
}
```

```hcl
resource "terraform_data" "schema" {
  provisioner "local-exec" {
    command = "mysql -u root < schema.sql"
    environment = {
      MYSQL_PWD = ephemeral.secretref_value.database.value
    }
  }
}
```

## False alarms

A provisioner that runs only on a machine nobody else uses still prints its command to the log of the run.

## References

- <https://developer.hashicorp.com/terraform/language/resources/provisioners/local-exec>
- <https://cwe.mitre.org/data/definitions/214.html>
"#,
    },
);

/// The rule.
pub(crate) struct SecretInCommand;

impl Rule for SecretInCommand {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        vec![Word::Part("provisioner")]
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Mentions.when(is_resource(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if !is_command(position) {
            return;
        }
        let Some(found) = leak(cx, position) else {
            return;
        };
        let message = format!(
            "`{}` puts the secret `{}` on a command line",
            position.address(),
            found.what
        );
        report(&META, position, &found, message, sink);
    }
}

fn is_list(via: &Via<'_>) -> bool {
    matches!(
        via,
        Via::Branch
            | Via::Argument {
                function: "concat" | "flatten" | "compact",
                ..
            }
    )
}

/// A command, or one line of an inline script.
fn is_command(position: &Position<'_, '_>) -> bool {
    if position.names().next() != Some("provisioner") {
        return false;
    }
    match position.key() {
        "command" => position.via.is_empty(),
        // `concat(["…"], ["…"])` is a script, too.
        "inline" => {
            matches!(position.via, [around @ .., Via::Element] if around.iter().all(is_list))
        }
        _ => false,
    }
}
