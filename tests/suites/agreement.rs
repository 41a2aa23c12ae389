//! The linter and the provider decide alike: for generated policies, environments and references, what lints
//! clean is not refused during the run for a reason that the linter could have known, and what the linter
//! reports is refused, in the same words, before the store is called.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::missing_trait_methods,
    reason = "a backend implements what it can do"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree as _;
use secret_policy::{Claims, Policy, SecretRef};
use secret_stores::audit::{AuditContext, AuditLog, AuditOptions};
use secret_stores::layers::{Guard, Identity, Layers};
use secret_stores::{
    Capability, ErrorKind, FetchOptions, Lease, LeaseFacts, LeaseHandle, Leased, Metadata,
    SecretPayload, SecretStore, StoreError, WriteRequest,
};
use secret_value::Secret;
use secretlint_engine::{Config, Input, TextInput, lint};

const PATTERNS: &[&str] = &[
    "vault://kv/**",
    "vault+prod://**",
    "vault+*://kv/*/db",
    "aws-sm://prod/**",
    "aws-sm://**#password",
    "local://dev/**",
    "env://**",
    "*://**/root",
    "*+*://**",
];

const REFERENCES: &[&str] = &[
    "vault://kv/prod/db#password",
    "vault+prod://kv/prod/db?version=3#password",
    "vault+dev://kv/dev/root",
    "vault+prod://database/creds/app",
    "aws-sm://prod/db",
    "aws-sm://prod/db?stage=AWSPREVIOUS#password",
    "aws-sm://shared/ca-bundle",
    "local://dev/db",
    "local://prod/db",
    "env://DB_PASSWORD",
    "file://run/secret",
];

/// What a configuration does with a reference.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Block {
    Ephemeral,
    Data,
    Resource,
}

/// How the environment of a run is chosen.
#[derive(Clone, Copy, Debug)]
enum Choice {
    /// `environment = "…"` in the provider block.
    Provider(&'static str),
    /// By the folder of the configuration, as its pipeline does with `SECRETREF_ENVIRONMENT`.
    Folder(&'static str),
}

#[derive(Clone, Debug)]
struct Case {
    policy: String,
    choice: Choice,
    block: Block,
    reference: &'static str,
}

fn patterns() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(PATTERNS, 0..=4)
}

fn environment(name: &'static str) -> impl Strategy<Value = String> {
    let lists = (patterns(), subsequence(PATTERNS, 0..=1), patterns());
    let requirements = subsequence(&["audited", "identity", "leased", "pinned"][..], 0..=2);
    (lists, requirements, any::<bool>()).prop_map(move |((refs, deny, writes), require, aged)| {
        let age = if aged { "max_age = \"90d\"\n" } else { "" };
        format!(
            "[environments.{name}]\npaths = [\"live/{name}/**\"]\nrefs = {refs:?}\ndeny = {deny:?}\nwrites = {writes:?}\n\
             require = {require:?}\nmax_ttl = \"1h\"\n{age}\
             identities = [{{ issuer = \"https://ci.example\", repository = \"acme/infra\" }}]\n"
        )
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let rest = (subsequence(PATTERNS, 0..=1), any::<bool>(), 0..=2_usize);
    let policy = (environment("dev"), environment("prod"), rest).prop_map(
        |(dev, prod, (deny, shared, count))| {
            let shared = if shared && count > 0 {
                "[shared]\nrefs = [{ ref = \"aws-sm://shared/*\", reason = \"public\" }]\n"
            } else {
                ""
            };
            let environments = [dev, prod][..count].concat();
            format!("{environments}[defaults]\ndeny = {deny:?}\n{shared}")
        },
    );
    let choice = prop_oneof![
        select(vec!["dev", "prod", "qa"]).prop_map(Choice::Provider),
        select(vec!["dev", "prod"]).prop_map(Choice::Folder),
    ];
    let block = select(vec![Block::Ephemeral, Block::Data, Block::Resource]);
    (policy, choice, block, select(REFERENCES)).prop_map(|(policy, choice, block, reference)| {
        Case {
            policy,
            choice,
            block,
            reference,
        }
    })
}

/// A refusal in the words of either half: message with the line that decided, and help.
type Refusal = Option<(String, String)>;

/// What the linter reports.
fn linted(case: &Case) -> Refusal {
    let reference = case.reference;
    let (folder, provider) = match case.choice {
        Choice::Provider(name) => (
            "live/other",
            format!("provider \"secretref\" {{\n  environment = \"{name}\"\n}}\n"),
        ),
        Choice::Folder("prod") => ("live/prod", String::new()),
        Choice::Folder(_) => ("live/dev", String::new()),
    };
    let block = match case.block {
        Block::Ephemeral => {
            format!("ephemeral \"secretref_value\" \"x\" {{\n  ref = \"{reference}\"\n}}\n")
        }
        Block::Data => {
            format!("data \"secretref_metadata\" \"x\" {{\n  ref = \"{reference}\"\n}}\n")
        }
        Block::Resource => format!(
            "resource \"secretref_secret\" \"x\" {{\n  ref = \"{reference}\"\n  generate {{}}\n}}\n"
        ),
    };
    let root = Path::new("/project");
    let mut config = Config::new(date(2026, 1, 1));
    config.read_policy(&root.join("secretref.toml"), &case.policy, root);
    assert!(config.policy.is_some(), "{}", case.policy);
    let texts = [TextInput {
        path: format!("{folder}/main.tf"),
        text: provider + &block,
    }];
    let input = Input {
        root,
        paths: &[],
        texts: &texts,
        only: None,
    };
    let report = lint(&input, &secretlint_rules::rules(), &config);
    let mut found = report
        .findings
        .into_iter()
        .filter(|finding| finding.rule == "policy-violation");
    let first = found.next();
    assert!(found.next().is_none(), "one reference, one finding");
    first.map(|finding| (finding.message, finding.help.into_owned()))
}

/// A store that has everything, gives leases where such stores do, and counts its calls.
#[derive(Debug, Default)]
struct Obliging {
    calls: AtomicUsize,
}

impl Obliging {
    fn metadata(&self) -> Metadata {
        self.calls.fetch_add(1, Ordering::SeqCst);
        Metadata {
            updated: Some(Timestamp::now()),
            ..Metadata::default()
        }
    }
}

#[async_trait]
impl SecretStore for Obliging {
    fn capability(&self) -> Capability {
        Capability::READ_ONLY
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>, StoreError> {
        let value = SecretPayload::opaque(Secret::from_text("x".into()), self.metadata());
        let lease = reference.scheme().can_lease().then(|| Lease {
            handle: LeaseHandle {
                reference: reference.clone(),
                id: "lease".into(),
            },
            facts: LeaseFacts {
                ttl: Duration::from_secs(60),
                renewable: false,
                revocable: false,
            },
        });
        Ok(Leased { value, lease })
    }

    async fn metadata(&self, _reference: &SecretRef) -> Result<Metadata, StoreError> {
        Ok(self.metadata())
    }

    async fn write(
        &self,
        _reference: &SecretRef,
        _request: &WriteRequest,
    ) -> Result<Metadata, StoreError> {
        Ok(self.metadata())
    }
}

/// What the provider's layers answer, and how often they called the store.
fn run(case: &Case, identity: Identity) -> (Refusal, usize) {
    let folder = tempfile::tempdir().unwrap();
    let policy = Policy::parse("secretref.toml", &case.policy).unwrap();
    let environment = match case.choice {
        Choice::Provider(name) => Some(name),
        // Whoever runs this folder can only choose what the policy has; without any, nothing.
        Choice::Folder(name) => policy
            .environment(name)
            .map(secret_policy::policy::Environment::name),
    }
    .map(str::to_owned);
    let log = AuditOptions::at(folder.path().join("audit.jsonl"), folder.path());
    let layers = Layers {
        guard: Some(Guard {
            policy: Arc::new(policy),
            environment,
            identity,
        }),
        audit: Some(Arc::new(
            AuditLog::open(log, AuditContext::default()).unwrap(),
        )),
        ..Layers::default()
    };
    let store = Arc::new(Obliging::default());
    let layered = layers.wrap(store.clone());
    let reference = SecretRef::parse(case.reference).unwrap().reference;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(async {
        match case.block {
            Block::Ephemeral => {
                let options = FetchOptions::default();
                layered.fetch(&reference, &options).await.map(drop)
            }
            Block::Data => layered.metadata(&reference).await.map(drop),
            Block::Resource => {
                let request = WriteRequest::new(Secret::from_text("x".into()));
                layered.write(&reference, &request).await?;
                layered.metadata(&reference).await.map(drop)
            }
        }
    });
    let refusal = answer.err().map(|error| {
        assert_eq!(error.kind(), ErrorKind::PolicyDenied, "{error}");
        let line = error.context("rule").map(|line| format!(" ({line})"));
        (
            format!("{}{}", error.message(), line.unwrap_or_default()),
            error.help().unwrap_or_default().to_owned(),
        )
    });
    (refusal, store.calls.load(Ordering::SeqCst))
}

fn demanded_identity() -> Identity {
    let token = serde_json::json!({ "iss": "https://ci.example", "repository": "acme/infra" });
    Identity::Claims(Claims::from_json(&token).unwrap())
}

/// True when the linter cannot know the environment of a run: the policy has others, and nothing says which.
fn is_open(case: &Case) -> bool {
    matches!(case.choice, Choice::Folder(name)
        if case.policy.contains("[environments.") && !case.policy.contains(&format!("[environments.{name}]")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_refuse_the_same_in_the_same_words(case in cases()) {
        let reported = linted(&case);
        if is_open(&case) {
            prop_assert_eq!(reported, None);
            return Ok(());
        }
        let (refused, calls) = run(&case, demanded_identity());
        prop_assert_eq!(&reported, &refused);
        let expected = match case.block {
            // Written and then read: the second refusal comes after the first call.
            Block::Resource if refused.is_none() => 2,
            Block::Resource => calls.min(1),
            _ => usize::from(refused.is_none()),
        };
        prop_assert_eq!(calls, expected);

        // Without the identity, the only thing that may be added is the refusal for that reason.
        let (anonymous, _) = run(&case, Identity::Unidentified);
        match (&reported, anonymous) {
            (Some(_), anonymous) => prop_assert!(anonymous.is_some()),
            (None, Some((message, _))) => prop_assert!(message.contains("identity"), "{}", message),
            (None, None) => prop_assert!(!case.policy.contains("identities")),
        }
    }
}

#[test]
fn the_cases_hold_both_answers() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut refused = 0;
    let total = 200;
    for _ in 0..total {
        let case = cases().new_tree(&mut runner).unwrap().current();
        refused += usize::from(linted(&case).is_some());
    }
    assert!((20..=180).contains(&refused), "{refused} of {total}");
}
