//! What is on disk, and what happens when somebody changes it.

use super::*;

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
fn a_changed_recipient_is_not_taken_for_a_wrong_identity() {
    let project = Project::new();
    let store = project.init();
    let mut bytes = fs::read(store.path()).unwrap();
    // The body of the recipient's stanza is the line after its arguments.
    let place = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte == b'\n')
        .nth(1)
        .unwrap()
        .0
        + 1;
    bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
    fs::write(store.path(), bytes).unwrap();
    check(
        store.get("a", None),
        ErrorKind::Integrity,
        &["integrity check", "names this identity", "restore"],
    );
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
