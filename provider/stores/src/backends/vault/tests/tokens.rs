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
