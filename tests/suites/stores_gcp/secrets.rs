//! Secret Manager.

use std::sync::Mutex;

use e2e::servers::{Google, GoogleRole, VersionState};
use secret_stores::conformance::{Fixture, Sample, conformance, hardship};
use secret_stores::{ErrorKind, FetchOptions, Precondition, Retry, Settings, Stores, WriteRequest};
use secret_value::Secret;
use serde_json::json;

use super::bench::{CANARY, Right, Trouble, block_on, open, reference, refused, text, with_block};
use super::{PROJECT, admin, block, double, with_token};

fn right(google: &Google, right: Right) -> String {
    google.token(match right {
        Right::Full => &[GoogleRole::Admin],
        Right::MetadataOnly => &[GoogleRole::Viewer],
        Right::Nothing => &[],
    })
}

/// A store that logs in with a key while Google's clock is two hours ahead and nobody says so.
fn skewed() -> (Google, Stores) {
    let google = double();
    let email = google.service_account("ci");
    google.grant(&email, GoogleRole::Admin);
    google.set_clock(7200, false);
    let settings = block(&google.url());
    let key = google.key(&email).unwrap();
    let stores = with_block(&[("GOOGLE_CREDENTIALS", &key)], "gcp", settings);
    (google, stores)
}

#[test]
fn the_store_conforms_and_meets_trouble() {
    let google = double();
    let present = reference(&format!("gcp-sm://{PROJECT}/PW"));
    let fixture = Fixture {
        store: admin(&google).store(&present).unwrap(),
        present: present.clone(),
        value: text(CANARY),
        missing: reference(&format!("gcp-sm://{PROJECT}/NONE")),
        free: Some(reference(&format!("gcp-sm://{PROJECT}/FREE"))),
    };
    block_on(conformance(&fixture)).unwrap();
    let (_late, stores) = skewed();
    let trouble = Trouble {
        url: google.url(),
        present: present.clone(),
        build: Box::new(|url, what| Some(with_token(&right(&google, what), block(url)))),
        put: Box::new(|sample| {
            // Google stores no empty values.
            let content = sample.content();
            let name = format!("{sample:?}");
            (sample != Sample::Empty).then(|| {
                google.put(&name, &content);
                reference(&format!("gcp-sm://{PROJECT}/{name}"))
            })
        }),
        skewed: Some(stores.store(&present).unwrap()),
        proxies: Mutex::default(),
    };
    block_on(hardship(&fixture, &trouble)).unwrap();
}

#[test]
fn a_secret_is_named_by_project_number_version_and_alias() {
    let google = double();
    google.alias("PW", "stable", 1);
    google.put("JSON", br#"{"user":"ana","deep":{"p":"two"}}"#);
    let stores = with_token(
        &google.token(&[GoogleRole::Accessor]),
        block(&google.url()).with("project", PROJECT),
    );
    let number = google.project_number();
    for (place, expected) in [
        (format!("gcp-sm://{PROJECT}/PW"), CANARY),
        (format!("gcp-sm://{number}/PW"), CANARY),
        ("gcp-sm://PW".to_owned(), CANARY),
        ("gcp-sm://PW?version=latest".to_owned(), CANARY),
        ("gcp-sm://PW?version=1".to_owned(), "before"),
        ("gcp-sm://PW?version=stable".to_owned(), "before"),
        ("gcp-sm://JSON#user".to_owned(), "ana"),
        ("gcp-sm://JSON#/deep/p".to_owned(), "two"),
    ] {
        assert_eq!(open(&stores, &place).unwrap(), text(expected), "{place}");
    }
    for (place, kind, words) in [
        (
            "gcp-sm://PW?version=none",
            ErrorKind::NotFound,
            ["no alias `none`", "project: acme"],
        ),
        (
            "gcp-sm://elsewhere/PW",
            ErrorKind::PermissionDenied,
            ["secretmanager.versions.access", "project: elsewhere"],
        ),
        (
            "gcp-sm://NONE",
            ErrorKind::NotFound,
            ["no such secret", "location"],
        ),
    ] {
        refused(open(&stores, place), kind, &words);
    }
    let nowhere = with_token(&google.token(&[GoogleRole::Accessor]), block(&google.url()));
    refused(
        open(&nowhere, "gcp-sm://PW"),
        ErrorKind::Config,
        &["names no project", "GOOGLE_CLOUD_PROJECT"],
    );
}

#[test]
fn regional_secrets_are_others_than_global_ones() {
    let google = double();
    google.put_at("europe-west3", "PW", b"regional");
    let token = google.token(&[GoogleRole::Admin]);
    let settings = block(&google.url()).with("project", PROJECT);
    let regional = with_token(&token, settings.clone().with("location", "europe-west3"));
    assert_eq!(open(&regional, "gcp-sm://PW").unwrap(), text("regional"));
    assert_eq!(
        open(&with_token(&token, settings), "gcp-sm://PW").unwrap(),
        text(CANARY)
    );
    let place = reference("gcp-sm://NEW");
    block_on(regional.write(&place, &WriteRequest::if_absent(text("x")))).unwrap();
    assert_eq!(open(&regional, "gcp-sm://NEW").unwrap(), text("x"));
    assert_eq!(google.replication("europe-west3", "NEW"), Some(json!({})));
}

#[test]
fn states_of_versions_are_told_apart() {
    let google = double();
    let stores = admin(&google);
    let (place, older) = (
        format!("gcp-sm://{PROJECT}/PW"),
        format!("gcp-sm://{PROJECT}/PW?version=1"),
    );
    for (state, kind, word) in [
        (
            VersionState::Disabled,
            ErrorKind::PermissionDenied,
            "disabled",
        ),
        (VersionState::Destroyed, ErrorKind::NotFound, "destroyed"),
    ] {
        google.set_state("PW", 2, state);
        refused(open(&stores, &place), kind, &[word]);
        let facts = block_on(stores.metadata(&reference(&place)));
        refused(facts, kind, &[word]);
        assert_eq!(open(&stores, &older).unwrap(), text("before"));
    }
    // Destroyed versions are not kept.
    let facts = block_on(stores.metadata(&reference(&older))).unwrap();
    assert_eq!((facts.number, facts.versions), (Some(1), Some(1)));
}

#[test]
fn a_version_alone_can_be_removed() {
    let google = double();
    let stores = admin(&google);
    let first = reference(&format!("gcp-sm://{PROJECT}/PW?version=1"));
    let store = stores.store(&first).unwrap();
    block_on(store.remove(&first)).unwrap();
    refused(
        open(&stores, &first.to_string()),
        ErrorKind::NotFound,
        &["destroyed"],
    );
    refused(
        block_on(store.remove(&first)),
        ErrorKind::NotFound,
        &["destroyed"],
    );
    assert_eq!(
        open(&stores, &format!("gcp-sm://{PROJECT}/PW")).unwrap(),
        text(CANARY)
    );
}

#[test]
fn a_value_that_was_changed_on_its_way_is_refused() {
    let google = double();
    google.corrupt();
    let answer = open(&admin(&google), &format!("gcp-sm://{PROJECT}/PW"));
    let error = answer.clone().unwrap_err();
    assert_eq!(error.retry(), Retry::Later);
    refused(answer, ErrorKind::Integrity, &["CRC32C"]);
}

#[test]
fn facts_need_no_right_to_values_and_count_all_pages() {
    let google = double();
    for number in 0..5 {
        google.put("PW", format!("{number}").as_bytes());
    }
    let url = google.url();
    let viewer = with_token(&google.token(&[GoogleRole::Viewer]), block(&url));
    let place = reference(&format!("gcp-sm://{PROJECT}/PW"));
    let facts = block_on(viewer.metadata(&place)).unwrap();
    assert_eq!(
        (facts.version.as_deref(), facts.number, facts.versions),
        (Some("7"), Some(7), Some(7))
    );
    assert!(facts.created.unwrap() <= facts.updated.unwrap());
    refused(
        open(&viewer, &place.to_string()),
        ErrorKind::PermissionDenied,
        &["secretmanager.versions.access", "IAM_PERMISSION_DENIED"],
    );
    let accessor = with_token(&google.token(&[GoogleRole::Accessor]), block(&url));
    refused(
        block_on(accessor.metadata(&place)),
        ErrorKind::PermissionDenied,
        &["secretmanager.versions.get"],
    );
}

#[test]
fn several_secrets_are_read_at_the_same_time_and_fail_alone() {
    let google = double();
    google.put("OTHER", b"two");
    let stores = admin(&google);
    let wanted: Vec<_> = ["PW", "NONE", "OTHER"]
        .map(|name| reference(&format!("gcp-sm://{PROJECT}/{name}")))
        .into();
    let answers = block_on(stores.open_many(&wanted, &FetchOptions::default()));
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
    assert_eq!((value(0), value(2)), (text(CANARY), text("two")));
    assert_eq!(answers[1].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
}

#[test]
fn secrets_are_created_as_the_block_says() {
    let google = double();
    let token = google.token(&[GoogleRole::Admin]);
    let write = |settings: Settings, name: &str| {
        let stores = with_token(&token, settings);
        let place = reference(&format!("gcp-sm://{PROJECT}/{name}"));
        block_on(stores.write(&place, &WriteRequest::if_absent(text("x")))).unwrap()
    };
    let facts = write(block(&google.url()), "AUTO");
    assert_eq!(facts.number, Some(1));
    assert!(facts.created.is_some() && facts.updated.is_some());
    let key = "projects/acme/locations/global/keyRings/r/cryptoKeys/k";
    write(block(&google.url()).with("kms_key", key), "KEY");
    let locations = vec!["europe-west1".to_owned(), "europe-west3".to_owned()];
    write(
        block(&google.url()).with("replica_locations", locations),
        "TWO",
    );
    for (name, expected) in [
        ("AUTO", json!({ "automatic": {} })),
        (
            "KEY",
            json!({ "automatic": { "customerManagedEncryption": { "kmsKeyName": key } } }),
        ),
        (
            "TWO",
            json!({ "userManaged": { "replicas": [{ "location": "europe-west1" }, { "location": "europe-west3" }] } }),
        ),
    ] {
        let created = google.replication("", name).unwrap();
        assert_eq!(created["replication"], expected, "{name}");
    }
}

#[test]
fn a_write_keeps_to_what_the_caller_may_do_and_what_google_stores() {
    let google = double();
    let place = reference(&format!("gcp-sm://{PROJECT}/PW"));
    let stores = admin(&google);
    let write = |stores: &Stores, value: Secret, precondition: Precondition| {
        let request = WriteRequest {
            precondition,
            ..WriteRequest::new(value)
        };
        block_on(stores.write(&place, &request))
    };
    refused(
        write(&stores, text("x"), Precondition::Absent),
        ErrorKind::Conflict,
        &["already"],
    );
    refused(
        write(&stores, text("x"), Precondition::Version("2".to_owned())),
        ErrorKind::Unsupported,
        &["depend on a version"],
    );
    refused(
        write(&stores, text(""), Precondition::None),
        ErrorKind::InvalidReference,
        &["empty"],
    );
    refused(
        write(&stores, Secret::new(vec![b'x'; 65_537]), Precondition::None),
        ErrorKind::TooLarge,
        &["65536"],
    );
    let _ = google.take_log();
    let facts = write(&stores, Secret::new(vec![0xff; 65_536]), Precondition::None).unwrap();
    assert_eq!(facts.number, Some(3));
    let log = google.take_log();
    assert!(log[0].ends_with("PW:addVersion"), "{log:?}");
    // Who may add versions needs no other right where the secret is there.
    let adder = with_token(&google.token(&[GoogleRole::Adder]), block(&google.url()));
    assert_eq!(
        write(&adder, text("y"), Precondition::None).unwrap().number,
        Some(4)
    );
    let other = reference(&format!("gcp-sm://{PROJECT}/OTHER"));
    let request = WriteRequest::new(text("y"));
    refused(
        block_on(adder.write(&other, &request)),
        ErrorKind::PermissionDenied,
        &["secretmanager.secrets.create"],
    );
}
