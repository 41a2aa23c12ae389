//! `ungated-ephemeral`: an ephemeral resource is opened in every plan although only apply needs it.

use hcl_syntax::{Expr, ExprKind, Span};
use rustc_hash::FxHashSet;
use secretlint_core::facts::{Block, Mode, Module, ModuleId, Role, Step, Subject, Use};
use secretlint_core::{
    Applicability, Cx, Family, Finding, Hooks, Rank, Rule, RuleMeta, Severity, Sink,
};

use crate::semantic::describe::{Texts, rule};
use crate::semantic::repair::add_line;
use crate::semantic::versions::{EPHEMERAL_CORE, needs};

/// Ephemeral resources that have the argument.
const GATED: &[&str] = &["secretref_value"];

static META: RuleMeta = rule(
    "ungated-ephemeral",
    Family::Flow,
    (Severity::Note, Rank::Apart),
    &Texts {
        summary: "A secret is opened in every plan although only apply needs it",
        why: "Plans run often, for many people and from branches; with the gate a plan needs no right to read the secret.",
        help: "Add `applying = terraform.applying`: while planning, only metadata and permission are checked.",
        docs: r#"
Reported where the value provably reaches only write-only arguments and provisioners, directly or through locals and
ephemeral variables of modules in the tree. Not where a provider block needs it, and not where it is read as a document
(`json`, `jsondecode`): while planning there is a placeholder, which is none.

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

## False alarms

None are known: where the way of the value is not clear, nothing is reported.

## References

- <https://developer.hashicorp.com/terraform/language/expressions/references#terraform-applying>
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
        if !needs(cx, cx.module, None, EPHEMERAL_CORE).is_empty() {
            return;
        }
        let ungated =
            |block: &&Block<'_>| GATED.contains(&block.kind()) && block.value("applying").is_none();
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

/// Functions that take a placeholder as well as a value: they neither read it as a document nor fail.
const TAKE_ANYTHING: &[&str] = &[
    "base64encode",
    "chomp",
    "coalesce",
    "jsonencode",
    "join",
    "lower",
    "nonsensitive",
    "sensitive",
    "title",
    "tostring",
    "trim",
    "trimprefix",
    "trimspace",
    "trimsuffix",
    "upper",
    "urlencode",
    "yamlencode",
];

/// Where the value of an ephemeral resource goes.
struct Reach<'r, 'a> {
    cx: &'r Cx<'r, 'a>,
    seen: FxHashSet<(ModuleId, Subject<'a>)>,
    /// It reaches something that needs it.
    used: bool,
}

/// True when the value is used, and only in write-only arguments and provisioners, directly or through
/// locals and ephemeral variables of modules.
fn is_needed_at_apply_only<'a>(cx: &Cx<'_, 'a>, ephemeral: &Block<'a>) -> bool {
    let (Some(kind), Some(name)) = (&ephemeral.first, &ephemeral.second) else {
        return false;
    };
    let subject = Subject::Object {
        mode: Mode::Ephemeral,
        kind: kind.text.clone(),
        name: name.text.clone(),
    };
    let mut reach = Reach {
        cx,
        seen: FxHashSet::default(),
        used: false,
    };
    reach.is_applied_only(cx.module, &subject) && reach.used
}

impl<'a> Reach<'_, 'a> {
    fn is_applied_only(&mut self, module: &Module<'a>, subject: &Subject<'a>) -> bool {
        if !self.seen.insert((module.id, subject.clone())) {
            return true;
        }
        let uses = module.uses_of(subject);
        uses.iter().all(|found| self.is_harmless(module, found))
    }

    fn is_harmless(&mut self, module: &Module<'a>, found: &Use<'a>) -> bool {
        let block = module.block(found.block);
        let first = found.names().next().unwrap_or_default();
        if first == "depends_on" {
            return true;
        }
        // `json` is null while planning, and what follows it does not exist.
        let is_placeholder = match &found.reference.subject {
            Subject::Object { .. } => {
                matches!(&found.reference.path[..], [.., Step::Key(result)] if is_text(result))
            }
            _ => !found
                .reference
                .path
                .iter()
                .any(|step| matches!(step, Step::Key(_))),
        };
        if !is_placeholder || !takes_anything(found.attribute.value, found.expr.span()) {
            return false;
        }
        match block.role {
            Role::Resource => {
                self.used = true;
                matches!(first, "provisioner" | "connection")
                    || found.attribute.name.ends_with("_wo")
            }
            Role::Locals => {
                let name = found.path[0].clone();
                self.is_applied_only(module, &Subject::Local(name))
            }
            Role::Variable => true,
            Role::Module => {
                let target = module.call(block.name()).and_then(|call| call.target);
                let Some(target) = target else { return false };
                let target = self.cx.workspace.module(target);
                let declared = target.variable(&found.path[0]);
                declared.is_some_and(|variable| variable.ephemeral)
                    && self.is_applied_only(target, &Subject::Variable(found.path[0].clone()))
            }
            _ => false,
        }
    }
}

fn is_text(result: &str) -> bool {
    matches!(result, "value" | "value_base64")
}

/// True when everything around the reference inside the argument works with any text.
fn takes_anything(value: Expr<'_>, inner: Span) -> bool {
    let around = |expr: &Expr<'_>| {
        let span = expr.span();
        span.start <= inner.start && inner.end <= span.end && span != inner
    };
    value.walk().filter(around).all(|expr| match expr.kind() {
        ExprKind::Call(call) => TAKE_ANYTHING.contains(&call.name()),
        ExprKind::Template(_) | ExprKind::Object(_) | ExprKind::Tuple(_) | ExprKind::Paren(_) => {
            true
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use crate::semantic::tests::check;

    fn is_reported(use_of_value: &str) -> bool {
        let fixture = format!(
            "ephemeral \"secretref_value\" \"x\" {{\n  ref = \"vault+prod://kv/x#y\"\n}}\n{use_of_value}"
        );
        let found = check(&fixture);
        found
            .iter()
            .any(|finding| finding.rule == "ungated-ephemeral")
    }

    #[test]
    fn only_where_a_placeholder_will_do() {
        let argument = |value: &str| {
            is_reported(&format!(
                "resource \"aws_db_instance\" \"x\" {{\n  password_wo = {value}\n}}\n"
            ))
        };
        assert!(argument("ephemeral.secretref_value.x.value"));
        assert!(argument("\"user:${ephemeral.secretref_value.x.value}\""));
        assert!(argument(
            "jsonencode({ p = ephemeral.secretref_value.x.value })"
        ));
        assert!(!argument("ephemeral.secretref_value.x.json.password"));
        assert!(!argument(
            "jsondecode(ephemeral.secretref_value.x.value).password"
        ));
        assert!(!argument(
            "split(\",\", ephemeral.secretref_value.x.value)[1]"
        ));
        assert!(!argument("null"), "nothing needs it");
    }

    #[test]
    fn the_value_is_followed() {
        let local = "locals {\n  p = ephemeral.secretref_value.x.value\n}\nresource \"aws_db_instance\" \"x\" {\n  password_wo = local.p\n}\n";
        assert!(is_reported(local));
        let provider = "provider \"postgresql\" {\n  password = local.p\n}\n";
        assert!(!is_reported(&format!("{local}{provider}")));
        let module = |ephemeral: bool| {
            format!(
                "module \"db\" {{\n  source   = \"./db\"\n  password = ephemeral.secretref_value.x.value\n}}\n# file: db/main.tf\nvariable \"password\" {{\n  ephemeral = {ephemeral}\n}}\nresource \"aws_db_instance\" \"x\" {{\n  password_wo = var.password\n}}\n"
            )
        };
        assert!(is_reported(&module(true)));
        assert!(!is_reported(&module(false)));
    }

    #[test]
    fn only_resources_that_have_the_argument() {
        let found = check(
            "ephemeral \"secretref_password\" \"x\" {\n}\nresource \"aws_db_instance\" \"x\" {\n  password_wo = ephemeral.secretref_password.x.value\n}\n",
        );
        assert!(
            found
                .iter()
                .all(|finding| finding.rule != "ungated-ephemeral")
        );
    }
}
