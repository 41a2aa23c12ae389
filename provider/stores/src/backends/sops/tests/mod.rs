//! Files that the real `sops` made (see `fixtures/README.md`), and files that somebody changed.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use secret_policy::SecretRef;
use secret_value::Secret;
use tempfile::TempDir;

use super::{formats, metadata};
use crate::backends::age::keys::{AgeKeys, Asker, KeyPlace};
use crate::blocks::Settings;
use crate::conformance::{Fixture, conformance};
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result};
use crate::layers::Layers;
use crate::payload::Metadata;
use crate::store::FetchOptions;
use crate::stores::Stores;

const CANARY: &str = "canary-5e21-value";

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn block_on<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(call)
}

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

/// A store over `root` with these key files of the fixtures.
fn stores(root: &Path, keys: &[&str]) -> Stores {
    let keys: Vec<String> = keys
        .iter()
        .map(|key| fixtures().join("age").join(key).display().to_string())
        .collect();
    let settings = Settings::new().with("age_key_files", keys);
    Stores::new(Environment::fixed(root, []), Layers::default())
        .with_block("sops", "default", settings)
        .unwrap()
}

fn open_in(root: &Path, keys: &[&str], text: &str) -> Result<Secret> {
    let stores = stores(root, keys);
    let answer = block_on(stores.open(&reference(text), &FetchOptions::default()))?;
    Ok(answer.unwrap().value.value)
}

fn open(text: &str) -> Result<Secret> {
    open_in(&fixtures().join("sops"), &["x25519.key"], text)
}

#[track_caller]
fn refused(answer: Result<Secret>, kind: ErrorKind, words: &[&str]) {
    let error = answer.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word} is missing in {shown}");
    }
    assert!(!shown.contains(CANARY), "{shown}");
}

#[expect(clippy::disallowed_methods, reason = "test: values are compared")]
fn json(secret: &Secret) -> serde_json::Value {
    serde_json::from_slice(secret.expose()).unwrap()
}

#[test]
fn every_file_of_the_real_sops_decrypts_to_what_it_decrypts_to() {
    let mut compared = 0;
    for entry in fs::read_dir(fixtures().join("sops/expected")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let keys = ["x25519.key", "other.key"];
        let answer = open_in(&fixtures().join("sops"), &keys, &format!("sops://{name}#/"));
        let ours = match answer {
            Ok(secret) => json(&secret),
            // The whole of several documents is a list, which needs no selector.
            Err(error) => match open(&format!("sops://{name}")) {
                Ok(secret) => json(&secret),
                Err(_) => panic!("{name}: {error:?}"),
            },
        };
        let ours = if name == "many.yaml" {
            ours[0].clone()
        } else {
            ours
        };
        let theirs = json(&Secret::new(fs::read(&path).unwrap()));
        assert_eq!(ours, theirs, "{name}");
        compared += 1;
    }
    assert_eq!(compared, 12);
}

#[test]
fn single_values_and_binary_files_are_read() {
    for (text, expected) in [
        ("sops://all.yaml#/db/password", CANARY),
        ("sops://all.yaml#/db/hosts/1/name", "b"),
        ("sops://all.yaml#/db/port", "5432"),
        ("sops://all.json#/db/l/2/0", "true"),
        ("sops://all.json#/slash~1and~0tilde", "s"),
        ("sops://all.env#MULTI", "one\ntwo"),
        ("sops://all.ini#/other section/key with spaces", "x = y : z"),
        ("sops://many.yaml#/1/b", "2"),
        ("sops://text.bin", CANARY),
        ("sops://all.yaml#/db/empty", ""),
    ] {
        let text = text.replace(' ', "%20");
        assert_eq!(
            open(&text).unwrap(),
            Secret::from_text(expected.into()),
            "{text}"
        );
    }
    let bytes = b"\x00\x01\xfe\xff binary".to_vec();
    assert_eq!(open("sops://all.bin").unwrap(), Secret::new(bytes));
    let error = open("sops://all.yaml#/db/nothing");
    refused(error, ErrorKind::NotFound, &["null"]);
}

#[test]
fn shares_of_enough_groups_are_needed() {
    let root = fixtures().join("sops");
    let both = open_in(
        &root,
        &["x25519.key", "other.key"],
        "sops://shamir.yaml#/data/password",
    );
    assert_eq!(both.unwrap(), Secret::from_text(CANARY.into()));
    let one = open_in(&root, &["x25519.key"], "sops://shamir.yaml#/data/password");
    refused(
        one,
        ErrorKind::PermissionDenied,
        &["1 of 2 needed groups", "age age1"],
    );
    let none = open_in(&root, &["other.key"], "sops://all.yaml#/db/password");
    refused(
        none,
        ErrorKind::PermissionDenied,
        &["other.key", "recipient: age age1"],
    );
}

#[test]
fn metadata_need_no_key() {
    let root = fixtures().join("sops");
    let stores = Stores::new(Environment::fixed(&root, []), Layers::default());
    let metadata =
        |text: &str| -> Metadata { block_on(stores.metadata(&reference(text))).unwrap() };
    for name in ["all.yaml", "all.json", "all.env", "all.ini", "all.bin"] {
        let facts = metadata(&format!("sops://{name}"));
        assert!(
            facts.version.as_deref().unwrap().starts_with("2026-"),
            "{name}"
        );
        assert_eq!(facts.number, facts.updated.map(|at| at.as_second() as u64));
        assert_eq!(facts.labels["sops_version"], "3.11.0", "{name}");
        assert!(facts.labels["recipients"].starts_with("age age1"), "{name}");
    }
    assert_eq!(
        metadata("sops://shamir.yaml").labels["needed"],
        "2 of 3 groups"
    );
}

/// A copy of a fixture with one text replaced by another.
fn changed(name: &str, from: &str, to: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(fixtures().join("sops").join(name)).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(folder.path().join(name), text.replacen(from, to, 1)).unwrap();
    folder
}

#[test]
fn every_change_to_a_file_is_noticed() {
    for (name, from, to, word) in [
        // A value without encryption, where its neighbour stays whole.
        ("all.yaml", "visible", "changed", "mac"),
        ("all.yaml", "- 2.5", "- 2.6", "mac"),
        ("all.yaml", "    - true\n", "", "mac"),
        (
            "all.yaml",
            "    empty: \"\"\n",
            "    empty: \"\"\n    more: \"\"\n    yet: 5\n",
            "`db:yet` should be encrypted",
        ),
        (
            "all.yaml",
            "password: ENC",
            "passwort: ENC",
            "`db:passwort` was changed",
        ),
        ("all.yaml", "type:int]", "type:bool]", "not of the type"),
        (
            "all.yaml",
            "lastmodified: \"2026",
            "lastmodified: \"2025",
            "lastmodified",
        ),
        (
            "all.yaml",
            "    unencrypted_suffix: _unencrypted\n",
            "    unencrypted_suffix: _plain\n",
            "should be encrypted",
        ),
        ("all.yaml", "    mac: ENC", "    mac2: ENC", "mac"),
        ("all.env", "MULTI=", "MULTJ=", "`MULTJ` was changed"),
        ("all.ini", "[db]", "[dc]", "`dc:password` was changed"),
        ("mac-only.yaml", "password: ENC", "passworc: ENC", "changed"),
        (
            "mac-only.yaml",
            "mac_only_encrypted: true",
            "mac_only_encrypted: false",
            "mac",
        ),
    ] {
        let folder = changed(name, from, to);
        let answer = open_in(folder.path(), &["x25519.key"], &format!("sops://{name}#/"));
        refused(answer, ErrorKind::Integrity, &["integrity check", word]);
    }
    // What the file says it does not guard may change.
    let folder = changed("mac-only.yaml", "user: ana", "user: eva");
    let answer = open_in(
        folder.path(),
        &["x25519.key"],
        "sops://mac-only.yaml#/data/user",
    );
    assert_eq!(answer.unwrap(), Secret::from_text("eva".into()));
}

#[test]
fn every_changed_character_of_an_encrypted_value_is_noticed() {
    let text = fs::read_to_string(fixtures().join("sops/all.env")).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("PASSWORD="))
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = stores(folder.path(), &["x25519.key"]);
    for place in "PASSWORD=ENC[".len()..line.len() - 1 {
        let mut bytes = line.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let other = String::from_utf8(bytes).unwrap();
        fs::write(folder.path().join("a.env"), text.replace(line, &other)).unwrap();
        let answer = block_on(store.open(
            &reference("sops://a.env#PASSWORD"),
            &FetchOptions::default(),
        ));
        // Base64 has bits that mean nothing; the value is never another one.
        if let Ok(found) = answer {
            assert_eq!(found.unwrap().value.value, Secret::from_text(CANARY.into()));
        }
    }
}

#[test]
fn recipients_that_cannot_be_used_say_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = |recipient: &str| {
        let text = format!(
            "a: \"\"\nsops:\n  lastmodified: \"2024-01-01T00:00:00Z\"\n  mac: x\n  {recipient}\n"
        );
        fs::write(folder.path().join("a.yaml"), text).unwrap();
        open_in(folder.path(), &["x25519.key"], "sops://a.yaml#a")
    };
    refused(
        file("version: 3.11.0"),
        ErrorKind::Integrity,
        &["no key that it was encrypted with"],
    );
    refused(
        file("hckms: [{key_id: x, enc: y}]"),
        ErrorKind::Unsupported,
        &["hckms"],
    );
    let azure =
        "azure_kv: [{vault_url: \"https://evil.example\", name: k, version: \"1\", enc: y}]";
    refused(
        file(azure),
        ErrorKind::Integrity,
        &["evil.example", "no login is sent"],
    );
    refused(
        file("age: [{recipient: age1x, enc: y}]"),
        ErrorKind::Integrity,
        &["age1x"],
    );
    refused(
        file("gcp_kms: [{resource_id: ../../x, enc: y}]"),
        ErrorKind::Integrity,
        &["names no key of Google Cloud"],
    );
    let role = "kms: [{arn: \"arn:aws:kms:eu-west-1:123456789012:key/x\", role: r, enc: y}]";
    refused(file(role), ErrorKind::Unsupported, &["role"]);
}

/// Answers one request after looking at it; gives its head and body.
fn one_answer(body: String) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut chunk = [0; 4096];
        while !request.ends_with(b"}") {
            let length = stream.read(&mut chunk).unwrap();
            assert!(length > 0, "the request ends");
            request.extend_from_slice(&chunk[..length]);
        }
        let length = body.len();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, seen)
}

#[cfg(feature = "gcp")]
#[test]
fn keys_of_google_cloud_are_asked_for_with_the_token_of_the_run() {
    // The data key of a real file, given back by a server in place of the age key.
    let text = fs::read_to_string(fixtures().join("sops/all.yaml")).unwrap();
    let (_, encrypted) = formats::read("all.yaml", &text).unwrap();
    let wrapped = &metadata::Metadata::read(&encrypted.metadata)
        .unwrap()
        .groups[0][0];
    let asker = Asker {
        environment: Environment::fixed("/nowhere", []),
        passphrase: Default::default(),
    };
    let places = [KeyPlace::File(fixtures().join("age/x25519.key"))];
    let key = AgeKeys::load(Operation::Open, &places, &asker)
        .unwrap()
        .decrypt(Operation::Open, wrapped.text.as_bytes())
        .unwrap();
    let answer = format!("{{\"plaintext\":\"{}\"}}", BASE64_STANDARD.encode(&*key));
    let start = text.find("    age:").unwrap();
    let end = text.find("    lastmodified:").unwrap();
    let resource = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
    let other =
        format!("    gcp_kms:\n        - resource_id: {resource}\n          enc: Y2lwaGVy\n");
    let folder = tempfile::tempdir().unwrap();
    let file = format!("{}{other}{}", &text[..start], &text[end..]);
    fs::write(folder.path().join("a.yaml"), file).unwrap();
    let (url, seen) = one_answer(answer);
    let variables = [("GOOGLE_OAUTH_ACCESS_TOKEN", "ya29.token")];
    let settings = Settings::new().with("gcp_kms_endpoint", url);
    let stores = Stores::new(
        Environment::fixed(folder.path(), variables),
        Layers::default(),
    )
    .with_block("sops", "default", settings)
    .unwrap();
    let opened = block_on(stores.open(
        &reference("sops://a.yaml#/db/password"),
        &FetchOptions::default(),
    ));
    let value = opened.unwrap().unwrap().value.value;
    assert_eq!(value, Secret::from_text(CANARY.into()));
    let request = seen.join().unwrap();
    assert!(
        request.starts_with(&format!("POST /v1/{resource}:decrypt ")),
        "{request}"
    );
    assert!(
        request.contains("authorization: Bearer ya29.token"),
        "{request}"
    );
    assert!(
        request.ends_with(r#"{"ciphertext":"Y2lwaGVy"}"#),
        "{request}"
    );
}

#[test]
fn the_store_conforms() {
    let store = stores(&fixtures().join("sops"), &["x25519.key"])
        .store(&reference("sops://text.bin"))
        .unwrap();
    let fixture = Fixture {
        store,
        present: reference("sops://text.bin"),
        value: Secret::from_text(CANARY.into()),
        missing: reference("sops://none.bin"),
        free: None,
    };
    block_on(conformance(&fixture)).unwrap();
}
