//! Behaviour of the local store through its public methods, over files in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use secret_value::Secret;
use tempfile::TempDir;

use super::*;
use crate::{Environment, ErrorKind};

struct Project {
    folder: TempDir,
    options: LocalOptions,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut options = LocalOptions::at(
            folder.path().join("project/.secretref/store.age"),
            folder.path().join("home/secretref/identity.txt"),
        );
        options.now = || Timestamp::UNIX_EPOCH;
        Self { folder, options }
    }

    fn init(&self) -> LocalStore {
        LocalStore::init(&self.options, &InitOptions::default()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Options of somebody else: the same store, another identity file.
    fn other(&self, name: &str) -> LocalOptions {
        let mut options =
            LocalOptions::at(&self.options.store, self.path(name).join("identity.txt"));
        options.now = self.options.now;
        options
    }
}

fn text(value: &str) -> Secret {
    Secret::from_text(value.to_owned())
}

fn set(store: &LocalStore, path: &str, value: &str) -> u64 {
    store
        .set(path, &text(value), &SetOptions::default())
        .unwrap()
        .number
}

fn get(store: &LocalStore, path: &str) -> Secret {
    store.get(path, None).unwrap().0
}

/// The error of `result`, which must have this kind and say these words in message, places or help.
#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, words: &[&str]) {
    let error = result.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word:?} is missing in: {shown}");
    }
}

#[test]
fn values_come_back_with_their_versions() {
    let project = Project::new();
    let store = project.init();
    assert_eq!(set(&store, "dev/db", "one"), 1);
    assert_eq!(set(&store, "dev/db", "two"), 2);
    store
        .set(
            "binary",
            &Secret::new(vec![0, 255, 10]),
            &SetOptions::default(),
        )
        .unwrap();
    store
        .set("empty", &text(""), &SetOptions::default())
        .unwrap();

    let reopened = LocalStore::open(&project.options).unwrap();
    assert_eq!(get(&reopened, "dev/db"), text("two"));
    assert_eq!(reopened.get("dev/db", Some(1)).unwrap().0, text("one"));
    assert_eq!(get(&reopened, "binary"), Secret::new(vec![0, 255, 10]));
    assert!(get(&reopened, "empty").is_empty());
    let list: Vec<_> = reopened
        .list()
        .unwrap()
        .into_iter()
        .map(|one| (one.path, one.versions))
        .collect();
    assert_eq!(
        list,
        [
            ("binary".into(), 1),
            ("dev/db".into(), 2),
            ("empty".into(), 1)
        ]
    );
}

#[test]
fn a_removed_secret_keeps_its_history_and_its_numbers() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "one");
    set(&store, "a", "two");
    store.remove("a", Some(1)).unwrap();
    check(
        store.get("a", Some(1)),
        ErrorKind::NotFound,
        &["version 1", "removed", "can be read: 2"],
    );
    store.remove("a", None).unwrap();
    check(
        store.get("a", None),
        ErrorKind::NotFound,
        &["removed", "store set a"],
    );
    check(store.remove("a", None), ErrorKind::NotFound, &["removed"]);
    assert_eq!(set(&store, "a", "three"), 3);
    let removed: Vec<_> = store
        .history("a")
        .unwrap()
        .iter()
        .map(|info| info.removed.is_some())
        .collect();
    assert_eq!(removed, [true, true, false]);
}

#[test]
fn missing_secrets_and_versions_name_what_is_near() {
    let project = Project::new();
    let store = project.init();
    check(
        store.get("dev/db", None),
        ErrorKind::NotFound,
        &["`dev/db`", "the store is empty"],
    );
    set(&store, "dev/db", "x");
    check(
        store.get("dev/bd", None),
        ErrorKind::NotFound,
        &["did you mean `dev/db`?"],
    );
    check(
        store.get("dev/db", Some(7)),
        ErrorKind::NotFound,
        &["no version 7", "can be read: 1"],
    );
    check(
        store.history("other"),
        ErrorKind::NotFound,
        &["`other`", "there are: `dev/db`"],
    );
}

#[test]
fn paths_that_no_reference_can_name_are_refused() {
    let project = Project::new();
    let store = project.init();
    for path in ["", "/a", "a/", "a//b", "a/../b", ".", "a\nb"] {
        check(
            store.set(path, &text("x"), &SetOptions::default()),
            ErrorKind::InvalidReference,
            &["path"],
        );
    }
    let large = Secret::new(vec![b'x'; MAX_VALUE_BYTES + 1]);
    check(
        store.set("a", &large, &SetOptions::default()),
        ErrorKind::TooLarge,
        &["1048577"],
    );
}

#[test]
fn preconditions_guard_writes() {
    let project = Project::new();
    let store = project.init();
    let demand = |precondition| SetOptions {
        precondition,
        expires: None,
    };
    let absent = demand(Precondition::Absent);
    store.set("a", &text("1"), &absent).unwrap();
    check(
        store.set("a", &text("2"), &absent),
        ErrorKind::Conflict,
        &["already", "version 1"],
    );
    store
        .set("a", &text("2"), &demand(Precondition::Version("1".into())))
        .unwrap();
    check(
        store.set("a", &text("3"), &demand(Precondition::Version("1".into()))),
        ErrorKind::Conflict,
        &["current version is 2, not 1"],
    );
    store.remove("a", None).unwrap();
    assert_eq!(store.set("a", &text("4"), &absent).unwrap().number, 3);
    assert_eq!(get(&store, "a"), text("4"));
}

#[test]
fn nothing_on_disk_holds_the_value_and_only_the_encrypted_file_holds_the_seal() {
    let project = Project::new();
    let store = project.init();
    let canary = "canary-7f3a-value";
    set(&store, "named/path", canary);
    let mut files = Vec::new();
    collect(project.folder.path(), &mut files);
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let bytes = fs::read(&file).unwrap();
        for form in [
            canary.to_owned(),
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, canary),
        ] {
            let found = bytes
                .windows(form.len())
                .any(|window| window == form.as_bytes());
            assert!(!found, "{} holds the value", file.display());
        }
    }
    assert!(!format!("{store:?}").contains("AGE-SECRET-KEY"));
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

#[test]
fn no_store_and_no_identity_say_what_to_do() {
    let project = Project::new();
    check(
        LocalStore::open(&project.options),
        ErrorKind::Config,
        &["no local store", "store.age", "store init"],
    );
    project.init();
    let nobody = project.other("nobody");
    check(
        LocalStore::open(&nobody),
        ErrorKind::Config,
        &[
            "no identity file",
            "identity.txt",
            "SECRETREF_IDENTITY_FILE",
        ],
    );
    check(
        LocalStore::init(&project.options, &InitOptions::default()),
        ErrorKind::Conflict,
        &["a store already", "store.age"],
    );
}

#[test]
fn a_wrong_identity_names_both_files_and_the_way_in() {
    let project = Project::new();
    project.init();
    let mut other = project.other("other");
    other.store = project.path("elsewhere.age");
    let key = LocalStore::init(&other, &InitOptions::default())
        .unwrap()
        .public_key();
    other.store.clone_from(&project.options.store);
    check(
        LocalStore::open(&other),
        ErrorKind::PermissionDenied,
        &[
            "not among the recipients",
            &key,
            "store.age",
            "other/identity.txt",
            "add-recipient",
        ],
    );
}

#[cfg(unix)]
#[test]
fn an_identity_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let project = Project::new();
    project.init();
    let identity = project.path("home/secretref/identity.txt");
    assert_eq!(
        fs::metadata(&identity).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let folder = identity.parent().unwrap();
    assert_eq!(
        fs::metadata(folder).unwrap().permissions().mode() & 0o777,
        0o700
    );
    for mode in [0o640, 0o604, 0o660, 0o644] {
        fs::set_permissions(&identity, fs::Permissions::from_mode(mode)).unwrap();
        check(
            LocalStore::open(&project.options),
            ErrorKind::PermissionDenied,
            &["chmod 600", "identity.txt"],
        );
    }
}

#[test]
fn an_identity_file_with_other_content_is_refused_without_quoting_it() {
    let project = Project::new();
    project.init();
    let identity = project.path("home/secretref/identity.txt");
    for (content, words) in [
        (&b"# nothing\n"[..], &["holds no key"][..]),
        (b"AGE-SECRET-KEY-1QQQQ\n", &["line 1"]),
        (b"\xff\xfe", &["not text"]),
    ] {
        fs::write(&identity, content).unwrap();
        let error = LocalStore::open(&project.options).unwrap_err();
        assert!(!format!("{error:?}").contains("QQQQ"));
        check(LocalStore::open(&project.options), ErrorKind::Config, words);
    }
}

#[test]
fn files_that_are_no_store_are_told_apart() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "x");
    let path = &project.options.store;
    let good = fs::read(path).unwrap();
    let cases: [(&[u8], &str); 5] = [
        (b"", "is empty"),
        (b"age-encr", "cut off"),
        (
            b"{\"format\":\"secretref-store\"}",
            "not an age-encrypted store",
        ),
        (&good[..good.len() - 1], "cut off"),
        (&good[..60], "cut off"),
    ];
    for (bytes, word) in cases {
        fs::write(path, bytes).unwrap();
        check(
            store.get("a", None),
            ErrorKind::Integrity,
            &[word, "store.age", "restore"],
        );
    }
    fs::write(path, &good).unwrap();
    assert_eq!(get(&store, "a"), text("x"));
}

#[test]
fn a_document_of_a_newer_program_is_not_guessed_at() {
    let project = Project::new();
    let store = project.init();
    let replace = |plaintext: &str| {
        let recipients = [Recipient::new(&store.public_key(), None).unwrap()];
        let sealed = sealed::seal(Operation::Write, &recipients, plaintext.as_bytes()).unwrap();
        fs::write(&project.options.store, sealed).unwrap();
    };
    replace(r#"{"format":"secretref-store","format_version":2,"new":"thing"}"#);
    check(
        store.list(),
        ErrorKind::Unsupported,
        &["version 2", "up to 1", "update", "store.age"],
    );
    replace(r#"{"format":"other","format_version":1}"#);
    check(
        store.list(),
        ErrorKind::Integrity,
        &["other than a secret store"],
    );
    replace(r#"{"format":"secretref-store","format_version":1,"seal":"hunter2hunter2"}"#);
    let error = store.list().unwrap_err();
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[test]
fn the_age_tool_reads_the_store_and_its_armoured_form_is_read() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "x");
    let file = fs::read_to_string(project.path("home/secretref/identity.txt")).unwrap();
    let line = file.lines().find(|line| !line.starts_with('#')).unwrap();
    let identity: age::x25519::Identity = line.parse().unwrap();
    let plaintext = age::decrypt(&identity, &fs::read(store.path()).unwrap()).unwrap();
    let document: serde_json::Value = serde_json::from_slice(&plaintext).unwrap();
    assert_eq!(document["secrets"]["a"][0]["value"], "eA==");

    let armored = age::encrypt_and_armor(&identity.to_public(), &plaintext).unwrap();
    fs::write(store.path(), armored).unwrap();
    assert_eq!(get(&store, "a"), text("x"));
}

#[test]
fn an_old_copy_put_back_is_noticed() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "leaked");
    let old = fs::read(&project.options.store).unwrap();
    set(&store, "a", "rotated");
    fs::write(&project.options.store, old).unwrap();
    check(
        store.get("a", None),
        ErrorKind::Integrity,
        &["older", "change 2 instead of 3", "store accept"],
    );
    check(
        store.set("a", &text("x"), &SetOptions::default()),
        ErrorKind::Integrity,
        &["older"],
    );

    let mut tolerant = project.options.clone();
    tolerant.rollback = Rollback::Warn;
    assert_eq!(
        get(&LocalStore::open(&tolerant).unwrap(), "a"),
        text("leaked")
    );
    LocalStore::accept(&project.options).unwrap();
    assert_eq!(get(&store, "a"), text("leaked"));
}

#[test]
fn a_store_forged_with_the_public_keys_is_noticed() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "real");
    let recipients = store.recipients().unwrap();
    let name = store.load(Operation::Open).unwrap().store;
    let forged = Document {
        format: FORMAT.into(),
        format_version: FORMAT_VERSION,
        store: name,
        seal: Secret::new(vec![0; 32]),
        generation: 99,
        index: false,
        recipients: recipients.clone(),
        secrets: BTreeMap::new(),
    };
    let plaintext = forged.to_bytes(Operation::Write).unwrap();
    let sealed = sealed::seal(Operation::Write, &recipients, &plaintext).unwrap();
    fs::write(&project.options.store, sealed).unwrap();
    check(
        store.get("a", None),
        ErrorKind::Integrity,
        &["was replaced", "remembered in"],
    );
}

#[test]
fn metadata_needs_no_identity_while_the_index_fits() {
    let project = Project::new();
    let store = project.init();
    set(&store, "dev/db", "x");
    set(&store, "dev/db", "y");
    let keyless = LocalOptions {
        identity: IdentitySource::Unknown,
        ..project.options.clone()
    };
    let list = LocalStore::list_without_identity(&keyless).unwrap();
    assert_eq!(list, store.list().unwrap());
    assert_eq!(
        LocalStore::history_without_identity(&keyless, "dev/db")
            .unwrap()
            .len(),
        2
    );

    let index = Index::path_for(&project.options.store);
    let old = fs::read(&index).unwrap();
    set(&store, "dev/db", "z");
    fs::write(&index, old).unwrap();
    check(
        LocalStore::list_without_identity(&keyless),
        ErrorKind::Integrity,
        &["does not belong", "index.json"],
    );
    fs::write(&index, b"{").unwrap();
    check(
        LocalStore::list_without_identity(&keyless),
        ErrorKind::Integrity,
        &["cannot be read"],
    );
}

#[test]
fn the_index_can_be_left_out() {
    let project = Project::new();
    let init = InitOptions {
        index: false,
        ..InitOptions::default()
    };
    let store = LocalStore::init(&project.options, &init).unwrap();
    set(&store, "a", "x");
    assert!(!Index::path_for(store.path()).exists());
    check(
        LocalStore::list_without_identity(&project.options),
        ErrorKind::Config,
        &["keeps no index"],
    );
}

#[test]
fn a_team_shares_a_store() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "x");
    let mut friend = project.other("friend");
    friend.store = project.path("friend.age");
    let key = LocalStore::init(&friend, &InitOptions::default())
        .unwrap()
        .public_key();
    friend.store.clone_from(&project.options.store);

    store
        .add_recipient(&Recipient::new(&key, Some("friend")).unwrap())
        .unwrap();
    check(
        store.add_recipient(&Recipient::new(&key, None).unwrap()),
        ErrorKind::Conflict,
        &["already"],
    );
    let theirs = LocalStore::open(&friend).unwrap();
    assert_eq!(get(&theirs, "a"), text("x"));
    set(&theirs, "b", "from a friend");
    assert_eq!(get(&store, "b"), text("from a friend"));
    assert_eq!(store.recipients().unwrap().len(), 2);

    check(
        store.remove_recipient(&store.public_key()),
        ErrorKind::Conflict,
        &["lock yourself out"],
    );
    check(
        store.remove_recipient("stranger"),
        ErrorKind::NotFound,
        &["not a recipient"],
    );
    assert_eq!(store.remove_recipient("friend").unwrap().key, key);
    check(
        theirs.get("a", None),
        ErrorKind::PermissionDenied,
        &["not among the recipients"],
    );
    assert_eq!(get(&store, "a"), text("x"));
}

#[test]
fn a_recipient_added_to_the_index_gains_nothing() {
    let project = Project::new();
    let store = project.init();
    let intruder = age::x25519::Identity::generate().to_public().to_string();
    let index = Index::path_for(store.path());
    let mut changed = Index::load(Operation::Metadata, store.path()).unwrap();
    changed
        .recipients
        .push(Recipient::new(&intruder, None).unwrap());
    fs::write(&index, serde_json::to_vec(&changed).unwrap()).unwrap();
    set(&store, "a", "x");
    assert_eq!(store.recipients().unwrap().len(), 1);
    assert_eq!(
        Index::load(Operation::Metadata, store.path())
            .unwrap()
            .recipients
            .len(),
        1
    );
}

#[test]
fn recipients_are_public_keys() {
    check(
        Recipient::new("bob", None),
        ErrorKind::Config,
        &["bob", "age1"],
    );
    let secret =
        age::secrecy::ExposeSecret::expose_secret(&age::x25519::Identity::generate().to_string())
            .to_owned();
    let error = Recipient::new(&secret, None).unwrap_err();
    assert!(!format!("{error:?}").contains(&secret[20..]), "{error:?}");
    check(
        Recipient::new(&secret, None),
        ErrorKind::Config,
        &["secret key", "leaked"],
    );
}

#[test]
fn rotating_the_key_shuts_the_old_one_out() {
    let project = Project::new();
    let mut store = project.init();
    set(&store, "a", "x");
    let identity = project.path("home/secretref/identity.txt");
    let old = project.other("old");
    fs::create_dir(project.path("old")).unwrap();
    fs::copy(&identity, project.path("old/identity.txt")).unwrap();
    let old_key = store.public_key();

    let rotated = store.rotate_key().unwrap();
    assert_eq!(rotated.retired, std::slice::from_ref(&old_key));
    assert_ne!(rotated.new, old_key);
    check(
        LocalStore::open(&old),
        ErrorKind::PermissionDenied,
        &["not among"],
    );
    let reopened = LocalStore::open(&project.options).unwrap();
    assert_eq!(get(&reopened, "a"), text("x"));
    assert_eq!(reopened.public_key(), rotated.new);
    assert_eq!(store.recipients().unwrap().len(), 1);
}

#[test]
fn an_identity_from_a_variable_opens_and_does_not_rotate() {
    let project = Project::new();
    set(&project.init(), "a", "x");
    let key = fs::read_to_string(project.path("home/secretref/identity.txt")).unwrap();
    let folder = project.path("project/deep/inside");
    fs::create_dir_all(&folder).unwrap();
    let environment = Environment::fixed(&folder, [("SECRETREF_IDENTITY", key.as_str())]);
    let options = LocalOptions::locate(&environment, None).unwrap();
    assert_eq!(options.store, project.options.store);
    let mut store = LocalStore::open(&options).unwrap();
    assert_eq!(get(&store, "a"), text("x"));
    check(store.rotate_key(), ErrorKind::Unsupported, &["variable"]);
}

#[test]
fn a_passphrase_protects_the_identity() {
    let project = Project::new();
    let init = InitOptions {
        passphrase: Some(text("correct horse")),
        ..InitOptions::default()
    };
    set(
        &LocalStore::init(&project.options, &init).unwrap(),
        "a",
        "x",
    );
    let identity = fs::read(project.path("home/secretref/identity.txt")).unwrap();
    assert!(identity.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----"));

    check(
        LocalStore::open(&project.options),
        ErrorKind::Config,
        &["passphrase", "SECRETREF_PASSPHRASE"],
    );
    let with = |passphrase: &str| LocalOptions {
        passphrase: Passphrase::fixed(text(passphrase)),
        ..project.options.clone()
    };
    check(
        LocalStore::open(&with("wrong")),
        ErrorKind::PermissionDenied,
        &["passphrase", "is wrong", "identity.txt"],
    );
    assert_eq!(
        get(&LocalStore::open(&with("correct horse")).unwrap(), "a"),
        text("x")
    );
}

#[test]
fn stores_are_found_upward_and_by_name() {
    let project = Project::new();
    project.init();
    let inside = project.path("project/a/b");
    fs::create_dir_all(&inside).unwrap();
    let home = project.path("home").display().to_string();
    let environment = Environment::fixed(
        &inside,
        [
            ("XDG_CONFIG_HOME", home.as_str()),
            ("SECRETREF_AUTHOR", "ana"),
        ],
    );
    let options = LocalOptions::locate(&environment, None).unwrap();
    assert_eq!(options.store, project.options.store);
    assert_eq!(options.author.as_deref(), Some("ana"));
    LocalStore::open(&options).unwrap();
    let named = LocalOptions::locate(&environment, Some("team")).unwrap();
    assert_eq!(named.store, inside.join(".secretref/team.age"));
    for name in ["", ".", "../x", "A", "a/b"] {
        check(
            LocalOptions::locate(&environment, Some(name)),
            ErrorKind::Config,
            &["store name"],
        );
    }
    let environment = Environment::fixed(&inside, [("SECRETREF_ROLLBACK", "ignore")]);
    check(
        LocalOptions::locate(&environment, None),
        ErrorKind::Config,
        &["SECRETREF_ROLLBACK", "`warn`"],
    );
}

#[test]
fn writers_wait_for_each_other_and_lose_nothing() {
    let project = Project::new();
    project.init();
    let options = &project.options;
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || {
                let store = LocalStore::open(options).unwrap();
                for turn in 0..5 {
                    set(&store, "shared", &format!("{worker}-{turn}"));
                    set(&store, &format!("own/{worker}"), "x");
                    store.get("shared", None).unwrap();
                }
            });
        }
    });
    let store = LocalStore::open(options).unwrap();
    let numbers: Vec<_> = store
        .history("shared")
        .unwrap()
        .iter()
        .map(|info| info.number)
        .collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
    assert_eq!(store.list().unwrap().len(), 5);
}

#[test]
fn a_writer_that_waits_too_long_says_so() {
    let project = Project::new();
    let store = project.init();
    let held = access::lock(Operation::Write, &project.options).unwrap();
    let impatient = LocalOptions {
        lock_timeout: Duration::from_millis(20),
        ..project.options.clone()
    };
    let waiting = LocalStore::open(&impatient).unwrap();
    check(
        waiting.set("a", &text("x"), &SetOptions::default()),
        ErrorKind::Locked,
        &["store.age.lock", "another process"],
    );
    drop(held);
    set(&store, "a", "x");
}

#[test]
fn a_failed_change_leaves_the_store_as_it_was() {
    let project = Project::new();
    let store = project.init();
    set(&store, "a", "x");
    let before = fs::read(store.path()).unwrap();
    store.remove("b", None).unwrap_err();
    assert_eq!(fs::read(store.path()).unwrap(), before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any change of any byte of the file is an error and never a panic, a hang or another value.
    #[test]
    fn a_changed_byte_anywhere_is_noticed(place in any::<prop::sample::Index>(), flip in 1u8..) {
        let (store, good) = sample();
        let mut bytes = good.clone();
        let place = place.index(bytes.len());
        bytes[place] ^= flip;
        let opened = sealed::open(Operation::Open, &store.identities, &bytes, Path::new("x"));
        prop_assert!(opened.is_err());
    }

    #[test]
    fn any_bytes_are_an_error_or_a_document(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let (store, _) = sample();
        prop_assert!(sealed::open(Operation::Open, &store.identities, &bytes, Path::new("x")).is_err());
        prop_assert!(Document::parse(Operation::Open, &bytes).is_err());
    }

    /// A changed plaintext parses or fails; it never panics.
    #[test]
    fn a_mutated_document_never_panics(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = SAMPLE_DOCUMENT.as_bytes().to_vec();
        prop_assert!(Document::parse(Operation::Open, &bytes).is_ok());
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let _ = Document::parse(Operation::Open, &bytes);
    }

    #[test]
    fn any_value_comes_back(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..4)) {
        let document = Document {
            format: FORMAT.into(),
            format_version: FORMAT_VERSION,
            store: "s".into(),
            seal: Secret::new(vec![1]),
            generation: 1,
            index: true,
            recipients: Vec::new(),
            secrets: BTreeMap::from([("p".to_owned(), values.iter().map(|value| Version {
                info: VersionInfo { number: 1, created: Timestamp::UNIX_EPOCH, author: None, expires: None, removed: None },
                value: Some(Secret::new(value.clone())),
            }).collect())]),
        };
        let bytes = document.to_bytes(Operation::Write).unwrap();
        let back = Document::parse(Operation::Open, &bytes).unwrap();
        let back: Vec<_> = back.secrets["p"].iter().map(|version| version.value.clone()).collect();
        prop_assert_eq!(back, values.into_iter().map(|value| Some(Secret::new(value))).collect::<Vec<_>>());
    }
}

const SAMPLE_DOCUMENT: &str = r#"{"format":"secretref-store","format_version":1,"store":"s","seal":"AAAA","generation":3,"index":true,"recipients":[],"secrets":{"a":[{"info":{"number":1,"created":"1970-01-01T00:00:00Z","author":"ana"},"value":"eA=="},{"info":{"number":2,"created":"1970-01-01T00:00:00Z","removed":"1970-01-01T00:00:00Z"},"value":null}]}}"#;

/// One store for all cases: opening one costs a key agreement.
fn sample() -> &'static (LocalStore, Vec<u8>) {
    static SAMPLE: std::sync::OnceLock<(LocalStore, Vec<u8>)> = std::sync::OnceLock::new();
    SAMPLE.get_or_init(|| {
        let project = Project::new();
        let store = project.init();
        set(&store, "a", "x");
        let bytes = fs::read(store.path()).unwrap();
        (store, bytes)
    })
}
