//! `moto`, an emulator of AWS services. It checks neither identity nor signatures, and answers 404 where
//! AWS answers 400: tests rely on types of errors, never on its status codes.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::client::Client;
use super::process::{Process, folder, free_port, with_retries};
use crate::python::{Scope, interpreter, package, python};

/// The PyPI package and its version, for a Python that lacks it.
const PACKAGE: (&str, &str) = ("moto[server]", "5.2.1");

/// It takes a second to start, more on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(90);

/// The running emulator; it ends when this is dropped.
pub struct Moto {
    // Held for its drop.
    _process: Process,
    address: String,
    client: Client,
    // Dropped after the process, which writes into it.
    _folder: tempfile::TempDir,
}

impl Moto {
    /// Starts an empty emulator and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be fetched or does not start.
    pub fn start() -> Result<Self> {
        let packages = packages()?;
        with_retries(|| Self::start_with(packages.as_ref()))
    }

    fn start_with(packages: Option<&PathBuf>) -> Result<Self> {
        let folder = folder("moto")?;
        let port = free_port()?;
        let mut command = Command::new(interpreter());
        command
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
            .arg(port.to_string());
        if let Some(packages) = packages {
            command.env("PYTHONPATH", packages);
        }
        let mut process = Process::start("moto", command, folder.path(), Signal::TERM)?;
        let address = format!("http://127.0.0.1:{port}");
        let client = Client::new(&address, None)?;
        process.wait_ready(START_LIMIT, || {
            client.status("/moto-api/data.json") == Some(200)
        })?;
        Ok(Self {
            _process: process,
            address,
            client,
            _folder: folder,
        })
    }

    /// Where it listens, for `AWS_ENDPOINT_URL`. Put a [`super::FaultProxy`] before it to count requests.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Calls an operation of a service that speaks JSON, such as `secretsmanager.CreateSecret`.
    ///
    /// # Errors
    /// When it refuses.
    pub fn call(&self, target: &str, body: &serde_json::Value) -> Result<serde_json::Value> {
        let service = match target.split('.').next() {
            Some("AmazonSSM") => "ssm",
            Some("TrentService") => "kms",
            _ => "secretsmanager",
        };
        let credential = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDTEST/20200101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0"
        );
        self.client
            .clone()
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .header("authorization", &credential)
            .send("POST", "/", Some(body))?
            .success()
            .with_context(|| format!("{target} failed"))
    }
}

/// Where the packages are that the interpreter lacks.
fn packages() -> Result<Option<PathBuf>> {
    let probe = python("import moto.server, flask, flask_cors", None)
        .output()
        .context("cannot run python3: install Python 3 with pip")?;
    if probe.status.success() {
        return Ok(None);
    }
    let (name, version) = PACKAGE;
    package(name, version, Scope::WithDependencies)
        .map(Some)
        .context("cannot get moto")
}
