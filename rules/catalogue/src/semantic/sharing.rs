//! Groups of evidence that cross environments: one finding for all places of one secret.

use secretlint_core::{Evidence, Finding, Related, RuleMeta, Sink};

/// Reports every group of equal keys that is used in at least two environments, at its first
/// place, with the others as related places.
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
        let (Some(first), true) = (group.first(), names.len() > 1) else {
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
