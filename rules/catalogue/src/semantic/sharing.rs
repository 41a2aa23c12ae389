//! Groups of evidence that cross environments: one finding for all places of one secret.

use secret_policy::Policy;
use secret_policy::environments::infer;
use secretlint_core::facts::{Environment, Position, SegmentKind};
use secretlint_core::{Cx, Evidence, Finding, Related, RuleMeta, Sink};

/// The environment of a value: the innermost key around it that names one, as in maps by workspace
/// (`{ dev = { … }, prod = { … } }[terraform.workspace]`), else the one of its file.
pub(crate) fn environment_at(cx: &Cx<'_, '_>, position: &Position<'_, '_>) -> Option<Environment> {
    let keys = position.path.iter().rev();
    let keys = keys.filter(|segment| segment.kind == SegmentKind::Key);
    let mut named = keys.filter_map(|segment| named(cx, &segment.name));
    named
        .next()
        .or_else(|| cx.environment(position.block.file.id).cloned())
}

fn named(cx: &Cx<'_, '_>, key: &str) -> Option<Environment> {
    let of_policy = cx.policy().and_then(|policy| policy.environment(key));
    let name = match of_policy {
        Some(environment) => environment.name().to_owned(),
        None => infer(&format!("{key}/"))?.environment.to_owned(),
    };
    Some(Environment {
        name: name.into(),
        from: format!("key `{key}`").into(),
    })
}

/// The note of evidence whose environment may share it, by the policy.
const DECLARED: &str = "declared";

/// The note for evidence: says whether the policy declares that `environment` shares it.
pub(crate) fn note(
    cx: &Cx<'_, '_>,
    environment: &Environment,
    declares: impl FnOnce(&Policy, &str) -> bool,
) -> String {
    let declared = cx
        .policy()
        .is_some_and(|policy| declares(policy, &environment.name));
    if declared { DECLARED } else { "" }.to_owned()
}

/// Reports every group of equal keys that is used in at least two environments, at its first
/// place, with the others as related places. A group whose every place is declared in the policy is
/// shared on purpose; one environment that is not declared is a finding.
pub(crate) fn report_groups(
    meta: &RuleMeta,
    evidence: &[Evidence],
    sink: &mut Sink,
    message: impl Fn(&Evidence, &str) -> String,
) {
    for group in evidence.chunk_by(|one, other| one.key == other.key) {
        let mut names: Vec<&str> = group
            .iter()
            .filter_map(|item| item.environment.as_ref())
            .map(|e| &*e.name)
            .collect();
        names.sort_unstable();
        names.dedup();
        let declared = group.iter().all(|item| item.note == DECLARED);
        let (Some(first), true) = (group.first(), names.len() > 1 && !declared) else {
            continue;
        };
        let mut finding = Finding::new(
            meta,
            first.place,
            first.address.clone(),
            message(first, &list(&names)),
        );
        if first.secret {
            finding = finding.with_secret(first.place, first.key);
        }
        for other in &group[1..] {
            if other.secret {
                finding.secrets.push(other.place);
            }
            let environment = other
                .environment
                .as_ref()
                .map_or("another environment", |e| &e.name);
            let message = format!("also in {environment}: `{}`", other.address);
            finding.related.push(Related {
                place: other.place,
                message,
            });
        }
        sink.report(finding);
    }
}

/// `dev and prod`, `dev, prod and staging`.
fn list(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
