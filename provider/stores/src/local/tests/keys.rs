//! Who can open the store: identities, passphrases, recipients, and where they are found.

use super::*;

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
            "recipients: age1",
            "recipients add",
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
