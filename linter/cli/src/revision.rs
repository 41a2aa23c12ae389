//! What changed, asked of `git`: the files of `--since`, and the texts of `--staged`.
//!
//! Only plumbing commands with NUL-separated output are used, so that every file name is understood.
//! The rest of the tree stays in the run as context: a secret shared between environments is found
//! when one of the two places changes.

use std::path::Path;
use std::process::{Command, Stdio};

use secretlint_core::facts::FileKind;
use secretlint_engine::{TextInput, to_text};

use crate::args::CheckArgs;
use crate::error::CliError;
use crate::settings::Scope;

/// Which files are reported, and texts that differ from what is on disk.
pub(crate) struct Changes {
    /// Display paths.
    pub(crate) paths: Vec<String>,
    /// Staged texts, by display path.
    pub(crate) texts: Vec<TextInput>,
}

impl Changes {
    /// What `args` asks for; `None` when everything is reported.
    pub(crate) fn of(args: &CheckArgs, scope: &Scope) -> Result<Option<Self>, CliError> {
        let repository = Repository { root: &scope.root };
        if args.staged {
            return repository.staged().map(Some);
        }
        let Some(revision) = &args.since else {
            return Ok(None);
        };
        let paths = repository.changed_since(revision)?;
        Ok(Some(Self {
            paths,
            texts: Vec::new(),
        }))
    }
}

struct Repository<'r> {
    root: &'r Path,
}

impl Repository<'_> {
    /// Files that differ from the point where this branch left `revision`, and files git does not
    /// know yet.
    fn changed_since(&self, revision: &str) -> Result<Vec<String>, CliError> {
        let commit = format!("{revision}^{{commit}}");
        let commit = self.line(&["rev-parse", "--verify", "--end-of-options", &commit])?;
        // Unrelated histories have no common point: then everything since the revision counts.
        let base = self
            .line(&["merge-base", &commit, "HEAD"])
            .unwrap_or(commit);
        let diff = [
            "diff",
            "--name-only",
            "-z",
            "--relative",
            "--diff-filter=d",
            &base,
            "--",
        ];
        let mut paths = self.names(&diff)?;
        paths.extend(self.names(&["ls-files", "-z", "--others", "--exclude-standard"])?);
        Ok(paths)
    }

    /// What the next commit would change, as it would be committed.
    fn staged(&self) -> Result<Changes, CliError> {
        let diff = [
            "diff",
            "--cached",
            "--name-only",
            "-z",
            "--relative",
            "--diff-filter=d",
            "--",
        ];
        let mut paths = self.names(&diff)?;
        paths.retain(|path| FileKind::of(path).is_some_and(|kind| !kind.is_beside()));
        let texts = self.staged_texts(&paths)?;
        Ok(Changes { paths, texts })
    }

    fn staged_texts(&self, paths: &[String]) -> Result<Vec<TextInput>, CliError> {
        let mut texts = Vec::with_capacity(paths.len());
        for path in paths {
            let blob = self.run(&["cat-file", "blob", &format!(":./{path}")])?;
            // What is no text is said of the file on disk, which is the same or says so itself.
            if let Ok(text) = to_text(blob) {
                texts.push(TextInput {
                    path: path.clone(),
                    text,
                });
            }
        }
        Ok(texts)
    }

    fn names(&self, arguments: &[&str]) -> Result<Vec<String>, CliError> {
        let output = self.run(arguments)?;
        let names = output
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty());
        Ok(names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect())
    }

    fn line(&self, arguments: &[&str]) -> Result<String, CliError> {
        let output = self.run(arguments)?;
        Ok(String::from_utf8_lossy(&output).trim().to_owned())
    }

    fn run(&self, arguments: &[&str]) -> Result<Vec<u8>, CliError> {
        let output = Command::new("git")
            .current_dir(self.root)
            .args(arguments)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| CliError::Git(format!("cannot be started: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let said = said.trim().trim_start_matches("fatal: ");
            return Err(CliError::Git(format!("{}: {said}", arguments[0])));
        }
        Ok(output.stdout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with one commit, in a folder of its own.
    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new() -> Self {
            let fixture = Self(tempfile::tempdir().unwrap());
            fixture.write("live/old name.tf", "a = 1\n");
            fixture.write("gone.tf", "");
            fixture.git(&["init", "-q"]);
            fixture.git(&["add", "."]);
            fixture.git(&["commit", "-qm", "first"]);
            fixture
        }

        fn write(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn git(&self, arguments: &[&str]) {
            let done = Command::new("git")
                .current_dir(self.0.path())
                .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
                .args(arguments)
                .env("GIT_CONFIG_GLOBAL", "/dev/null")
                .env("GIT_CONFIG_NOSYSTEM", "1")
                .output()
                .unwrap();
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
    }

    #[test]
    fn since_names_changed_and_new_files_that_exist() {
        let fixture = Fixture::new();
        fixture.write("live/old name.tf", "a = 2\n");
        fixture.write("live/new.tf", "");
        std::fs::remove_file(fixture.0.path().join("gone.tf")).unwrap();
        let repository = |root: &Path| Repository { root }.changed_since("HEAD").unwrap();
        let root = fixture.0.path();
        assert_eq!(repository(root), ["live/old name.tf", "live/new.tf"]);
        // Names are those seen from where the run starts.
        assert_eq!(repository(&root.join("live")), ["old name.tf", "new.tf"]);
    }

    #[test]
    fn staged_texts_are_those_of_the_index() {
        let fixture = Fixture::new();
        fixture.write("live/old name.tf", "staged = 1\n");
        fixture.write("read.me", "not linted");
        fixture.git(&["add", "."]);
        fixture.write("live/old name.tf", "unstaged = 1\n");
        let staged = Repository {
            root: fixture.0.path(),
        }
        .staged()
        .unwrap();
        assert_eq!(staged.paths, ["live/old name.tf"]);
        assert_eq!(staged.texts[0].text, "staged = 1\n");
    }

    #[test]
    fn revisions_that_do_not_exist_are_named_not_taken_for_options() {
        let fixture = Fixture::new();
        for revision in ["no-such-branch", "--output=x"] {
            let root = fixture.0.path();
            let error = Repository { root }.changed_since(revision).unwrap_err();
            assert!(error.to_string().starts_with("git: rev-parse:"), "{error}");
            assert!(!root.join("x").exists());
        }
    }
}
