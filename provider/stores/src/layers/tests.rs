//! Layers around a scripted store that counts its calls.
#![expect(
    clippy::missing_trait_methods,
    reason = "a backend implements what it can do"
)]

use std::collections::VecDeque;
use std::fmt;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use secret_policy::{Claims, Policy, SecretRef};
use secret_value::Secret;
use tempfile::TempDir;

use super::*;
use crate::audit::{AuditContext, AuditOptions, Outcome};
use crate::{
    Capability, ErrorKind, FetchOptions, Lease, LeaseFacts, LeaseHandle, Leased, Metadata,
    Operation, Result, Retry, SecretPayload, StoreError, WriteRequest,
};

/// What the store does at the next read; afterwards it answers well.
enum Step {
    Fail(StoreError),
    Hang,
    Lease(Duration),
}

struct Scripted {
    steps: Mutex<VecDeque<Step>>,
    reads: AtomicUsize,
    writes: AtomicUsize,
    revoked: Mutex<Vec<String>>,
    stored: Timestamp,
    leasing: bool,
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scripted")
    }
}

impl Scripted {
    fn new(steps: impl IntoIterator<Item = Step>) -> Arc<Self> {
        let steps: VecDeque<_> = steps.into_iter().collect();
        Arc::new(Self {
            leasing: steps.iter().any(|step| matches!(step, Step::Lease(_))),
            steps: Mutex::new(steps),
            reads: AtomicUsize::new(0),
            writes: AtomicUsize::new(0),
            revoked: Mutex::default(),
            stored: Timestamp::UNIX_EPOCH,
        })
    }

    fn reads(&self) -> usize {
        self.reads.load(Ordering::SeqCst)
    }

    async fn step(&self, operation: Operation) -> Result<Option<Duration>> {
        let step = self.steps.lock().unwrap().pop_front();
        // Others get a turn, as with a real store.
        tokio::time::sleep(Duration::from_millis(2)).await;
        match step {
            None => Ok(None),
            Some(Step::Lease(ttl)) => Ok(Some(ttl)),
            Some(Step::Fail(error)) => Err(error.during(operation)),
            Some(Step::Hang) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl SecretStore for Scripted {
    fn capability(&self) -> Capability {
        Capability {
            write: true,
            revoke: self.leasing,
            renew: self.leasing,
            ..Capability::READ_ONLY
        }
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let number = self.reads.fetch_add(1, Ordering::SeqCst);
        let ttl = self.step(Operation::Open).await?;
        let metadata = Metadata {
            updated: Some(self.stored),
            ..Metadata::default()
        };
        let value = SecretPayload::opaque(Secret::new(number.to_string().into_bytes()), metadata);
        let lease = ttl.map(|ttl| Lease {
            handle: LeaseHandle {
                reference: reference.clone(),
                id: format!("lease-{number}"),
            },
            facts: LeaseFacts {
                ttl,
                renewable: true,
                revocable: true,
            },
        });
        Ok(Leased { value, lease })
    }

    async fn metadata(&self, _reference: &SecretRef) -> Result<Metadata> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.step(Operation::Metadata)
            .await
            .map(|_| Metadata::default())
    }

    async fn write(&self, _reference: &SecretRef, _request: &WriteRequest) -> Result<Metadata> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.step(Operation::Write)
            .await
            .map(|_| Metadata::default())
    }

    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        self.revoked.lock().unwrap().push(lease.id.clone());
        Ok(())
    }
}

fn layers() -> Layers {
    Layers {
        timeout: Duration::from_millis(40),
        retry: RetryPolicy {
            attempts: 3,
            first_delay: Duration::from_millis(1),
            longest_delay: Duration::from_millis(20),
        },
        now: || Timestamp::UNIX_EPOCH,
        ..Layers::default()
    }
}

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

fn target() -> SecretRef {
    reference("vault://kv/db#password")
}

fn fails(kind: ErrorKind, retry: Retry) -> Step {
    Step::Fail(StoreError::new(kind, Operation::Open, "scripted").with_retry(retry))
}

fn block_on<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(call)
}

fn fetch(store: &Arc<dyn SecretStore>) -> Result<Leased<SecretPayload>> {
    block_on(store.fetch(&target(), &FetchOptions::default()))
}

#[test]
fn what_may_succeed_later_is_tried_again() {
    let later = || fails(ErrorKind::Throttled, Retry::After(Duration::from_millis(1)));
    let store = Scripted::new([later(), fails(ErrorKind::Unavailable, Retry::Later)]);
    fetch(&layers().wrap(store.clone())).unwrap();
    assert_eq!(store.reads(), 3);

    let store = Scripted::new([later(), later(), later(), later()]);
    assert_eq!(
        fetch(&layers().wrap(store.clone())).unwrap_err().kind(),
        ErrorKind::Throttled
    );
    assert_eq!(store.reads(), 3, "attempts are counted");

    for hint in [Retry::Never, Retry::After(Duration::from_secs(60))] {
        let store = Scripted::new([fails(ErrorKind::Throttled, hint)]);
        fetch(&layers().wrap(store.clone())).unwrap_err();
        assert_eq!(store.reads(), 1, "{hint:?}");
    }
}

#[test]
fn a_store_that_hangs_is_given_up_and_asked_again_where_that_is_safe() {
    let store = Scripted::new([Step::Hang]);
    fetch(&layers().wrap(store.clone())).unwrap();
    assert_eq!(store.reads(), 2);

    // A read that may have made a credential, and a write, are not repeated.
    let store = Scripted::new([Step::Hang, Step::Lease(Duration::from_secs(60))]);
    assert_eq!(
        fetch(&layers().wrap(store.clone())).unwrap_err().kind(),
        ErrorKind::Timeout
    );
    assert_eq!(store.reads(), 1);
    let store = Scripted::new([Step::Hang]);
    let request = WriteRequest::new(Secret::new(vec![1]));
    let error = block_on(layers().wrap(store.clone()).write(&target(), &request)).unwrap_err();
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Timeout, Operation::Write)
    );
    assert_eq!(store.writes.load(Ordering::SeqCst), 1);
}

#[test]
fn a_batch_tries_again_only_what_failed() {
    let store = Scripted::new([
        fails(ErrorKind::Unavailable, Retry::Later),
        fails(ErrorKind::NotFound, Retry::Never),
    ]);
    let wanted = ["vault://kv/a", "vault://kv/b", "vault://kv/c"].map(reference);
    let answers = block_on(
        layers()
            .wrap(store.clone())
            .fetch_many(&wanted, &FetchOptions::default()),
    );
    let kinds: Vec<_> = answers
        .iter()
        .map(|answer| answer.as_ref().err().map(StoreError::kind))
        .collect();
    assert_eq!(kinds, [None, Some(ErrorKind::NotFound), None]);
    assert_eq!(store.reads(), 4);
}

#[test]
fn one_read_serves_all_who_ask_at_the_same_time() {
    let store = Scripted::new([]);
    let layered = layers().wrap(store.clone());
    let wanted = [
        "vault://kv/db#a",
        "vault://kv/db#b",
        "vault://kv/db",
        "vault://kv/db?optional=true#a",
    ]
    .map(reference);
    block_on(async {
        let purposes = wanted.iter().map(|reference| FetchOptions {
            purpose: Some(reference.to_string()),
            ..FetchOptions::default()
        });
        let purposes: Vec<_> = purposes.collect();
        let calls = wanted.iter().zip(&purposes);
        let calls = calls.map(|(reference, options)| layered.fetch(reference, options));
        for answer in futures::future::join_all(calls).await {
            answer.unwrap();
        }
        assert_eq!(store.reads(), 1);
        layered
            .fetch(&wanted[0], &FetchOptions::default())
            .await
            .unwrap();
        assert_eq!(store.reads(), 2, "nothing is kept");
        layered.fetch_many(&wanted, &FetchOptions::default()).await;
        assert_eq!(store.reads(), 3, "a batch asks once for each secret");
    });
}

/// Layers that keep what was read.
fn keeping(period: Duration) -> Layers {
    Layers {
        reuse: period,
        ..layers()
    }
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn what_was_read_a_moment_ago_is_not_read_again() {
    let store = Scripted::new([]);
    let layered = keeping(LONG).wrap(store.clone());
    let options = FetchOptions::default();
    let parts = ["vault://kv/db#a", "vault://kv/db#b"].map(reference);
    block_on(async {
        let first = layered.fetch(&parts[0], &options).await.unwrap();
        let second = layered.fetch(&parts[1], &options).await.unwrap();
        assert!(first.value.body == second.value.body);
        assert_eq!(store.reads(), 1);
        let batch = [parts[1].clone(), reference("vault://kv/other")];
        layered.fetch_many(&batch, &options).await;
        layered.fetch(&batch[1], &options).await.unwrap();
        assert_eq!(store.reads(), 2, "a batch takes part");
        // Another version, another wish and arguments are something else.
        let version = reference("vault://kv/db?version=2#a");
        layered.fetch(&version, &options).await.unwrap();
        let wished = FetchOptions {
            ttl: Some(LONG),
            ..FetchOptions::default()
        };
        layered.fetch(&parts[0], &wished).await.unwrap();
        let asking = FetchOptions {
            arguments: crate::blocks::Settings::new().with("method", "POST"),
            ..FetchOptions::default()
        };
        layered.fetch(&parts[0], &asking).await.unwrap();
        layered.fetch(&parts[0], &asking).await.unwrap();
        assert_eq!(store.reads(), 6);
        layered.metadata(&parts[0]).await.unwrap();
        layered.metadata(&parts[1]).await.unwrap();
        assert_eq!(store.reads(), 7, "facts are kept, too");
    });
}

#[test]
fn what_is_kept_ends_with_its_time_and_with_every_change() {
    let store = Scripted::new([]);
    let layered = keeping(Duration::from_millis(30)).wrap(store.clone());
    let (target, options) = (target(), FetchOptions::default());
    block_on(async {
        layered.fetch(&target, &options).await.unwrap();
        layered.metadata(&target).await.unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
        layered.fetch(&target, &options).await.unwrap();
        layered.metadata(&target).await.unwrap();
        assert_eq!(store.reads(), 4);
    });
    let store = Scripted::new([]);
    let layered = keeping(LONG).wrap(store.clone());
    let request = WriteRequest::new(Secret::new(vec![1]));
    block_on(async {
        layered.fetch(&target, &options).await.unwrap();
        layered.write(&target, &request).await.unwrap();
        layered.fetch(&target, &options).await.unwrap();
        layered.metadata(&target).await.unwrap();
        assert_eq!(store.reads(), 3);
        layered.remove(&target).await.unwrap_err();
        layered.fetch(&target, &options).await.unwrap();
        layered.metadata(&target).await.unwrap();
        assert_eq!(store.reads(), 5, "also after a change that failed");
        layered.close().await.unwrap();
        layered.fetch(&target, &options).await.unwrap();
        assert_eq!(store.reads(), 6);
    });
}

#[test]
fn a_read_that_began_before_a_change_serves_nobody_who_comes_after_it() {
    let store = Scripted::new([]);
    let layered = keeping(LONG).wrap(store.clone());
    let (target, options) = (target(), FetchOptions::default());
    let request = WriteRequest::new(Secret::new(vec![1]));
    block_on(async {
        let early = layered.fetch(&target, &options);
        let late = async {
            // A change that ends while the read is under way.
            tokio::task::yield_now().await;
            let writing = layered.write(&target, &request);
            drop(tokio::time::timeout(Duration::ZERO, writing).await);
            layered.fetch(&target, &options).await
        };
        let (early, late) = futures::future::join(early, late).await;
        assert!(early.unwrap().value.body != late.unwrap().value.body);
        assert_eq!(store.reads(), 2);
        layered.fetch(&target, &options).await.unwrap();
        assert_eq!(store.reads(), 2, "the later one is kept");
    });
}

#[test]
fn neither_leases_nor_failures_are_kept() {
    let lease = || Step::Lease(Duration::from_secs(60));
    let never = || fails(ErrorKind::NotFound, Retry::Never);
    let store = Scripted::new([lease(), lease(), never()]);
    let layered = keeping(LONG).wrap(store.clone());
    let (target, options) = (target(), FetchOptions::default());
    block_on(async {
        let one = layered.fetch(&target, &options).await.unwrap();
        let other = layered.fetch(&target, &options).await.unwrap();
        assert_ne!(one.lease.unwrap().handle, other.lease.unwrap().handle);
        layered.fetch(&target, &options).await.unwrap_err();
        layered.fetch(&target, &options).await.unwrap();
        assert_eq!(store.reads(), 4);
    });
}

#[test]
fn every_use_of_what_is_kept_is_judged_and_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let layers = Layers {
        reuse: LONG,
        ..audited(&folder, true)
    };
    let store = Scripted::new([]);
    let layered = layers.wrap(store.clone());
    block_on(async {
        for part in ["vault://kv/a#b", "vault://kv/a#c"] {
            let options = FetchOptions::default();
            layered.fetch(&reference(part), &options).await.unwrap();
        }
    });
    assert_eq!(store.reads(), 1);
    let recorded: Vec<_> = crate::audit::read(&folder.path().join("audit.jsonl"))
        .unwrap()
        .map(|entry| entry.unwrap().event)
        .collect();
    assert_eq!(recorded.len(), 2);
    assert!(recorded.iter().all(|event| event.rule.is_some()));
}

#[test]
fn leases_are_shared_within_a_batch_alone() {
    let lease = || Step::Lease(Duration::from_secs(60));
    let store = Scripted::new([lease(), lease(), lease(), lease()]);
    let layered = layers().wrap(store);
    let (target, options) = (target(), FetchOptions::default());
    let together = block_on(futures::future::join_all(
        (0..3).map(|_| layered.fetch(&target, &options)),
    ));
    // The user name and the password of one login belong together.
    let batch =
        block_on(layered.fetch_many(&[target.clone(), target.clone(), target.clone()], &options));
    assert_eq!(batch.len(), 3);
    let mut ids: Vec<_> = together
        .into_iter()
        .chain(batch)
        .map(|answer| answer.unwrap().lease.unwrap().handle.id)
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_flight_that_was_given_up_does_not_hold_up_others() {
    let store = Scripted::new([Step::Hang]);
    let layered = layers().wrap(store.clone());
    let (target, options) = (target(), FetchOptions::default());
    block_on(async {
        let abandoned =
            tokio::time::timeout(Duration::from_millis(5), layered.fetch(&target, &options)).await;
        assert!(abandoned.is_err());
        layered.fetch(&target, &options).await.unwrap();
    });
    assert_eq!(store.reads(), 2);
}

#[test]
fn the_facts_of_many_parts_of_one_secret_are_asked_once() {
    let store = Scripted::new([]);
    let layered = layers().wrap(store.clone());
    let parts = [
        reference("vault://kv/a#user"),
        reference("vault://kv/a#password"),
        reference("vault://kv/a"),
        reference("vault://kv/a?version=1"),
    ];
    let facts = block_on(futures::future::join_all(
        parts.iter().map(|part| layered.metadata(part)),
    ));
    assert!(facts.iter().all(Result::is_ok));
    assert_eq!(store.reads(), 2, "another version is another secret");
    block_on(layered.metadata(&parts[0])).unwrap();
    assert_eq!(store.reads(), 3, "what is asked later is asked anew");
}

const POLICY: &str = r#"
[environments.prod]
refs = ["vault://kv/**"]
deny = ["vault://kv/forbidden/**"]
max_ttl = "1h"
max_age = "90d"
"#;

fn guarded(policy: &str) -> Layers {
    Layers {
        guard: Some(Guard {
            policy: Arc::new(Policy::parse("secretref.toml", policy).unwrap()),
            environment: Some("prod".into()),
            identity: Identity::default(),
        }),
        ..layers()
    }
}

#[test]
fn what_the_policy_refuses_never_reaches_the_store() {
    let store = Scripted::new([]);
    let layered = guarded(POLICY).wrap(store.clone());
    for text in ["vault://kv/forbidden/a", "aws-sm://prod/a"] {
        let target = reference(text);
        let options = FetchOptions::default();
        let request = WriteRequest::new(Secret::new(vec![1]));
        let errors = block_on(async {
            [
                layered.fetch(&target, &options).await.unwrap_err(),
                layered.metadata(&target).await.unwrap_err(),
                layered.write(&target, &request).await.unwrap_err(),
                layered.remove(&target).await.unwrap_err(),
            ]
        });
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::PolicyDenied);
            assert!(
                format!("{error:?}").contains("prod") && error.to_string().contains(text),
                "{error:?}"
            );
        }
    }
    let denied = block_on(layered.metadata(&reference("vault://kv/forbidden/a"))).unwrap_err();
    assert!(
        denied
            .context("rule")
            .unwrap()
            .starts_with("secretref.toml:4"),
        "{denied:?}"
    );
    assert_eq!(store.reads(), 0);
    let wanted = ["vault://kv/forbidden/a", "vault://kv/b"].map(reference);
    let answers = block_on(layered.fetch_many(&wanted, &FetchOptions::default()));
    assert_eq!(
        answers[0].as_ref().unwrap_err().kind(),
        ErrorKind::PolicyDenied
    );
    assert!(answers[1].is_ok());
    assert_eq!(store.reads(), 1);
}

#[test]
fn an_answer_outside_the_policy_is_given_back() {
    let store = Scripted::new([Step::Lease(Duration::from_secs(7200))]);
    let error = fetch(&guarded(POLICY).wrap(store.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PolicyDenied);
    assert!(
        error.context("rule").unwrap().contains("max_ttl"),
        "{error:?}"
    );
    assert_eq!(*store.revoked.lock().unwrap(), ["lease-0"]);

    let old = Layers {
        now: || Timestamp::from_second(91 * 86_400).unwrap(),
        ..guarded(POLICY)
    };
    let error = fetch(&old.wrap(Scripted::new([]))).unwrap_err();
    assert!(
        error.context("rule").unwrap().contains("max_age"),
        "{error:?}"
    );
    fetch(&old.wrap(Scripted::new([Step::Lease(Duration::from_secs(60))]))).unwrap();
    fetch(&guarded(POLICY).wrap(Scripted::new([]))).unwrap();
}

#[test]
fn demands_on_the_identity_are_not_met_by_nobody() {
    let policy = format!(
        "{POLICY}identities = [{{ issuer = \"https://ci.example\", repository = \"acme/infra\" }}]\n"
    );
    let nobody = guarded(&policy);
    assert_eq!(
        fetch(&nobody.wrap(Scripted::new([]))).unwrap_err().kind(),
        ErrorKind::PolicyDenied
    );
    let as_claims = |repository: &str| {
        let token = serde_json::json!({ "iss": "https://ci.example", "repository": repository });
        let guard = nobody.guard.clone().unwrap();
        Layers {
            guard: Some(Guard {
                identity: Identity::Claims(Claims::from_json(&token).unwrap()),
                ..guard
            }),
            ..layers()
        }
    };
    fetch(&as_claims("acme/infra").wrap(Scripted::new([]))).unwrap();
    fetch(&as_claims("acme/other").wrap(Scripted::new([]))).unwrap_err();
}

fn audited(folder: &TempDir, fail_closed: bool) -> Layers {
    let options = AuditOptions {
        fail_closed,
        ..AuditOptions::at(
            folder.path().join("audit.jsonl"),
            &folder.path().join("home"),
        )
    };
    Layers {
        audit: Some(Arc::new(
            AuditLog::open(options, AuditContext::default()).unwrap(),
        )),
        ..guarded(POLICY)
    }
}

#[test]
fn a_log_that_fails_closed_stops_the_access_and_otherwise_not() {
    let folder = tempfile::tempdir().unwrap();
    // A folder where the log should be: nothing can be appended.
    fs::create_dir(folder.path().join("audit.jsonl")).unwrap();
    let store = Scripted::new([]);
    let error = fetch(&audited(&folder, true).wrap(store.clone())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Audit);
    assert_eq!(store.reads(), 0);
    fetch(&audited(&folder, false).wrap(store.clone())).unwrap();
    assert_eq!(store.reads(), 1);
}

#[test]
fn refusals_are_recorded_with_the_line_that_refused() {
    let folder = tempfile::tempdir().unwrap();
    let layers = audited(&folder, true);
    let layered = layers.wrap(Scripted::new([]));
    block_on(layered.fetch(
        &reference("vault://kv/forbidden/a"),
        &FetchOptions::default(),
    ))
    .unwrap_err();
    let entry = crate::audit::read(&folder.path().join("audit.jsonl"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(entry.event.event.as_str(), "decision");
    assert!(entry.event.rule.unwrap().starts_with("secretref.toml:4"));
}

#[test]
fn allowed_accesses_are_recorded_with_the_line_that_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let policy = format!("{POLICY}writes = [\"vault://kv/a\"]\n");
    let layers = Layers {
        guard: guarded(&policy).guard,
        ..audited(&folder, true)
    };
    let layered = layers.wrap(Scripted::new([fails(ErrorKind::NotFound, Retry::Never)]));
    let target = reference("vault://kv/a");
    block_on(async {
        let options = FetchOptions::default();
        layered.fetch(&target, &options).await.unwrap_err();
        layered.fetch(&target, &options).await.unwrap();
        layered.metadata(&target).await.unwrap();
        let request = WriteRequest::new(Secret::new(vec![1]));
        layered.write(&target, &request).await.unwrap();
    });
    let entries: Vec<_> = crate::audit::read(&folder.path().join("audit.jsonl"))
        .unwrap()
        .map(|entry| entry.unwrap().event)
        .map(|event| (event.event.as_str(), event.outcome, event.rule.unwrap()))
        .collect();
    let reads = "secretref.toml:3: refs = [\"vault://kv/**\"]".to_owned();
    let writes = "secretref.toml:7: writes = [\"vault://kv/a\"]".to_owned();
    assert_eq!(
        entries,
        [
            ("open", Outcome::Error, reads.clone()),
            ("open", Outcome::Ok, reads.clone()),
            ("metadata", Outcome::Ok, reads),
            ("write", Outcome::Ok, writes),
        ]
    );
}
