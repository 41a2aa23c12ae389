//! Behaviour of the local store through its public methods, over files in a temporary folder.

mod damage;
mod keys;
mod properties;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use secret_value::Secret;
use tempfile::TempDir;

use super::*;
use crate::{Environment, ErrorKind};

struct Project {
    folder: TempDir,
    options: LocalOptions,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = LocalOptions::at(
            folder.path().join("project/.secretref/store.age"),
            folder.path().join("home/secretref/identity.txt"),
        );
        options.now = || Timestamp::UNIX_EPOCH;
        Self { folder, options }
    }

    fn init(&self) -> LocalStore {
        LocalStore::init(&self.options, &InitOptions::default()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Options of somebody else: the same store, another identity file.
    fn other(&self, name: &str) -> LocalOptions {
        let mut options =
            LocalOptions::at(&self.options.store, self.path(name).join("identity.txt"));
        options.now = self.options.now;
        options
    }
}

fn text(value: &str) -> Secret {
    Secret::from_text(value.to_owned())
}

fn set(store: &LocalStore, path: &str, value: &str) -> u64 {
    store
        .set(path, &text(value), &SetOptions::default())
        .unwrap()
        .number
}

fn get(store: &LocalStore, path: &str) -> Secret {
    store.get(path, None).unwrap().0
}

/// The error of `result`, which must have this kind and say these words in message, places or help.
#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, words: &[&str]) {
    let error = result.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word:?} is missing in: {shown}");
    }
}

#[test]
fn values_come_back_with_their_versions() {
    let project = Project::new();
    let store = project.init();
    assert_eq!(set(&store, "dev/db", "one"), 1);
    assert_eq!(set(&store, "dev/db", "two"), 2);
    store
        .set(
            "binary",
            &Secret::new(vec![0, 255, 10]),
            &SetOptions::default(),
        )
        .unwrap();
    store
        .set("empty", &text(""), &SetOptions::default())
        .unwrap();

    let reopened = LocalStore::open(&project.options).unwrap();
    assert_eq!(get(&reopened, "dev/db"), text("two"));
    assert_eq!(reopened.get("dev/db", Some(1)).unwrap().0, text("one"));
    assert_eq!(get(&reopened, "binary"), Secret::new(vec![0, 255, 10]));
    assert!(get(&reopened, "empty").is_empty());
    let list: Vec<_> = reopened
        .list()
        .unwrap()
        .into_iter()
        .map(|one| (one.path, one.versions))
        .collect();
    assert_eq!(
        list,
        [
            ("binary".into(), 1),
            ("dev/db".into(), 2),
            ("empty".into(), 1)
        ]
    );
}

#[test]
fn a_removed_secret_keeps_its_history_and_its_numbers() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "one");
    set(&store, "a", "two");
    store.remove("a", Some(1)).unwrap();
    check(
        store.get("a", Some(1)),
        ErrorKind::NotFound,
        &["version 1", "removed", "can be read: 2"],
    );
    store.remove("a", None).unwrap();
    check(
        store.get("a", None),
        ErrorKind::NotFound,
        &["removed", "store set local://a"],
    );
    check(store.remove("a", None), ErrorKind::NotFound, &["removed"]);
    assert_eq!(set(&store, "a", "three"), 3);
    let removed: Vec<_> = store
        .history("a")
        .unwrap()
        .iter()
        .map(|info| info.removed.is_some())
        .collect();
    assert_eq!(removed, [true, true, false]);
}

#[test]
fn missing_secrets_and_versions_name_what_is_near() {
    let project = Project::new();
    let store = project.init();
    check(
        store.get("dev/db", None),
        ErrorKind::NotFound,
        &["`dev/db`", "the store is empty"],
    );
    set(&store, "dev/db", "x");
    check(
        store.get("dev/bd", None),
        ErrorKind::NotFound,
        &["did you mean `dev/db`?"],
    );
    check(
        store.get("dev/db", Some(7)),
        ErrorKind::NotFound,
        &["no version 7", "can be read: 1"],
    );
    check(
        store.history("other"),
        ErrorKind::NotFound,
        &["`other`", "there are: `dev/db`"],
    );
}

#[test]
fn paths_that_no_reference_can_name_are_refused() {
    let project = Project::new();
    let store = project.init();
    for path in ["", "/a", "a/", "a//b", "a/../b", ".", "a\nb"] {
        check(
            store.set(path, &text("x"), &SetOptions::default()),
            ErrorKind::InvalidReference,
            &["path"],
        );
    }
    let large = Secret::new(vec![b'x'; MAX_VALUE_BYTES + 1]);
    check(
        store.set("a", &large, &SetOptions::default()),
        ErrorKind::TooLarge,
        &["1048577"],
    );
}

#[test]
fn preconditions_guard_writes() {
    let project = Project::new();
    let store = project.init();
    let demand = |precondition| SetOptions {
        precondition,
        expires: None,
    };
    let absent = demand(Precondition::Absent);
    store.set("a", &text("1"), &absent).unwrap();
    check(
        store.set("a", &text("2"), &absent),
        ErrorKind::Conflict,
        &["already", "version 1"],
    );
    store
        .set("a", &text("2"), &demand(Precondition::Version("1".into())))
        .unwrap();
    check(
        store.set("a", &text("3"), &demand(Precondition::Version("1".into()))),
        ErrorKind::Conflict,
        &["current version is 2, not 1"],
    );
    store.remove("a", None).unwrap();
    assert_eq!(store.set("a", &text("4"), &absent).unwrap().number, 3);
    assert_eq!(get(&store, "a"), text("4"));
}

#[test]
fn writers_wait_for_each_other_and_lose_nothing() {
    let project = Project::new();
    project.init();
    let options = &project.options;
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                let store = LocalStore::open(options).unwrap();
                for turn in 0..5 {
                    set(&store, "shared", &format!("{worker}-{turn}"));
                    set(&store, &format!("own/{worker}"), "x");
                    store.get("shared", None).unwrap();
                }
            });
        }
    });
    let store = LocalStore::open(options).unwrap();
    let numbers: Vec<_> = store
        .history("shared")
        .unwrap()
        .iter()
        .map(|info| info.number)
        .collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    assert_eq!(store.list().unwrap().len(), 5);
}

#[test]
fn a_writer_that_waits_too_long_says_so() {
    let project = Project::new();
    let store = project.init();
    let held = access::lock(Operation::Write, &project.options).unwrap();
    let impatient = LocalOptions {
        lock_timeout: Duration::from_millis(20),
        ..project.options.clone()
    };
    let waiting = LocalStore::open(&impatient).unwrap();
    check(
        waiting.set("a", &text("x"), &SetOptions::default()),
        ErrorKind::Locked,
        &["store.age.lock", "another process"],
    );
    drop(held);
    set(&store, "a", "x");
}

#[test]
fn a_failed_change_leaves_the_store_as_it_was() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "x");
    let before = fs::read(store.path()).unwrap();
    store.remove("b", None).unwrap_err();
    assert_eq!(fs::read(store.path()).unwrap(), before);
}
