//! `k8s://` and `k8s-token://` without Terraform.

use std::sync::Mutex;
use std::time::Duration;

use e2e::servers::Kubernetes;
use secret_stores::conformance::{Fixture, Sample, conformance, hardship};
use secret_stores::{
    ErrorKind, FetchOptions, Precondition, SecretPayload, Settings, Stores, WriteRequest,
};
use secret_value::Secret;

use super::bench::{CANARY, Right, Trouble, block_on, open, reference, refused, text, with_block};

const USER: &str = "pipeline";

/// A cluster with one Secret, whose Secrets in `payments` the user may use as he likes.
fn cluster() -> Kubernetes {
    let cluster = Kubernetes::start_plain().unwrap();
    let keys: [(&str, &[u8]); 4] = [
        ("password", CANARY.as_bytes()),
        ("key", &[0xff, 0]),
        ("empty", b""),
        ("port", b"5432"),
    ];
    cluster.set_secret("payments", "db", &keys);
    cluster.grant(USER, &["*"], "secrets", "payments");
    cluster
}

fn at(url: &str, token: &str) -> Stores {
    let settings = Settings::new().with("host", url).with("token", text(token));
    with_block(&[], "kubernetes", settings)
}

fn of(cluster: &Kubernetes) -> Stores {
    at(&cluster.url(), &cluster.token(USER))
}

fn payload(stores: &Stores, place: &str) -> SecretPayload {
    let place = reference(place);
    let store = stores.store(&place).unwrap();
    let answer = block_on(store.fetch(&place, &FetchOptions::default()));
    answer.unwrap().value
}

#[test]
fn the_store_conforms_and_meets_trouble() {
    let cluster = cluster();
    let stores = of(&cluster);
    let present = reference("k8s://payments/db");
    let fixture = Fixture {
        store: stores.store(&present).unwrap(),
        present: present.clone(),
        value: payload(&stores, "k8s://payments/db").body,
        missing: reference("k8s://payments/none"),
        free: Some(reference("k8s://payments/free")),
    };
    block_on(conformance(&fixture)).unwrap();
    let trouble = Trouble {
        url: cluster.url(),
        present,
        build: Box::new(|url, right| {
            let user = match right {
                Right::Full => USER,
                Right::Nothing => "stranger",
                // Facts need the same right as values.
                Right::MetadataOnly => return None,
            };
            Some(at(url, &cluster.token(user)))
        }),
        // A Secret is an object with fields; what a field may hold is tested below.
        put: Box::new(|_| None),
        skewed: None,
        proxies: Mutex::default(),
    };
    block_on(hardship(&fixture, &trouble)).unwrap();
}

#[test]
fn a_key_holds_any_bytes() {
    let cluster = cluster();
    let samples = Sample::ALL.map(|sample| (format!("{sample:?}"), sample.content()));
    let keys: Vec<_> = samples
        .iter()
        .map(|(name, content)| (name.as_str(), content.as_slice()))
        .collect();
    cluster.set_secret("payments", "samples", &keys);
    let stores = of(&cluster);
    for (name, content) in &samples {
        let encoding = if std::str::from_utf8(content).is_ok() {
            ""
        } else {
            "?encoding=base64"
        };
        let place = format!("k8s://payments/samples{encoding}#{name}");
        assert_eq!(
            open(&stores, &place).unwrap(),
            Secret::new(content.clone()),
            "{name}"
        );
    }
}

#[test]
fn keys_are_fields_and_facts_are_those_of_the_object() {
    let cluster = cluster();
    let stores = of(&cluster);
    let found = payload(&stores, "k8s://payments/db");
    let expected = format!(r#"{{"empty":"","key":"/wA=","password":"{CANARY}","port":"5432"}}"#);
    assert_eq!(found.body, text(&expected));
    assert_eq!(found.metadata.author.as_deref(), Some("kubectl-create"));
    assert!(found.metadata.number.is_some() && found.metadata.created.is_some());
    let facts = block_on(stores.metadata(&reference("k8s://payments/db"))).unwrap();
    assert_eq!(facts, found.metadata);
    assert_eq!(cluster.calls().len(), 2);
    refused(
        open(&stores, "k8s://payments/db#none"),
        ErrorKind::NotFound,
        &["password"],
    );
    refused(
        open(&stores, "k8s://payments/db"),
        ErrorKind::InvalidReference,
        &["`password`"],
    );
}

#[test]
fn writes_keep_their_conditions() {
    let cluster = cluster();
    let stores = of(&cluster);
    let target = reference("k8s://payments/new");
    let value = || text(r#"{"a":"1"}"#);
    let write = |request: WriteRequest| block_on(stores.write(&target, &request));
    let first = write(WriteRequest::if_absent(value()))
        .unwrap()
        .version
        .unwrap();
    refused(
        write(WriteRequest::if_absent(value())),
        ErrorKind::Conflict,
        &["exists"],
    );
    let at = |version: &str| WriteRequest {
        precondition: Precondition::Version(version.into()),
        ..WriteRequest::new(value())
    };
    let second = write(at(&first)).unwrap().version.unwrap();
    assert_ne!(second, first);
    refused(write(at(&first)), ErrorKind::Conflict, &["another version"]);
    let number = format!(r#"{{"{CANARY}":1}}"#);
    refused(
        write(WriteRequest::new(text(&number))),
        ErrorKind::InvalidReference,
        &["jsonencode"],
    );
    let badly_named = WriteRequest::new(text(r#"{"a/b":"1"}"#));
    refused(
        write(badly_named),
        ErrorKind::InvalidReference,
        &["limits of the cluster"],
    );
    block_on(stores.remove(&target)).unwrap();
    refused(
        block_on(stores.remove(&target)),
        ErrorKind::NotFound,
        &["Secret"],
    );
    write(WriteRequest::new(value())).unwrap();
    assert_eq!(cluster.secret("payments", "new").unwrap()["a"], b"1");
}

#[test]
fn refusals_have_their_kind_and_help() {
    let cluster = cluster();
    let stores = of(&cluster);
    refused(
        open(&stores, "k8s://payments/none#a"),
        ErrorKind::NotFound,
        &["check namespace and name"],
    );
    refused(
        open(&stores, "k8s://other/db#a"),
        ErrorKind::PermissionDenied,
        &["kubectl auth can-i"],
    );
    let stranger = at(&cluster.url(), "wrong");
    refused(
        open(&stranger, "k8s://payments/db#a"),
        ErrorKind::PermissionDenied,
        &["does not accept the login"],
    );
    let nowhere = open(&super::bench::stores(&[]), "k8s://payments/db#a");
    refused(nowhere, ErrorKind::Config, &["KUBECONFIG"]);
}

#[test]
fn one_may_act_as_another() {
    let cluster = cluster();
    cluster.grant("other", &["get"], "secrets", "theirs");
    cluster.set_secret("theirs", "db", &[("password", CANARY.as_bytes())]);
    let acting = || {
        let settings = Settings::new()
            .with("host", cluster.url())
            .with("token", text(&cluster.token(USER)))
            .with("impersonate", "other");
        open(
            &with_block(&[], "kubernetes", settings),
            "k8s://theirs/db#password",
        )
    };
    refused(acting(), ErrorKind::PermissionDenied, &["does not allow"]);
    cluster.grant(USER, &["impersonate"], "users", "");
    assert_eq!(acting().unwrap(), text(CANARY));
}

#[test]
fn tokens_are_made_for_an_audience_and_end() {
    let cluster = cluster();
    cluster.add_service_account("ci", "deployer");
    cluster.grant(USER, &["create"], "serviceaccounts/token", "ci");
    let stores = of(&cluster);
    let options = |seconds: u64| FetchOptions {
        ttl: Some(Duration::from_secs(seconds)),
        arguments: Settings::new().with("audiences", vec!["vault".to_owned()]),
        ..FetchOptions::default()
    };
    let wanted = reference("k8s-token://ci/deployer#token");
    let opened = block_on(stores.open(&wanted, &options(900)))
        .unwrap()
        .unwrap();
    let facts = opened.lease.unwrap().facts;
    assert!((851..=900).contains(&facts.ttl.as_secs()), "{facts:?}");
    assert!(!facts.revocable && !facts.renewable);
    assert!(opened.value.metadata.expires.is_some());
    // The cluster gives none for less than ten minutes, so that is the least that is asked for.
    let short = block_on(stores.open(&wanted, &options(60)))
        .unwrap()
        .unwrap();
    assert!(short.lease.unwrap().facts.ttl.as_secs() > 550);

    block_on(stores.metadata(&wanted)).unwrap();
    let denied = block_on(stores.metadata(&reference("k8s-token://prod/deployer")));
    refused(
        denied,
        ErrorKind::PermissionDenied,
        &["serviceaccounts/token"],
    );
    refused(
        open(&stores, "k8s-token://ci/none#token"),
        ErrorKind::NotFound,
        &["service account"],
    );
    refused(
        open(&stores, "k8s-token://prod/x#token"),
        ErrorKind::PermissionDenied,
        &["service account"],
    );
}
