//! Files that the real `age` made (see `fixtures/README.md`), and everything that can be wrong with them.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use secret_policy::SecretRef;
use secret_value::Secret;
use tempfile::TempDir;

use crate::blocks::Settings;
use crate::conformance::{Bench, Fault, Fixture, Sample, conformance, hardship};
use crate::environment::Environment;
use crate::error::{ErrorKind, Result};
use crate::layers::Layers;
use crate::store::{FetchOptions, SecretStore};
use crate::stores::Stores;

const CANARY: &str = "canary-5e21-value";

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/age");
    fs::read(folder.join(name)).unwrap()
}

/// A folder with `files` out of the fixtures.
fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        fs::write(folder.path().join(name), fixture(name)).unwrap();
    }
    folder
}

fn open_with(
    folder: &TempDir,
    variables: &[(&str, &str)],
    keys: &[&str],
    reference: &str,
) -> Result<Secret> {
    let environment = Environment::fixed(folder.path(), variables.iter().copied());
    let mut stores = Stores::new(environment, Layers::default());
    if !keys.is_empty() {
        let keys: Vec<_> = keys.iter().map(|key| (*key).to_owned()).collect();
        let settings = Settings::new().with("identity_files", keys);
        stores = stores.with_block("age", "default", settings)?;
    }
    let reference: SecretRef = reference.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(stores.open(&reference, &FetchOptions::default()))?;
    Ok(answer.unwrap().value.value)
}

#[track_caller]
fn refused(answer: Result<Secret>, kind: ErrorKind, words: &[&str]) {
    let error = answer.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word} is missing in {shown}");
    }
    assert!(
        !shown.contains(CANARY) && !shown.contains("PLUM"),
        "{shown}"
    );
}

#[test]
fn files_of_the_real_age_open_with_every_kind_of_key() {
    for (file, key) in [
        ("x25519.age", "x25519.key"),
        ("x25519.asc", "x25519.key"),
        ("ssh-ed25519.age", "ssh-ed25519.key"),
        ("ssh-rsa.age", "ssh-rsa.key"),
    ] {
        let folder = folder(&[file, key, "other.key"]);
        let answer = open_with(&folder, &[], &["other.key", key], &format!("age://{file}"));
        assert_eq!(answer.unwrap(), Secret::from_text(CANARY.into()), "{file}");
    }
}

/// Values encrypted as they are asked for.
struct Samples(TempDir);

impl Bench for Samples {
    fn sample(&self, sample: Sample) -> Option<SecretRef> {
        let key = String::from_utf8(fixture("x25519.key")).unwrap();
        let key: age::x25519::Identity = key.lines().last().unwrap().parse().unwrap();
        let sealed = age::encrypt(&key.to_public(), &sample.content()).unwrap();
        let name = format!("{sample:?}.age");
        fs::write(self.0.path().join(&name), sealed).unwrap();
        Some(format!("age://{name}").parse().unwrap())
    }

    fn faulty(&self, _: Fault) -> Option<Arc<dyn SecretStore>> {
        None
    }
}

#[test]
fn the_store_conforms() {
    let samples = Samples(folder(&["x25519.age", "x25519.key"]));
    let environment = Environment::fixed(
        samples.0.path(),
        [("SECRETREF_IDENTITY_FILE", "x25519.key")],
    );
    let stores = Stores::new(environment, Layers::default());
    let present: SecretRef = "age://x25519.age".parse().unwrap();
    let fixture = Fixture {
        store: stores.store(&present).unwrap(),
        present,
        value: Secret::from_text(CANARY.into()),
        missing: "age://none.age".parse().unwrap(),
        free: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(conformance(&fixture)).unwrap();
    runtime.block_on(hardship(&fixture, &samples)).unwrap();
}

#[test]
fn passphrases_open_files_and_keys() {
    let passphrase = [("SECRETREF_PASSPHRASE", "correct horse")];
    for (file, keys) in [
        ("passphrase.age", &[][..]),
        ("x25519.age", &["x25519-locked.key"]),
        ("ssh-locked.age", &["ssh-locked.key"]),
    ] {
        let folder = folder(&[&[file], keys].concat());
        let reference = format!("age://{file}");
        let answer = open_with(&folder, &passphrase, keys, &reference);
        assert_eq!(answer.unwrap(), Secret::from_text(CANARY.into()), "{file}");
        let wrong = [("SECRETREF_PASSPHRASE", "plum anchor")];
        let answer = open_with(&folder, &wrong, keys, &reference);
        refused(answer, ErrorKind::PermissionDenied, &[]);
        let answer = open_with(&folder, &[], keys, &reference);
        let kind = answer.as_ref().unwrap_err().kind();
        // An SSH key asks only when it is used, so its refusal comes from the file.
        let expected = if file == "ssh-locked.age" {
            ErrorKind::PermissionDenied
        } else {
            ErrorKind::Config
        };
        assert_eq!(kind, expected, "{answer:?}");
    }
}

#[test]
fn keys_come_from_the_usual_places() {
    let folder = folder(&["x25519.age", "x25519.key"]);
    let key = String::from_utf8(fixture("x25519.key")).unwrap();
    let line = key.lines().last().unwrap();
    for variables in [
        [("SECRETREF_IDENTITY", key.as_str())],
        [("SECRETREF_IDENTITY", line)],
        [("SECRETREF_IDENTITY_FILE", "x25519.key")],
    ] {
        assert!(open_with(&folder, &variables, &[], "age://x25519.age").is_ok());
    }
    let config = folder.path().join("secretref");
    fs::create_dir(&config).unwrap();
    fs::write(config.join("identity.txt"), &key).unwrap();
    let home = folder.path().display().to_string();
    let variables = [("XDG_CONFIG_HOME", home.as_str())];
    assert!(open_with(&folder, &variables, &[], "age://x25519.age").is_ok());
}

#[test]
fn missing_and_wrong_keys_say_where_was_looked() {
    let folder = folder(&["x25519.age", "other.key"]);
    let answer = open_with(&folder, &[], &[], "age://x25519.age");
    refused(
        answer,
        ErrorKind::Config,
        &["SECRETREF_IDENTITY", "looked at"],
    );
    let answer = open_with(&folder, &[], &["other.key"], "age://x25519.age");
    refused(
        answer,
        ErrorKind::PermissionDenied,
        &["1 key in", "other.key", "x25519.age"],
    );
    let answer = open_with(&folder, &[], &["none.key"], "age://x25519.age");
    refused(answer, ErrorKind::NotFound, &["none.key"]);
    for (text, word) in [
        ("AGE-SECRET-KEY-1PLUM", "line 1 is no age secret key"),
        ("\nAGE-SECRET-KEY-PQ-1PLUM", "line 2"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nplum", "SSH"),
        ("", "there is no age key"),
    ] {
        fs::write(folder.path().join("bad.key"), text).unwrap();
        let answer = open_with(&folder, &[], &["bad.key"], "age://x25519.age");
        refused(answer, ErrorKind::Config, &[word]);
    }
}

#[test]
fn every_changed_byte_and_every_cut_is_noticed() {
    let folder = folder(&["x25519.key"]);
    let sealed = fixture("x25519.age");
    let attempt = |bytes: &[u8]| {
        fs::write(folder.path().join("x.age"), bytes).unwrap();
        open_with(&folder, &[], &["x25519.key"], "age://x.age")
    };
    for place in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[place] ^= 1;
        let error = attempt(&changed).unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Integrity | ErrorKind::PermissionDenied | ErrorKind::Unsupported
            ),
            "byte {place}: {error:?}"
        );
        assert!(attempt(&sealed[..place]).is_err(), "cut at {place}");
    }
    refused(
        attempt(b"plain"),
        ErrorKind::Integrity,
        &["no file encrypted"],
    );
    let large = vec![b'x'; 3 * 1024 * 1024];
    refused(attempt(&large), ErrorKind::TooLarge, &[]);
}
