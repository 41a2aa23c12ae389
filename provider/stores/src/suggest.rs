//! "Did you mean": names that are near, and how to list what exists without flooding the reader.

use secret_policy::nearest;

/// Names shown at most.
const SHOWN: usize = 10;

/// One sentence that helps somebody who asked for `wanted`: the nearest of `known`, else what is there.
/// `None` when nothing is known.
pub(crate) fn hint<'a>(
    wanted: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(near) = nearest(wanted, known.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    list(known).map(|names| format!("there are: {names}"))
}

/// The first names, quoted, and how many more there are.
pub(crate) fn list<'a>(known: impl Iterator<Item = &'a str> + Clone) -> Option<String> {
    let total = known.clone().count();
    let names: Vec<_> = known.take(SHOWN).map(|name| format!("`{name}`")).collect();
    let names = names.join(", ");
    match total {
        0 => None,
        1..=SHOWN => Some(names),
        _ => Some(format!("{names} and {} more", total - SHOWN)),
    }
}
