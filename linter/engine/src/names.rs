//! All rule ids, families and former ids that configuration and comments may name.

use rustc_hash::FxHashMap;
use secretlint_core::{Family, Rank, Rule, RuleId, RuleMeta};

const FAMILIES: [Family; 6] = [
    Family::Credentials,
    Family::Environments,
    Family::State,
    Family::Flow,
    Family::Lifetime,
    Family::Config,
];

/// The rules of a run by name.
#[derive(Debug)]
pub struct RuleNames<'r> {
    by_id: FxHashMap<RuleId, &'r RuleMeta>,
    aliases: FxHashMap<&'static str, RuleId>,
}

impl<'r> RuleNames<'r> {
    /// The names of the given rules and of the engine's own findings.
    #[must_use]
    pub fn new(rules: &'r [&'r dyn Rule]) -> Self {
        let mut names = Self {
            by_id: FxHashMap::default(),
            aliases: FxHashMap::default(),
        };
        let metas = rules
            .iter()
            .flat_map(|rule| rule.metas())
            .chain(crate::own::metas());
        for meta in metas {
            for alias in meta.aliases {
                names.aliases.insert(alias, meta.id.clone());
            }
            names.by_id.insert(meta.id.clone(), meta);
        }
        names
    }

    /// What a rule says about itself, by id or former id.
    #[must_use]
    pub fn meta(&self, name: &str) -> Option<&'r RuleMeta> {
        let current = self.aliases.get(name).map_or(name, |id| id);
        self.by_id.get(current).copied()
    }

    /// True for ids, former ids and families.
    #[must_use]
    pub fn is_known(&self, name: &str) -> bool {
        self.meta(name).is_some() || FAMILIES.iter().any(|family| family.name() == name)
    }

    /// True when a comment or entry that names `name` speaks of the rule `id`.
    #[must_use]
    pub fn covers(&self, name: &str, id: &str) -> bool {
        self.meta(name).is_some_and(|meta| meta.id == id)
            || self.meta(id).is_some_and(|meta| meta.family.name() == name)
    }

    /// How specific each rule's statement is.
    pub(crate) fn ranks(&self) -> FxHashMap<RuleId, Rank> {
        self.by_id
            .iter()
            .map(|(id, meta)| (id.clone(), meta.rank))
            .collect()
    }

    /// Every name, sorted.
    #[must_use]
    pub fn all(&self) -> Vec<&str> {
        let ids = self.by_id.keys().map(|id| &**id);
        let mut all: Vec<&str> = ids
            .chain(FAMILIES.iter().map(|family| family.name()))
            .collect();
        all.sort_unstable();
        all
    }
}
