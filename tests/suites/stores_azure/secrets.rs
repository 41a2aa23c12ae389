//! Secrets and certificates of a vault.

use std::sync::Mutex;

use e2e::servers::{Material, VAULT_TENANT};
use secret_stores::conformance::{Fixture, Sample, conformance, hardship};
use secret_stores::{ErrorKind, FetchOptions, Settings, WriteRequest};
use secret_value::Secret;
use serde_json::json;

use super::*;

#[test]
fn the_store_conforms_and_meets_trouble() {
    let cloud = Cloud::new();
    let present = reference("azure-kv://acme-kv/db");
    let fixture = Fixture {
        store: cloud.stores(&cloud.officer).store(&present).unwrap(),
        present: present.clone(),
        value: text(CANARY),
        missing: reference("azure-kv://acme-kv/none"),
        free: Some(reference("azure-kv://acme-kv/free")),
    };
    block_on(conformance(&fixture)).unwrap();
    let late = Cloud::new();
    late.azure.set_ahead(3600);
    let folder = tempfile::tempdir().unwrap();
    let material = Material::new().unwrap();
    let file = folder.path().join("app.pem");
    std::fs::write(&file, material.pem()).unwrap();
    late.azure.register(&late.user.client, &material).unwrap();
    let settings = late
        .block(&late.vault.url())
        .with("client_id", late.user.client.as_str())
        .with("client_certificate_path", file.display().to_string());
    let trouble = Trouble {
        url: cloud.vault.url(),
        present: present.clone(),
        build: Box::new(|url, right| {
            let app = match right {
                Right::Full => &cloud.officer,
                Right::MetadataOnly => &cloud.reader,
                Right::Nothing => &cloud.nobody,
            };
            Some(cloud.stores_at(url, app))
        }),
        put: Box::new(|sample| {
            let value = String::from_utf8(sample.content()).ok()?;
            // A vault keeps 25 KiB of text at most.
            if sample == Sample::Large || sample == Sample::Binary {
                return None;
            }
            let name = format!("sample-{sample:?}").to_lowercase();
            cloud.vault.set(&name, &value);
            Some(reference(&format!("azure-kv://acme-kv/{name}")))
        }),
        // Microsoft Entra takes no assertion of another time.
        skewed: Some(with_block(&[], "azure", settings).store(&present).unwrap()),
        proxies: Mutex::default(),
    };
    block_on(hardship(&fixture, &trouble)).unwrap();
}

#[test]
fn versions_and_times_are_minded() {
    let cloud = Cloud::new();
    let old = cloud.vault.set("app", "old");
    let new = cloud.vault.set("app", "new");
    let stores = cloud.stores(&cloud.user);
    assert_eq!(
        open(&stores, "azure-kv://ACME-kv/App").unwrap(),
        text("new")
    );
    let place = format!("azure-kv://acme-kv/app?version={old}");
    assert_eq!(open(&stores, &place).unwrap(), text("old"));
    let none = "azure-kv://acme-kv/app?version=00000000000000000000000000000000";
    refused(open(&stores, none), ErrorKind::NotFound, &["no version"]);
    cloud.vault.disable("app");
    refused(
        open(&stores, "azure-kv://acme-kv/app"),
        ErrorKind::PermissionDenied,
        &["disabled", "SecretDisabled"],
    );
    assert_eq!(open(&stores, &place).unwrap(), text("old"));
    let facts = block_on(stores.metadata(&reference("azure-kv://acme-kv/app"))).unwrap();
    assert_eq!(facts.version, Some(new));
    assert!(facts.notes[0].contains("disabled"), "{facts:?}");

    cloud
        .vault
        .set_window("late", CANARY, None, Some(1_000_000_000));
    cloud
        .vault
        .set_window("early", CANARY, Some(4_000_000_000), None);
    for (name, word) in [("late", "expired at 2001"), ("early", "before 2096")] {
        let place = format!("azure-kv://acme-kv/{name}");
        refused(
            open(&stores, &place),
            ErrorKind::PermissionDenied,
            &[word, "allow_expired"],
        );
        block_on(stores.metadata(&reference(&place))).unwrap();
        let app = &cloud.user;
        let variables = [
            ("ARM_CLIENT_ID", app.client.as_str()),
            ("ARM_CLIENT_SECRET", app.secret.as_str()),
        ];
        let settings = cloud.block(&cloud.vault.url()).with("allow_expired", true);
        let lenient = with_block(&variables, "azure", settings);
        assert_eq!(open(&lenient, &place).unwrap(), text(CANARY));
    }
}

#[test]
fn facts_come_page_by_page_from_the_vault_alone_and_need_no_right_to_values() {
    let cloud = Cloud::new();
    cloud.vault.set_page(2);
    let mut last = String::new();
    for number in 0..5 {
        last = cloud.vault.set("paged", &format!("{CANARY}{number}"));
    }
    let stores = cloud.stores(&cloud.reader);
    let place = reference("azure-kv://acme-kv/paged");
    let facts = block_on(stores.metadata(&place)).unwrap();
    assert_eq!((facts.version, facts.versions), (Some(last), Some(5)));
    assert!(facts.created.unwrap() < facts.updated.unwrap());
    refused(
        open(&stores, "azure-kv://acme-kv/paged"),
        ErrorKind::PermissionDenied,
        &[
            "no right to the secret",
            "Key Vault Secrets User",
            "ForbiddenByRbac",
        ],
    );
    let other = Cloud::new();
    cloud.vault.point_pages_to(&other.vault.url());
    refused(
        block_on(stores.metadata(&place)),
        ErrorKind::Integrity,
        &["another host"],
    );
    assert_eq!(other.vault.count(), 0);
}

#[test]
fn several_secrets_are_read_at_the_same_time_in_their_order() {
    let cloud = Cloud::new();
    for number in 0..12 {
        cloud.vault.set(&format!("n{number}"), &number.to_string());
    }
    let stores = cloud.stores(&cloud.user);
    let mut wanted: Vec<_> = (0..12)
        .map(|number| reference(&format!("azure-kv://acme-kv/n{number}")))
        .collect();
    wanted.push(reference("azure-kv://acme-kv/none"));
    let (_, _) = (cloud.azure.count(), cloud.vault.count());
    let answers = block_on(stores.open_many(&wanted, &FetchOptions::default()));
    for (number, answer) in answers[..12].iter().enumerate() {
        let value = &answer.as_ref().unwrap().as_ref().unwrap().value.value;
        assert_eq!(*value, text(&number.to_string()));
    }
    assert_eq!(
        answers[12].as_ref().unwrap_err().kind(),
        ErrorKind::NotFound
    );
    assert_eq!(cloud.azure.count(), 1, "one login");
    assert_eq!(
        cloud.vault.count(),
        1 + 12 + 2,
        "one challenge, a read each, and a look at what was removed"
    );
}

#[test]
fn certificates_have_a_key_a_certificate_and_a_chain() {
    let cloud = Cloud::new();
    let material = Material::new().unwrap();
    cloud.vault.set_certificate("as-pem", &material, true);
    cloud.vault.set_certificate("as-p12", &material, false);
    let stores = cloud.stores(&cloud.user);
    for name in ["as-pem", "as-p12"] {
        let part = |part: &str| open(&stores, &format!("azure-kv://acme-kv/{name}#{part}"));
        assert_eq!(
            part("private_key").unwrap(),
            text(&material.key_pem),
            "{name}"
        );
        assert_eq!(
            part("certificate").unwrap(),
            text(&material.certificate_pem)
        );
        assert_eq!(part("chain").unwrap(), text(&material.authority_pem));
        let whole = format!("{}{}", material.pem(), material.authority_pem);
        assert_eq!(part("pem").unwrap(), text(&whole));
        refused(
            open(&stores, &format!("azure-kv://acme-kv/{name}")),
            ErrorKind::InvalidReference,
            &["`private_key`", "`chain`"],
        );
    }
    let packed = open(&stores, "azure-kv://acme-kv/as-p12?encoding=base64#pkcs12").unwrap();
    assert_eq!(packed, Secret::new(material.pkcs12.clone()));
    let write = WriteRequest::new(text("x"));
    refused(
        block_on(
            cloud
                .stores(&cloud.officer)
                .write(&reference("azure-kv://acme-kv/as-pem"), &write),
        ),
        ErrorKind::PermissionDenied,
        &["belongs to a certificate"],
    );
}

#[test]
fn writes_keep_what_is_known_about_a_secret() {
    let cloud = Cloud::new();
    let stores = cloud.stores(&cloud.officer);
    let place = reference("azure-kv://acme-kv/made");
    let once = WriteRequest::if_absent(text("one"));
    let first = block_on(stores.write(&place, &once)).unwrap();
    assert_eq!(cloud.vault.written(), [json!({ "value": "one" })]);
    refused(
        block_on(stores.write(&place, &once)),
        ErrorKind::Conflict,
        &["exists already"],
    );
    let app = &cloud.officer;
    let variables = [
        ("ARM_CLIENT_ID", app.client.as_str()),
        ("ARM_CLIENT_SECRET", app.secret.as_str()),
    ];
    let tags = std::collections::BTreeMap::from([("team".to_owned(), "payments".to_owned())]);
    let settings = cloud
        .block(&cloud.vault.url())
        .with("secret_content_type", "text/plain")
        .with("secret_tags", tags);
    let labelled = with_block(&variables, "azure", settings);
    let request = WriteRequest {
        expires: Some("2096-01-02T03:04:05Z".parse().unwrap()),
        ..WriteRequest::new(text("two"))
    };
    let second = block_on(labelled.write(&place, &request)).unwrap();
    assert_ne!(first.version, second.version);
    assert!(first.number < second.number);
    assert_eq!(second.expires, request.expires);
    // The next version keeps type and tags, and not the end.
    let third = block_on(stores.write(&place, &WriteRequest::new(text("three")))).unwrap();
    assert_eq!(third.expires, None);
    let labels = (Some("text/plain".to_owned()), json!({ "team": "payments" }));
    assert_eq!(cloud.vault.labels("made"), Some(labels));
    let facts = block_on(stores.metadata(&place)).unwrap();
    assert_eq!(facts.labels["contentType"], "text/plain");

    let large = WriteRequest::new(Secret::new(vec![b'x'; 25_601]));
    refused(
        block_on(stores.write(&place, &large)),
        ErrorKind::TooLarge,
        &["25600"],
    );
    let binary = WriteRequest::new(Secret::new(vec![0xff]));
    refused(
        block_on(stores.write(&place, &binary)),
        ErrorKind::InvalidReference,
        &["base64"],
    );
    let version = second.version.unwrap();
    let versioned = reference(&format!("azure-kv://acme-kv/made?version={version}"));
    refused(
        block_on(stores.remove(&versioned)),
        ErrorKind::Unsupported,
        &["all its versions"],
    );
}

#[test]
fn a_removed_secret_holds_its_name() {
    let cloud = Cloud::new();
    let stores = cloud.stores(&cloud.officer);
    let place = reference("azure-kv://acme-kv/db");
    block_on(stores.remove(&place)).unwrap();
    refused(
        open(&stores, "azure-kv://acme-kv/db"),
        ErrorKind::NotFound,
        &[
            "was removed",
            "recovered until",
            "az keyvault secret recover",
        ],
    );
    // Who may not look at what was removed hears that there is nothing.
    refused(
        open(&cloud.stores(&cloud.user), "azure-kv://acme-kv/db"),
        ErrorKind::NotFound,
        &["no such secret"],
    );
    let request = WriteRequest::if_absent(text("again"));
    refused(
        block_on(stores.write(&place, &request)),
        ErrorKind::Conflict,
        &["can still be recovered", "purge"],
    );
    cloud.vault.purge();
    block_on(stores.write(&place, &request)).unwrap();
    assert_eq!(cloud.vault.value("db").as_deref(), Some("again"));
}

#[test]
fn a_token_is_shown_only_to_who_asks_for_the_right_one() {
    let cloud = Cloud::new();
    for resource in [
        "https://vault.azure.net.evil.example",
        "https://management.azure.com",
    ] {
        cloud.vault.ask_for(resource);
        let answer = open(&cloud.stores(&cloud.user), "azure-kv://acme-kv/db");
        refused(
            answer,
            ErrorKind::Config,
            &["no key vault of this cloud", "`https://vault.azure.net`"],
        );
    }
    assert_eq!(cloud.azure.granted(), 0, "no token was even made");
}

#[test]
fn a_vault_of_another_tenant_is_opened_where_that_is_listed() {
    let cloud = Cloud::new();
    let other = "11111111-2222-3333-4444-555555555555";
    cloud.vault.move_to(other);
    let answer = open(&cloud.stores(&cloud.user), "azure-kv://acme-kv/db");
    refused(
        answer,
        ErrorKind::PermissionDenied,
        &["does not accept the login", "auxiliary_tenant_ids"],
    );
    let app = &cloud.user;
    let variables = [
        ("ARM_CLIENT_ID", app.client.as_str()),
        ("ARM_CLIENT_SECRET", app.secret.as_str()),
    ];
    let settings = |tenants: &[&str]| {
        let tenants: Vec<String> = tenants.iter().map(|tenant| (*tenant).to_owned()).collect();
        cloud
            .block(&cloud.vault.url())
            .with("auxiliary_tenant_ids", tenants)
    };
    let listed = with_block(&variables, "azure", settings(&[other]));
    refused(
        open(&listed, "azure-kv://acme-kv/db"),
        ErrorKind::Config,
        &["no such tenant", "AADSTS90002"],
    );
    cloud.azure.join_tenant(&app.client, other);
    assert_eq!(
        open(&listed, "azure-kv://acme-kv/db").unwrap(),
        text(CANARY)
    );
    assert_ne!(other, VAULT_TENANT);
}

#[test]
fn throttling_and_outages_have_the_usual_words() {
    let cloud = Cloud::new();
    let stores = cloud.stores(&cloud.user);
    cloud.vault.limit(Some(1));
    refused(
        open(&stores, "azure-kv://acme-kv/db"),
        ErrorKind::Throttled,
        &["slow down", "Throttled"],
    );
    cloud.vault.limit(None);
    assert_eq!(
        open(&stores, "azure-kv://acme-kv/db").unwrap(),
        text(CANARY)
    );
    let fresh = cloud.stores(&cloud.user);
    cloud.azure.limit(Some(0));
    refused(
        open(&fresh, "azure-kv://acme-kv/db"),
        ErrorKind::Throttled,
        &["slow down"],
    );
    let nowhere = with_block(
        &[],
        "azure",
        Settings::new().with("managed_identity", Settings::new()),
    );
    let place = "azure-kv+none://acme-kv/db";
    refused(
        open(&nowhere, place),
        ErrorKind::Config,
        &["no store `none`"],
    );
}
