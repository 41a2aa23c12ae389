//! What is made when opened: sessions, logins, decrypted ciphertexts.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::Value;

use super::double::{ACCOUNT, Double, SESSION_KEY};
use super::server::Request;
use super::signature::Signed;
use super::*;
use crate::blocks::SettingValue;

fn arguments(pairs: Vec<(&str, SettingValue)>) -> FetchOptions {
    let mut arguments = Settings::new();
    for (name, value) in pairs {
        arguments.set(name, value);
    }
    FetchOptions {
        arguments,
        ..FetchOptions::default()
    }
}

/// The whole credential as JSON, and its lease.
fn made(stores: &Stores, text: &str, options: &FetchOptions) -> (Value, crate::Lease) {
    let opened = open_with(stores, &format!("{text}#/"), options)
        .unwrap()
        .unwrap();
    #[expect(
        clippy::disallowed_methods,
        reason = "test: the parts of the credential are looked at"
    )]
    let value = serde_json::from_slice(opened.value.value.expose()).unwrap();
    (value, opened.lease.unwrap())
}

#[test]
fn a_session_has_what_was_asked_for_and_works() {
    let double = Double::start();
    let stores = stores(&double);
    let options = FetchOptions {
        ttl: Some(Duration::from_secs(900)),
        ..arguments(vec![
            ("session_name", "run-7".into()),
            ("policy", r#"{"Version":"2012-10-17"}"#.into()),
            (
                "policy_arns",
                vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned()].into(),
            ),
            (
                "tags",
                BTreeMap::from([("team".to_owned(), "payments".to_owned())]).into(),
            ),
            ("transitive_tag_keys", vec!["team".to_owned()].into()),
            ("external_id", "acme".into()),
            ("source_identity", "ana".into()),
        ])
    };
    let place = format!("aws-sts://arn:aws:iam::{ACCOUNT}:role/deploy");
    let (session, lease) = made(&stores, &place, &options);
    assert_eq!(session["secret_access_key"], SESSION_KEY);
    assert!(
        session["arn"]
            .as_str()
            .unwrap()
            .ends_with("role/deploy/run-7"),
        "{session}"
    );
    assert!((890..=900).contains(&lease.facts.ttl.as_secs()));
    assert!(!lease.facts.revocable && !lease.facts.renewable);
    let form = double.state().forms.pop().unwrap();
    for (name, value) in [
        ("DurationSeconds", "900"),
        ("Policy", r#"{"Version":"2012-10-17"}"#),
        (
            "PolicyArns.member.1.arn",
            "arn:aws:iam::aws:policy/ReadOnlyAccess",
        ),
        ("Tags.member.1.Value", "payments"),
        ("TransitiveTagKeys.member.1", "team"),
        ("ExternalId", "acme"),
        ("SourceIdentity", "ana"),
    ] {
        assert_eq!(form[name], value, "{name}");
    }
    double.put_secret("prod/db", CANARY);
    let mut variables = variables(&double);
    variables.retain(|(name, _)| !name.contains("ACCESS_KEY"));
    for (name, field) in [
        ("AWS_ACCESS_KEY_ID", "access_key_id"),
        ("AWS_SECRET_ACCESS_KEY", "secret_access_key"),
        ("AWS_SESSION_TOKEN", "session_token"),
    ] {
        variables.push((name, session[field].as_str().unwrap().to_owned()));
    }
    let as_role = Stores::new(environment(&variables), layers(1));
    assert_eq!(value(&as_role, "aws-sm://prod/db"), secret(CANARY));
}

#[test]
fn a_session_that_cannot_be_had_is_refused() {
    let double = Double::start();
    let stores = stores(&double);
    let place = format!("aws-sts://arn:aws:iam::{ACCOUNT}:role/forbidden");
    fails(
        &stores,
        &place,
        ErrorKind::PermissionDenied,
        &["sts:AssumeRole"],
    );
    let short = FetchOptions {
        ttl: Some(Duration::from_secs(60)),
        ..FetchOptions::default()
    };
    let answer = open_with(&stores, &place, &short);
    refused(answer, ErrorKind::Config, &["15m"]);
    double.take_log();
    // A plan asks who we are and makes nothing.
    block_on(stores.metadata(&reference(&place))).unwrap();
    assert_eq!(double.take_log(), ["GetCallerIdentity"]);
}

#[test]
fn the_clock_is_put_right_for_sessions_too() {
    let double = Double::start();
    double.state().ahead = -7200;
    let place = format!("aws-sts://arn:aws:iam::{ACCOUNT}:role/deploy");
    assert!(
        open_with(
            &stores(&double),
            &format!("{place}#arn"),
            &FetchOptions::default()
        )
        .is_ok()
    );
    assert_eq!(double.take_log(), ["AssumeRole", "AssumeRole"]);
}

/// The request that a presigned address stands for.
fn presigned(url: &str, headers: &[(&str, &str)]) -> Request {
    let url = url::Url::parse(url).unwrap();
    let host = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap()),
        None => url.host_str().unwrap().to_owned(),
    };
    let mut all = vec![("host".to_owned(), host)];
    all.extend(
        headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    );
    Request {
        method: "GET".to_owned(),
        target: format!("{}?{}", url.path(), url.query().unwrap()),
        headers: all,
        body: Vec::new(),
    }
}

#[test]
fn database_logins_are_signed_here() {
    let double = Double::start();
    let stores = stores(&double);
    let place = "aws-rds://db.abc.eu-central-1.rds.amazonaws.com:5432/app user+x";
    let place = place.replace(' ', "%20");
    let (login, lease) = made(&stores, &place, &FetchOptions::default());
    assert_eq!(
        (&login["host"], &login["port"], &login["username"]),
        (
            &Value::from("db.abc.eu-central-1.rds.amazonaws.com"),
            &Value::from("5432"),
            &Value::from("app user+x"),
        )
    );
    let token = login["token"].as_str().unwrap();
    assert!(
        token.starts_with(
            "db.abc.eu-central-1.rds.amazonaws.com:5432/?Action=connect&DBUser=app%20user%2Bx&"
        ),
        "{token}"
    );
    let request = presigned(&format!("https://{token}"), &[]);
    let signed = Signed::read(&request).unwrap();
    assert_eq!(
        (signed.service.as_str(), signed.region.as_str()),
        ("rds-db", "eu-central-1")
    );
    assert!(signed.is_by(&request, KEY.1));
    let other = token.replace("DBUser=app", "DBUser=admin");
    assert!(!signed.is_by(&presigned(&format!("https://{other}"), &[]), KEY.1));
    assert!(
        request
            .query()
            .contains(&("X-Amz-Expires".to_owned(), "900".to_owned()))
    );
    assert_eq!(lease.facts.ttl.as_secs(), 900);
    let elsewhere = arguments(vec![("region", "us-east-2".into())]);
    let (login, _) = made(&stores, "aws-rds://10.0.0.1:3306/app", &elsewhere);
    assert!(
        login["token"]
            .as_str()
            .unwrap()
            .contains("us-east-2%2Frds-db")
    );
    fails(
        &stores,
        "aws-rds://db.example/app",
        ErrorKind::InvalidReference,
        &["endpoint:port/user"],
    );
    assert!(double.take_log().is_empty(), "AWS is not asked");
}

#[test]
fn cluster_logins_are_signed_here() {
    let double = Double::start();
    let stores = stores(&double);
    let (login, lease) = made(&stores, "aws-eks://prod-cluster", &FetchOptions::default());
    let token = login["token"]
        .as_str()
        .unwrap()
        .strip_prefix("k8s-aws-v1.")
        .unwrap();
    let url = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(token).unwrap()).unwrap();
    assert!(
        url.contains("Action=GetCallerIdentity&Version=2011-06-15"),
        "{url}"
    );
    let request = presigned(&url, &[("x-k8s-aws-id", "prod-cluster")]);
    let signed = Signed::read(&request).unwrap();
    assert_eq!(
        (signed.service.as_str(), signed.region.as_str()),
        ("sts", "eu-west-1")
    );
    assert!(signed.is_by(&request, KEY.1));
    let other = presigned(&url, &[("x-k8s-aws-id", "dev-cluster")]);
    assert!(!signed.is_by(&other, KEY.1), "the token is for one cluster");
    assert_eq!(lease.facts.ttl.as_secs(), 900);
    assert!(double.take_log().is_empty(), "AWS is not asked");
}

#[test]
fn a_login_ends_with_the_session_that_signs_it() {
    let double = Double::start();
    let group = Settings::new()
        .with("role_arn", format!("arn:aws:iam::{ACCOUNT}:role/ci"))
        .with("duration", Duration::from_secs(900));
    let stores = configured(&double, Settings::new().with("assume_role", group));
    let (login, lease) = made(
        &stores,
        "aws-rds://db.example:5432/app",
        &FetchOptions::default(),
    );
    assert!(lease.facts.ttl.as_secs() < 900);
    let request = presigned(
        &format!("https://{}", login["token"].as_str().unwrap()),
        &[],
    );
    let signed = Signed::read(&request).unwrap();
    assert_eq!(signed.token.as_deref(), Some("session-token-0"));
    assert!(signed.is_by(&request, SESSION_KEY));
}

#[test]
fn registry_logins_are_taken_apart() {
    let double = Double::start();
    let stores = stores(&double);
    let (login, lease) = made(
        &stores,
        &format!("aws-ecr://{ACCOUNT}"),
        &FetchOptions::default(),
    );
    assert_eq!(login["username"], "AWS");
    assert_eq!(login["password"], "registry-password-91");
    assert!(login["endpoint"].as_str().unwrap().contains(ACCOUNT));
    assert!(lease.facts.ttl > Duration::from_secs(43_000));
    fails(
        &stores,
        "aws-ecr://acme",
        ErrorKind::InvalidReference,
        &["twelve digits"],
    );
    double
        .state()
        .denied
        .insert("GetAuthorizationToken".to_owned());
    fails(
        &stores,
        &format!("aws-ecr://{ACCOUNT}"),
        ErrorKind::PermissionDenied,
        &["ecr:GetAuthorizationToken"],
    );
}

#[test]
fn ciphertexts_are_decrypted_with_their_context() {
    let double = Double::start();
    let stores = stores(&double);
    let context = r#"{"app":"payments"}"#;
    let blob = BASE64_STANDARD.encode(format!("alias/app|{context}|{CANARY}"));
    let given = BTreeMap::from([("app".to_owned(), "payments".to_owned())]);
    let call = |place: &str, blob: &str, context: Option<BTreeMap<String, String>>| {
        let mut options = arguments(vec![("ciphertext", blob.into())]);
        options.arguments = options.arguments.with_some("context", context);
        open_with(&stores, place, &options)
    };
    let opened = call(
        "aws-kms://alias/app",
        &format!("{}\n{}\n", &blob[..20], &blob[20..]),
        Some(given.clone()),
    );
    assert_eq!(opened.unwrap().unwrap().value.value, secret(CANARY));
    for (place, blob, context) in [
        ("aws-kms://alias/app", blob.as_str(), None),
        ("aws-kms://alias/other", blob.as_str(), Some(given.clone())),
        ("aws-kms://alias/app", "not base64!", Some(given.clone())),
    ] {
        refused(
            call(place, blob, context),
            ErrorKind::InvalidReference,
            &["ciphertext"],
        );
    }
    fails(
        &stores,
        "aws-kms://alias/app",
        ErrorKind::InvalidReference,
        &["secretref_aws_kms"],
    );
    double.state().denied.insert("Decrypt".to_owned());
    assert!(
        block_on(stores.metadata(&reference("aws-kms://alias/app"))).is_ok(),
        "a plan need not decrypt"
    );
    double.state().denied.clear();
    double.state().key_disabled = true;
    let answer = block_on(stores.metadata(&reference("aws-kms://alias/app")));
    refused(answer, ErrorKind::PermissionDenied, &["disabled"]);
    refused(
        call("aws-kms://alias/app", &blob, Some(given)),
        ErrorKind::PermissionDenied,
        &["key"],
    );
}

#[test]
fn blocks_decide_about_the_certificates_to_trust() {
    let folder = tempfile::tempdir().unwrap();
    let double = Double::start();
    let mut variables = variables(&double);
    variables.push((
        "AWS_CA_BUNDLE",
        folder.path().join("none.pem").display().to_string(),
    ));
    let stores = Stores::new(environment(&variables), layers(1));
    let error = open_with(&stores, "aws-sm://x", &FetchOptions::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("none.pem"), "{error}");
    // It must not count as a missing secret, which this reference allows.
    assert!(
        open_with(
            &stores,
            "aws-sm://x?optional=true",
            &FetchOptions::default()
        )
        .is_err()
    );
}
