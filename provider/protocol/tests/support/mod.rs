//! Starts the example provider `tiny` for the tests in this folder.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tfplugin::client::{Launch, Plugin};
use tfplugin::proto::provider_client::ProviderClient;
use tfplugin::proto::{DynamicValue, call_function, get_provider_schema};
use tonic::Status;
use tonic::transport::Channel;

/// Longest time anything in a test may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The example's binary, built when a test filter has kept cargo from doing so.
pub(crate) fn tiny() -> Launch {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    Launch::new(PATH.get_or_init(|| built_beside().unwrap_or_else(build)))
}

/// The binary that cargo built together with this test, unless it is older than its sources.
fn built_beside() -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    let name = format!("examples/tiny{}", std::env::consts::EXE_SUFFIX);
    let path = test.parent()?.parent()?.join(name);
    let built = path.metadata().ok()?.modified().ok()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["src", "examples", "../secret/src"].map(|dir| newest(&root.join(dir)));
    sources
        .iter()
        .flatten()
        .all(|changed| *changed <= built)
        .then_some(path)
}

/// When the newest file in `dir` was changed.
fn newest(dir: &Path) -> Option<SystemTime> {
    let entries = dir.read_dir().ok()?.filter_map(Result::ok);
    entries
        .filter_map(|entry| match entry.file_type().ok()? {
            kind if kind.is_dir() => newest(&entry.path()),
            _ => entry.metadata().ok()?.modified().ok(),
        })
        .max()
}

fn build() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "build",
            "--quiet",
            "--package",
            "tfplugin",
            "--example",
            "tiny",
        ])
        .args(["--message-format", "json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // What cargo tells a test about its package would make build scripts run again.
    for (key, _) in std::env::vars_os() {
        if key
            .to_str()
            .is_some_and(|key| key.starts_with("CARGO_PKG_") || key.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(key);
        }
    }
    let output = cargo
        .output()
        .unwrap_or_else(|error| panic!("cannot run cargo: {error}"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let executable = String::from_utf8_lossy(&output.stdout)
        .lines()
        .find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            Some(message["executable"].as_str()?.into())
        });
    executable.unwrap_or_else(|| panic!("cargo named no executable"))
}

/// What the shutdown hook of `tiny` wrote.
pub(crate) struct Journal {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

impl Journal {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let path = dir.path().join("journal");
        Self { _dir: dir, path }
    }

    pub(crate) fn launch(&self) -> Launch {
        tiny().env("TINY_JOURNAL", &self.path)
    }

    pub(crate) fn text(&self) -> String {
        std::fs::read_to_string(&self.path).unwrap_or_default()
    }
}

/// A call that only an accepted client can make.
pub(crate) async fn schema(channel: Channel) -> Result<get_provider_schema::Response, Status> {
    let mut client = ProviderClient::new(channel);
    let reply = client
        .get_provider_schema(get_provider_schema::Request {})
        .await?;
    Ok(reply.into_inner())
}

/// Sends `payload` through the function `name` of `tiny` and returns what came back.
pub(crate) async fn call(
    channel: Channel,
    name: &str,
    payload: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    let mut client = ProviderClient::new(channel)
        .max_decoding_message_size(usize::MAX)
        .max_encoding_message_size(usize::MAX);
    let argument = DynamicValue {
        msgpack: payload,
        json: Vec::new(),
    };
    let request = call_function::Request {
        name: name.into(),
        arguments: vec![argument],
    };
    let reply = client.call_function(request).await?.into_inner();
    Ok(reply.result.unwrap_or_default().msgpack)
}

/// Waits for the end of the process; true when it reported success.
pub(crate) async fn ended(plugin: &mut Plugin) -> bool {
    match tokio::time::timeout(PATIENCE, plugin.wait()).await {
        Ok(Ok(success)) => success,
        Ok(Err(error)) => panic!("{error}"),
        Err(_) => panic!(
            "the process did not end; standard error:\n{}",
            plugin.stderr()
        ),
    }
}

/// Sends a signal to the process.
#[cfg(unix)]
pub(crate) fn signal(plugin: &Plugin, signal: rustix::process::Signal) {
    use rustix::process::{Pid, kill_process};
    let pid = plugin
        .pid()
        .and_then(|pid| Pid::from_raw(pid.try_into().ok()?));
    let sent = pid.map(|pid| kill_process(pid, signal));
    assert!(matches!(sent, Some(Ok(()))), "cannot signal the process");
}
