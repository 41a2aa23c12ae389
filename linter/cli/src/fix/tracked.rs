//! What git could give back. A fix does not change a line that is not committed, and does not take a
//! value out of a file that git does not know: the text would be the only place that has it.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secretlint_core::fix::Edit;
use similar::{DiffOp, TextDiff};

use super::Text;

/// The state of the files below a folder.
pub(super) enum Tracked {
    /// Nobody asks.
    Everything,
    /// There is no repository, or no git.
    Nothing,
    /// What git says.
    Repository(Repository),
}

/// The files of the repository in which the run started, by absolute path.
pub(super) struct Repository {
    /// Where display paths start.
    root: PathBuf,
    known: HashSet<PathBuf>,
    /// Committed texts of files that differ from them.
    differing: HashMap<PathBuf, String>,
}

impl Tracked {
    /// Every change is allowed.
    pub(super) fn everything() -> Self {
        Self::Everything
    }

    /// What git says about the repository that `root` is in.
    pub(super) fn around(root: &Path) -> Self {
        let Some(top) = git(root, &["rev-parse", "--show-toplevel"]) else {
            return Self::Nothing;
        };
        let top = String::from_utf8_lossy(&top);
        let top = real(Path::new(top.trim_end_matches(['\r', '\n'])));
        let mut repository = Repository {
            root: root.to_owned(),
            known: HashSet::new(),
            differing: HashMap::new(),
        };
        // Before the first commit nothing can be given back.
        let changed = names(&top, &["diff", "--name-only", "-z", "HEAD", "--"]);
        let known = names(&top, &["ls-files", "-z"]);
        if let (Some(changed), Some(known)) = (changed, known) {
            repository.known = known.iter().map(|path| top.join(path)).collect();
            for path in changed {
                let committed = git(&top, &["cat-file", "blob", &format!("HEAD:{path}")]);
                let path = top.join(path);
                match committed {
                    Some(text) => {
                        let text = String::from_utf8_lossy(&text).into_owned();
                        repository.differing.insert(path, text);
                    }
                    // Added, not committed.
                    None => {
                        repository.known.remove(&path);
                    }
                }
            }
        }
        Self::Repository(repository)
    }

    /// Whether the lines of `edits` are committed; the error says what to do.
    pub(super) fn may_change(
        &self,
        path: &str,
        text: &Text,
        edits: &[&Edit],
    ) -> Result<(), String> {
        let Self::Repository(repository) = self else {
            return Ok(());
        };
        let advice = "commit or stash the file, or pass --allow-dirty";
        if !repository.knows(path) {
            return Err(format!("{path} is not committed; {advice}"));
        }
        let file = real(&repository.root.join(path));
        let Some(committed) = repository.differing.get(&file) else {
            return Ok(());
        };
        let own = uncommitted_lines(committed, text);
        for edit in edits {
            let line = |at: u32| text.after[..at as usize].matches('\n').count();
            let (first, last) = (line(edit.place.start), line(edit.place.end));
            if let Some(line) = (first..=last).find(|line| own.contains(line)) {
                return Err(format!(
                    "{path}:{} has changes that are not committed; {advice}",
                    line + 1
                ));
            }
        }
        Ok(())
    }

    /// Whether a value may leave the file; the error says what to do.
    pub(super) fn may_forget(&self, path: &str) -> Result<(), String> {
        let forgotten = match self {
            Self::Everything => false,
            Self::Nothing => true,
            Self::Repository(repository) => !repository.knows(path),
        };
        if forgotten {
            return Err(format!(
                "{path}: the value is in no commit and would be lost; move it first, then pass --allow-dirty"
            ));
        }
        Ok(())
    }
}

impl Repository {
    fn knows(&self, path: &str) -> bool {
        self.known.contains(&real(&self.root.join(path)))
    }
}

/// The path without links, so that one file has one name.
fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Lines of the text, as it is now, that a person wrote since the last commit; from 0.
fn uncommitted_lines(committed: &str, text: &Text) -> HashSet<usize> {
    let written = new_lines(committed, &text.before);
    let diff = TextDiff::from_lines(&text.before, &text.after);
    let mut lines = HashSet::new();
    for op in diff.ops() {
        if let DiffOp::Equal {
            old_index,
            new_index,
            len,
        } = *op
        {
            let kept = (0..len).filter(|offset| written.contains(&(old_index + offset)));
            lines.extend(kept.map(|offset| new_index + offset));
        }
    }
    lines
}

fn new_lines(old: &str, new: &str) -> HashSet<usize> {
    let diff = TextDiff::from_lines(old, new);
    let ops = diff.ops().iter();
    let changed = ops.filter(|op| !matches!(op, DiffOp::Equal { .. }));
    changed.flat_map(DiffOp::new_range).collect()
}

fn names(root: &Path, arguments: &[&str]) -> Option<Vec<String>> {
    let output = git(root, arguments)?;
    let names = output
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty());
    Some(
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
    )
}

fn git(root: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new("git")
        .current_dir(root)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    output.status.success().then_some(output.stdout)
}

#[cfg(test)]
mod tests {
    use secretlint_core::{FileId, Place};

    use super::*;

    fn edit(start: u32, end: u32) -> Edit {
        Edit {
            place: Place {
                file: FileId(0),
                start,
                end,
            },
            text: String::new(),
        }
    }

    fn run(root: &Path, arguments: &[&str]) {
        let done = Command::new("git")
            .current_dir(root)
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
            .args(arguments)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        assert!(done.status.success(), "git {arguments:?}");
    }

    fn text(text: &str) -> Text {
        Text {
            before: text.to_owned(),
            after: text.to_owned(),
        }
    }

    #[test]
    fn committed_lines_may_change_others_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).unwrap();
        write("a.tf", "one = 1\ntwo = 2\n");
        write("b.tf", "one = 1\n");
        assert!(matches!(Tracked::around(root), Tracked::Nothing));
        assert!(Tracked::around(root).may_forget("a.tf").is_err());
        run(root, &["init", "-q"]);
        run(root, &["add", "."]);
        let nothing_yet = Tracked::around(root);
        assert!(
            nothing_yet
                .may_change("a.tf", &text("one = 1\n"), &[])
                .is_err()
        );
        run(root, &["commit", "-qm", "first"]);
        write("a.tf", "one = 1\ntwo = 22\n");
        write("new.tf", "");
        let tracked = Tracked::around(root);
        let now = text("one = 1\ntwo = 22\n");
        assert!(tracked.may_change("a.tf", &now, &[&edit(0, 3)]).is_ok());
        let refused = tracked.may_change("a.tf", &now, &[&edit(8, 9)]);
        assert!(refused.unwrap_err().starts_with("a.tf:2 has changes"));
        assert!(
            tracked
                .may_change("b.tf", &text("one = 1\n"), &[&edit(0, 1)])
                .is_ok()
        );
        assert!(tracked.may_forget("b.tf").is_ok());
        let unknown = tracked.may_change("new.tf", &text(""), &[&edit(0, 0)]);
        assert!(unknown.unwrap_err().contains("not committed"));
        // Files beside the folder in which the run started are of the repository as well.
        std::fs::create_dir(root.join("deeper")).unwrap();
        let deeper = Tracked::around(&root.join("deeper"));
        assert!(deeper.may_forget("../b.tf").is_ok());
        assert!(tracked.may_forget("new.tf").is_err());
    }

    #[test]
    fn lines_that_a_fix_wrote_are_no_obstacle_to_the_next_one() {
        let text = Text {
            before: "a\nb\nc\n".to_owned(),
            after: "new\na\nb\nc\n".to_owned(),
        };
        assert_eq!(
            uncommitted_lines("a\nB\nc\n", &text),
            HashSet::from([2]),
            "line b, where it is now"
        );
    }
}
