//! `secretlint --history` over real repositories made with `git`, in folders of their own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SECRET: &str = "plum-Anchor-4471";

struct Repository {
    folder: tempfile::TempDir,
    commits: u32,
}

impl Repository {
    fn new() -> Self {
        let repository = Self {
            folder: tempfile::tempdir().unwrap(),
            commits: 0,
        };
        repository.git(&["init", "-q", "-b", "main"]);
        repository
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Commits everything there is; returns the id.
    fn commit(&mut self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.commits += 1;
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn git(&self, arguments: &[&str]) -> String {
        let day = format!("2024-01-{:02}T00:00:00Z", self.commits.max(1));
        git_in(self.root(), arguments, &day)
    }

    fn lint(&self, arguments: &[&str]) -> Output {
        secretlint(self.root(), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        json(self.root(), arguments)
    }
}

fn git_in(folder: &Path, arguments: &[&str], day: &str) -> String {
    let done = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.com"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_AUTHOR_DATE", day)
        .env("GIT_COMMITTER_DATE", day)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

fn secretlint(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_secretlint"))
        .current_dir(folder)
        .arg("--history")
        .args(arguments)
        .output()
        .unwrap();
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let all = String::from_utf8_lossy(&all).into_owned();
    assert!(!all.contains(SECRET), "a secret is shown: {all}");
    output
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = secretlint(folder, &[&["--format", "json"], arguments].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stderr));
    })
}

fn provider(password: &str) -> String {
    format!("provider \"postgresql\" {{\n  password = \"{password}\"\n}}\n")
}

/// `path rule commit`, one a finding.
fn places(report: &Value) -> Vec<(String, String)> {
    let findings = report["findings"].as_array().unwrap();
    let place = |finding: &Value| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&finding["path"]), text(&finding["commit"]["id"]))
    };
    findings.iter().map(place).collect()
}

#[test]
fn a_secret_that_was_removed_is_found_once_at_its_first_commit() {
    let mut repository = Repository::new();
    repository.write("live/main.tf", "locals {}\n");
    repository.commit("start");
    repository.write("live/main.tf", &provider(SECRET));
    let leaked = repository.commit("leak");
    // The same blob with a neighbour, then another blob with the same secret, then gone.
    repository.write("live/other.tf", "locals {}\n# other\n");
    repository.commit("neighbour");
    repository.write(
        "live/main.tf",
        &format!("# moved down\n{}", provider(SECRET)),
    );
    repository.commit("edit");
    repository.write("live/main.tf", "locals {}\n");
    repository.commit("removed");

    let report = repository.json(&[]);
    assert_eq!(
        places(&report),
        [("live/main.tf".to_owned(), leaked.clone())]
    );
    let finding = &report["findings"][0];
    assert_eq!(finding["rule"], "provider-static-credential");
    assert_eq!(finding["commit"]["author"], "Ada");
    assert_eq!(finding["commit"]["time"], "2024-01-02T00:00:00Z");
    assert_eq!(finding["start"]["line"], 2);
    let message = finding["message"].as_str().unwrap();
    assert!(message.contains(&leaked[..10]), "{message}");
    // `locals {}` is one blob in three commits: each blob is read once.
    assert_eq!(report["summary"]["files"], 4);
    assert_eq!(report["summary"]["commits"], 5);

    let human = repository.lint(&[]);
    assert_eq!(human.status.code(), Some(1));
    let text = String::from_utf8(human.stdout).unwrap();
    assert!(
        text.contains("live/main.tf:2:14") && text.contains(&leaked[..10]),
        "{text}"
    );
    assert!(text.contains("4 files of 5 commits"), "{text}");
}

#[test]
fn every_value_an_argument_had_is_a_finding_of_its_own() {
    let mut repository = Repository::new();
    for password in [SECRET, "walnut-Tram-9134", SECRET] {
        repository.write("main.tf", &provider(password));
        repository.commit("rotate");
    }
    let report = repository.json(&[]);
    let findings = report["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 2, "{findings:#?}");
    assert_ne!(findings[0]["fingerprint"], findings[1]["fingerprint"]);
    // The oldest one is known by what the tree knew it by.
    let tree = Command::new(env!("CARGO_BIN_EXE_secretlint"))
        .current_dir(repository.root())
        .args(["--format", "json"])
        .output()
        .unwrap();
    let tree: Value = serde_json::from_slice(&tree.stdout).unwrap();
    assert_eq!(
        tree["findings"][0]["fingerprint"],
        findings[0]["fingerprint"]
    );
}

#[test]
fn branches_merges_tags_and_packs_are_searched() {
    let mut repository = Repository::new();
    repository.write("main.tf", "locals {}\n");
    repository.commit("start");
    repository.git(&["checkout", "-q", "-b", "side"]);
    repository.write("side/main.tf", &provider(SECRET));
    let side = repository.commit("side");
    repository.git(&["rm", "-q", "side/main.tf"]);
    repository.commit("clean side");
    repository.git(&["checkout", "-q", "main"]);
    repository.write("trunk.tf", "locals {}\n# trunk\n");
    repository.commit("trunk");
    repository.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    repository.git(&["branch", "-q", "-D", "side"]);
    // Only a tag knows this commit.
    repository.git(&["checkout", "-q", "--detach"]);
    repository.write("tagged.tf", &provider("walnut-Tram-9134"));
    let tagged = repository.commit("tagged");
    repository.git(&["tag", "-a", "-m", "v1", "v1"]);
    repository.git(&["checkout", "-q", "main"]);

    let expected = [
        ("side/main.tf".to_owned(), side),
        ("tagged.tf".to_owned(), tagged),
    ];
    let loose = repository.lint(&["--format", "json"]).stdout;
    let report: Value = serde_json::from_slice(&loose).unwrap();
    assert_eq!(places(&report), expected);
    repository.git(&["gc", "-q", "--aggressive", "--prune=now"]);
    assert!(
        !repository.root().join(".git/refs/tags/v1").exists(),
        "packed"
    );
    for threads in ["1", "2", "8"] {
        let packed = repository
            .lint(&["--format", "json", "--threads", threads])
            .stdout;
        assert_eq!(
            String::from_utf8_lossy(&packed),
            String::from_utf8_lossy(&loose)
        );
    }
}

#[test]
fn paths_and_revisions_limit_what_is_searched() {
    let mut repository = Repository::new();
    repository.write("a/main.tf", &provider(SECRET));
    let first = repository.commit("a");
    repository.write("b/main.tf", &provider("walnut-Tram-9134"));
    let second = repository.commit("b");
    repository.write(
        ".terraform/modules/x/main.tf",
        &provider("copied-Rope-5582"),
    );
    repository.write(".terraform.lock.hcl", "# lock\n");
    repository.write("notes.md", SECRET);
    repository.commit("never looked at");

    let of = |arguments: &[&str]| places(&repository.json(arguments));
    let a = ("a/main.tf".to_owned(), first.clone());
    let b = ("b/main.tf".to_owned(), second);
    assert_eq!(of(&[]), [a.clone(), b.clone()]);
    assert_eq!(of(&["a"]), [a]);
    assert_eq!(of(&["--since", &first]), std::slice::from_ref(&b));
    // From a folder, paths are those seen from there.
    let below = json(&repository.root().join("b"), &[]);
    assert_eq!(places(&below), [("main.tf".to_owned(), b.1)]);
    repository.write("secretlint.toml", "[files]\nexclude = [\"b\"]\n");
    assert_eq!(of(&[]).len(), 1);
}

#[test]
fn comments_and_the_baseline_accept_what_is_in_the_history() {
    let mut repository = Repository::new();
    repository.write("main.tf", &provider(SECRET));
    repository.write("other.tf", &provider("walnut-Tram-9134"));
    repository.commit("leak");
    let accepted = provider(SECRET).replace(
        "  password",
        "  # secretlint: allow provider-static-credential reason=\"rotated\"\n  password",
    );
    repository.write("main.tf", &accepted);
    repository.commit("accept");
    // The younger occurrence has the comment; syntax and left-over comments are no matter of history.
    let report = repository.json(&[]);
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    assert_eq!(report["suppressed"][0]["suppression"]["reason"], "rotated");

    std::fs::remove_file(repository.root().join("other.tf")).unwrap();
    repository.commit("remove");
    let baseline = Command::new(env!("CARGO_BIN_EXE_secretlint"))
        .current_dir(repository.root())
        .args(["baseline", "update", "--history"])
        .output()
        .unwrap();
    assert!(baseline.status.success());
    let accepted = repository.lint(&["--baseline", ".secretlint-baseline.json"]);
    assert_eq!(
        accepted.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&accepted.stdout)
    );
    repository.write("main.tf", &provider("another-Boat-2207"));
    repository.commit("new leak");
    let new = repository.lint(&["--baseline", ".secretlint-baseline.json"]);
    assert_eq!(new.status.code(), Some(1));
}

#[test]
fn shallow_and_bare_clones_are_searched_as_far_as_they_go() {
    let mut repository = Repository::new();
    repository.write("old.tf", &provider("walnut-Tram-9134"));
    repository.commit("old");
    repository.git(&["rm", "-q", "old.tf"]);
    repository.write("new.tf", &provider(SECRET));
    let new = repository.commit("new");
    let clones = tempfile::tempdir().unwrap();
    let source = format!("file://{}", repository.root().display());
    let day = "2024-02-01T00:00:00Z";
    git_in(
        clones.path(),
        &["clone", "-q", "--depth", "1", &source, "shallow"],
        day,
    );
    git_in(
        clones.path(),
        &["clone", "-q", "--bare", &source, "bare.git"],
        day,
    );

    let shallow = clones.path().join("shallow");
    let output = secretlint(&shallow, &["--format", "json"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("shallow") && said.contains("--unshallow"),
        "{said}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(places(&report), [("new.tf".to_owned(), new)]);
    assert_eq!(places(&json(&clones.path().join("bare.git"), &[])).len(), 2);
}

#[test]
fn what_is_no_repository_or_has_no_commits_is_said() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("main.tf"), "").unwrap();
    let outside = secretlint(folder.path(), &[]);
    assert_eq!(outside.status.code(), Some(2));
    let said = String::from_utf8(outside.stderr).unwrap();
    assert!(said.contains("is in no repository"), "{said}");

    let empty = Repository::new();
    let output = empty.lint(&[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("has no commits yet"), "{said}");

    let unknown = empty.lint(&["--since", "no-such-branch"]);
    assert_eq!(unknown.status.code(), Some(2));
    let stdin = empty.lint(&["-"]);
    assert_eq!(stdin.status.code(), Some(2));
}

#[test]
fn other_formats_carry_the_commit() {
    let mut repository = Repository::new();
    repository.write("main.tf", &provider(SECRET));
    let id = repository.commit("leak");
    let sarif = repository.lint(&["--format", "sarif"]).stdout;
    let sarif: Value = serde_json::from_slice(&sarif).unwrap();
    assert_eq!(
        sarif["runs"][0]["results"][0]["properties"]["commit"]["id"],
        id
    );
    let gitlab = repository
        .lint(&["--format", "gitlab-secret-detection"])
        .stdout;
    let gitlab: Value = serde_json::from_slice(&gitlab).unwrap();
    assert_eq!(
        gitlab["vulnerabilities"][0]["location"]["commit"]["sha"],
        id
    );
    for format in [
        "short",
        "github",
        "junit",
        "checkstyle",
        "html",
        "gitlab-codequality",
    ] {
        let text = repository.lint(&["--format", format]).stdout;
        assert!(
            String::from_utf8_lossy(&text).contains(&id[..10]),
            "{format}"
        );
    }
}
