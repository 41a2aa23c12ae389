//! `ephemeral-copied-to-state`: an ephemeral value is given to an argument that is stored.

use secretlint_core::facts::{Block, Mode, Position, Subject};
use secretlint_core::{
    Cx, Family, Finding, Hooks, Look, Rank, Rule, RuleMeta, Severity, Sink, Word,
};

use crate::schemas;
use crate::semantic::describe::{Texts, rule};
use crate::semantic::persisted_secret_argument::move_to_sibling;
use crate::semantic::secrecy::is_resource;
use crate::semantic::versions::{WRITE_ONLY_CORE, needs};

static META: RuleMeta = rule(
    "ephemeral-copied-to-state",
    Family::State,
    (Severity::Error, Rank::Apart),
    &Texts {
        summary: "An ephemeral value is given to an argument that is stored",
        why: "What made the value ephemeral is undone: Terraform refuses the plan, or the value ends up in state.",
        help: "Give the value to the write-only sibling (`…_wo`) or to a provider or provisioner block.",
        docs: r#"
```hcl,expect
resource "postgresql_database" "main" {
  name = ephemeral.secretref_value.database.value
}
```

```hcl
resource "postgresql_role" "main" {
  password_wo         = ephemeral.secretref_value.database.value
  password_wo_version = 1
}
```

## False alarms

`count`, `for_each` and version arguments are checked by Terraform itself and left alone.

## References

- <https://developer.hashicorp.com/terraform/language/resources/ephemeral>
- <https://developer.hashicorp.com/terraform/language/resources/ephemeral/write-only>
"#,
    },
);

/// The rule.
pub(crate) struct EphemeralCopiedToState;

impl Rule for EphemeralCopiedToState {
    fn meta(&self) -> &RuleMeta {
        &META
    }

    fn hooks(&self) -> Hooks {
        Hooks::POSITION
    }

    fn words(&self) -> Vec<Word<'_>> {
        vec![Word::Part("ephemeral.")]
    }

    fn looks_into(&self, _: &Cx<'_, '_>, block: &Block<'_>) -> Look {
        Look::Mentions.when(is_resource(block))
    }

    fn position<'a>(&self, cx: &Cx<'_, 'a>, position: &Position<'_, 'a>, sink: &mut Sink) {
        if !position.via.is_empty() || !mentions_ephemeral(position) {
            return;
        }
        let open = position.names().any(|name| {
            matches!(name, "provisioner" | "connection" | "lifecycle") || name.ends_with("_wo")
        });
        // `count` and version arguments take what is derived, which Terraform checks itself.
        let key = position.key();
        if open || key.ends_with("_wo_version") || key.ends_with("_wo_revision") {
            return;
        }
        let trace = cx.trace_at(position);
        let found = trace.sources.iter().find(|source| {
            matches!(
                &source.reference.subject,
                Subject::Object { mode: Mode::Ephemeral, kind, .. } if kind.contains('_')
            ) && source.way.is_empty()
        });
        let Some(source) = found else { return };
        let what = source.reference.address();
        let message = format!("`{what}` is ephemeral, `{}` is stored", position.address());
        let (kind, names) = (position.block.kind(), position.names());
        let sibling = schemas::write_only(kind, &names).and_then(|sibling| sibling.since);
        let provider = kind.split('_').next().unwrap_or_default();
        let possible = sibling.is_some()
            && needs(cx, cx.module, Some((provider, sibling)), WRITE_ONLY_CORE).is_empty();
        let mut finding = Finding::new(&META, source.place, position.address(), message);
        if possible {
            finding.fixes.extend(move_to_sibling(position));
        }
        sink.report(finding);
    }
}

fn mentions_ephemeral(position: &Position<'_, '_>) -> bool {
    !matches!(
        position.expr.kind(),
        hcl_syntax::ExprKind::Object(_) | hcl_syntax::ExprKind::Tuple(_)
    ) && position.expr.text().contains("ephemeral.")
}
