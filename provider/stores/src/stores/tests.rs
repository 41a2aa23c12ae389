//! Every backend through the conformance suite, and the way from a reference to its store.

use std::fs;
use std::path::Path;

use secret_value::Secret;
use tempfile::TempDir;

use super::*;
use crate::audit::{AuditContext, AuditLog, AuditOptions, Filter, verify};
use crate::conformance::{Bench, Fault, Fixture, Sample, conformance, hardship};
use crate::local::{InitOptions, LocalOptions, LocalStore, SetOptions};
use crate::{ErrorKind, StoreError};

const CANARY: &str = "canary-5e21-value";

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

fn block_on<T>(call: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(call)
}

/// A project with a local store, a file and variables.
struct Project {
    folder: TempDir,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        let project = Self { folder };
        let options = LocalOptions::locate(&project.environment(), None).unwrap();
        let store = LocalStore::init(&options, &InitOptions::default()).unwrap();
        store
            .set(
                "dev/db",
                &Secret::from_text(CANARY.into()),
                &SetOptions::default(),
            )
            .unwrap();
        let json = r#"{"user":"ana","password":"p"}"#;
        store
            .set(
                "json",
                &Secret::from_text(json.into()),
                &SetOptions::default(),
            )
            .unwrap();
        fs::write(project.work().join("secret.txt"), CANARY).unwrap();
        project
    }

    fn work(&self) -> std::path::PathBuf {
        self.folder.path().join("work")
    }

    fn environment(&self) -> Environment {
        let home = self.folder.path().join("home").display().to_string();
        Environment::fixed(
            self.work(),
            [
                ("XDG_CONFIG_HOME", home.as_str()),
                ("CANARY", CANARY),
                ("EMPTY", ""),
            ],
        )
    }

    fn stores(&self) -> Stores {
        Stores::new(self.environment(), Layers::default())
    }

    fn log(&self) -> AuditOptions {
        AuditOptions::at(
            self.work().join("audit.jsonl"),
            &self.folder.path().join("home"),
        )
    }
}

#[track_caller]
fn check<T: std::fmt::Debug>(result: Result<T>, kind: ErrorKind, words: &[&str]) -> StoreError {
    let error = result.unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word:?} is missing in: {shown}");
    }
    assert!(!shown.contains(CANARY), "{shown}");
    error
}

fn open(stores: &Stores, text: &str) -> Result<Option<Leased<Selected>>> {
    block_on(stores.open(&reference(text), &FetchOptions::default()))
}

fn value(stores: &Stores, text: &str) -> Secret {
    open(stores, text).unwrap().unwrap().value.value
}

fn conforms(project: &Project, present: &str, missing: &str, free: Option<&str>) {
    let stores = project.stores();
    let store = stores.store(&reference(present)).unwrap();
    let kind = StoreKind::of(reference(present).scheme()).unwrap();
    assert_eq!(
        store.capability(),
        kind.capability,
        "layers keep the capability"
    );
    let fixture = Fixture {
        store,
        present: reference(present),
        value: Secret::from_text(CANARY.into()),
        missing: reference(missing),
        free: free.map(reference),
    };
    block_on(conformance(&fixture)).unwrap();
    // Variables of a fixed environment are text, so not every sample can be one.
    if kind.scheme != Scheme::Env {
        let folder = Folder(project, kind.scheme);
        block_on(hardship(&fixture, &folder)).unwrap();
    }
}

/// Values beside the one of the fixture; there is no network that could fail.
struct Folder<'a>(&'a Project, Scheme);

impl Bench for Folder<'_> {
    fn sample(&self, sample: Sample) -> Option<SecretRef> {
        let name = format!("sample-{sample:?}").to_lowercase();
        fs::write(self.0.work().join(&name), sample.content()).unwrap();
        let options = LocalOptions::locate(&self.0.environment(), None).unwrap();
        let local = LocalStore::open(&options).unwrap();
        local
            .set(
                &name,
                &Secret::new(sample.content()),
                &SetOptions::default(),
            )
            .unwrap();
        Some(reference(&format!("{}://{name}", self.1)))
    }

    fn faulty(&self, _: Fault) -> Option<Arc<dyn SecretStore>> {
        None
    }
}

#[test]
fn the_local_store_conforms() {
    conforms(
        &Project::new(),
        "local://dev/db",
        "local://dev/none",
        Some("local://free/place"),
    );
}

#[test]
fn the_environment_store_conforms() {
    conforms(&Project::new(), "env://CANARY", "env://NONE", None);
}

#[test]
fn the_file_store_conforms() {
    conforms(
        &Project::new(),
        "file://secret.txt",
        "file://none.txt",
        None,
    );
}

#[test]
fn references_find_their_store() {
    let project = Project::new();
    let stores = project.stores();
    for text in ["local://dev/db", "env://CANARY", "file://secret.txt"] {
        assert_eq!(
            value(&stores, text),
            Secret::from_text(CANARY.into()),
            "{text}"
        );
    }
    assert!(value(&stores, "env://EMPTY").is_empty());
    assert_eq!(
        value(&stores, "local://json#user"),
        Secret::from_text("ana".into())
    );
    let absolute = format!("file://{}", project.work().join("secret.txt").display());
    assert_eq!(value(&stores, &absolute).len(), CANARY.len());
    assert!(
        open(&stores, "local://none?optional=true")
            .unwrap()
            .is_none()
    );
}

#[test]
fn errors_carry_the_reference_and_help() {
    let project = Project::new();
    let stores = project.stores();
    check(
        open(&stores, "local://dev/bd"),
        ErrorKind::NotFound,
        &["did you mean `dev/db`?", "reference: local://dev/bd"],
    );
    check(
        open(&stores, "local://json"),
        ErrorKind::InvalidReference,
        &["`user`, `password`", "#user"],
    );
    check(
        open(&stores, "local://json#pasword"),
        ErrorKind::NotFound,
        &["did you mean `password`?"],
    );
    check(
        open(&stores, "local://dev/db#key"),
        ErrorKind::InvalidReference,
        &["not JSON"],
    );
    check(
        open(&stores, "env://NONE"),
        ErrorKind::NotFound,
        &["`NONE` is not set"],
    );
    check(
        open(&stores, "env+x://NONE"),
        ErrorKind::Config,
        &["no store `x`"],
    );
    check(
        open(&stores, "local+team://a"),
        ErrorKind::Config,
        &["team.age", "store init"],
    );
    check(
        open(&stores, "local://dev/db?version=7"),
        ErrorKind::NotFound,
        &["no version 7"],
    );
}

#[cfg(unix)]
#[test]
fn relative_files_stay_inside() {
    let project = Project::new();
    fs::write(project.folder.path().join("outside.txt"), CANARY).unwrap();
    std::os::unix::fs::symlink("../outside.txt", project.work().join("link")).unwrap();
    std::os::unix::fs::symlink("secret.txt", project.work().join("inner")).unwrap();
    let stores = project.stores();
    check(
        open(&stores, "file://link"),
        ErrorKind::InvalidReference,
        &["leads out", "outside.txt"],
    );
    assert_eq!(value(&stores, "file://inner").len(), CANARY.len());
    fs::create_dir(project.work().join("folder")).unwrap();
    check(
        open(&stores, "file://folder"),
        ErrorKind::InvalidReference,
        &["not a regular file"],
    );
    fs::write(project.work().join("large"), vec![b'x'; 1024 * 1024 + 1]).unwrap();
    check(
        open(&stores, "file://large"),
        ErrorKind::TooLarge,
        &["1048576"],
    );
}

#[test]
fn blocks_configure_stores() {
    let project = Project::new();
    let other = project.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a"), "x").unwrap();
    let settings = |name: &str, path: &Path| Settings::new().with(name, path.display().to_string());
    let stores = project
        .stores()
        .with_block("file", "mounted", settings("root", &other))
        .unwrap();
    let stores = stores
        .with_block(
            "local",
            "team",
            settings("path", Path::new(".secretref/store.age")),
        )
        .unwrap();
    assert_eq!(
        value(&stores, "file+mounted://a"),
        Secret::from_text("x".into())
    );
    assert_eq!(
        value(&stores, "local+team://json#user"),
        Secret::from_text("ana".into())
    );
    check(
        project
            .stores()
            .with_block("file", "default", settings("rot", &other)),
        ErrorKind::Config,
        &["`rot`", "`root`"],
    );
    check(
        project
            .stores()
            .with_block("locl", "default", Settings::new()),
        ErrorKind::Config,
        &["`locl`", "`local`"],
    );
}

#[test]
fn many_values_come_in_order_from_many_stores() {
    let project = Project::new();
    let stores = project.stores();
    let wanted: Vec<_> = [
        "local://json#user",
        "env://CANARY",
        "local://none",
        "local://json#password",
        "env+x://CANARY",
        "local://json#user",
    ]
    .into_iter()
    .map(reference)
    .collect();
    let answers = block_on(stores.open_many(&wanted, &FetchOptions::default()));
    let told: Vec<_> = answers
        .iter()
        .map(|answer| {
            answer
                .as_ref()
                .map_err(StoreError::kind)
                .map(|found| found.as_ref().unwrap().value.value.len())
        })
        .collect();
    let expected = [
        Ok(3),
        Ok(CANARY.len()),
        Err(ErrorKind::NotFound),
        Ok(1),
        Err(ErrorKind::Config),
        Ok(3),
    ];
    assert_eq!(told, expected);
}

#[test]
fn metadata_needs_no_identity() {
    let project = Project::new();
    fs::remove_dir_all(project.folder.path().join("home")).unwrap();
    let stores = project.stores();
    let facts = block_on(stores.metadata(&reference("local://dev/db"))).unwrap();
    assert_eq!(
        (facts.version.as_deref(), facts.number, facts.versions),
        (Some("1"), Some(1), Some(1))
    );
    check(
        open(&stores, "local://dev/db"),
        ErrorKind::Config,
        &["no identity file"],
    );
    check(
        block_on(stores.metadata(&reference("local://none"))),
        ErrorKind::NotFound,
        &["`none`"],
    );
    fs::remove_file(project.work().join(".secretref/store.index.json")).unwrap();
    check(
        block_on(stores.metadata(&reference("local://dev/db"))),
        ErrorKind::Config,
        &["no identity file"],
    );
}

#[test]
fn every_access_is_recorded_and_no_value_is() {
    let project = Project::new();
    let log = Arc::new(AuditLog::open(project.log(), AuditContext::default()).unwrap());
    let layers = Layers {
        audit: Some(log),
        ..Layers::default()
    };
    let stores = Stores::new(project.environment(), layers);
    let options = FetchOptions {
        purpose: Some("the database module".into()),
        ..FetchOptions::default()
    };
    block_on(async {
        let target = reference("local://dev/db");
        stores.open(&target, &options).await.unwrap();
        stores.metadata(&target).await.unwrap();
        stores
            .write(
                &reference("local://new"),
                &WriteRequest::new(Secret::from_text(CANARY.into())),
            )
            .await
            .unwrap();
        stores.remove(&reference("local://new")).await.unwrap();
        stores
            .open(&reference("local://none"), &options)
            .await
            .unwrap_err();
        stores
            .open_many(&[target, reference("local://json#user")], &options)
            .await;
    });
    stores.finish().unwrap();
    let report = verify(&project.log()).unwrap();
    assert!(report.is_intact() && report.unsealed == 0, "{report:?}");
    let told: Vec<_> = crate::audit::read(&project.log().path)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| Filter::default().matches(entry))
        .map(|entry| {
            let event = entry.event;
            format!(
                "{} {} {} {}",
                event.event,
                event.reference.unwrap(),
                event.version.unwrap_or_default(),
                event.error.unwrap_or_default()
            )
        })
        .collect();
    let expected = [
        "open local://dev/db 1 ",
        "metadata local://dev/db 1 ",
        "write local://new 1 ",
        "remove local://new  ",
        "open local://none  not_found",
        "open local://dev/db 1 ",
        "open local://json#user 1 ",
    ];
    assert_eq!(told, expected);
    assert!(
        !fs::read_to_string(project.log().path)
            .unwrap()
            .contains(CANARY)
    );
}
