//! The linter on input that is hostile, broken or huge: a clear answer, no crash, bounded memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use e2e::sandbox::Installation;
use e2e::{Outcome, Sandbox};

const LEAK: &str =
    "resource \"aws_db_instance\" \"main\" {\n  password = \"plum-Anchor-4471\"\n}\n";

fn lint(sandbox: &Sandbox, path: &str) -> Outcome {
    sandbox
        .secretlint(&sandbox.project(), &["--format", "short", path], "")
        .unwrap()
}

fn assert_found(outcome: &Outcome, place: &str) {
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.text());
    assert!(outcome.stdout.contains(place), "{}", outcome.text());
    assert!(
        !outcome.text().contains("plum-Anchor"),
        "the value is masked"
    );
}

#[test]
fn deep_nesting_is_reported_and_the_rest_is_linted() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    let nested = format!(
        "locals {{\n  x = {}{}\n}}\n{LEAK}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    sandbox.write("main.tf", &nested).unwrap();
    let outcome = lint(&sandbox, "main.tf");
    assert_found(&outcome, "main.tf:5:14: error[hardcoded-secret]");
    assert!(
        outcome
            .stdout
            .contains("main.tf:2:262: warning[syntax-error]"),
        "{}",
        outcome.text()
    );
}

#[cfg(unix)]
#[test]
fn circles_of_links_end() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    sandbox.write("stack/main.tf", LEAK).unwrap();
    let stack = sandbox.project().join("stack");
    std::os::unix::fs::symlink(".", stack.join("self")).unwrap();
    std::os::unix::fs::symlink("../stack", stack.join("again")).unwrap();
    let outcome = lint(&sandbox, ".");
    assert_found(&outcome, "stack/main.tf:2:14: error[hardcoded-secret]");
    assert_eq!(
        outcome.stdout.matches("hardcoded-secret").count(),
        1,
        "{}",
        outcome.text()
    );
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_named_with_the_reason() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    std::os::unix::fs::symlink("missing", sandbox.project().join("gone.tf")).unwrap();
    let outcome = lint(&sandbox, "gone.tf");
    assert_eq!(outcome.status.code(), Some(2), "{}", outcome.text());
    assert!(
        outcome.stdout.contains("gone.tf: not linted"),
        "{}",
        outcome.text()
    );
}

#[test]
fn a_file_of_100_mb_is_linted_to_its_end() {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    let mut text = String::with_capacity(101 << 20);
    let mut lines = 0;
    for index in 0.. {
        if text.len() >= 100 << 20 {
            break;
        }
        let filler = "ordinary text without any secret in it, ".repeat(100);
        writeln!(
            text,
            "resource \"terraform_data\" \"r{index}\" {{\n  input = \"{filler}\"\n}}"
        )
        .unwrap();
        lines += 3;
    }
    text.push_str(LEAK);
    sandbox.write("big.tf", &text).unwrap();
    let place = format!("big.tf:{}:14: error[hardcoded-secret]", lines + 2);
    assert_found(&lint(&sandbox, "big.tf"), &place);
}
