//! `categories.json` says for the accuracy scorer which rule counts for which category of labels.

use std::collections::BTreeMap;

/// Rules of the engine itself.
const OWN: &[&str] = &[
    "invalid-config",
    "invalid-suppression",
    "syntax-error",
    "unused-suppression",
];

fn categories() -> Result<BTreeMap<String, String>, serde_json::Error> {
    serde_json::from_str(include_str!("categories.json"))
}

#[test]
fn every_semantic_rule_has_a_category() -> Result<(), serde_json::Error> {
    let categories = categories()?;
    for meta in secretlint_rules::semantic::RULES
        .iter()
        .flat_map(|rule| rule.metas())
    {
        assert!(
            categories.contains_key(&*meta.id),
            "{} has no category",
            meta.id
        );
    }
    Ok(())
}

#[test]
fn every_category_names_a_rule() -> Result<(), serde_json::Error> {
    let rules = secretlint_rules::rules();
    let known = |id: &str| {
        rules
            .iter()
            .flat_map(|rule| rule.metas())
            .any(|meta| meta.id == id)
    };
    for id in categories()?.keys().filter(|id| *id != "*") {
        assert!(known(id) || OWN.contains(&&**id), "{id} is no rule");
    }
    Ok(())
}
