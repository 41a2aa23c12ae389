//! Is an advice possible with the versions a module allows?

use secretlint_core::Cx;
use secretlint_core::facts::Module;

/// The first Terraform with write-only arguments.
pub(crate) const WRITE_ONLY_CORE: &str = "1.11.0";
/// The first Terraform with ephemeral resources.
pub(crate) const EPHEMERAL_CORE: &str = "1.10.0";

/// Modules above a module that are asked for their constraints.
const MAX_CALLERS: usize = 64;

/// What has to be upgraded before an advice can be followed, as a sentence; empty when nothing is in
/// the way.
pub(crate) fn upgrade_first(cx: &Cx<'_, '_>, provider: (&str, Option<&str>), core: &str) -> String {
    let needs = needs(cx, cx.module, Some(provider), core);
    if needs.is_empty() {
        String::new()
    } else {
        format!(" Upgrade {} first.", needs.join(" and "))
    }
}

/// What has to be upgraded before `module` can use what came with `provider` and `core`: its own
/// constraints decide, those of the modules that call it, and the versions their lock files hold.
pub(crate) fn needs<'a>(
    cx: &Cx<'_, 'a>,
    module: &Module<'a>,
    provider: Option<(&str, Option<&str>)>,
    core: &str,
) -> Vec<String> {
    let mut needs = Vec::new();
    let concerned = with_callers(cx, module);
    if let Some((name, Some(since))) = provider {
        let kept = concerned
            .iter()
            .find_map(|module| holds_back(module, name, since));
        needs.extend(kept.map(|kept| format!("provider {name} to {since} ({kept})")));
    }
    let constraints = concerned
        .iter()
        .flat_map(|module| &module.requirements.core);
    let mut excluding = constraints.filter(|constraint| excludes(&constraint.text, core));
    if let Some(constraint) = excluding.next() {
        needs.push(format!("Terraform to {core} (now `{}`)", constraint.text));
    }
    needs
}

/// What keeps a provider below a version in one module.
fn holds_back(module: &Module<'_>, name: &str, since: &str) -> Option<String> {
    if let Some(constraint) = module.provider_constraint(name)
        && excludes(&constraint.text, since)
    {
        return Some(format!("now `{}`", constraint.text));
    }
    let locked = module.locked_version(name)?;
    excludes(&locked.text, since)
        .then(|| format!("locked at {}: `terraform init -upgrade`", locked.text))
}

/// A module and those that call it, which decide the versions of a run.
fn with_callers<'r, 'a>(cx: &Cx<'r, 'a>, module: &'r Module<'a>) -> Vec<&'r Module<'a>> {
    let mut found = vec![module];
    let mut next = 0;
    while next < found.len() && found.len() < MAX_CALLERS {
        for (caller, _) in cx.workspace.callers_of(found[next].id) {
            if found.len() < MAX_CALLERS && found.iter().all(|known| known.id != caller.id) {
                found.push(caller);
            }
        }
        next += 1;
    }
    found
}

type Version = [u32; 3];

/// True when no version that the constraint allows is at least `since`.
fn excludes(constraint: &str, since: &str) -> bool {
    let Some((since, _)) = version(since) else {
        return false;
    };
    constraint.split(',').any(|part| below(part.trim(), since))
}

fn below(part: &str, since: Version) -> bool {
    let split = part
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(part.len());
    let (operator, text) = part.split_at(split);
    let Some((bound, given)) = version(text) else {
        return false;
    };
    match operator.trim_end_matches('v').trim() {
        "" | "=" | "==" => bound < since,
        "<" => bound <= since,
        "<=" => bound < since,
        "~>" => {
            // The last number given may grow, what is before it is fixed.
            let fixed = given.saturating_sub(1).max(1);
            bound[..fixed] < since[..fixed]
        }
        _ => false,
    }
}

/// The numbers of a version and how many of them were given.
fn version(text: &str) -> Option<(Version, usize)> {
    let mut numbers = [0; 3];
    let mut given = 0;
    for (slot, part) in numbers.iter_mut().zip(text.trim().split('.')) {
        let digits = part
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(part.len());
        *slot = part[..digits].parse().ok()?;
        given += 1;
    }
    (given > 0).then_some((numbers, given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_compared_by_what_they_allow() {
        let cases = [
            ("~> 4.0", true),
            ("~> 5.0", false),
            ("~> 5.10.0", true),
            (">= 4.0", false),
            ("5.31.0", true),
            ("< 5.88.0", true),
            ("<= 5.88.0", false),
            (">= 4, < 6.0", false),
            (">= 4, < 5", true),
            ("= 6.1.0", false),
            ("", false),
            ("~> 6", false),
            ("nonsense", false),
            ("!= 5.0.0", false),
            ("~> v5.1.2", true),
        ];
        for (constraint, expected) in cases {
            assert_eq!(excludes(constraint, "5.88.0"), expected, "{constraint}");
        }
    }
}
