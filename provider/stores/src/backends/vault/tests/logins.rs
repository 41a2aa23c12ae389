//! Ways to log in, one test each for what is sent and what is refused.

use std::fs;

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use secret_value::Secret;
use serde_json::json;

use super::double::Double;
use super::{reference, run, stores};
use crate::blocks::Settings;
use crate::{ErrorKind, FetchOptions, Stores};

const WRAPPED_BY: &str = "auth/approle/role/ci/secret-id";

pub(super) fn auth(method: &str, settings: Settings) -> Settings {
    Settings::new().with("auth", Settings::new().with(method, settings))
}

pub(super) fn open(stores: &Stores) -> crate::Result<()> {
    let wanted = reference("vault://kv/a#b");
    run(stores.open(&wanted, &FetchOptions::default())).map(drop)
}

pub(super) fn double() -> Double {
    let double = Double::start();
    double.put("a", json!({ "b": "c" }));
    double
}

/// A token that says nothing but when it ends.
fn jwt() -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"exp":4102444800,"aud":"vault"}"#);
    format!("e30.{payload}.c2ln")
}

fn approle(secret_id: &str) -> Settings {
    auth(
        "approle",
        Settings::new()
            .with("role_id", "role")
            .with("secret_id", Secret::from_text(secret_id.to_owned())),
    )
}

fn wrapped(secret_id: &str) -> Settings {
    let mut settings = approle(secret_id);
    let mut method = settings
        .group("auth")
        .and_then(|auth| auth.group("approle"))
        .cloned()
        .unwrap();
    method.set("wrapped_creation_path", WRAPPED_BY);
    settings.set("auth", Settings::new().with("approle", method));
    settings
}

#[test]
fn approle_takes_plain_and_wrapped_secret_ids() {
    let double = double();
    let (plain, _folder) = stores(&double, "", approle("secret-id-1"));
    open(&plain).unwrap();
    double.wrap("wrap-1", WRAPPED_BY);
    let (fresh, _folder) = stores(&double, "", wrapped("wrap-1"));
    open(&fresh).unwrap();
    // It was opened: whoever comes second is told what that means.
    let (late, _folder) = stores(&double, "", wrapped("wrap-1"));
    let error = open(&late).unwrap_err();
    assert!(error.help().unwrap().contains("stolen"), "{error:?}");
}

#[test]
fn a_wrapping_token_of_another_path_is_not_opened() {
    let double = double();
    double.wrap("wrap-2", "cubbyhole/evil");
    let (replaced, _folder) = stores(&double, "", wrapped("wrap-2"));
    let error = open(&replaced).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity, "{error:?}");
    assert_eq!(double.count("sys/wrapping/unwrap"), 0);
    assert_eq!(double.count("auth/approle/login"), 0);
}

#[test]
fn identity_tokens_log_in() {
    let double = double();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    fs::write(&file, format!("{}\n", jwt())).unwrap();
    let kubernetes = Settings::new()
        .with("role", "ci")
        .with("token_file", file.to_str().unwrap());
    let (pod, _folder) = stores(&double, "", auth("kubernetes", kubernetes));
    open(&pod).unwrap();
    let environment = crate::Environment::fixed(
        "/nowhere",
        [
            ("VAULT_ADDR", double.address.as_str()),
            ("SECRETREF_ID_TOKEN", jwt().as_str()),
        ],
    );
    let of = |audience: &str| {
        let method = Settings::new()
            .with("role", "ci")
            .with("audience", audience);
        Stores::new(environment.clone(), crate::layers::Layers::default())
            .with_block("vault", "default", auth("jwt", method))
            .unwrap()
    };
    open(&of("vault")).unwrap();
    // A token is only shown to whom it is for.
    let before = double.count("auth/jwt/login");
    let error = open(&of("somebody")).unwrap_err();
    assert!(
        error.to_string().contains("not for `somebody`"),
        "{error:?}"
    );
    assert_eq!(double.count("auth/jwt/login"), before);
}

#[test]
fn users_of_a_directory_log_in() {
    let double = double();
    let method = |password: &str| {
        Settings::new()
            .with("username", "ci")
            .with("password", Secret::from_text(password.to_owned()))
    };
    let (right, _folder) = stores(&double, "", auth("ldap", method("pass-ci")));
    open(&right).unwrap();
    let (wrong, _folder) = stores(&double, "", auth("ldap", method("plumAnchor-3")));
    let error = open(&wrong).unwrap_err();
    assert!(
        error.to_string().contains("directory refused the login"),
        "{error:?}"
    );
    assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
    assert_eq!(double.count("auth/ldap/login/ci"), 2);
}

#[test]
fn inline_proofs_leave_no_token() {
    let double = double();
    let method = Settings::new()
        .with("username", "ci")
        .with("password", Secret::from_text("pass-ci".to_owned()));
    let settings = Settings::new()
        .with("kv2_mounts", vec!["kv".to_owned()])
        .with(
            "auth",
            Settings::new()
                .with("userpass", method)
                .with("inline", true),
        );
    let (inline, _folder) = stores(&double, "", settings);
    open(&inline).unwrap();
    assert_eq!(double.count(""), 1, "one request, no login");
    let asked = double.change(|state| state.asked[0].clone());
    assert!(!asked.headers.contains_key("x-vault-token"));
    assert!(
        !asked
            .headers
            .values()
            .any(|value| value.contains("pass-ci"))
    );
    // What makes leases logs in.
    let wanted = reference("vault://db/creds/app#password");
    run(async {
        inline
            .open(&wanted, &FetchOptions::default())
            .await
            .unwrap();
        inline.close().await.unwrap();
    });
    assert_eq!(double.count("auth/userpass/login"), 1);
    double.change(|state| assert!(state.leases.is_empty() && state.tokens.len() == 1));
}

#[test]
fn static_logins_have_to_be_allowed() {
    let double = double();
    let environment =
        crate::Environment::fixed("/nowhere", [("VAULT_ADDR", double.address.as_str())]);
    let stores = Stores::new(environment, crate::layers::Layers::default());
    let error = stores
        .with_block("vault", "default", approle("secret-id-1"))
        .unwrap_err();
    assert!(
        error.to_string().contains("auth.approle.secret_id"),
        "{error:?}"
    );
}
