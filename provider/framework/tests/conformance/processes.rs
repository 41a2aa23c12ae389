//! The same provider as a real process, over mutual TLS.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tf_framework::testing::{Host, Profile, object};
use tfplugin::client::{ClientIdentity, Launch, Plugin};
use tfplugin::proto::get_provider_schema;
use tfplugin::proto::provider_client::ProviderClient;

use crate::lease;

/// Longest time anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The example's binary. Cargo builds it together with this test; only a test filter keeps it from doing so,
/// and then it is built here.
fn echo() -> Launch {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    Launch::new(PATH.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let name = format!("examples/echo{}", std::env::consts::EXE_SUFFIX);
        let path = test.parent().and_then(Path::parent).unwrap().join(name);
        if !is_newer_than_sources(&path) {
            let built = Command::new(env!("CARGO"))
                .args([
                    "build",
                    "--quiet",
                    "--package",
                    "tf-framework",
                    "--example",
                    "echo",
                ])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .status();
            assert!(built.unwrap().success(), "the example builds");
        }
        path
    }))
}

fn is_newer_than_sources(path: &Path) -> bool {
    let Ok(built) = path.metadata().and_then(|file| file.modified()) else {
        return false;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [
        "src",
        "examples",
        "tests/conformance/provider",
        "../protocol/src",
        "../secret/src",
    ];
    sources
        .iter()
        .filter_map(|dir| newest(&root.join(dir)))
        .all(|changed| changed <= built)
}

/// When the newest file below `dir` was changed.
fn newest(dir: &Path) -> Option<SystemTime> {
    let entries = dir.read_dir().ok()?.filter_map(Result::ok);
    let changed = entries.filter_map(|entry| match entry.file_type().ok()?.is_dir() {
        true => newest(&entry.path()),
        false => entry.metadata().ok()?.modified().ok(),
    });
    changed.max()
}

/// A process with a configured host and the file in which it notes what happens.
struct Running {
    host: Host,
    plugin: Plugin,
    journal: PathBuf,
    _dir: TempDir,
}

impl Running {
    async fn start(profile: Profile) -> Self {
        let dir = TempDir::new().unwrap();
        let journal = dir.path().join("journal");
        let (host, plugin) = Host::process(&echo(), profile).await.unwrap();
        let config = object([("journal", journal.to_str().unwrap().into())]);
        let found = host.configure(config).await.unwrap();
        assert!(found.is_empty(), "{found}");
        Self {
            host,
            plugin,
            journal,
            _dir: dir,
        }
    }

    fn count(&self, event: &str) -> usize {
        let journal = std::fs::read_to_string(&self.journal).unwrap_or_default();
        journal.lines().filter(|line| *line == event).count()
    }

    async fn ended(&mut self) -> bool {
        tokio::time::timeout(PATIENCE, self.plugin.wait())
            .await
            .unwrap()
            .unwrap()
    }
}

#[tokio::test]
async fn a_run_from_start_to_shutdown() {
    for profile in Profile::ALL {
        let mut running = Running::start(profile).await;
        let closed = running
            .host
            .open("echo_lease", lease(""))
            .await
            .unwrap()
            .value
            .unwrap();
        running
            .host
            .open("echo_lease", lease(""))
            .await
            .unwrap()
            .value
            .unwrap();
        assert!(running.host.close(closed).await.unwrap().is_empty());
        let channel = running.plugin.connect().await.unwrap();
        Plugin::shutdown(channel).await.unwrap();
        assert_eq!(
            running.count("revoked"),
            2,
            "{}: the lease left open is revoked before the answer",
            profile.name
        );
        assert!(running.ended().await);
        assert_eq!((running.count("revoked"), running.count("closed")), (2, 1));
    }
}

#[tokio::test]
async fn a_host_that_disappears_leaves_no_lease_behind() {
    let mut running = Running::start(Profile::TERRAFORM_1_11).await;
    running
        .host
        .open("echo_lease", lease(""))
        .await
        .unwrap()
        .value
        .unwrap();
    // Drops the only connection.
    let other = Host::process(&echo(), Profile::TERRAFORM_1_11)
        .await
        .unwrap();
    running.host = other.0;
    assert!(running.ended().await);
    assert_eq!((running.count("revoked"), running.count("closed")), (1, 1));
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_process_like_a_host() {
    let mut running = Running::start(Profile::TERRAFORM_1_11).await;
    running
        .host
        .open("echo_lease", lease(""))
        .await
        .unwrap()
        .value
        .unwrap();
    let process = running.plugin.pid().unwrap().to_string();
    let sent = Command::new("kill").args(["-TERM", &process]).status();
    assert!(sent.unwrap().success());
    assert!(running.ended().await);
    assert_eq!((running.count("revoked"), running.count("closed")), (1, 1));
}

#[tokio::test]
async fn strangers_are_refused() {
    let running = Running::start(Profile::TERRAFORM_1_11).await;
    let stranger = ClientIdentity::generate().unwrap();
    for identity in [None, Some(&stranger)] {
        let refused = match running.plugin.connect_as(identity).await {
            Err(_) => true,
            Ok(channel) => {
                let mut client = ProviderClient::new(channel);
                client
                    .get_provider_schema(get_provider_schema::Request {})
                    .await
                    .is_err()
            }
        };
        assert!(refused);
    }
}

#[tokio::test]
async fn no_secret_reaches_the_log() {
    let (host, plugin) = Host::process(&echo().env("TF_LOG", "TRACE"), Profile::TERRAFORM_1_11)
        .await
        .unwrap();
    host.configure(object([("token", "correct horse battery".into())]))
        .await
        .unwrap();
    let config = object([
        ("name", "leak".into()),
        ("password", "staple of the horse".into()),
    ]);
    let reply = host.open("echo_value", config).await.unwrap();
    assert!(
        !reply.diagnostics.to_string().contains("horse"),
        "{}",
        reply.diagnostics
    );
    host.open("echo_lease", lease("open panics")).await.unwrap();
    Plugin::shutdown(plugin.connect().await.unwrap())
        .await
        .unwrap();
    let log = plugin.stderr();
    assert!(
        log.contains("panic: "),
        "the place of the panic is logged: {log}"
    );
    assert!(!log.contains("horse") && !log.contains("hunter2"), "{log}");
}
