//! Every report that has a schema is valid against it, with names and texts that are hard to write.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

mod support;

fn schema(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/schemas").join(name)
}

/// A tree with findings of every severity, an odd file name and a file that cannot be linted.
fn tree() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &[u8]| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "live/a & b <\"ü\">/main.tf",
        b"provider \"postgresql\" {\n  password = \"plum-Anchor-4471\"\n}\n",
    );
    write(
        "note.tf",
        b"provider \"postgresql\" {\n  password = \"changeme\"\n}\nresource \"x\" {\n",
    );
    write("binary.tf", b"\0\x01\x02");
    folder
}

fn report(folder: &Path, format: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_secretlint"))
        .current_dir(folder)
        .args(["--format", format])
        .output()
        .unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("plum-Anchor"), "{format} shows a secret");
    text
}

fn assert_valid_json(format: &str, schema_file: &str) {
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(schema(schema_file)).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let folder = tree();
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("main.tf"), "locals {}\n").unwrap();
    for folder in [folder.path(), empty.path()] {
        let report: Value = serde_json::from_str(&report(folder, format)).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&report)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{format}: {errors:#?}");
    }
    assert!(
        !validator.is_valid(&serde_json::json!([{}])),
        "the schema refuses nothing"
    );
}

#[test]
fn gitlab_secret_detection_is_valid() {
    assert_valid_json("gitlab-secret-detection", "gitlab-secret-detection.json");
}

#[test]
fn gitlab_code_quality_is_valid() {
    assert_valid_json("gitlab-codequality", "gitlab-code-quality.json");
}

/// Prints what is wrong with each document; the last one must be wrong.
const VALIDATE: &str = "\
import sys, xmlschema
schema = xmlschema.XMLSchema(sys.argv[1])
for path in sys.argv[2:]:
    print(path, [str(error.reason) for error in schema.iter_errors(path)])
";

#[test]
fn junit_and_checkstyle_are_valid() {
    let package = support::python_package("xmlschema==4.3.2");
    let reports = tempfile::tempdir().unwrap();
    let folder = tree();
    let empty = tempfile::tempdir().unwrap();
    std::fs::write(empty.path().join("main.tf"), "locals {}\n").unwrap();
    for (format, root) in [("junit", "testsuites"), ("checkstyle", "checkstyle")] {
        let paths = ["full", "empty", "wrong"]
            .map(|name| reports.path().join(format!("{format}-{name}.xml")));
        std::fs::write(&paths[0], report(folder.path(), format)).unwrap();
        std::fs::write(&paths[1], report(empty.path(), format)).unwrap();
        std::fs::write(&paths[2], format!("<{root}><unknown/></{root}>")).unwrap();
        let output = Command::new("python3")
            .env("PYTHONPATH", &package)
            .args(["-c", VALIDATE])
            .arg(schema(&format!("{format}.xsd")))
            .args(&paths)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let said = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = said.lines().collect();
        assert!(
            lines[0].ends_with(" []") && lines[1].ends_with(" []"),
            "{said}"
        );
        assert!(
            !lines[2].ends_with(" []"),
            "the schema refuses nothing: {said}"
        );
    }
}
