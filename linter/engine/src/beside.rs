//! Files that the linted ones need and that are not linted by themselves: lock files, and texts that
//! `file` and `templatefile` read. Read when the files of a batch are known, never outside the tree,
//! and not when an ignore file hides them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use rayon::prelude::*;
use secretlint_core::facts::{FileKind, SourceFile, folder_of, referred_files};

use crate::config::Files;
use crate::discover::{Found, Origin};
use crate::input::Input;

/// The name of Terraform's and OpenTofu's lock file.
const LOCK: &str = ".terraform.lock.hcl";

/// What is beside `files`, sorted by path. `is_known` tells what is linted anyway.
pub(crate) fn beside(
    input: &Input<'_>,
    settings: &Files,
    files: &[SourceFile],
    is_known: &dyn Fn(&str) -> bool,
) -> Vec<Found> {
    // Texts from memory alone (standard input) have nothing beside them.
    if input.paths.is_empty() {
        return Vec::new();
    }
    let mut found = locks(input.root, files);
    let referred: Vec<Vec<String>> = files.par_iter().map(referred_files).collect();
    let referred: BTreeSet<String> = referred
        .into_iter()
        .flatten()
        .filter(|path| !is_known(path) && !settings.is_excluded(path))
        .collect();
    let mut visible: BTreeMap<&str, BTreeSet<PathBuf>> = BTreeMap::new();
    for path in &referred {
        let folder = folder_of(path);
        let entries = visible
            .entry(folder)
            .or_insert_with(|| entries(&input.root.join(folder), settings));
        if entries.contains(&input.root.join(path)) {
            found.push(at(path.clone(), FileKind::Text));
        }
    }
    found.sort_unstable();
    found
}

fn at(path: String, kind: FileKind) -> Found {
    Found {
        path,
        origin: Origin::Below,
        kind: Some(kind),
    }
}

/// The lock files of folders with Terraform configuration.
fn locks(root: &Path, files: &[SourceFile]) -> Vec<Found> {
    let folders: BTreeSet<&str> = files
        .iter()
        .filter(|file| file.kind.is_terraform())
        .map(SourceFile::folder)
        .collect();
    let path = |folder: &&str| match *folder {
        "" => LOCK.to_owned(),
        folder => format!("{folder}/{LOCK}"),
    };
    let paths = folders.iter().map(path);
    paths
        .filter(|path| root.join(path).is_file())
        .map(|path| at(path, FileKind::Lock))
        .collect()
}

/// The files of one folder that no ignore file hides.
fn entries(folder: &Path, settings: &Files) -> BTreeSet<PathBuf> {
    let walk = WalkBuilder::new(folder)
        .max_depth(Some(1))
        .hidden(!settings.hidden)
        .git_ignore(settings.ignore_files)
        .git_global(false)
        .git_exclude(settings.ignore_files)
        .ignore(settings.ignore_files)
        .parents(settings.ignore_files)
        .add_custom_ignore_filename(".secretlintignore")
        .build();
    walk.flatten()
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(ignore::DirEntry::into_path)
        .collect()
}
