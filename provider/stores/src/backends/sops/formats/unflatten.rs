//! Metadata of dotenv and INI files: `age__list_0__map_enc` stands for `age[0].enc`.

use std::collections::BTreeMap;

use super::super::tree::{Item, Node};
use super::Reason;

const MAP: &str = "__map_";
const LIST: &str = "__list_";

/// Most entries of one list; files have a handful of recipients.
const MAX_PLACES: usize = 1000;

#[derive(Default)]
struct Branch {
    value: Option<String>,
    members: BTreeMap<String, Branch>,
    places: BTreeMap<usize, Branch>,
}

enum Step<'a> {
    Member(&'a str),
    Place(usize),
}

/// The tree that flat `entries` stand for.
pub(super) fn unflatten(entries: Vec<(String, String)>) -> Result<Node, Reason> {
    let mut root = Branch::default();
    for (key, value) in entries {
        let mut here = &mut root;
        for step in steps(&key)? {
            here = match step {
                Step::Member(name) => here.members.entry(name.to_owned()).or_default(),
                Step::Place(place) => here.places.entry(place).or_default(),
            };
        }
        if here.value.replace(value).is_some() {
            return Err(format!("the metadata entry `{key}` stands twice"));
        }
    }
    build(root)
}

fn steps(key: &str) -> Result<Vec<Step<'_>>, Reason> {
    let mut steps = Vec::new();
    let (mut rest, mut is_list) = (key, false);
    loop {
        let next = [(rest.find(MAP), MAP), (rest.find(LIST), LIST)]
            .into_iter()
            .filter_map(|(place, separator)| Some((place?, separator)))
            .min();
        let (part, after) = match next {
            Some((place, separator)) => (
                &rest[..place],
                Some((&rest[place + separator.len()..], separator)),
            ),
            None => (rest, None),
        };
        steps.push(if is_list {
            let place = part.parse().ok().filter(|place| *place < MAX_PLACES);
            Step::Place(place.ok_or_else(|| format!("the metadata entry `{key}` has no place"))?)
        } else {
            Step::Member(part)
        });
        // The depth of metadata is fixed; more steps than this are an attack.
        if steps.len() > 8 {
            return Err("the metadata have too many levels".to_owned());
        }
        let Some((after, separator)) = after else {
            return Ok(steps);
        };
        (rest, is_list) = (after, separator == LIST);
    }
}

fn build(branch: Branch) -> Result<Node, Reason> {
    let Branch {
        value,
        members,
        places,
    } = branch;
    match (value, members.is_empty(), places.is_empty()) {
        (Some(value), true, true) => Ok(Node::text(value)),
        (None, false, true) => {
            let items = members.into_iter();
            let items = items.map(|(key, branch)| Ok(Item::new(key, build(branch)?)));
            Ok(Node::Map(items.collect::<Result<_, Reason>>()?))
        }
        (None, true, false) => {
            let complete = places.keys().copied().eq(0..places.len());
            if !complete {
                return Err("a list in the metadata is incomplete".to_owned());
            }
            let items = places.into_values();
            let items = items.map(|branch| Ok(Item::new("", build(branch)?)));
            Ok(Node::List(items.collect::<Result<_, Reason>>()?))
        }
        _ => Err("the metadata contradict themselves".to_owned()),
    }
}
