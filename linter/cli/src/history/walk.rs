//! Which files a history holds: every tree and every blob is looked at once, oldest commit first.
//!
//! No commit is compared with its parents. A tree that was seen before holds nothing new, whatever
//! commit it is in, so merges, moved folders and shallow clones need no case of their own, and the
//! cost grows with what changed. Read [`Walk`] first.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::path::{Component, Path, PathBuf};

use gix::{ObjectId, Repository, ThreadSafeRepository};
use secretlint_engine::config::Files;
use secretlint_engine::{Progress, is_entered, is_lintable};

use crate::error::CliError;

/// Files that are linted together at most; a first commit may add a whole tree.
const MAX_FILES: usize = 1000;
/// Bytes of decoded objects that are kept for the next commit.
const OBJECT_CACHE: usize = 8 << 20;

/// Files that are new in a commit, of folders that belong together.
#[derive(Debug)]
pub(super) struct Step {
    /// The commit.
    pub(super) commit: ObjectId,
    /// Paths below the folder the run started in, sorted, with their blobs.
    pub(super) files: Vec<(String, ObjectId)>,
}

/// The steps of a history, oldest first, parents before children.
pub(super) struct Walk<'f> {
    repository: Repository,
    commits: std::vec::IntoIter<ObjectId>,
    seen: HashSet<ObjectId>,
    scope: Scope<'f>,
    ready: VecDeque<Step>,
    progress: Option<&'f dyn Progress>,
}

/// Which paths of a commit are linted.
struct Scope<'f> {
    /// Folder the run started in as the repository sees it: empty or ending in `/`.
    prefix: String,
    /// Below it: empty for everything.
    paths: Vec<String>,
    files: &'f Files,
}

/// The repository around a folder.
pub(super) fn open(root: &Path) -> Result<ThreadSafeRepository, CliError> {
    ThreadSafeRepository::discover(root).map_err(|error| {
        CliError::Git(format!(
            "{} is in no repository that can be opened, and --history reads commits: {error}",
            root.display()
        ))
    })
}

pub(super) fn git(what: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::Git(format!("{what}: {error}"))
}

impl<'f> Walk<'f> {
    /// The history that branches, tags and `HEAD` reach, without what `since` reaches.
    pub(super) fn new(
        repository: &ThreadSafeRepository,
        (root, paths): (&Path, &[PathBuf]),
        since: Option<&str>,
        files: &'f Files,
    ) -> Result<Self, CliError> {
        let mut repository = repository.to_thread_local();
        repository.object_cache_size_if_unset(OBJECT_CACHE);
        let scope = Scope::new(&repository, root, paths, files)?;
        let hidden = since
            .map(|revision| commit_of(&repository, revision))
            .transpose()?;
        let commits = commits(&repository, hidden)?;
        let mut walk = Self {
            repository,
            commits: Vec::new().into_iter(),
            seen: HashSet::new(),
            scope,
            ready: VecDeque::new(),
            progress: None,
        };
        for known in commits.outside {
            // What the commits before the first one hold is not new; a shallow clone has them not.
            if walk.repository.has_object(known) {
                walk.files_of(known)?;
            }
        }
        walk.commits = commits.inside.into_iter();
        Ok(walk)
    }

    /// Tells `progress` how many commits there are, and of each that was looked at.
    pub(super) fn with_progress(mut self, progress: Option<&'f dyn Progress>) -> Self {
        if let Some(progress) = progress {
            progress.found(self.commits_left());
        }
        self.progress = progress;
        self
    }

    /// Number of commits that are still to come.
    pub(super) fn commits_left(&self) -> usize {
        self.commits.len()
    }

    /// The files of a commit that no earlier one had.
    fn files_of(&mut self, commit: ObjectId) -> Result<Vec<(String, ObjectId)>, CliError> {
        let failed = |error: &dyn std::fmt::Display| git(&format!("commit {commit}"), error);
        let found = self
            .repository
            .find_commit(commit)
            .map_err(|error| failed(&error))?;
        let root = found.tree_id().map_err(|error| failed(&error))?.detach();
        let mut files = Vec::new();
        let mut trees = vec![(String::new(), root)];
        while let Some((folder, id)) = trees.pop() {
            if self.scope.is_whole(&folder) && !self.seen.insert(id) {
                continue;
            }
            let tree = self
                .repository
                .find_tree(id)
                .map_err(|error| failed(&error))?;
            let tree = tree.decode().map_err(|error| failed(&error))?;
            for entry in tree.entries {
                let path = format!("{folder}{}", entry.filename);
                if entry.mode.is_tree() {
                    if self.scope.enters(&path) && !self.seen.contains(entry.oid) {
                        trees.push((path + "/", entry.oid.to_owned()));
                    }
                } else if entry.mode.is_blob()
                    && let Some(shown) = self.scope.shown(&path)
                    && self.seen.insert(entry.oid.to_owned())
                {
                    files.push((shown.to_owned(), entry.oid.to_owned()));
                }
            }
        }
        files.sort_unstable();
        Ok(files)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Step, CliError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(Ok(step));
            }
            let commit = self.commits.next()?;
            if let Some(progress) = self.progress {
                progress.read();
            }
            match self.files_of(commit) {
                Ok(files) => {
                    let parts = parts(files, MAX_FILES);
                    self.ready.extend(parts.map(|files| Step { commit, files }));
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Sorted files in parts of `max` and a few more: no folder is cut.
fn parts(
    files: Vec<(String, ObjectId)>,
    max: usize,
) -> impl Iterator<Item = Vec<(String, ObjectId)>> {
    fn folder(path: &str) -> &str {
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }
    let mut parts: Vec<Vec<(String, ObjectId)>> = Vec::new();
    for file in files {
        match parts.last_mut() {
            Some(part)
                if part.len() < max
                    || part
                        .last()
                        .is_some_and(|last| folder(&last.0) == folder(&file.0)) =>
            {
                part.push(file);
            }
            _ => parts.push(vec![file]),
        }
    }
    parts.into_iter()
}

impl<'f> Scope<'f> {
    fn new(
        repository: &Repository,
        root: &Path,
        paths: &[PathBuf],
        files: &'f Files,
    ) -> Result<Self, CliError> {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // A bare repository has no folder of its own: its paths are shown as they are.
        let below = repository
            .workdir()
            .and_then(|top| real(root).strip_prefix(real(top)).ok().map(slashed))
            .unwrap_or_default();
        let mut named = Vec::with_capacity(paths.len());
        for path in paths {
            let relative = path.strip_prefix(root).unwrap_or(path);
            let is_below = relative
                .components()
                .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
            if !is_below {
                return Err(CliError::Usage(format!(
                    "{}: --history looks below the folder it is started in; start it further up",
                    path.display()
                )));
            }
            named.push(slashed(relative).trim_end_matches('/').to_owned());
        }
        named.retain(|path| !path.is_empty());
        if named.len() < paths.len() {
            // `.` is everything.
            named.clear();
        }
        Ok(Self {
            prefix: below,
            paths: named,
            files,
        })
    }

    /// True when nothing below the folder (empty or ending in `/`) is left out because of its place.
    fn is_whole(&self, folder: &str) -> bool {
        folder
            .strip_prefix(self.prefix.as_str())
            .is_some_and(|below| {
                self.paths.is_empty() || self.paths.iter().any(|path| is_within(below, path))
            })
    }

    /// True when something below the folder may be linted.
    fn enters(&self, folder: &str) -> bool {
        let slashed = format!("{folder}/");
        let Some(below) = slashed.strip_prefix(self.prefix.as_str()) else {
            return self.prefix.starts_with(&slashed);
        };
        let is_named = self.paths.is_empty()
            || self
                .paths
                .iter()
                .any(|path| is_within(below, path) || path.starts_with(below));
        let name = folder.rsplit('/').next().unwrap_or(folder);
        is_named && is_entered(name, self.files)
    }

    /// The path as it is shown, when the file is linted.
    fn shown<'p>(&self, path: &'p str) -> Option<&'p str> {
        let below = path.strip_prefix(self.prefix.as_str())?;
        let is_named =
            self.paths.is_empty() || self.paths.iter().any(|path| is_within(below, path));
        (is_named && is_lintable(below, self.files)).then_some(below)
    }
}

/// True for `folder` itself and everything below it.
fn is_within(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `a/b/`; empty for an empty path.
fn slashed(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    parts.fold(String::new(), |text, part| text + &part + "/")
}

fn commit_of(repository: &Repository, revision: &str) -> Result<ObjectId, CliError> {
    let spec = format!("{revision}^{{commit}}");
    let found = repository.rev_parse_single(spec.as_str());
    let id = found.map_err(|error| git(&format!("{revision} names no commit"), &error))?;
    Ok(id.detach())
}

struct Commits {
    /// To be searched, parents before children, older before younger.
    inside: Vec<ObjectId>,
    /// Parents of those that are not searched themselves.
    outside: Vec<ObjectId>,
}

fn commits(repository: &Repository, hidden: Option<ObjectId>) -> Result<Commits, CliError> {
    let mut tips: Vec<ObjectId> = references(repository)?;
    tips.extend(repository.head_id().ok().map(gix::Id::detach));
    tips.sort_unstable();
    tips.dedup();
    if tips.is_empty() {
        return Err(CliError::Git("the repository has no commits yet".into()));
    }
    let failed = |error: &dyn std::fmt::Display| git("the history cannot be walked", error);
    let order = gix::revision::walk::Sorting::ByCommitTime(Default::default());
    let walk = repository.rev_walk(tips).with_hidden(hidden).sorting(order);
    let mut graph: Vec<(ObjectId, i64, Vec<ObjectId>)> = Vec::new();
    for commit in walk.all().map_err(|error| failed(&error))? {
        let commit = commit.map_err(|error| failed(&error))?;
        let parents = commit.parent_ids.to_vec();
        graph.push((commit.id, commit.commit_time.unwrap_or_default(), parents));
    }
    Ok(in_order(&graph))
}

/// Parents before children; among those that may come next, the oldest. Clocks may be wrong, parents
/// are not.
fn in_order(graph: &[(ObjectId, i64, Vec<ObjectId>)]) -> Commits {
    let index: HashMap<ObjectId, usize> = graph
        .iter()
        .enumerate()
        .map(|(at, (id, ..))| (*id, at))
        .collect();
    let mut waiting = vec![0_usize; graph.len()];
    let mut children = vec![Vec::new(); graph.len()];
    let mut outside = Vec::new();
    for (at, (_, _, parents)) in graph.iter().enumerate() {
        for parent in parents {
            match index.get(parent) {
                Some(&parent) => {
                    waiting[at] += 1;
                    children[parent].push(at);
                }
                None => outside.push(*parent),
            }
        }
    }
    outside.sort_unstable();
    outside.dedup();
    let next = |at: usize| Reverse((graph[at].1, graph[at].0, at));
    let mut heap: BinaryHeap<_> = (0..graph.len())
        .filter(|&at| waiting[at] == 0)
        .map(next)
        .collect();
    let mut inside = Vec::with_capacity(graph.len());
    while let Some(Reverse((_, id, at))) = heap.pop() {
        inside.push(id);
        for &child in &children[at] {
            waiting[child] -= 1;
            if waiting[child] == 0 {
                heap.push(next(child));
            }
        }
    }
    Commits { inside, outside }
}

/// What branches, tags, remotes and other references point at, as far as these are commits.
fn references(repository: &Repository) -> Result<Vec<ObjectId>, CliError> {
    let failed = |error: &dyn std::fmt::Display| git("the references cannot be read", error);
    let references = repository.references().map_err(|error| failed(&error))?;
    let mut ids = Vec::new();
    for reference in references.all().map_err(|error| failed(&error))? {
        let mut reference = reference.map_err(|error| failed(&error))?;
        // A reference to nothing (a branch without commits) has no history.
        let Ok(id) = reference.peel_to_id() else {
            continue;
        };
        let header = repository.find_header(id.detach());
        if header.is_ok_and(|header| header.kind() == gix::object::Kind::Commit) {
            ids.push(id.detach());
        }
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[n; 20])
    }

    #[test]
    fn parents_come_before_children_whatever_the_clocks_say() {
        // 3 is a merge of 1 and 2; 2 claims to be older than its parent 1.
        let graph = [
            (id(3), 30, vec![id(1), id(2)]),
            (id(2), 5, vec![id(1)]),
            (id(1), 10, vec![id(9)]),
            (id(4), 1, vec![]),
        ];
        let commits = in_order(&graph);
        assert_eq!(commits.inside, [id(4), id(1), id(2), id(3)]);
        assert_eq!(commits.outside, [id(9)]);
    }

    #[test]
    fn parts_are_cut_between_folders() {
        let files = ["a/1.tf", "a/2.tf", "a/3.tf", "b/1.tf", "c/1.tf"];
        let files = files.map(|path| (path.to_owned(), id(1))).to_vec();
        let sizes: Vec<_> = parts(files, 2).map(|part| part.len()).collect();
        assert_eq!(sizes, [3, 2]);
    }
}
