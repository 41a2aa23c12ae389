//! Which files there are to lint.
//!
//! Folders are walked in parallel: `.gitignore`, `.ignore` and `.secretlintignore` are obeyed,
//! hidden entries skipped, symbolic links not followed (their targets are linted where they
//! stand), and `.terraform`, `.git` and `.terragrunt-cache` never entered. Named files are always
//! taken.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ignore::{DirEntry, WalkBuilder, WalkState};
use rayon::prelude::*;
use secretlint_core::facts::FileKind;
use secretlint_core::report::Unreadable;

use crate::config::Files;
use crate::input::Input;

/// A file to lint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    /// Display path.
    pub(crate) path: String,
    /// Where its text is.
    pub(crate) origin: Origin,
    /// By name; `None` for named files whose content must tell.
    pub(crate) kind: Option<FileKind>,
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// Index into [`Input::texts`].
    Memory(usize),
    /// The file of that display path below the root.
    Below,
    /// A file elsewhere, or one whose name is no UTF-8.
    Disk(PathBuf),
}

/// All files, sorted by display path, each once; and what was named but cannot be looked at.
pub(crate) fn discover(input: &Input<'_>, files: &Files) -> (Vec<Found>, Vec<Unreadable>) {
    let mut found: Vec<Found> = Vec::new();
    let mut unreadable = Vec::new();
    for path in input.paths {
        let path = input.root.join(path);
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {
                walk(input.root, &path, files, &mut found, &mut unreadable);
            }
            Ok(metadata) if metadata.is_file() => found.push(named(input.root, &path)),
            // Reading one may wait for ever, or never end.
            Ok(metadata) => unreadable.push(Unreadable {
                path: display(input.root, &path),
                reason: format!(
                    "is {}, not a file; write its content to a file, or pass it on standard input (`-`)",
                    kind_of_special(&metadata)
                ),
            }),
            Err(error) => unreadable.push(Unreadable {
                path: display(input.root, &path),
                reason: format!("cannot be opened: {error}; check the path"),
            }),
        }
    }
    for (index, text) in input.texts.iter().enumerate() {
        found.push(Found {
            path: text.path.clone(),
            origin: Origin::Memory(index),
            kind: FileKind::of(&text.path),
        });
    }
    // Memory sorts before disk, so a buffer replaces the file it belongs to.
    found.par_sort_unstable();
    found.dedup_by(|later, earlier| later.path == earlier.path);
    unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    (found, unreadable)
}

/// A file that is known by its display path below the root.
pub(crate) fn found_by_name(path: &str) -> Found {
    Found {
        path: path.to_owned(),
        origin: Origin::Below,
        kind: FileKind::of(path),
    }
}

/// What is neither a file nor a folder.
fn kind_of_special(metadata: &std::fs::Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = metadata.file_type();
        if kind.is_fifo() {
            return "a pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    let _ = metadata;
    "something special"
}

fn named(root: &Path, path: &Path) -> Found {
    let shown = display(root, path);
    Found {
        kind: FileKind::of(&shown),
        origin: Origin::of(root, path, &shown),
        path: shown,
    }
}

impl Origin {
    /// Large trees have many files: the path is kept once where it can be made again.
    fn of(root: &Path, path: &Path, shown: &str) -> Self {
        if below(root, path).is_some_and(|below| below == shown) || root.join(shown) == path {
            Self::Below
        } else {
            Self::Disk(path.to_owned())
        }
    }
}

fn walk(
    root: &Path,
    folder: &Path,
    files: &Files,
    found: &mut Vec<Found>,
    unreadable: &mut Vec<Unreadable>,
) {
    let gathered = Mutex::new((Vec::new(), Vec::new()));
    let walker = builder(folder, files)
        .filter_entry(|entry| !is_never_entered(entry))
        .threads(rayon::current_num_threads().min(8))
        .build_parallel();
    walker.run(|| {
        let mut batch = Batch {
            gathered: &gathered,
            found: Vec::new(),
            unreadable: Vec::new(),
        };
        Box::new(move |entry| {
            match entry {
                Ok(entry) => batch.found.extend(lintable(root, &entry, files)),
                Err(error) => batch.unreadable.push(Unreadable {
                    path: display(root, folder),
                    reason: format!("a part of it cannot be walked: {error}"),
                }),
            }
            WalkState::Continue
        })
    });
    if let Ok((more, errors)) = gathered.into_inner() {
        found.extend::<Vec<Found>>(more);
        unreadable.extend::<Vec<Unreadable>>(errors);
    }
}

/// Walks that see what is linted: hidden entries and ignore files are treated as the settings say.
pub(crate) fn builder(folder: impl AsRef<Path>, files: &Files) -> WalkBuilder {
    let mut builder = WalkBuilder::new(folder);
    builder
        .hidden(!files.hidden)
        .git_ignore(files.ignore_files)
        .git_global(false)
        .git_exclude(files.ignore_files)
        .ignore(files.ignore_files)
        .parents(files.ignore_files)
        .add_custom_ignore_filename(".secretlintignore");
    builder
}

/// What one walker thread gathered; handed over when the thread is done.
struct Batch<'g> {
    gathered: &'g Mutex<(Vec<Found>, Vec<Unreadable>)>,
    found: Vec<Found>,
    unreadable: Vec<Unreadable>,
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Ok(mut gathered) = self.gathered.lock() {
            gathered.0.append(&mut self.found);
            gathered.1.append(&mut self.unreadable);
        }
    }
}

/// Folders that hold copies of what is elsewhere.
const NEVER_ENTERED: &[&str] = &[
    ".terraform",
    ".git",
    ".terragrunt-cache",
    ".terragrunt-stack",
];

fn is_never_entered(entry: &DirEntry) -> bool {
    entry.depth() > 0
        && entry.file_type().is_some_and(|kind| kind.is_dir())
        && entry
            .file_name()
            .to_str()
            .is_some_and(|name| NEVER_ENTERED.contains(&name))
}

/// The kind of a file that nobody named; the outer `None` leaves it out, the inner one lets its
/// content tell.
fn kind_by_name(name: &str) -> Option<Option<FileKind>> {
    match FileKind::of(name) {
        Some(kind) if kind.is_beside() => None,
        // Plans and states have free names; the usual ones are looked into.
        None if name.ends_with("plan.json") || name.ends_with("state.json") => Some(None),
        None => None,
        kind => Some(kind),
    }
}

/// True when a walk would enter a folder of that name. Ignore files are not asked: this is for trees
/// that are not on disk, such as commits.
#[must_use]
pub fn is_entered(name: &str, files: &Files) -> bool {
    !NEVER_ENTERED.contains(&name) && (files.hidden || !name.starts_with('.'))
}

/// True when a walk would lint a file of that display path in a folder it enters.
#[must_use]
pub fn is_lintable(path: &str, files: &Files) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    kind_by_name(name).is_some()
        && (files.hidden || !name.starts_with('.'))
        && !files.is_excluded(path)
}

fn lintable(root: &Path, entry: &DirEntry, files: &Files) -> Option<Found> {
    if !entry.file_type().is_some_and(|kind| kind.is_file()) {
        return None;
    }
    let kind = kind_by_name(entry.file_name().to_str()?)?;
    let path = display(root, entry.path());
    if files.is_excluded(&path) {
        return None;
    }
    Some(Found {
        origin: Origin::of(root, entry.path(), &path),
        path,
        kind,
    })
}

/// What a path below the root is written like, when that can be read off the text: the paths of a walk.
/// `None` where the parts of the path have to be looked at.
fn below<'p>(root: &Path, path: &'p Path) -> Option<&'p str> {
    let text = path.to_str()?.strip_prefix(root.to_str()?)?;
    let rest = text.strip_prefix('/')?.trim_start_matches("./");
    let unusual = rest.starts_with('/') || rest.contains("//") || rest.contains("/.");
    (std::path::MAIN_SEPARATOR == '/' && !rest.is_empty() && !unusual).then_some(rest)
}

/// Relative to the root where possible, `/` separated, without `./`.
pub(crate) fn display(root: &Path, path: &Path) -> String {
    if let Some(below) = below(root, path) {
        return below.to_owned();
    }
    let relative = path.strip_prefix(root).unwrap_or(path);
    let text = relative.to_string_lossy();
    let text = if std::path::MAIN_SEPARATOR == '\\' {
        text.replace('\\', "/").into()
    } else {
        text
    };
    match text.trim_start_matches("./") {
        "" => ".".to_owned(),
        rest => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_relative_to_the_root_however_they_are_written() {
        let root = Path::new("/srv/tree");
        for (path, shown) in [
            ("/srv/tree/live/main.tf", "live/main.tf"),
            ("/srv/tree/./live/main.tf", "live/main.tf"),
            ("/srv/tree/.hidden/main.tf", ".hidden/main.tf"),
            ("/srv/tree/../other/main.tf", "../other/main.tf"),
            ("/srv/tree2/main.tf", "/srv/tree2/main.tf"),
            ("/srv/tree", "."),
        ] {
            let path = Path::new(path);
            assert_eq!(display(root, path), shown);
            // Joined to the root, each of them is the path again.
            assert_eq!(Origin::of(root, path, shown), Origin::Below);
        }
    }
}
