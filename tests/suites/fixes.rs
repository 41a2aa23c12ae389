//! `secretlint fix` on realistic stacks, judged by a real Terraform: what comes out is formatted, valid,
//! keeps every comment, and a second run changes nothing.
//!
//! The judge of AWS stacks is the real provider, hashicorp/aws, wherever it can be had: from the mirror of
//! the user's own Terraform configuration, from the one that `SECRETREF_TEST_MIRROR` names, or from the
//! public registry. Else, and for the other providers, a provider of this repository stands in that has
//! their schemas: see `examples/stand_in.rs`. Which judge spoke is printed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::print_stderr, reason = "says which judge was used")]

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::binaries::workspace_root;
use e2e::judge::Judge;
use e2e::sandbox::Installation;
use e2e::{Outcome, Sandbox};

/// A stack of `suites/fixes/stacks/` in a repository of its own, everything committed.
struct Stack {
    sandbox: Sandbox,
    name: &'static str,
}

impl Stack {
    fn new(name: &'static str) -> Self {
        let sandbox = Sandbox::new(Installation::Mirror).unwrap();
        let stack = Self { sandbox, name };
        let from = workspace_root()
            .join("tests/suites/fixes/stacks")
            .join(name);
        for (path, text) in files(&from) {
            stack.sandbox.write(&path, &text).unwrap();
        }
        for arguments in [
            &["init", "-q"][..],
            &["add", "."],
            &["commit", "-qm", "first"],
        ] {
            stack.git(arguments);
        }
        stack
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.project()
    }

    fn git(&self, arguments: &[&str]) {
        let done = Command::new("git")
            .current_dir(self.folder())
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "git {arguments:?}: {done:?}");
    }

    fn lint(&self, arguments: &[&str]) -> Outcome {
        self.sandbox
            .secretlint(&self.folder(), arguments, "")
            .unwrap()
    }

    /// Every file with its text.
    fn texts(&self) -> Vec<(String, String)> {
        files(&self.folder())
    }

    fn all_text(&self) -> String {
        self.texts().into_iter().map(|(_, text)| text).collect()
    }

    /// Fixes everything there is and checks what must hold for every stack.
    fn fix(&self) -> Outcome {
        let before = self.texts();
        let shown = self.lint(&["fix", "--unsafe", "--diff"]);
        assert_eq!(self.texts(), before, "--diff writes nothing");
        let fixed = self.lint(&["fix", "--unsafe"]);
        let after = self.texts();
        assert_ne!(after, before, "{}", fixed.text());
        let lost: Vec<_> = comments(&before)
            .into_iter()
            .filter(|comment| !comments(&after).contains(comment))
            .collect();
        assert!(lost.is_empty(), "comments are lost: {lost:?}");
        for secret in SECRETS {
            assert!(!shown.text().contains(secret), "{}", shown.text());
            assert!(!fixed.text().contains(secret), "{}", fixed.text());
        }
        let again = self.lint(&["fix", "--unsafe", "--allow-dirty"]);
        assert_eq!(self.texts(), after, "{}", again.text());
        let formatted = self
            .sandbox
            .terraform(&self.folder(), &["fmt", "-check", "-recursive", "-diff"])
            .unwrap();
        assert!(formatted.status.success(), "{}", formatted.text());
        fixed
    }

    /// Asks the judge.
    fn validate(&self, judge: &Judge) {
        judge.install(&self.sandbox).unwrap();
        for arguments in [
            &["init", "-backend=false", "-input=false", "-no-color"][..],
            &["validate", "-no-color"],
        ] {
            let outcome = self.sandbox.terraform(&self.folder(), arguments).unwrap();
            assert!(
                outcome.status.success(),
                "{} with {}:\n{}\n{}",
                self.name,
                judge.description(),
                outcome.text(),
                self.all_text()
            );
        }
        eprintln!("{}: valid, judged by {}", self.name, judge.description());
    }
}

/// Literals of the stacks, which no output may show.
const SECRETS: &[&str] = &[
    "Hq72kks8-plum",
    "c29tZS1yYW5kb20-9f8e7d6c5b4a",
    "kT9vXmP4wLq8RzN2cYd7HsJb5GfUeA1oVi3MxQ0y",
    "Wq8-velvet-River9",
];

fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let relative = path.strip_prefix(folder).unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((relative.to_string_lossy().into_owned(), text));
            }
        }
    }
    found.sort();
    found
}

fn comments(texts: &[(String, String)]) -> Vec<String> {
    let lines = texts.iter().flat_map(|(_, text)| text.lines());
    lines
        .filter_map(|line| line.split_once("# ").map(|(_, comment)| comment.to_owned()))
        .collect()
}

#[test]
fn a_database_and_a_service_on_aws() {
    let stack = Stack::new("aws");
    stack.fix();
    let text = stack.all_text();
    for part in [
        "ephemeral \"aws_secretsmanager_secret_version\" \"database\"",
        "jsondecode(ephemeral.aws_secretsmanager_secret_version.database.secret_string)",
        "ref      = \"aws-ssm://prod/app/api_token\"",
        "ephemeral.secretref_value.token.value",
        "password_wo         = local.database[\"password\"] # Rotated monthly.",
        "depends_on = [ephemeral.aws_secretsmanager_secret_version.database]",
        "password       = var.db_password",
        "password       = var.aws_db_instance_archive_password",
    ] {
        assert!(text.contains(part), "lacks `{part}`:\n{text}");
    }
    stack.validate(&Judge::of_aws());
}

#[test]
fn values_that_cross_modules_on_aws() {
    let stack = Stack::new("modules");
    stack.fix();
    let text = stack.all_text();
    assert!(!text.contains("data \""), "{text}");
    assert_eq!(text.matches("ephemeral   = true").count(), 2, "{text}");
    stack.validate(&Judge::of_aws());
}

#[test]
fn azure_google_and_kubernetes() {
    let stack = Stack::new("clouds");
    stack.fix();
    let text = stack.all_text();
    for part in [
        "ephemeral \"azurerm_key_vault_secret\" \"admin\"",
        "administrator_login_password_wo_version = 1",
        "ephemeral \"google_secret_manager_secret_version\" \"database\"",
        "ephemeral \"random_password\" \"generated\"",
        "data_wo_revision = 1",
    ] {
        assert!(text.contains(part), "lacks `{part}`:\n{text}");
    }
    stack.validate(&Judge::stand_ins());
}

#[test]
fn the_stand_in_agrees_with_the_real_provider() {
    let stack = Stack::new("aws");
    stack.fix();
    stack.validate(&Judge::stand_ins());
}

/// The stand-in must be able to refuse.
#[test]
fn the_judge_refuses_what_is_wrong() {
    let sandbox = Sandbox::new(Installation::Mirror).unwrap();
    let stack = Stack {
        sandbox,
        name: "wrong",
    };
    let requires = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n    }\n  }\n}\n";
    let stored = "ephemeral \"aws_secretsmanager_secret_version\" \"x\" {\n  secret_id = \"a\"\n}\nresource \"aws_db_instance\" \"x\" {\n  instance_class = \"db.t3.micro\"\n  password       = ephemeral.aws_secretsmanager_secret_version.x.secret_string\n}\n";
    let unknown = "resource \"aws_db_instance\" \"x\" {\n  instance_class = \"db.t3.micro\"\n  passwort       = \"x\"\n}\n";
    Judge::stand_ins().install(&stack.sandbox).unwrap();
    for (text, complaint) in [
        (stored, "Invalid use of ephemeral value"),
        (unknown, "Unsupported argument"),
    ] {
        stack
            .sandbox
            .write("main.tf", &format!("{requires}{text}"))
            .unwrap();
        let folder = stack.folder();
        let terraform = |arguments: &[&str]| stack.sandbox.terraform(&folder, arguments).unwrap();
        let init = terraform(&["init", "-no-color"]);
        assert!(init.status.success(), "{}", init.text());
        let outcome = terraform(&["validate", "-no-color"]);
        assert!(!outcome.status.success());
        assert!(outcome.text().contains(complaint), "{}", outcome.text());
    }
}

#[test]
fn what_git_could_not_give_back_is_left_alone() {
    let stack = Stack::new("aws");
    let main = std::fs::read_to_string(stack.folder().join("main.tf")).unwrap();
    let edited = main.replace(
        "username          = \"app\"",
        "username          = \"application\"",
    );
    assert_ne!(edited, main);
    // A line that a fix does not touch may be dirty, one that it touches may not.
    let touched = edited.replace(
        "password       = \"Hq72kks8-plum\"",
        "password       = \"Hq72kks8-plum9\"",
    );
    assert_ne!(touched, edited);
    stack.sandbox.write("main.tf", &touched).unwrap();
    stack
        .sandbox
        .write("new.tf", "variable \"api_token\" {}\n")
        .unwrap();
    let outcome = stack.lint(&["fix", "--unsafe"]);
    let text = stack.all_text();
    assert!(text.contains("Hq72kks8-plum9"), "{}", outcome.text());
    assert!(
        text.contains("variable \"api_token\" {}"),
        "{}",
        outcome.text()
    );
    assert!(text.contains("\"application\""));
    assert!(
        outcome
            .stderr
            .contains("has changes that are not committed"),
        "{}",
        outcome.text()
    );
    assert!(
        outcome.stderr.contains("new.tf is not committed"),
        "{}",
        outcome.text()
    );
    let outcome = stack.lint(&["fix", "--unsafe", "--allow-dirty"]);
    let text = stack.all_text();
    assert!(!text.contains("Hq72kks8-plum9"), "{}", outcome.text());
    assert!(
        !text.contains("variable \"api_token\" {}"),
        "{}",
        outcome.text()
    );
}

#[test]
fn a_value_that_is_in_no_commit_is_not_deleted() {
    let sandbox = Sandbox::new(Installation::Mirror).unwrap();
    let leak = "resource \"aws_db_instance\" \"x\" {\n  password = \"Hq72kks8-plum\"\n}\n\nvariable \"api_token\" {}\n";
    sandbox.write("main.tf", leak).unwrap();
    let stack = Stack {
        sandbox,
        name: "alone",
    };
    let outcome = stack.lint(&["fix", "--unsafe"]);
    let text = stack.all_text();
    assert!(text.contains("Hq72kks8-plum"), "{}", outcome.text());
    assert!(
        text.contains("sensitive = true"),
        "other fixes are applied: {text}"
    );
    assert!(
        outcome.stderr.contains("would be lost"),
        "{}",
        outcome.text()
    );
    assert!(
        outcome
            .stderr
            .contains("store set 'local://default/aws_db_instance/x#password'")
    );
    assert!(!outcome.text().contains("Hq72kks8"), "{}", outcome.text());
    let outcome = stack.lint(&["fix", "--unsafe", "--allow-dirty"]);
    assert!(
        !stack.all_text().contains("Hq72kks8-plum"),
        "{}",
        outcome.text()
    );
}

#[test]
fn windows_line_ends_tabs_and_a_missing_last_newline_stay() {
    let sandbox = Sandbox::new(Installation::Mirror).unwrap();
    let before = "variable \"db_password\" {\r\n\ttype = string\r\n}\r\noutput \"password\" {\r\n\tvalue = var.db_password\r\n}";
    sandbox.write("main.tf", before).unwrap();
    let stack = Stack {
        sandbox,
        name: "crlf",
    };
    stack.lint(&["fix", "--unsafe"]);
    let after = stack.all_text();
    assert_eq!(
        after,
        "variable \"db_password\" {\r\n\ttype      = string\r\n\tsensitive = true\r\n}\r\noutput \"password\" {\r\n\tvalue     = var.db_password\r\n\tsensitive = true\r\n}"
    );
}
