//! The backend against a double that checks tokens and answers as a real server does.

#[cfg(feature = "aws")]
mod clouds;
mod double;
mod hardship;
mod logins;
mod refusals;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use secret_policy::SecretRef;
use secret_value::Secret;
use serde_json::json;

use self::double::Double;
use crate::blocks::Settings;
use crate::conformance::{Fixture, conformance};
use crate::layers::Layers;
use crate::{Environment, ErrorKind, FetchOptions, Operation, SecretStore, Stores};

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

/// Stores of a run against `double` with the variables of the command-line programs.
fn stores(double: &Double, token: &str, settings: Settings) -> (Stores, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let journals = folder.path().join("leases");
    let environment = Environment::fixed(
        folder.path(),
        [
            ("VAULT_ADDR", double.address.as_str()),
            ("VAULT_TOKEN", token),
            ("SECRETREF_LEASES", journals.to_str().unwrap()),
        ],
    );
    let stores = Stores::new(environment, Layers::default())
        .allow_static_credentials(true)
        .with_block("vault", "default", settings)
        .unwrap();
    (stores, folder)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(Duration::from_secs(60), work)
            .await
            .unwrap()
    })
}

fn shown(secret: &Secret) -> String {
    #[expect(clippy::disallowed_methods, reason = "test: the value is compared")]
    let bytes = secret.expose().to_vec();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn the_contract_of_stores_holds() {
    let double = Double::start();
    double.put(
        "team/db",
        json!({ "password": "plumAnchor-1", "port": 5432 }),
    );
    let (stores, _folder) = stores(&double, "good", Settings::new());
    let store: Arc<dyn SecretStore> = stores.store(&reference("vault://kv/team/db")).unwrap();
    let fixture = Fixture {
        store,
        present: reference("vault://kv/team/db"),
        value: Secret::from_text(r#"{"password":"plumAnchor-1","port":5432}"#.to_owned()),
        missing: reference("vault://kv/team/none"),
        free: Some(reference("vault://kv/team/new")),
    };
    run(conformance(&fixture)).unwrap();
}

#[test]
fn many_references_of_one_path_are_one_read() {
    let double = Double::start();
    let fields: serde_json::Map<_, _> = (0..100)
        .map(|place| (format!("k{place}"), json!(place)))
        .collect();
    double.put("app", fields.into());
    let (stores, _folder) = stores(&double, "good", Settings::new());
    let references: Vec<_> = (0..100)
        .map(|place| reference(&format!("vault://kv/app#k{place}")))
        .collect();
    let answers = run(stores.open_many(&references, &FetchOptions::default()));
    for (place, answer) in answers.into_iter().enumerate() {
        let value = answer.unwrap().unwrap().value.value;
        assert_eq!(shown(&value), place.to_string(), "numbers keep their text");
    }
    assert_eq!(double.count("kv/data/app"), 1);
    assert_eq!(double.count("sys/internal/ui/mounts"), 1);
    assert_eq!(double.count(""), 2, "nothing else was asked for");
}

#[test]
fn a_login_with_two_parts_is_one_credential() {
    let double = Double::start();
    let (stores, _folder) = stores(&double, "good", Settings::new());
    let parts = [
        reference("vault://db/creds/app#username"),
        reference("vault://db/creds/app#password"),
    ];
    let answers = run(stores.open_many(&parts, &FetchOptions::default()));
    let leases: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap().unwrap().lease.unwrap().handle.id)
        .collect();
    assert_eq!(leases[0], leases[1]);
    assert_eq!(double.count("db/creds/app"), 1);
}

#[test]
fn a_shared_lease_is_given_back_when_nobody_uses_it() {
    let double = Double::start();
    let (stores, _folder) = stores(&double, "good", Settings::new());
    let open = |parts: [&str; 2]| {
        let parts =
            parts.map(|part| reference(&format!("vault://db/creds/app?optional=true#{part}")));
        run(stores.open_many(&parts, &FetchOptions::default()))
    };
    let answers = open(["none", "password"]);
    assert!(matches!(&answers[0], Ok(None)));
    assert!(answers[1].as_ref().unwrap().is_some());
    assert_eq!(double.count("sys/leases/revoke"), 0, "it is in use");
    let answers = open(["none", "nothing"]);
    assert!(answers.iter().all(|answer| matches!(answer, Ok(None))));
    assert_eq!(
        double.count("sys/leases/revoke"),
        1,
        "once, although two shared it"
    );
}

#[test]
fn versions_that_are_gone_say_so() {
    let double = Double::start();
    double.put("a", json!({ "x": 1 }));
    double.put("a", json!({ "x": 2 }));
    let (stores, _folder) = stores(&double, "good", Settings::new());
    run(async {
        let first = reference("vault://kv/a?version=1");
        stores.remove(&first).await.unwrap();
        let error = stores
            .open(&first, &FetchOptions::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(
            error.to_string().contains("version 1 was destroyed"),
            "{error}"
        );
        let error = stores.metadata(&first).await.unwrap_err();
        assert!(
            error.to_string().contains("version 1 was destroyed"),
            "{error}"
        );
        let facts = stores.metadata(&reference("vault://kv/a")).await.unwrap();
        assert_eq!(facts.number, Some(2));
        assert_eq!(facts.labels["team"], "payments");
    });
}

#[test]
fn the_part_that_the_program_adds_itself_is_pointed_out() {
    let double = Double::start();
    let (stores, _folder) = stores(&double, "good", Settings::new());
    let wrong = reference("vault://kv/data/team/db#password");
    let error = run(stores.open(&wrong, &FetchOptions::default())).unwrap_err();
    assert!(
        error.help().unwrap().contains("leave out `data/`"),
        "{error:?}"
    );
}

#[test]
fn nothing_is_sent_without_an_address_or_in_the_clear() {
    let open = |variables: &[(&str, &str)]| {
        let environment = Environment::fixed("/nowhere", variables.iter().copied());
        let stores = Stores::new(environment, Layers::default());
        let error = run(stores.open(&reference("vault://kv/a#b"), &FetchOptions::default()));
        error.unwrap_err()
    };
    let error = open(&[]);
    assert_eq!(
        (error.kind(), error.operation()),
        (ErrorKind::Config, Operation::Configure)
    );
    assert!(error.help().unwrap().contains("VAULT_ADDR"), "{error:?}");
    let error = open(&[("VAULT_ADDR", "http://vault.example:8200")]);
    assert!(error.to_string().contains("in the clear"), "{error:?}");
    // BAO_ADDR wins.
    let error = open(&[
        ("VAULT_ADDR", "https://vault.example:8200"),
        ("BAO_ADDR", "ftp://bao.example"),
    ]);
    assert!(error.to_string().contains("https://"), "{error:?}");
}
