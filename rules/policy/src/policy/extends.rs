//! Inheritance between environments of one file.
//!
//! `extends = "base"` adds the lists of `base` (refs, deny, writes, identities, require) to the own
//! ones and takes its limits where none are set. `paths` are not inherited: they say where an
//! environment is. Defaults come last and hold for every environment.

use super::read::{Defaults, Draft};
use super::toml::{Mistakes, shorten};
use super::{Demand, Environment};
use crate::environments::canonical;
use crate::nearest::nearest;

/// The finished environments, in the given order.
pub(super) fn resolve(
    mistakes: &mut Mistakes<'_>,
    drafts: &[Draft],
    defaults: &Defaults,
) -> Vec<Environment> {
    let finished: Vec<_> = drafts
        .iter()
        .map(|draft| inherit(mistakes, drafts, draft))
        .collect();
    finished
        .into_iter()
        .map(|environment| with_defaults(environment, defaults))
        .collect()
}

/// Walks up the chain of `extends`; a chain that returns to itself is reported at its own place.
fn inherit(mistakes: &mut Mistakes<'_>, drafts: &[Draft], start: &Draft) -> Environment {
    let mut result = start.own.clone();
    let mut visited = vec![start.own.name.as_str()];
    let mut current = start;
    while let Some((name, span)) = &current.extends {
        let Some(parent) = drafts.iter().find(|draft| draft.own.name == *name) else {
            // Reported once, where it is written, not by every environment further down.
            if visited.len() == 1 {
                let names = drafts.iter().map(|draft| draft.own.name.as_str());
                let message = format!("there is no environment `{}` to extend", shorten(name));
                mistakes.add(*span, message, suggest(name, names));
            }
            break;
        };
        if visited.contains(&name.as_str()) {
            if *name == start.own.name {
                let way = [&visited[..], &[name.as_str()]].concat().join(" -> ");
                mistakes.add(
                    *span,
                    format!("environments extend each other in a circle: {way}"),
                    "remove one `extends`",
                );
            }
            break;
        }
        visited.push(name);
        add_parent(&mut result, &parent.own);
        current = parent;
    }
    result
}

fn add_parent(child: &mut Environment, parent: &Environment) {
    child.refs.extend(parent.refs.iter().cloned());
    child.deny.extend(parent.deny.iter().cloned());
    child.writes.extend(parent.writes.iter().cloned());
    child.identities.extend(parent.identities.iter().cloned());
    add_demands(&mut child.require, &parent.require);
    child.max_ttl = child.max_ttl.or(parent.max_ttl);
    child.max_age = child.max_age.or(parent.max_age);
}

fn with_defaults(mut environment: Environment, defaults: &Defaults) -> Environment {
    add_demands(&mut environment.require, &defaults.require);
    environment.max_ttl = environment.max_ttl.or(defaults.max_ttl);
    environment.max_age = environment.max_age.or(defaults.max_age);
    environment
}

fn add_demands(own: &mut Vec<Demand>, more: &[Demand]) {
    for demand in more {
        if !own
            .iter()
            .any(|known| known.requirement == demand.requirement)
        {
            own.push(*demand);
        }
    }
}

/// "did you mean" over environment names: the same environment under another usual name, a typing
/// mistake, or the whole list.
pub(super) fn suggest<'a>(name: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    let same = || {
        canonical(name)
            .and_then(|wanted| names.clone().find(|known| canonical(known) == Some(wanted)))
    };
    match same().or_else(|| nearest(name, names.clone())) {
        Some(close) => format!("did you mean `{close}`?"),
        None => match names.collect::<Vec<_>>()[..] {
            [] => "define it under [environments]".to_owned(),
            ref all => format!("use one of {}", all.join(", ")),
        },
    }
}
