//! The habits of both cores, against a scripted lease and a clock that stands still.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;

/// Counts what happens to it.
#[derive(Default)]
struct Script {
    renewals: AtomicUsize,
    revocations: AtomicUsize,
    fail_renewals: bool,
    fail_revocations: usize,
    revoke_takes: Duration,
    panics: bool,
    facts_panic: bool,
}

struct Scripted(Arc<Script>, LeaseFacts);

#[async_trait]
impl Lease for Scripted {
    fn facts(&self) -> LeaseFacts {
        assert!(!self.0.facts_panic, "hunter2");
        self.1
    }

    async fn renew(&self) -> Result<LeaseFacts, Diagnostic> {
        assert!(!self.0.panics, "hunter2");
        self.0.renewals.fetch_add(1, Ordering::SeqCst);
        if self.0.fail_renewals {
            Err(Diagnostic::error("permission denied"))
        } else {
            Ok(self.1)
        }
    }

    async fn revoke(&self) -> Result<(), Diagnostic> {
        assert!(!self.0.panics, "hunter2");
        tokio::time::sleep(self.0.revoke_takes).await;
        let earlier = self.0.revocations.fetch_add(1, Ordering::SeqCst);
        if earlier < self.0.fail_revocations {
            Err(Diagnostic::error("permission denied"))
        } else {
            Ok(())
        }
    }
}

struct Frozen(Mutex<SystemTime>);

impl Clock for Frozen {
    fn now(&self) -> SystemTime {
        *self.0.lock().unwrap()
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

struct Fixture {
    clock: Arc<Frozen>,
    leases: Leases,
    script: Arc<Script>,
    opened: Registered,
}

const FACTS: LeaseFacts = LeaseFacts {
    ttl: Some(Duration::from_secs(60)),
    renewable: true,
    revocable: true,
};

async fn opened(script: Script) -> Fixture {
    with_facts(script, FACTS).await
}

async fn with_facts(script: Script, facts: LeaseFacts) -> Fixture {
    let clock = Arc::new(Frozen(Mutex::new(SystemTime::UNIX_EPOCH)));
    let leases = Leases::new(Arc::clone(&clock) as Arc<dyn Clock>);
    let script = Arc::new(script);
    let lease = Box::new(Scripted(Arc::clone(&script), facts));
    let opened = leases.register("x_lease", lease).await.unwrap();
    Fixture {
        clock,
        leases,
        script,
        opened,
    }
}

impl Fixture {
    fn revocations(&self) -> usize {
        self.script.revocations.load(Ordering::SeqCst)
    }

    fn at(&self, seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn pass(&self, seconds: u64) {
        *self.clock.0.lock().unwrap() += Duration::from_secs(seconds);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_and_closed_under_one_stable_id() {
    let fixture = opened(Script::default()).await;
    assert_eq!(fixture.opened.renew_at, Some(fixture.at(40)));
    fixture.pass(40);
    let renewed = fixture.leases.renew(&fixture.opened.private).await;
    assert_eq!(renewed.renew_at, Some(fixture.at(80)));
    assert!(renewed.diagnostics.is_empty());
    assert!(
        fixture
            .leases
            .close(&fixture.opened.private)
            .await
            .is_empty()
    );
    assert_eq!(fixture.revocations(), 1);
    assert!(fixture.leases.is_empty());
}

#[tokio::test(start_paused = true)]
async fn closing_again_or_shutting_down_afterwards_does_nothing() {
    let fixture = opened(Script::default()).await;
    fixture.leases.close(&fixture.opened.private).await;
    assert!(
        fixture
            .leases
            .close(&fixture.opened.private)
            .await
            .is_empty()
    );
    fixture.leases.shutdown(CLOSE_BUDGET).await;
    fixture.leases.shutdown(CLOSE_BUDGET).await;
    assert_eq!(fixture.revocations(), 1);
}

#[tokio::test(start_paused = true)]
async fn closing_without_or_with_foreign_private_bytes_is_no_error() {
    let fixture = opened(Script::default()).await;
    for private in [&b""[..], b"lease:nope", b"\xff\xfe", b"{}"] {
        assert!(fixture.leases.close(private).await.is_empty());
    }
    assert!(fixture.leases.renew(b"").await.diagnostics.has_error());
    assert_eq!(fixture.revocations(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_revokes_what_was_not_closed() {
    let fixture = opened(Script::default()).await;
    fixture.leases.shutdown(CLOSE_BUDGET).await;
    assert_eq!(fixture.revocations(), 1);
    assert!(
        fixture
            .leases
            .close(&fixture.opened.private)
            .await
            .is_empty()
    );
    assert_eq!(fixture.revocations(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_arrives_after_the_shutdown_is_revoked_at_once() {
    let fixture = opened(Script::default()).await;
    fixture.leases.shutdown(CLOSE_BUDGET).await;
    let late = Arc::new(Script::default());
    assert_eq!(
        fixture
            .leases
            .register("x_lease", Box::new(Scripted(Arc::clone(&late), FACTS)))
            .await,
        None
    );
    assert_eq!(late.revocations.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_is_tried_again_and_said_again_at_close() {
    let fixture = opened(Script {
        fail_renewals: true,
        ..Script::default()
    })
    .await;
    fixture.pass(40);
    let renewed = fixture.leases.renew(&fixture.opened.private).await;
    assert_eq!(renewed.renew_at, Some(fixture.at(50)));
    assert!(!renewed.diagnostics.has_error() && !renewed.diagnostics.is_empty());
    fixture.pass(20);
    let expired = fixture.leases.renew(&fixture.opened.private).await;
    assert_eq!(expired.renew_at, None);
    assert!(expired.diagnostics.has_error());
    let closed = fixture.leases.close(&fixture.opened.private).await;
    assert!(!closed.has_error(), "the run has done its work");
    assert!(
        closed
            .to_string()
            .contains("could not be renewed during the run"),
        "{closed}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failed_revocation_is_a_warning_and_is_tried_again_at_the_end() {
    let fixture = opened(Script {
        fail_revocations: 1,
        ..Script::default()
    })
    .await;
    let closed = fixture.leases.close(&fixture.opened.private).await;
    assert!(
        !closed.has_error() && closed.to_string().contains("permission denied"),
        "{closed}"
    );
    fixture.leases.shutdown(CLOSE_BUDGET).await;
    assert_eq!(fixture.revocations(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_revocation_does_not_exceed_the_budget() {
    let fixture = opened(Script {
        revoke_takes: Duration::from_secs(3600),
        ..Script::default()
    })
    .await;
    let start = tokio::time::Instant::now();
    let closed = fixture.leases.close(&fixture.opened.private).await;
    assert!(closed.to_string().contains("within 5 s"), "{closed}");
    assert_eq!(start.elapsed(), CLOSE_BUDGET);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_revokes_all_at_the_same_time() {
    let script = || Script {
        revoke_takes: Duration::from_secs(2),
        ..Script::default()
    };
    let fixture = opened(script()).await;
    for _ in 0..99 {
        fixture
            .leases
            .register("x_lease", Box::new(Scripted(Arc::new(script()), FACTS)))
            .await
            .unwrap();
    }
    let start = tokio::time::Instant::now();
    fixture.leases.shutdown(CLOSE_BUDGET).await;
    assert_eq!(start.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_revoked_is_only_forgotten() {
    let fixture = with_facts(
        Script::default(),
        LeaseFacts {
            revocable: false,
            renewable: false,
            ..FACTS
        },
    )
    .await;
    assert_eq!(fixture.opened.renew_at, None);
    assert!(
        fixture
            .leases
            .close(&fixture.opened.private)
            .await
            .is_empty()
    );
    assert_eq!(fixture.revocations(), 0);
    assert!(fixture.leases.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_panicking_lease_is_a_message_without_its_payload() {
    let fixture = opened(Script {
        panics: true,
        ..Script::default()
    })
    .await;
    let renewed = fixture.leases.renew(&fixture.opened.private).await;
    assert!(!renewed.diagnostics.is_empty());
    let closed = fixture.leases.close(&fixture.opened.private).await;
    assert!(closed.to_string().contains("crashed"), "{closed}");
    assert!(!format!("{closed}{}", renewed.diagnostics).contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn private_bytes_are_distinct_ids_only() {
    let fixture = opened(Script::default()).await;
    let second = fixture
        .leases
        .register("x_lease", Box::new(Scripted(Arc::default(), FACTS)))
        .await
        .unwrap();
    assert_ne!(fixture.opened.private, second.private);
    assert!(fixture.opened.private.starts_with(PREFIX.as_bytes()));
    assert_eq!(fixture.leases.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lease_whose_facts_crash_is_given_back_all_the_same() {
    let crashing = || Script {
        facts_panic: true,
        ..Script::default()
    };
    let fixture = opened(crashing()).await;
    assert_eq!(fixture.opened.renew_at, None);
    assert!(
        fixture
            .leases
            .close(&fixture.opened.private)
            .await
            .is_empty()
    );
    assert_eq!(fixture.revocations(), 1);

    let fixture = opened(crashing()).await;
    fixture.leases.shutdown(Duration::from_secs(1)).await;
    assert_eq!(fixture.revocations(), 1);
}
