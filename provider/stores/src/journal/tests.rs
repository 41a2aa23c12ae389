//! Journals of runs that live, ended and were killed.

use super::*;

fn server() -> Server {
    Server {
        store: "vault".to_owned(),
        address: "https://vault.example:8200".to_owned(),
        namespace: None,
    }
}

fn lease(id: &str, ttl_seconds: u64, token: Option<&str>) -> Record {
    Record::Lease {
        id: id.to_owned(),
        reference: "vault://db/creds/app".to_owned(),
        time: Timestamp::now(),
        ttl_seconds,
        token: token.map(str::to_owned),
    }
}

fn token(accessor: &str) -> Record {
    Record::Token {
        accessor: accessor.to_owned(),
        time: Timestamp::now(),
        ttl_seconds: 600,
    }
}

fn ended(id: &str) -> Record {
    Record::Ended { id: id.to_owned() }
}

#[test]
fn a_run_that_lives_is_told_from_one_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal(folder.path().join("leases"));
    assert!(journal.runs().unwrap().is_empty());
    let running = journal.begin(server()).unwrap();
    running.add(&token("acc")).unwrap();
    running.add(&lease("db/1", 60, Some("acc"))).unwrap();
    running.add(&lease("db/2", 6000, Some("acc"))).unwrap();
    running.add(&ended("db/1")).unwrap();
    let runs = journal.runs().unwrap();
    assert!(runs[0].running);
    let ids: Vec<_> = runs[0].held.iter().map(|held| held.id.as_str()).collect();
    assert_eq!(ids, ["acc", "db/2"]);
    assert!(
        runs[0].held[1].expires <= runs[0].held[0].expires,
        "it ends with the token"
    );
    // A killed process frees its lock and leaves the file.
    drop(running);
    let runs = journal.runs().unwrap();
    assert!(!runs[0].running);
    assert_eq!(runs[0].server, server());
    runs[0].remove();
    assert!(journal.runs().unwrap().is_empty());
}

#[test]
fn leases_end_with_their_token_and_with_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal(folder.path().to_owned());
    let running = journal.begin(server()).unwrap();
    running.add(&token("acc")).unwrap();
    running.add(&lease("db/1", 60, Some("acc"))).unwrap();
    running.add(&lease("db/2", 60, None)).unwrap();
    let old = Timestamp::UNIX_EPOCH;
    running
        .add(&Record::Extended {
            id: "db/2".to_owned(),
            time: old,
            ttl_seconds: 60,
        })
        .unwrap();
    running.add(&ended("acc")).unwrap();
    assert_eq!(journal.runs().unwrap()[0].held.len(), 1);
    drop(running);
    // Nothing is left that has not expired: the journal is removed.
    assert!(journal.runs().unwrap().is_empty());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_run_that_ended_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal(folder.path().to_owned());
    let running = journal.begin(server()).unwrap();
    running.add(&token("acc")).unwrap();
    running.finish();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn damaged_journals_are_read_as_far_as_they_go() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal(folder.path().to_owned());
    let running = journal.begin(server()).unwrap();
    running.add(&lease("db/1", 60, None)).unwrap();
    let path = running.path.clone();
    drop(running);
    let mut text = fs::read(&path).unwrap();
    text.extend_from_slice(b"{\"event\":\"lease\",\"id\":\"db/2");
    fs::write(&path, text).unwrap();
    fs::write(folder.path().join("other.jsonl"), b"\xff\x00{}\n[]").unwrap();
    let runs = journal.runs().unwrap();
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].held[0].id, "db/1");
}

#[cfg(unix)]
#[test]
fn journals_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let journal = Journal(folder.path().join("leases"));
    let running = journal.begin(server()).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&running.path), 0o600);
    assert_eq!(mode(journal.folder()), 0o700);
}
