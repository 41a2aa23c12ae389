//! The log is written by its public methods and then attacked as a file.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use proptest::prelude::*;
use secret_value::Secret;
use tempfile::TempDir;

use super::*;
use crate::{Environment, ErrorKind, Operation, StoreError};

struct Place {
    folder: TempDir,
    options: AuditOptions,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = AuditOptions::at(
            folder.path().join("project/audit.jsonl"),
            &folder.path().join("home"),
        );
        options.now = || Timestamp::UNIX_EPOCH;
        Self { folder, options }
    }

    fn log(&self) -> AuditLog {
        AuditLog::open(self.options.clone(), AuditContext::default()).unwrap()
    }

    /// A log with `count` events and a checkpoint at the end.
    fn with_events(count: usize) -> Self {
        let place = Self::new();
        let log = place.log();
        for number in 0..count {
            open(&log, &format!("local://secret/{number}"));
        }
        log.checkpoint().unwrap();
        place
    }

    fn lines(&self) -> Vec<String> {
        fs::read_to_string(&self.options.path)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect()
    }

    fn write(&self, lines: &[String]) {
        let text: String = lines
            .iter()
            .flat_map(|line| [line.as_str(), "\n"])
            .collect();
        fs::write(&self.options.path, text).unwrap();
    }

    #[track_caller]
    fn finds(&self, expected: &[(u64, ProblemKind)]) {
        let report = verify(&self.options).unwrap();
        let found: Vec<_> = report
            .problems
            .iter()
            .map(|problem| (problem.line, problem.kind))
            .collect();
        assert_eq!(found, expected, "{report:?}");
    }
}

fn open(log: &AuditLog, reference: &str) {
    let access = Access {
        reference: reference.to_owned(),
        version: Some("3".into()),
        ..Access::default()
    };
    log.record(Operation::Open, access, None).unwrap();
}

/// A chain computed anew over changed events, as somebody without the key can do it.
fn forge(lines: &[String]) -> Vec<String> {
    let mut tip = chain::Tip::genesis();
    let mut forged = Vec::new();
    for line in lines {
        let entry = chain::parse(line).unwrap();
        let (line, next) = chain::link(&tip, &entry.event, None).unwrap();
        forged.push(line);
        tip = next;
    }
    forged
}

#[test]
fn an_untouched_log_is_intact() {
    let place = Place::with_events(5);
    let report = verify(&place.options).unwrap();
    assert!(
        report.is_intact() && report.keyed && report.anchored,
        "{report:?}"
    );
    assert_eq!(
        (
            report.lines,
            report.events,
            report.checkpoints,
            report.unsealed
        ),
        (6, 5, 1, 0)
    );
    open(&place.log(), "local://one/more");
    assert_eq!(verify(&place.options).unwrap().unsealed, 1);
}

#[test]
fn events_say_who_what_and_how_it_ended() {
    let place = Place::new();
    let context = AuditContext {
        environment: Some("prod".into()),
        identity: [("repository".to_owned(), "acme/infra".to_owned())].into(),
        ..AuditContext::from_environment(&Environment::fixed(
            "/",
            [("GITHUB_RUN_ID", "77"), ("GITHUB_SHA", "abc")],
        ))
    };
    let log = AuditLog::open(place.options.clone(), context).unwrap();
    let access = |reference: &str| Access {
        reference: reference.into(),
        ..Access::default()
    };
    open(&log, "local://a#k");
    let missing = StoreError::new(
        ErrorKind::NotFound,
        Operation::Write,
        "no text of an error is recorded",
    );
    log.record(Operation::Write, access("local://b"), Some(&missing))
        .unwrap();
    let refused = StoreError::new(ErrorKind::PolicyDenied, Operation::Open, "no")
        .with_context("rule", "secretref.toml:7");
    log.record(Operation::Open, access("local://c"), Some(&refused))
        .unwrap();

    let entries: Vec<_> = read(&place.options.path)
        .unwrap()
        .map(|entry| entry.unwrap().event)
        .collect();
    let told: Vec<_> = entries
        .iter()
        .map(|event| (event.event.as_str(), event.outcome, event.error.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            ("open", Outcome::Ok, None),
            ("write", Outcome::Error, Some("not_found")),
            ("decision", Outcome::Refused, Some("policy_denied")),
        ]
    );
    assert_eq!(entries[0].version.as_deref(), Some("3"));
    assert_eq!(entries[2].rule.as_deref(), Some("secretref.toml:7"));
    assert_eq!(entries[0].context.run.as_deref(), Some("77"));
    assert_eq!(entries[0].context.identity["repository"], "acme/infra");
    assert!(
        !fs::read_to_string(&place.options.path)
            .unwrap()
            .contains("no text")
    );
}

#[test]
fn an_edited_line_is_named() {
    let place = Place::with_events(5);
    let mut lines = place.lines();
    lines[2] = lines[2].replace("secret/2", "secret/9");
    place.write(&lines);
    place.finds(&[(3, ProblemKind::Edited)]);
    lines[2] = "{}".into();
    place.write(&lines);
    place.finds(&[(3, ProblemKind::Unreadable)]);
}

#[test]
fn a_deleted_line_is_named() {
    let place = Place::with_events(5);
    let mut lines = place.lines();
    lines.drain(1..3);
    place.write(&lines);
    place.finds(&[(2, ProblemKind::Missing)]);
    assert!(
        verify(&place.options).unwrap().problems[0]
            .message
            .starts_with("2 lines")
    );
}

#[test]
fn lines_missing_at_the_start_are_named() {
    let place = Place::with_events(3);
    place.write(&place.lines()[1..]);
    place.finds(&[(1, ProblemKind::Missing)]);
}

#[test]
fn swapped_and_repeated_lines_are_named() {
    let place = Place::with_events(4);
    let mut lines = place.lines();
    lines.insert(2, lines[1].clone());
    place.write(&lines);
    assert_eq!(verify(&place.options).unwrap().problems[0].line, 3);
    let mut lines = place.lines();
    lines.remove(2);
    lines.swap(1, 2);
    place.write(&lines);
    assert_eq!(verify(&place.options).unwrap().problems[0].line, 2);
}

#[test]
fn a_replaced_line_breaks_the_chain() {
    let place = Place::with_events(4);
    let mut lines = place.lines();
    let mut entry = chain::parse(&lines[1]).unwrap();
    entry.event.reference = Some("local://other".into());
    let before = chain::Tip::of(&chain::parse(&lines[0]).unwrap());
    lines[1] = chain::link(&before, &entry.event, None).unwrap().0;
    place.write(&lines);
    place.finds(&[(3, ProblemKind::Replaced)]);
}

#[test]
fn a_cut_at_the_end_is_noticed_and_stays_visible() {
    let place = Place::with_events(4);
    place.write(&place.lines()[..2]);
    place.finds(&[(3, ProblemKind::Truncated)]);
    open(&place.log(), "local://later");
    place.finds(&[(3, ProblemKind::Missing)]);
    fs::remove_file(&place.options.path).unwrap();
    place.finds(&[(1, ProblemKind::Truncated)]);
    open(&place.log(), "local://later");
    place.finds(&[(1, ProblemKind::Missing)]);
}

#[test]
fn a_chain_computed_anew_does_not_pass() {
    let place = Place::with_events(4);
    let mut lines = place.lines();
    lines.remove(1);
    let forged = forge(&lines);
    place.write(&forged);
    let kinds: Vec<_> = verify(&place.options)
        .unwrap()
        .problems
        .iter()
        .map(|problem| problem.kind)
        .collect();
    assert!(kinds.contains(&ProblemKind::Rewritten), "{kinds:?}");

    // Without what the machine remembers the key alone finds it, and the other way round.
    let key_only = AuditOptions {
        heads: None,
        ..place.options.clone()
    };
    assert_eq!(
        verify(&key_only).unwrap().problems[0].kind,
        ProblemKind::Rewritten
    );
    let memory_only = AuditOptions {
        key: KeySource::None,
        ..place.options.clone()
    };
    assert!(!verify(&memory_only).unwrap().is_intact());
}

#[test]
fn a_rewritten_end_is_noticed_although_lines_follow() {
    let place = Place::new();
    let log = place.log();
    for number in 0..3 {
        open(&log, &format!("local://{number}"));
    }
    let mut lines = place.lines();
    let last = chain::parse(&lines[2]).unwrap();
    lines.push(String::new());
    lines[2] = lines[2].replace("local://2", "local://x");
    lines.pop();
    let forged = forge(&lines);
    place.write(&forged);
    assert_ne!(chain::parse(&forged[2]).unwrap().hash, last.hash);
    open(&log, "local://3");
    place.finds(&[(4, ProblemKind::Replaced)]);
}

#[test]
fn a_line_cut_off_by_a_crash_is_taken_out_and_told() {
    let place = Place::with_events(2);
    let whole = fs::read_to_string(&place.options.path).unwrap();
    fs::write(&place.options.path, format!("{whole}{{\"seq\":4,\"pre")).unwrap();
    place.finds(&[(4, ProblemKind::Torn)]);
    let log = place.log();
    log.ready(Operation::Write).unwrap();
    place.finds(&[(4, ProblemKind::Torn)]);
    open(&log, "local://later");
    place.finds(&[]);
    let kinds: Vec<_> = read(&place.options.path)
        .unwrap()
        .map(|entry| entry.unwrap().event.event)
        .collect();
    assert_eq!(kinds[3..], [EventKind::Recovered, EventKind::Open]);
}

#[test]
fn checkpoints_come_by_themselves_and_only_once() {
    let place = Place::with_events(130);
    place.log().checkpoint().unwrap();
    let report = verify(&place.options).unwrap();
    assert!(report.is_intact());
    assert_eq!((report.events, report.checkpoints), (130, 3));
}

#[test]
fn another_key_does_not_confirm() {
    let place = Place::with_events(2);
    let mut options = place.options.clone();
    options.key = KeySource::Inline(Secret::from_text("ab".repeat(32)));
    assert_eq!(
        verify(&options).unwrap().problems[0].kind,
        ProblemKind::Rewritten
    );
    options.key = KeySource::Inline(Secret::from_text("short".into()));
    assert_eq!(verify(&options).unwrap_err().kind(), ErrorKind::Config);
}

#[test]
fn a_log_that_cannot_be_written_says_so() {
    let place = Place::new();
    fs::create_dir_all(&place.options.path).unwrap();
    let error = place
        .log()
        .record(Operation::Open, Access::default(), None)
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Audit);
    assert_eq!(error.operation(), Operation::Open);
    assert!(error.to_string().contains("audit.jsonl"));
    let missing = AuditOptions {
        path: place.folder.path().join("none.jsonl"),
        ..place.options.clone()
    };
    assert_eq!(verify(&missing).unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn a_home_that_cannot_be_written_costs_the_checkpoints_only() {
    let place = Place::new();
    // A file where the folder of the keys should be.
    fs::write(place.folder.path().join("home"), "").unwrap();
    open(&place.log(), "local://a");
    let report = verify(&AuditOptions {
        heads: None,
        ..place.options.clone()
    });
    let report = report.unwrap();
    assert!(report.is_intact() && !report.keyed, "{report:?}");
    assert_eq!(report.events, 1);

    let strict = AuditOptions {
        fail_closed: true,
        ..place.options.clone()
    };
    AuditLog::open(strict, AuditContext::default()).unwrap_err();
}

#[test]
fn appenders_do_not_break_each_others_chain() {
    let place = Place::new();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let log = place.log();
            scope.spawn(move || {
                (0..25).for_each(|turn| open(&log, &format!("local://{worker}/{turn}")));
            });
        }
    });
    let report = verify(&place.options).unwrap();
    assert!(report.is_intact(), "{report:?}");
    assert_eq!((report.events, report.checkpoints), (100, 1));
}

#[test]
fn filters_choose_what_is_shown() {
    let place = Place::with_events(3);
    let shown = |filter: Filter| {
        read(&place.options.path)
            .unwrap()
            .filter(|entry| filter.matches(entry.as_ref().unwrap()))
            .count()
    };
    assert_eq!(shown(Filter::default()), 3);
    assert_eq!(
        shown(Filter {
            bookkeeping: true,
            ..Filter::default()
        }),
        4
    );
    assert_eq!(
        shown(Filter {
            reference: Some("local://secret/2".into()),
            ..Filter::default()
        }),
        1
    );
    assert_eq!(
        shown(Filter {
            event: Some(EventKind::Checkpoint),
            ..Filter::default()
        }),
        1
    );
    assert_eq!(
        shown(Filter {
            outcome: Some(Outcome::Refused),
            ..Filter::default()
        }),
        0
    );
    assert_eq!(
        shown(Filter {
            run: Some("1".into()),
            ..Filter::default()
        }),
        0
    );
    assert_eq!(
        shown(Filter {
            since: Some(Timestamp::from_second(1).unwrap()),
            ..Filter::default()
        }),
        0
    );
}

#[test]
fn the_log_is_found_in_the_project_and_its_key_outside() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("project/.secretref")).unwrap();
    fs::create_dir_all(folder.path().join("project/sub")).unwrap();
    let home = folder.path().join("home");
    let locate = |inside: &Path, more: &[(&str, &str)]| {
        let variables = [("HOME", home.to_str().unwrap())]
            .into_iter()
            .chain(more.iter().copied());
        AuditOptions::locate(&Environment::fixed(inside, variables)).unwrap()
    };
    let options = locate(&folder.path().join("project/sub"), &[]);
    assert_eq!(
        options.path,
        folder.path().join("project/.secretref/audit.jsonl")
    );
    let expected: PathBuf = home.join(".config/secretref");
    assert!(matches!(&options.key, KeySource::File(path) if *path == expected.join("audit.key")));
    assert_eq!(
        locate(folder.path(), &[]).path,
        expected.join("audit.jsonl")
    );
    assert_eq!(
        locate(folder.path(), &[("SECRETREF_AUDIT_LOG", "x.jsonl")]).path,
        folder.path().join("x.jsonl")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_file_gives_a_report(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let place = Place::new();
        fs::create_dir_all(place.options.path.parent().unwrap()).unwrap();
        fs::write(&place.options.path, &bytes).unwrap();
        let report = verify(&place.options).unwrap();
        prop_assert_eq!(report.is_intact(), bytes.is_empty());
        open(&place.log(), "local://after");
    }

    /// Whatever byte is changed, the report is not clean.
    #[test]
    fn a_changed_byte_anywhere_is_noticed(index in any::<prop::sample::Index>(), flip in 1u8..) {
        let (place, bytes) = sample();
        let mut bytes = bytes.clone();
        let index = index.index(bytes.len());
        bytes[index] ^= flip;
        let path = place.folder.path().join("changed.jsonl");
        fs::write(&path, bytes).unwrap();
        let options = AuditOptions { path, heads: None, ..place.options.clone() };
        prop_assert!(!verify(&options).unwrap().is_intact());
    }

    /// Hostile text in every field stays one line that reads back the same.
    #[test]
    fn any_text_stays_on_its_line(reference in any::<String>(), purpose in any::<String>()) {
        let place = Place::new();
        let access = Access { reference: reference.clone(), purpose: Some(purpose), ..Access::default() };
        place.log().record(Operation::Open, access, None).unwrap();
        prop_assert_eq!(place.lines().len(), 1);
        prop_assert!(verify(&place.options).unwrap().is_intact());
        let entry = read(&place.options.path).unwrap().next().unwrap().unwrap();
        prop_assert_eq!(entry.event.reference, Some(reference));
    }
}

fn sample() -> &'static (Place, Vec<u8>) {
    static SAMPLE: std::sync::OnceLock<(Place, Vec<u8>)> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        let place = Place::with_events(3);
        let bytes = fs::read(&place.options.path).unwrap();
        (place, bytes)
    })
}
