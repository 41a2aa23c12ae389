//! The examples that the documentation pages quote are configurations that Terraform accepts.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use e2e::Sandbox;
use e2e::binaries::workspace_root;
use e2e::sandbox::Installation;

const KINDS: [&str; 6] = [
    "actions",
    "data-sources",
    "ephemeral-resources",
    "functions",
    "list-resources",
    "resources",
];

const REQUIREMENT: &str = "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n";

/// The folders in `folder`.
fn folders(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect()
}

#[test]
fn every_quoted_example_is_valid_and_formatted() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    let examples = workspace_root().join("examples");
    let mut all = vec![examples.join("provider")];
    all.extend(KINDS.iter().flat_map(|kind| folders(&examples.join(kind))));
    assert!(all.len() > KINDS.len(), "the examples were not found");
    for example in all {
        let name = example.strip_prefix(&examples).unwrap().to_str().unwrap();
        let copy = sandbox.copy_example(name).unwrap();
        if name != "provider" {
            std::fs::write(copy.join("requirement.tf"), REQUIREMENT).unwrap();
        }
        for arguments in [&["fmt", "-check", "-diff"][..], &["validate", "-no-color"]] {
            sandbox
                .terraform(&copy, arguments)
                .unwrap()
                .expect_code(0)
                .unwrap();
        }
    }
}

#[test]
fn the_examples_that_need_no_download_are_valid() {
    let sandbox = Sandbox::new(Installation::Mirror).unwrap();
    for stack in ["leaky", "secure"] {
        let copied = sandbox.copy_example(stack).unwrap();
        for environment in ["dev", "staging", "prod"] {
            let service = copied.join("live").join(environment).join("service");
            for arguments in [&["init", "-no-color"][..], &["validate", "-no-color"]] {
                sandbox
                    .terraform(&service, arguments)
                    .unwrap()
                    .expect_code(0)
                    .unwrap();
            }
        }
    }
}
