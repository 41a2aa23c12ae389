//! Guards the promises that hold between crates: dependencies run one way, and what the documents
//! name exists.

use std::collections::BTreeMap;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Every edge between crates of the workspace that is allowed. `plugin -> framework -> protocol`,
/// `plugin -> stores -> policy`, `cli -> lsp -> engine -> catalogue -> core -> {syntax, policy}`;
/// `secret-value` is the leaf that holds the one secret type.
const ALLOWED: &[(&str, &[&str])] = &[
    ("e2e", &[]),
    ("hcl-syntax", &[]),
    ("secret-policy", &[]),
    ("secret-stores", &["secret-policy", "secret-value"]),
    ("secret-value", &[]),
    (
        "secretlint",
        &[
            "secret-policy",
            "secretlint-core",
            "secretlint-engine",
            "secretlint-lsp",
            "secretlint-rules",
        ],
    ),
    ("secretlint-core", &["hcl-syntax", "secret-policy"]),
    (
        "secretlint-engine",
        &[
            "hcl-syntax",
            "secret-policy",
            "secretlint-core",
            "secretlint-rules",
        ],
    ),
    (
        "secretlint-lsp",
        &[
            "secret-policy",
            "secretlint-core",
            "secretlint-engine",
            "secretlint-rules",
        ],
    ),
    (
        "secretlint-rules",
        &["hcl-syntax", "secret-policy", "secretlint-core"],
    ),
    (
        "terraform-provider-secretref",
        &[
            "secret-policy",
            "secret-stores",
            "secret-value",
            "tf-framework",
            "tfplugin",
        ],
    ),
    ("tf-framework", &["secret-value", "tfplugin"]),
    ("tfplugin", &["secret-value"]),
];

fn edges() -> anyhow::Result<BTreeMap<String, Vec<String>>> {
    let metadata = MetadataCommand::new()
        .manifest_path(e2e::binaries::workspace_root().join("Cargo.toml"))
        .no_deps()
        .exec()?;
    let ours: Vec<_> = metadata
        .packages
        .iter()
        .map(|p| p.name.to_string())
        .collect();
    let edges = metadata
        .packages
        .iter()
        .map(|package| {
            let mut to: Vec<_> = package
                .dependencies
                .iter()
                .filter(|d| d.kind != DependencyKind::Development && ours.contains(&d.name))
                .map(|d| d.name.clone())
                .collect();
            to.sort();
            (package.name.to_string(), to)
        })
        .collect();
    Ok(edges)
}

#[test]
fn dependencies_between_crates_run_one_way() {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for (from, to) in edges().unwrap() {
        let Some(allowed) = allowed.get(from.as_str()) else {
            wrong.push(format!("{from}: not in the table of crates"));
            continue;
        };
        for name in to.iter().filter(|name| !allowed.contains(&name.as_str())) {
            wrong.push(format!("{from} -> {name}"));
        }
    }
    assert!(wrong.is_empty(), "edges that are not allowed: {wrong:#?}");
}

#[test]
fn the_table_of_crates_is_sorted() {
    assert!(ALLOWED.is_sorted_by_key(|(name, _)| name));
    assert!(ALLOWED.iter().all(|(_, to)| to.is_sorted()));
}

#[test]
fn paths_named_in_the_documents_exist() {
    let root = e2e::binaries::workspace_root();
    let mut missing = Vec::new();
    for document in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for path in named_paths(&text) {
            if !root.join(path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "documents name paths that do not exist: {missing:#?}"
    );
}

/// Code spans that look like paths of this repository.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    const TOP: &[&str] = &[
        "provider/",
        "linter/",
        "rules/",
        "examples/",
        "tests/",
        "docs/",
        ".ci/",
    ];
    text.split('`')
        .skip(1)
        .step_by(2)
        .filter(|span| TOP.iter().any(|top| span.starts_with(top)))
        .filter(|span| !span.contains(['<', '*', '{', ' ']))
        .map(|span| span.split('#').next().unwrap_or(span))
}

#[test]
fn named_paths_are_recognised() {
    let text = "See `linter/core/src/rule.rs`, `cargo demo` and `rules/<vendor>.toml`.";
    assert_eq!(
        named_paths(text).collect::<Vec<_>>(),
        ["linter/core/src/rule.rs"]
    );
}
