//! Both programs' command lines, from outside: every `tests/cli/*.toml` is one case, no Rust needed.
//!
//! A case lays out `[files]` in an empty folder and runs its `[[run]]` entries in order. Each entry says
//! what to run and what must come out; see `Run`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use e2e::sandbox::Installation;
use e2e::{Outcome, Sandbox};
use serde::Deserialize;

#[cfg(unix)]
#[path = "cli/consumers.rs"]
mod consumers;
#[cfg(unix)]
#[path = "cli/run.rs"]
mod run;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Case {
    /// Path below the case's folder, and text.
    #[serde(default)]
    files: BTreeMap<String, String>,
    run: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Run {
    /// `secretlint` or `provider`.
    #[serde(default = "linter")]
    program: String,
    #[serde(default)]
    args: Vec<String>,
    /// Fed to standard input, which is closed afterwards.
    #[serde(default)]
    stdin: String,
    /// Where to run, below the case's folder.
    #[serde(default)]
    folder: String,
    exit: i32,
    /// Exact standard output.
    stdout: Option<String>,
    /// Texts that standard output holds.
    #[serde(default)]
    stdout_has: Vec<String>,
    /// Texts that standard error holds.
    #[serde(default)]
    stderr_has: Vec<String>,
    /// Texts that neither stream holds.
    #[serde(default)]
    lacks: Vec<String>,
}

fn linter() -> String {
    "secretlint".into()
}

#[test]
fn every_case_behaves_as_written() {
    let folder = e2e::binaries::workspace_root().join("tests/cli");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no cases");
    let failures: Vec<_> = paths.iter().flat_map(|path| failures_of(path)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn failures_of(path: &Path) -> Vec<String> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let text = std::fs::read_to_string(path).unwrap();
    let case: Case = toml::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    for (file, text) in &case.files {
        sandbox.write(file, text).unwrap();
    }
    let mut failures = Vec::new();
    for (index, run) in case.run.iter().enumerate() {
        let outcome = start(&sandbox, run);
        for complaint in complaints(run, &outcome) {
            failures.push(format!(
                "{name}, run {}: `{}`: {complaint}\n--- stdout\n{}--- stderr\n{}",
                index + 1,
                outcome.command,
                outcome.stdout,
                outcome.stderr
            ));
        }
    }
    failures
}

fn start(sandbox: &Sandbox, run: &Run) -> Outcome {
    let folder = sandbox.project().join(&run.folder);
    let args: Vec<_> = run.args.iter().map(String::as_str).collect();
    match run.program.as_str() {
        "secretlint" => sandbox.secretlint(&folder, &args, &run.stdin),
        "provider" => sandbox.provider(&folder, &args, &run.stdin),
        other => panic!("unknown program `{other}`"),
    }
    .unwrap()
}

fn complaints(run: &Run, outcome: &Outcome) -> Vec<String> {
    let mut found = Vec::new();
    if outcome.status.code() != Some(run.exit) {
        found.push(format!(
            "{}, expected exit code {}",
            outcome.status, run.exit
        ));
    }
    if let Some(expected) = &run.stdout
        && outcome.stdout != *expected
    {
        found.push(format!("standard output is not\n{expected}"));
    }
    for (stream, text, wanted) in [
        ("standard output", &outcome.stdout, &run.stdout_has),
        ("standard error", &outcome.stderr, &run.stderr_has),
    ] {
        for part in wanted.iter().filter(|part| !text.contains(part.as_str())) {
            found.push(format!("{stream} lacks `{part}`"));
        }
    }
    for part in run
        .lacks
        .iter()
        .filter(|part| outcome.text().contains(part.as_str()))
    {
        found.push(format!("the output holds `{part}`"));
    }
    found
}
