//! The store and the access log under several real processes, and under processes that are killed.
//!
//! Has its own `main`: started with arguments it is one of the processes, without it is the test.
#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use secret_stores::audit::{Access, AuditContext, AuditLog, AuditOptions, read, verify};
use secret_stores::local::{InitOptions, LocalOptions, LocalStore, SetOptions};
use secret_stores::{Environment, Operation};
use secret_value::Secret;

/// What one process does: so many rounds of one write and one event.
struct Task {
    folder: PathBuf,
    name: String,
    rounds: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [folder, name, rounds] if Path::new(folder).is_dir() => work(&Task {
            folder: folder.into(),
            name: name.clone(),
            rounds: rounds.parse().unwrap(),
        }),
        // Whatever a test runner passes.
        _ => {
            processes_take_turns();
            a_killed_process_leaves_a_whole_store_and_a_whole_log();
        }
    }
}

fn options(folder: &Path) -> (LocalOptions, AuditOptions) {
    let home = folder.join("home").display().to_string();
    let environment = Environment::fixed(folder, [("XDG_CONFIG_HOME", home.as_str())]);
    let mut store = LocalOptions::locate(&environment, None).unwrap();
    let mut log = AuditOptions::locate(&environment).unwrap();
    // A busy machine may keep a process waiting for long.
    store.lock_timeout = Duration::from_secs(60);
    log.lock_timeout = Duration::from_secs(60);
    (store, log)
}

fn work(task: &Task) {
    let (store, log) = options(&task.folder);
    let store = LocalStore::open(&store).unwrap();
    let log = AuditLog::open(log, AuditContext::default()).unwrap();
    for round in 0..task.rounds {
        // The value repeats its name, so that a mixture of two values would show.
        let value = format!("{}-{round};", task.name).repeat(200);
        store
            .set("shared", &Secret::from_text(value), &SetOptions::default())
            .unwrap();
        let access = Access {
            reference: format!("local://shared?by={}", task.name),
            ..Access::default()
        };
        log.record(Operation::Write, access, None).unwrap();
    }
}

fn start(task: &Task) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .arg(&task.folder)
        .arg(&task.name)
        .arg(task.rounds.to_string());
    command.spawn().unwrap()
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    LocalStore::init(&options(folder.path()).0, &InitOptions::default()).unwrap();
    folder
}

/// Opens the store and the log and checks that nothing is torn; gives the number of versions.
fn check(folder: &Path) -> u64 {
    let (store, log) = options(folder);
    let store = LocalStore::open(&store).unwrap();
    let Some(listed) = store.list().unwrap().pop() else {
        return 0;
    };
    for version in store.history("shared").unwrap() {
        let (value, _) = store.get("shared", Some(version.number)).unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "the value of the test is compared"
        )]
        let text = std::str::from_utf8(value.expose()).unwrap();
        let (first, _) = text.split_once(';').unwrap();
        assert_eq!(text, format!("{first};").repeat(200), "a value is whole");
    }
    assert_eq!(
        listed.versions, listed.current.number,
        "no number is given twice or left out"
    );
    if log.path.exists() {
        let access = Access::default();
        AuditLog::open(log.clone(), AuditContext::default())
            .unwrap()
            .record(Operation::Open, access, None)
            .unwrap();
        let report = verify(&log).unwrap();
        assert!(report.is_intact(), "{report:?}");
    }
    listed.versions
}

fn processes_take_turns() {
    let folder = project();
    let task = |name: &str| Task {
        folder: folder.path().to_owned(),
        name: name.to_owned(),
        rounds: 6,
    };
    let children: Vec<_> = ["one", "two", "three", "four"]
        .map(|name| start(&task(name)))
        .into();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(check(folder.path()), 24, "no write is lost");
    let (_, log) = options(folder.path());
    let events = read(&log.path)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().event.event.as_str() == "write");
    assert_eq!(events.count(), 24, "no event is lost");
}

fn a_killed_process_leaves_a_whole_store_and_a_whole_log() {
    let folder = project();
    let mut versions = 0;
    for round in 0..20u64 {
        let mut child = start(&Task {
            folder: folder.path().to_owned(),
            name: format!("killed{round}"),
            rounds: u64::MAX,
        });
        // Different moments of start, encryption, flush and rename.
        std::thread::sleep(Duration::from_millis(10 + 7 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = check(folder.path());
        assert!(now >= versions, "what was written stays written");
        versions = now;
    }
    assert!(versions > 0, "the processes lived long enough to write");
    work(&Task {
        folder: folder.path().to_owned(),
        name: "last".to_owned(),
        rounds: 1,
    });
    assert_eq!(check(folder.path()), versions + 1);
    let names = fs::read_dir(folder.path().join(".secretref"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names
        .filter(|name| name.to_string_lossy().ends_with(".tmp"))
        .collect();
    assert!(
        left.is_empty(),
        "leftovers are swept by the next write: {left:?}"
    );
}
