//! The guides under `docs/guides` say what the code does.

use secret_policy::convert::{Target, convert};
use secret_policy::policy::CaseOutcome;
use secret_policy::{Policy, RefPattern, Scheme, SecretRef};

fn guide(name: &str) -> String {
    let path = format!("{}/../../docs/guides/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The fenced blocks of a page with this info string.
fn blocks<'a>(page: &'a str, info: &'a str) -> impl Iterator<Item = &'a str> {
    page.split("```")
        .skip(1)
        .step_by(2)
        .filter_map(move |block| block.strip_prefix(info)?.strip_prefix('\n'))
}

/// The cells of every table row whose first cell is code, code marks removed.
fn rows(page: &str) -> impl Iterator<Item = Vec<String>> {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        line.trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().replace('`', ""))
            .collect()
    })
}

#[test]
fn the_example_policy_is_valid_and_passes_its_tests() {
    let page = guide("policy.md");
    let examples: Vec<_> = blocks(&page, "toml").collect();
    assert!(!examples.is_empty());
    for example in examples {
        let policy = Policy::parse("policy.md", example).unwrap_or_else(|error| panic!("{error}"));
        let outcomes = policy.run_tests();
        assert!(
            !outcomes.is_empty() && outcomes.iter().all(CaseOutcome::passed),
            "{outcomes:?}"
        );
    }
}

#[test]
fn the_table_of_patterns_holds_patterns() {
    let page = guide("policy.md");
    let (_, section) = page.split_once("## Patterns").unwrap();
    let patterns: Vec<_> = rows(section).collect();
    assert_eq!(patterns.len(), 3);
    for row in patterns {
        assert!(RefPattern::parse(&row[0]).is_ok(), "{row:?}");
    }
}

#[test]
fn example_references_are_canonical() {
    let page = guide("references.md");
    let examples: Vec<_> = blocks(&page, "")
        .flat_map(str::lines)
        .filter(|line| line.contains("://") && !line.starts_with("ref "))
        .collect();
    assert_eq!(examples.len(), 5);
    for example in examples {
        assert_eq!(
            example
                .parse::<SecretRef>()
                .map(|reference| reference.to_string())
                .as_deref(),
            Ok(example)
        );
    }
}

#[test]
fn the_table_of_schemes_is_complete() {
    let page = guide("references.md");
    let (_, section) = page.split_once("## Schemes").unwrap();
    let (section, _) = section.split_once("\n##").unwrap();
    let mut schemes = Scheme::ALL.into_iter();
    for row in rows(section) {
        let scheme = schemes
            .next()
            .unwrap_or_else(|| panic!("too many rows: {row:?}"));
        assert_eq!(
            (row[0].as_str(), row[1].as_str()),
            (scheme.name(), scheme.path_form())
        );
        for (cell, key) in [(2, "version"), (3, "stage")] {
            let documented = row.get(cell).is_some_and(|cell| cell == "yes");
            assert_eq!(
                documented,
                scheme.query_keys().any(|name| name == key),
                "{row:?}"
            );
        }
    }
    assert_eq!(schemes.next(), None);
}

#[test]
fn what_is_said_to_be_refused_is_refused() {
    let page = guide("references.md");
    let (_, section) = page.split_once("## What is refused").unwrap();
    let (section, conversions) = section.split_once("\n##").unwrap();
    let mut count = 0;
    for row in rows(section) {
        for written in row[0].split(", ") {
            let text = if written.starts_with('?') {
                format!("vault://kv/db{}", written.replace('…', "x"))
            } else {
                written.to_owned()
            };
            assert!(SecretRef::parse(&text).is_err(), "{text}");
            count += 1;
        }
    }
    assert_eq!(count, 10);
    let examples: Vec<_> = conversions
        .lines()
        .filter(|line| line.starts_with("| ") && !line.contains('…'))
        .collect();
    let mut converted = 0;
    for line in examples {
        let cells: Vec<_> = line
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let [_, input, output] = cells[..] else {
            panic!("{line}")
        };
        if output.contains("://") {
            let result = convert(input, &Target::default())
                .unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(result.reference.to_string(), output, "{input}");
            converted += 1;
        }
    }
    assert_eq!(converted, 4);
}
