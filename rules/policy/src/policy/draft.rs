//! A first policy from what a tree already does, for `secretlint init`: it allows what is there and
//! nothing else, so that the next change has to be written down.

use std::collections::{BTreeMap, BTreeSet};

use crate::reference::SecretRef;

/// What a tree was seen to do.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// The environments by name.
    pub environments: BTreeMap<String, DraftEnvironment>,
}

/// What one environment was seen to do.
#[derive(Clone, Debug, Default)]
pub struct DraftEnvironment {
    /// Globs of its files, relative to the policy.
    pub paths: BTreeSet<String>,
    /// References it opens; versions and selectors do not matter.
    pub refs: BTreeSet<SecretRef>,
}

impl Draft {
    /// The text of a policy file. [`super::Policy::parse`] reads it when the names and globs are valid.
    /// A secret that several environments use is listed once under `[shared]`, to be thought about.
    pub fn to_toml(&self) -> String {
        let users = self.users();
        let mut text = String::from(
            "# Which environment may use which secret. Written from what was found; widen it with patterns such as\n\
             # \"vault+prod://kv/payments/**\", and check it with `policy test`.\n",
        );
        for (name, environment) in &self.environments {
            let own = environment
                .refs
                .iter()
                .map(pattern)
                .filter(|text| users[text].len() == 1);
            let own: BTreeSet<_> = own.collect();
            text.push_str(&format!("\n[environments.{}]\n", quote(name)));
            push_list(
                &mut text,
                "paths",
                environment.paths.iter().map(String::as_str),
            );
            push_list(&mut text, "refs", own.iter().map(String::as_str));
        }
        let shared: Vec<_> = users.iter().filter(|(_, names)| names.len() > 1).collect();
        if !shared.is_empty() {
            text.push_str("\n[shared]\nrefs = [\n");
            for (reference, names) in shared {
                let names: Vec<_> = names.iter().copied().collect();
                let reason = format!(
                    "used by {} when this policy was written",
                    names.join(" and ")
                );
                let names: Vec<_> = names.into_iter().map(quote).collect();
                let (reference, reason) = (quote(reference), quote(&reason));
                text.push_str(&format!(
                    "    {{ ref = {reference}, reason = {reason}, environments = [{}] }},\n",
                    names.join(", ")
                ));
            }
            text.push_str("]\n");
        }
        text
    }

    /// Which environments use which secret.
    fn users(&self) -> BTreeMap<String, BTreeSet<&str>> {
        let mut users: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (name, environment) in &self.environments {
            for reference in &environment.refs {
                users
                    .entry(pattern(reference))
                    .or_default()
                    .insert(name.as_str());
            }
        }
        users
    }
}

/// The secret in every version, whole.
fn pattern(reference: &SecretRef) -> String {
    let whole = reference.without_selector();
    whole.with_version(None).unwrap_or(whole).to_string()
}

fn push_list<'a>(text: &mut String, key: &str, values: impl Iterator<Item = &'a str>) {
    let values: Vec<_> = values
        .map(|value| format!("    {},\n", quote(value)))
        .collect();
    match values[..] {
        [] => text.push_str(&format!("{key} = []\n")),
        _ => text.push_str(&format!("{key} = [\n{}]\n", values.concat())),
    }
}

/// A JSON string is a TOML string.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::super::{Policy, Reason, Request};
    use super::*;

    #[test]
    fn the_draft_allows_what_was_found_and_nothing_else() {
        let mut draft = Draft::default();
        for (name, reference) in [
            ("prod", "vault+prod://kv/db?version=3#password"),
            ("prod", "vault+prod://kv/db#user"),
            ("prod", "aws-sm://ca"),
            ("dev", "aws-sm://ca#x"),
            ("dev", "op://My Vault/a\"b/c"),
        ] {
            let environment = draft.environments.entry(name.to_owned()).or_default();
            environment.paths.insert(format!("live/{name}/**"));
            environment.refs.insert(reference.parse().unwrap());
        }
        draft
            .environments
            .entry("empty.env".to_owned())
            .or_default();
        let text = draft.to_toml();
        let policy = Policy::parse("p", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        for (environment, reference, reason) in [
            ("prod", "vault+prod://kv/db#other", Reason::Listed),
            ("prod", "aws-sm://ca", Reason::Shared),
            ("dev", "aws-sm://ca", Reason::Shared),
            ("empty.env", "aws-sm://ca", Reason::NotListed),
            ("dev", "op://My Vault/a\"b/c", Reason::Listed),
            ("dev", "vault+prod://kv/db", Reason::NotListed),
        ] {
            let reference = reference.parse().unwrap();
            assert_eq!(
                policy
                    .decide(&Request::open(Some(environment), &reference))
                    .reason,
                reason,
                "{reference}\n{text}"
            );
        }
        assert_eq!(
            policy
                .environment_of("live/dev/a.tf")
                .unwrap()
                .environment
                .name(),
            "dev"
        );
        assert!(text.contains("used by dev and prod when"), "{text}");
    }
}
