//! `secret-in-user-data`: a secret in user data, cloud-init or a start-up script.

use hcl_syntax::Expr;
use secretlint_core::facts::{Block, Mode, Position, Role, Subject, members};
use secretlint_core::{
    Cx, Family, Finding, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink, Word,
};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::secrecy::{is_configuration, secret_address};
use crate::semantic::sink::{Leak, leak, report};

static META: RuleMeta = rule(
    "secret-in-user-data",
    Family::Flow,
    (Severity::Warning, Rank::Apart),
    &Texts {
        summary: "A secret is put into user data or a start-up script",
        why: "Every process on the machine can read user data from the metadata service; it is shown in consoles and stored in state.",
        help: "Let the machine fetch the secret with its own identity: pass only the secret's name.",
        docs: r#"
```hcl,expect
resource "aws_instance" "app" {
  user_data = <<-EOT
    #!/bin/sh
    export DB_PASSWORD=${var.db_password}
  EOT
}
```

```hcl
resource "aws_instance" "app" {
  user_data = <<-EOT
    #!/bin/sh
    DB_PASSWORD=$(aws secretsmanager get-secret-value --secret-id ${var.db_secret_name})
  EOT
}
```

## False alarms

A template in the tree is read: a variable that it does not use is not reported. Of a template outside the tree all
variables count.

## References

- <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>
- <https://cwe.mitre.org/data/definitions/522.html>
"#,
    },
);

/// Names that mean user data in modules, locals and providers that are not in the tables.
const NAMES: &[&str] = &[
    "user_data",
    "userdata",
    "user_data_base64",
    "custom_data",
    "custom_data_base64",
    "metadata_startup_script",
    "startup_script",
    "startup-script",
    "user-data",
    "cloud_init",
    "cloudinit",
    "guestinfo.userdata",
    "guestinfo.ignition.config.data",
];

/// Each of the names, and each argument of a resource that takes user data, has one of these.
const WORDS: &[Word<'_>] = &[
    Word::Part("user_data"),
    Word::Part("userdata"),
    Word::Part("user-data"),
    Word::Part("custom_data"),
    Word::Part("startup_script"),
    Word::Part("startup-script"),
    Word::Part("cloud_init"),
    Word::Part("cloudinit"),
    Word::Part("metadata"),
    Word::Part("guestinfo"),
    Word::Part("on_create"),
    Word::Part("on_start"),
    Word::Part("virtual_machine_extension"),
];

/// The rule.
pub(crate) struct SecretInUserData;

impl Rule for SecretInUserData {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        WORDS.to_vec()
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Mentions.when(
            matches!(block.role, Role::Resource | Role::Module | Role::Data)
                && is_configuration(block),
        )
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if !position.via.is_empty() || !is_user_data(position) {
            return;
        }
        if let Some(mut found) = leak(cx, position) {
            if let Some(values) = rendered_with(position, &found)
                && rendered(cx, position, values, sink)
            {
                return;
            }
            // A script in a local: the secret is in the script, not in what uses it.
            found.place = found
                .from
                .filter(|place| place.file == found.place.file)
                .unwrap_or(found.place);
            let message = format!(
                "`{}` carries the secret `{}`",
                position.address(),
                found.what
            );
            return report(&META, position, &found, message, sink);
        }
        templates(cx, position, sink);
    }
}

/// The values that a script is rendered with (`templatefile("…", { password = var.password })`), when the
/// secret is among them.
fn rendered_with<'a>(position: &Position<'_, 'a>, found: &Leak) -> Option<Expr<'a>> {
    let block = position.block;
    if block.role != Role::Resource || !schemas::is_user_data(block.kind(), &position.names()) {
        return None;
    }
    position.expr.walk().find(|expr| {
        let place = block.file.place(expr.span());
        matches!(expr.kind(), hcl_syntax::ExprKind::Object(_))
            && place.start <= found.place.start
            && found.place.end <= place.end
            && place.file == found.place.file
    })
}

/// Reports each secret among the values that a script is rendered with; true when there is one.
fn rendered<'a>(
    cx: &Cx<'_, 'a>,
    position: &Position<'_, 'a>,
    values: Expr<'a>,
    sink: &mut Sink,
) -> bool {
    let mut any = false;
    for member in members(values) {
        let trace = cx.trace(position.block, member.value);
        let Some(what) = secret_address(cx, &trace) else {
            continue;
        };
        sink.report(Finding::new(
            &META,
            position.block.file.place(member.span()),
            position.address(),
            format!("`{}` carries the secret `{what}`", position.address()),
        ));
        any = true;
    }
    any
}

/// Variables of `template_file` data sources that are rendered into user data.
fn templates<'a>(cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
    for source in &cx.trace_at(position).sources {
        let Subject::Object {
            mode: Mode::Data,
            kind,
            name,
        } = &source.reference.subject
        else {
            continue;
        };
        let template = cx
            .workspace
            .module(source.module)
            .object(Mode::Data, kind, name);
        let Some(template) = template
            .filter(|template| template.kind() == "template_file" && source.module == cx.module.id)
        else {
            continue;
        };
        let vars = template.value("vars").into_iter().flat_map(members);
        for member in vars {
            let trace = cx.trace(template, member.value);
            let Some(what) = secret_address(cx, &trace) else {
                continue;
            };
            let message = format!(
                "`{}` carries the secret `{what}` through `{}`",
                position.address(),
                template.address()
            );
            sink.report(Finding::new(
                &META,
                template.file.place(member.span()),
                position.address(),
                message,
            ));
        }
    }
}

fn is_user_data(position: &Position<'_, '_>) -> bool {
    let block = position.block;
    let is_map = matches!(position.expr.kind(), hcl_syntax::ExprKind::Object(_));
    match block.role {
        Role::Resource if schemas::is_user_data(block.kind(), &position.names()) => {
            !is_map && !is_inside_script(position)
        }
        Role::Resource | Role::Module => NAMES.contains(&position.key()) && !is_map,
        Role::Data
            if block.kind() == "template_cloudinit_config"
                || block.kind() == "cloudinit_config" =>
        {
            position.is_at(&["part", "content"])
        }
        _ => false,
    }
}

/// Inside the arguments of `templatefile` the whole has been looked at; a map that is written out has a
/// script in each member: `metadata = { startup-script = … }`.
fn is_inside_script(position: &Position<'_, '_>) -> bool {
    let block = position.block;
    let names: Vec<&str> = position.names().collect();
    (1..names.len()).any(|depth| {
        let outer = &names[..depth];
        schemas::is_user_data(block.kind(), &outer.iter().copied())
            && block
                .content
                .at(outer)
                .is_some_and(|value| !matches!(value.kind(), hcl_syntax::ExprKind::Object(_)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_user_data_has_a_word() {
        let has_word = |name: &str| WORDS.iter().any(|word| word.is_in(name));
        assert!(NAMES.iter().all(|name| has_word(name)));
        for (kind, paths) in schemas::user_data() {
            assert!(
                has_word(kind) || paths.iter().all(|path| has_word(path)),
                "{kind}"
            );
        }
    }
}
