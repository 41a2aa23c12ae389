//! Infisical. The official Python SDK is the judge of the double.

use std::sync::Mutex;
use std::time::Duration;

use e2e::python::{self, Scope};
use e2e::servers::{Algorithm, Infisical, InfisicalRole, OidcIssuer, PROJECT_ID, PROJECT_SLUG};
use secret_stores::conformance::{Fixture, Sample, conformance, hardship};
use secret_stores::{ErrorKind, FetchOptions, Settings, Stores, WriteRequest};
use serde_json::{Value, json};

use super::bench::{
    CANARY, Right, Trouble, block_on, open, reference, refused, run, stores, text, with_block,
};

fn double() -> Infisical {
    let infisical = Infisical::start(None).unwrap();
    infisical.set("prod", "/", "PW", "old");
    infisical.set("prod", "/", "PW", CANARY);
    infisical.set("prod", "/app/db", "URL", "postgres://x");
    infisical.set("prod", "/app/db", "PORT", "5432");
    infisical.define_dynamic("prod", "/app", "pg");
    infisical
}

fn build(url: &str, token: &str) -> Stores {
    let settings = Settings::new().with("address", url);
    with_block(&[("INFISICAL_TOKEN", token)], "infisical", settings)
}

fn full(infisical: &Infisical) -> Stores {
    build(&infisical.url(), &infisical.token(InfisicalRole::Full))
}

fn conforms(infisical: &Infisical) {
    let present = reference(&format!("infisical://{PROJECT_ID}/prod/PW"));
    let fixture = Fixture {
        store: full(infisical).store(&present).unwrap(),
        present: present.clone(),
        value: text(CANARY),
        missing: reference(&format!("infisical://{PROJECT_ID}/prod/NONE")),
        free: Some(reference(&format!(
            "infisical://{PROJECT_SLUG}/prod/app/FREE"
        ))),
    };
    block_on(conformance(&fixture)).unwrap();
    let trouble = Trouble {
        url: infisical.url(),
        present,
        build: Box::new(|url, right| {
            let role = match right {
                Right::Full => InfisicalRole::Full,
                Right::MetadataOnly => InfisicalRole::Describe,
                Right::Nothing => InfisicalRole::Nothing,
            };
            Some(build(url, &infisical.token(role)))
        }),
        put: Box::new(|sample| {
            let value = String::from_utf8(sample.content()).ok()?;
            let name = format!("{sample:?}").to_uppercase();
            infisical.set("prod", "/", &name, &value);
            let known = sample != Sample::Binary;
            known.then(|| reference(&format!("infisical://{PROJECT_SLUG}/prod/{name}")))
        }),
        skewed: None,
        proxies: Mutex::default(),
    };
    block_on(hardship(&fixture, &trouble)).unwrap();
}

#[test]
fn the_store_conforms_and_meets_trouble_in_version_4() {
    conforms(&double());
}

#[test]
fn the_store_conforms_and_meets_trouble_in_version_3() {
    let infisical = double();
    infisical.without_version_4();
    conforms(&infisical);
}

#[test]
fn versions_folders_and_both_names_of_a_project_are_read() {
    let infisical = double();
    let stores = full(&infisical);
    for (place, expected) in [
        (format!("infisical://{PROJECT_SLUG}/prod/PW"), CANARY),
        (format!("infisical://{PROJECT_ID}/prod/PW?version=1"), "old"),
        (
            format!("infisical://{PROJECT_SLUG}/prod/app/db/URL"),
            "postgres://x",
        ),
    ] {
        assert_eq!(open(&stores, &place).unwrap(), text(expected), "{place}");
    }
    let facts = block_on(stores.metadata(&reference(&format!("infisical://{PROJECT_ID}/prod/PW"))))
        .unwrap();
    assert_eq!((facts.number, facts.versions), (Some(2), Some(2)));
    assert!(facts.created.unwrap() < facts.updated.unwrap());
}

#[test]
fn several_names_of_a_folder_are_one_request() {
    let infisical = double();
    let stores = full(&infisical);
    let wanted: Vec<_> = ["URL", "PORT", "URL"]
        .map(|name| reference(&format!("infisical://{PROJECT_ID}/prod/app/db/{name}")))
        .into();
    let _ = infisical.count();
    let answers = block_on(stores.open_many(&wanted, &FetchOptions::default()));
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(infisical.count(), 1);
}

#[test]
fn machine_identities_log_in_and_log_in_again() {
    let infisical = double();
    let issuer = OidcIssuer::start(Algorithm::Rs256).unwrap();
    let (id, secret) = infisical.universal_identity(InfisicalRole::Full);
    let oidc = infisical.oidc_identity(&issuer, "infisical", "ci");
    let proof = issuer.token("infisical", &json!({ "sub": "ci" })).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token").display().to_string();
    std::fs::write(&file, "service-account-token\n").unwrap();
    let kubernetes = infisical.kubernetes_identity("service-account-token");
    let address = infisical.url();
    let block = |auth: &str| {
        Settings::new()
            .with("address", address.as_str())
            .with("auth", auth)
    };
    let logins = [
        with_block(
            &[
                ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", &id),
                ("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", &secret),
            ],
            "infisical",
            Settings::new().with("address", address.as_str()),
        ),
        with_block(
            &[("SECRETREF_ID_TOKEN", &proof)],
            "infisical",
            block("oidc").with("identity_id", oidc.as_str()),
        ),
        with_block(
            &[],
            "infisical",
            block("kubernetes")
                .with("identity_id", kubernetes.as_str())
                .with("service_account_token_file", file.as_str()),
        ),
    ];
    let place = format!("infisical://{PROJECT_ID}/prod/PW");
    for stores in &logins {
        let _ = infisical.count();
        assert_eq!(open(stores, &place).unwrap(), text(CANARY));
        open(stores, &place).unwrap();
        assert_eq!(infisical.count(), 3, "one login, two reads");
        infisical.revoke_tokens();
        open(stores, &place).unwrap();
        assert_eq!(
            infisical.count(),
            3,
            "a read that is refused, a login, a read"
        );
    }
    let wrong = [
        ("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID", id.as_str()),
        ("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET", "wrong"),
    ];
    let answer = open(&with_block(&wrong, "infisical", block("universal")), &place);
    refused(
        answer,
        ErrorKind::PermissionDenied,
        &["refuses the login by universal-auth"],
    );
    let expired = issuer
        .expired_token("infisical", &json!({ "sub": "ci" }))
        .unwrap();
    let late = with_block(
        &[("SECRETREF_ID_TOKEN", &expired)],
        "infisical",
        block("oidc").with("identity_id", oidc.as_str()),
    );
    refused(
        open(&late, &place),
        ErrorKind::PermissionDenied,
        &["expired"],
    );
    refused(
        open(&stores(&[]), &place),
        ErrorKind::Config,
        &["no login for Infisical"],
    );
    let odd = with_block(&[], "infisical", block("ldap"));
    refused(
        open(&odd, &place),
        ErrorKind::Config,
        &["`ldap`", "universal"],
    );
}

#[test]
fn dynamic_secrets_are_leased_renewed_and_revoked() {
    let infisical = double();
    let stores = full(&infisical);
    let place = reference(&format!(
        "infisical://{PROJECT_ID}/prod/app/dynamic-secrets/pg#DB_PASSWORD"
    ));
    let facts = block_on(stores.metadata(&place)).unwrap();
    assert!(facts.created.is_some());
    assert_eq!(infisical.leases(), 0, "metadata make no credential");
    let options = FetchOptions {
        ttl: Some(Duration::from_secs(600)),
        ..FetchOptions::default()
    };
    let opened = block_on(stores.open(&place, &options)).unwrap().unwrap();
    assert_eq!(opened.value.value.len(), 32);
    let lease = opened.lease.unwrap();
    assert!(lease.facts.renewable && lease.facts.revocable);
    assert!(
        (590..=600).contains(&lease.facts.ttl.as_secs()),
        "{lease:?}"
    );
    assert_eq!(infisical.leases(), 1);
    let renewed = block_on(stores.renew(&lease.handle, Some(Duration::from_secs(600)))).unwrap();
    assert!(
        (1190..=1200).contains(&renewed.ttl.as_secs()),
        "{renewed:?}"
    );
    let too_long = block_on(stores.renew(&lease.handle, Some(Duration::from_secs(100 * 3600))));
    refused(too_long, ErrorKind::InvalidReference, &["the lease"]);
    block_on(stores.revoke(&lease.handle)).unwrap();
    assert_eq!(infisical.leases(), 0);
    block_on(stores.revoke(&lease.handle)).unwrap();
    let gone = block_on(stores.renew(&lease.handle, None));
    refused(gone, ErrorKind::NotFound, &["the lease"]);
    let unknown = open(
        &stores,
        &format!("infisical://{PROJECT_SLUG}/prod/dynamic-secrets/pg"),
    );
    refused(unknown, ErrorKind::NotFound, &["the dynamic secret"]);
    // A lease whose value nobody can use is given back.
    let wrong = reference(&format!(
        "infisical://{PROJECT_ID}/prod/app/dynamic-secrets/pg#NONE"
    ));
    refused(
        block_on(stores.open(&wrong, &options)),
        ErrorKind::NotFound,
        &["NONE"],
    );
    assert_eq!(infisical.leases(), 0);
}

#[test]
fn what_the_server_would_change_is_not_written() {
    let infisical = double();
    let stores = full(&infisical);
    let place = reference(&format!("infisical://{PROJECT_ID}/prod/SPACE"));
    for value in [" x", "x ", "x\n\n", "\u{a0}x"] {
        let answer = block_on(stores.write(&place, &WriteRequest::new(text(value))));
        refused(answer, ErrorKind::InvalidReference, &["white space"]);
    }
    let once = WriteRequest::if_absent(text("x"));
    block_on(stores.write(&place, &once)).unwrap();
    refused(
        block_on(stores.write(&place, &once)),
        ErrorKind::Conflict,
        &["exists already"],
    );
    infisical.limit(Some(0));
    refused(
        open(&stores, &place.to_string()),
        ErrorKind::Throttled,
        &["slow down"],
    );
}

#[test]
fn the_official_sdk_takes_the_double_for_infisical() {
    let infisical = double();
    let (id, secret) = infisical.universal_identity(InfisicalRole::Full);
    let package = python::package("infisicalsdk", "1.0.18", Scope::WithDependencies).unwrap();
    let program = "\
import json, sys
from infisical_sdk import InfisicalSDKClient
url, id, secret, project, slug = sys.argv[1:]
client = InfisicalSDKClient(host=url)
client.auth.universal_auth.login(client_id=id, client_secret=secret)
where = dict(project_id=project, environment_slug='prod', secret_path='/')
one = client.secrets.get_secret_by_name(secret_name='PW', **where)
listed = client.secrets.list_secrets(**where)
client.secrets.create_secret_by_name(secret_name='MADE', secret_value='three', **where)
lease = client.dynamic_secrets.leases.create(dynamic_secret_name='pg', project_slug=slug, environment_slug='prod', path='/app', ttl='10m')
print(json.dumps({'value': one.secretValue, 'version': one.version, 'names': [s.secretKey for s in listed.secrets]}))
";
    let mut command = python::python(program, Some(&package));
    let arguments = [
        infisical.url(),
        id,
        secret,
        PROJECT_ID.to_owned(),
        PROJECT_SLUG.to_owned(),
    ];
    let seen: Value = serde_json::from_str(&run(command.args(arguments))).unwrap();
    assert_eq!(seen["value"], CANARY);
    assert_eq!(seen["version"], 2);
    assert_eq!(seen["names"], json!(["PW"]));
    assert_eq!(infisical.leases(), 1);
    let ours = open(
        &full(&infisical),
        &format!("infisical://{PROJECT_ID}/prod/MADE"),
    );
    assert_eq!(ours.unwrap(), text("three"));
}
