//! Self-checks of the shipped patterns: their data is in order and their examples do what they say.

#![expect(
    clippy::unwrap_used,
    reason = "an example that does not expand fails the test"
)]

use std::collections::BTreeSet;

use secretlint_core::Rule as _;
use secretlint_rules::patterns::{Catalogue, builtin, builtin_rule, expand_example, test_examples};

fn examples(catalogue: &Catalogue) -> Vec<(&str, String)> {
    catalogue
        .patterns()
        .iter()
        .flat_map(|pattern| {
            pattern
                .matches
                .iter()
                .map(|example| (pattern.id.as_ref(), example))
        })
        .map(|(id, example)| (id, expand_example(example).unwrap()))
        .collect()
}

#[test]
fn every_example_does_what_its_list_says() {
    let failures: Vec<String> = test_examples(builtin())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn ids_are_unique_and_sorted_and_have_a_meta_each() {
    let ids: Vec<&str> = builtin()
        .patterns()
        .iter()
        .map(|pattern| pattern.id.as_ref())
        .collect();
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(
        ids,
        builtin_rule()
            .metas()
            .iter()
            .map(|meta| meta.id.as_ref())
            .collect::<Vec<_>>()
    );
    assert!(
        ids.iter()
            .all(|id| builtin().get(id).is_some_and(|pattern| pattern.id == *id))
    );
}

#[test]
fn every_match_example_contains_a_keyword() {
    for pattern in builtin().patterns() {
        for example in pattern.matches.iter() {
            let text = expand_example(example).unwrap().to_ascii_lowercase();
            assert!(
                pattern
                    .keywords
                    .iter()
                    .any(|word| text.contains(word.as_ref())),
                "{}: {example}",
                pattern.id
            );
        }
    }
}

#[test]
fn no_pattern_reports_the_example_of_another() {
    let mut wrong = Vec::new();
    for (id, text) in examples(builtin()) {
        let found: BTreeSet<_> = builtin()
            .scan(&text)
            .iter()
            .map(|found| found.pattern.id.clone())
            .collect();
        if found.len() != 1 || !found.contains(id) {
            wrong.push(format!("example of `{id}` is reported as {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn overlaps_name_patterns_that_exist() {
    for pattern in builtin().patterns() {
        for other in pattern.overlaps.iter() {
            assert!(builtin().get(other).is_some(), "{}: {other}", pattern.id);
        }
    }
}

#[test]
fn every_pattern_explains_itself() {
    for pattern in builtin().patterns() {
        assert!(
            !pattern.why.is_empty() && !pattern.help.is_empty(),
            "{}",
            pattern.id
        );
        assert!(!pattern.references.is_empty(), "{}", pattern.id);
        assert!(
            pattern
                .references
                .iter()
                .all(|link| link.starts_with("https://")),
            "{}",
            pattern.id
        );
    }
}
