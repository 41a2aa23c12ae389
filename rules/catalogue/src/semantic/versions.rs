//! Is an advice possible with the versions a module allows?

use secretlint_core::Cx;

/// The first Terraform with write-only arguments.
pub(crate) const WRITE_ONLY_CORE: &str = "1.11.0";
/// The first Terraform with ephemeral resources.
pub(crate) const EPHEMERAL_CORE: &str = "1.10.0";

/// What has to be upgraded before an advice can be followed; empty when nothing is in the way.
pub(crate) fn upgrade_first(
    cx: &Cx<'_, '_>,
    (provider, since): (&str, Option<&str>),
    core: &str,
) -> String {
    let mut needs = Vec::new();
    if let (Some(since), Some(constraint)) = (since, cx.module.provider_constraint(provider))
        && excludes(&constraint.text, since)
    {
        needs.push(format!(
            "provider {provider} to {since} (now `{}`)",
            constraint.text
        ));
    }
    if let Some(constraint) = cx
        .module
        .requirements
        .core
        .iter()
        .find(|constraint| excludes(&constraint.text, core))
    {
        needs.push(format!("Terraform to {core} (now `{}`)", constraint.text));
    }
    if needs.is_empty() {
        String::new()
    } else {
        format!(" Upgrade {} first.", needs.join(" and "))
    }
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
