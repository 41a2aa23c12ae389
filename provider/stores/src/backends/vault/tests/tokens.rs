//! Logins, the token of the run, and the end of both.

use std::fs;

use serde_json::json;

use super::double::Double;
use super::{reference, run, stores};
use crate::blocks::Settings;
use crate::journal::Journal;
use crate::{Environment, ErrorKind, FetchOptions};

fn userpass(password: &str) -> Settings {
    let method = Settings::new().with("username", "ci").with(
        "password",
        secret_value::Secret::from_text(password.to_owned()),
    );
    Settings::new().with("auth", Settings::new().with("userpass", method))
}

#[test]
fn leases_end_with_the_token_of_the_run() {
    let double = Double::start();
    let (stores, folder) = stores(&double, "good", Settings::new());
    run(async {
        let wanted = reference("vault://db/creds/app#password");
        let opened = stores
            .open(&wanted, &FetchOptions::default())
            .await
            .unwrap();
        let lease = opened.unwrap().lease.unwrap();
        assert!(lease.facts.renewable && lease.facts.revocable);
        assert!(
            lease.handle.id.ends_with("made-1"),
            "made under a token of the run"
        );
        stores.renew(&lease.handle, None).await.unwrap();
        let environment = Environment::fixed(folder.path(), [("SECRETREF_LEASES", "leases")]);
        let journal = Journal::locate(&environment).unwrap();
        let noted = journal.runs().unwrap();
        assert_eq!(noted[0].held.len(), 2, "{noted:?}");
        assert!(
            !fs::read_to_string(
                fs::read_dir(journal.folder())
                    .unwrap()
                    .next()
                    .unwrap()
                    .unwrap()
                    .path()
            )
            .unwrap()
            .contains("plumAnchor")
        );
        stores.close().await.unwrap();
        assert_eq!(fs::read_dir(journal.folder()).unwrap().count(), 0);
    });
    double.change(|state| {
        assert!(state.leases.is_empty());
        assert!(
            state.tokens.contains_key("good"),
            "the token of somebody else is left alone"
        );
        assert_eq!(state.tokens.len(), 1);
    });
}

#[test]
fn a_login_that_may_make_no_token_is_cut_to_a_short_life_itself() {
    let double = Double::start();
    let denied = r#"{"errors":["1 error occurred:\n\t* permission denied\n\n"]}"#;
    double.answer("auth/token/create", 403, "", denied);
    let (stores, folder) = stores(&double, "", userpass("pass-ci"));
    run(async {
        let wanted = reference("vault://db/creds/app#password");
        let opened = stores
            .open(&wanted, &FetchOptions::default())
            .await
            .unwrap()
            .unwrap();
        assert!(opened.value.metadata.notes.is_empty(), "nothing to tell");
        assert_eq!(double.count("auth/token/renew-self"), 1);
        let environment = Environment::fixed(folder.path(), [("SECRETREF_LEASES", "leases")]);
        let noted = Journal::locate(&environment).unwrap().runs().unwrap();
        let left = noted[0].held[0]
            .expires
            .duration_since(jiff::Timestamp::now());
        assert!(left.as_secs() <= 600, "{left}: 900 s before");
        stores.close().await.unwrap();
    });
    double.change(|state| assert!(state.leases.is_empty() && state.tokens.len() == 1));

    // Where that fails, whoever opens it is told.
    double.answer("auth/token/create", 403, "", denied);
    double.answer("auth/token/renew-self", 403, "", denied);
    let settings = userpass("pass-ci").with("token_ttl", std::time::Duration::from_secs(60));
    let (stores, _folder) = super::stores(&double, "", settings);
    let wanted = reference("vault://db/creds/app#password");
    let opened = run(stores.open(&wanted, &FetchOptions::default()));
    let notes = opened.unwrap().unwrap().value.metadata.notes;
    assert!(notes[0].contains("up to 15 min"), "{notes:?}");
}

#[test]
fn a_login_that_a_long_apply_outlives_is_told() {
    let double = Double::start();
    double.allow("short", true);
    let login = json!({ "auth": { "client_token": "short", "accessor": "acc", "lease_duration": 1500,
        "renewable": false, "token_type": "service" } });
    double.answer("auth/userpass/login", 200, "", &login.to_string());
    let (stores, _folder) = stores(&double, "", userpass("pass-ci"));
    let wanted = reference("vault://db/creds/app#password");
    let opened = run(stores.open(&wanted, &FetchOptions::default()));
    let notes = opened.unwrap().unwrap().value.metadata.notes;
    assert!(notes[0].contains("ends in 25 min"), "{notes:?}");
}

#[test]
fn leases_that_only_the_run_may_end_are_left_to_its_end() {
    let double = Double::start();
    double.allow("plain", false);
    let (stores, folder) = stores(&double, "plain", Settings::new());
    run(async {
        let wanted = reference("vault://db/creds/app#password");
        let opened = stores
            .open(&wanted, &FetchOptions::default())
            .await
            .unwrap()
            .unwrap();
        let note = &opened.value.metadata.notes[0];
        assert!(note.contains("auth/token/create"), "{note}");
        let error = stores
            .revoke(&opened.lease.unwrap().handle)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        stores.close().await.unwrap();
    });
    let left = fs::read_dir(folder.path().join("leases")).unwrap().count();
    assert_eq!(left, 1, "the lease stays noted");
}

#[test]
fn a_login_is_made_anew_when_its_token_has_ended() {
    let double = Double::start();
    double.put("a", json!({ "b": "c" }));
    let (stores, _folder) = stores(&double, "", userpass("pass-ci"));
    run(async {
        let wanted = reference("vault://kv/a#b");
        stores
            .open(&wanted, &FetchOptions::default())
            .await
            .unwrap();
        double.change(|state| state.tokens.retain(|token, _| !token.starts_with("made")));
        stores
            .open(&wanted, &FetchOptions::default())
            .await
            .unwrap();
        stores.close().await.unwrap();
    });
    assert_eq!(double.count("auth/userpass/login/ci"), 2);
    double.change(|state| assert!(!state.tokens.keys().any(|token| token.starts_with("made"))));
}

#[test]
fn wrong_logins_are_told_from_missing_secrets() {
    let double = Double::start();
    let (stores, _folder) = stores(&double, "", userpass("plumAnchor-9"));
    let error = run(stores.open(&reference("vault://kv/a#b"), &FetchOptions::default()));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(error.context("login"), Some("userpass"));
    assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
    assert_eq!(double.count("kv/"), 0);
}

#[test]
fn contradicting_logins_are_refused() {
    let double = Double::start();
    let both = Settings::new().with(
        "auth",
        Settings::new()
            .with("jwt", Settings::new())
            .with("cert", Settings::new()),
    );
    let (stores, _folder) = stores(&double, "good", both);
    let error = run(stores.open(&reference("vault://kv/a#b"), &FetchOptions::default()));
    assert!(error.unwrap_err().to_string().contains("several methods"));
    assert_eq!(double.count(""), 0);
}

#[test]
fn a_token_made_for_the_run_ends_with_what_was_opened() {
    let double = Double::start();
    double.put("a", json!({ "b": "c" }));
    let settings = || {
        let token = Settings::new().with("revoke", true);
        Settings::new().with("auth", Settings::new().with("token", token))
    };
    double.allow("plain", false);
    let open = |path: &'static str| {
        let (stores, _folder) = stores(&double, "plain", settings());
        run(async {
            let wanted = reference(path);
            stores
                .open(&wanted, &FetchOptions::default())
                .await
                .unwrap();
            stores.close().await.unwrap();
        });
    };
    open("vault://kv/a#b");
    double.change(|state| assert!(state.tokens.contains_key("plain"), "the apply needs it"));
    open("vault://db/creds/app#password");
    double.change(|state| assert!(!state.tokens.contains_key("plain") && state.leases.is_empty()));
}

#[test]
fn a_login_that_cannot_be_ended_is_noted_and_told_by_the_next_run() {
    let double = Double::start();
    double.put("a", json!({ "b": "c" }));
    let folder = tempfile::tempdir().unwrap();
    let environment = Environment::fixed(
        folder.path(),
        [
            ("VAULT_ADDR", double.address.as_str()),
            ("SECRETREF_LEASES", "leases"),
        ],
    );
    let open = || {
        let settings = userpass("pass-ci").with("timeout", std::time::Duration::from_secs(1));
        let stores = crate::Stores::new(environment.clone(), crate::layers::Layers::default())
            .allow_static_credentials(true)
            .with_block("vault", "default", settings)
            .unwrap();
        run(async {
            let wanted = reference("vault://kv/a#b");
            let opened = stores
                .open(&wanted, &FetchOptions::default())
                .await
                .unwrap()
                .unwrap();
            (opened.value.metadata.notes, stores.close().await)
        })
    };
    for _ in 0..10 {
        double.answer("auth/token/revoke-self", 500, "", "{}");
    }
    let (notes, closed) = open();
    assert!(notes.is_empty() && closed.is_err());
    let left = Journal::locate(&environment).unwrap().runs().unwrap();
    assert_eq!(left[0].held.len(), 1);
    assert_eq!(left[0].held[0].reference, None, "a token");
    double.change(|state| state.script.clear());
    let (notes, closed) = open();
    assert!(notes[0].contains("lease revoke"), "{notes:?}");
    closed.unwrap();
}
