//! The host side of the wire, for tests: starts a provider the way Terraform does.
//!
//! [`Plugin::start`] makes a P-521 certificate, starts the binary with the plugin environment, reads the
//! handshake line and remembers both certificates; [`Plugin::connect`] then gives a channel over mutual
//! TLS. The variants [`Plugin::connect_as`] and [`dial`] also present no certificate, or another one.

mod certificate;
mod der;
mod dial;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tonic::transport::Channel;

use crate::environment::{COOKIE_KEY, COOKIE_VALUE};
use crate::handshake::{Address, Handshake, HandshakeError};
use crate::plugin::Empty;
use crate::plugin::grpc_controller_client::GrpcControllerClient;

pub use certificate::ClientIdentity;
pub use dial::{Peer, Socket, dial, open, open_tls, tls_config};

/// Why a provider could not be started or reached.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The binary could not be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The binary.
        program: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The process ended, or closed its standard output, before a handshake line.
    #[error("the plugin exited before its handshake; standard error:\n{stderr}")]
    Exited {
        /// What it had written to standard error.
        stderr: String,
    },
    /// No handshake line came in time.
    #[error("no handshake line within {0:?}")]
    Timeout(Duration),
    /// The first line was something else.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// A certificate could not be made or used.
    #[error("TLS with the plugin failed")]
    Tls(#[from] rustls::Error),
    /// Reading from, or waiting for, the process failed.
    #[error("lost the plugin process")]
    Process(#[from] io::Error),
    /// The connection failed.
    #[error("cannot connect to the plugin")]
    Connect(#[from] tonic::transport::Error),
    /// A call failed.
    #[error("a call to the plugin failed")]
    Call(#[from] Box<tonic::Status>),
}

/// How to start a provider.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary.
    pub program: PathBuf,
    /// Its arguments; Terraform gives none.
    pub args: Vec<OsString>,
    /// Variables on top of this process's environment and the plugin contract's own.
    pub env: Vec<(OsString, OsString)>,
    /// Whether to hand over a client certificate. Terraform's own tests switch it off.
    pub tls: bool,
    /// Time for the handshake line. Default 60 s, as in Terraform.
    pub handshake_timeout: Duration,
}

impl Launch {
    /// Starts `program` as Terraform 1.11 does.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: Vec::new(),
            tls: true,
            handshake_timeout: Duration::from_secs(60),
        }
    }

    /// Adds an environment variable.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    fn command(&self, identity: Option<&ClientIdentity>) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .env(COOKIE_KEY, COOKIE_VALUE)
            .env("PLUGIN_PROTOCOL_VERSIONS", "5,6")
            .env("PLUGIN_MIN_PORT", "10000")
            .env("PLUGIN_MAX_PORT", "25000")
            .env_remove("PLUGIN_CLIENT_CERT")
            .envs(identity.map(|identity| ("PLUGIN_CLIENT_CERT", identity.pem())))
            .envs(self.env.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }
}

/// A provider process that printed its handshake line. Killed when dropped.
pub struct Plugin {
    child: Child,
    handshake: Handshake,
    identity: Option<ClientIdentity>,
    stderr: Lines,
}

impl Plugin {
    /// Starts a provider and reads its handshake line. Needs a runtime with I/O and time enabled.
    ///
    /// # Errors
    /// Every kind of [`ClientError`] but `Connect` and `Call`.
    pub async fn start(launch: &Launch) -> Result<Self, ClientError> {
        let identity = launch.tls.then(ClientIdentity::generate).transpose()?;
        let mut child = launch
            .command(identity.as_ref())
            .spawn()
            .map_err(|source| ClientError::Start {
                program: launch.program.clone(),
                source,
            })?;
        let stderr = Lines::default();
        if let Some(pipe) = child.stderr.take() {
            tokio::spawn(stderr.clone().collect(pipe));
        }
        let mut stdout = child.stdout.take().map(BufReader::new);
        let mut line = String::new();
        if let Some(stdout) = &mut stdout {
            tokio::time::timeout(launch.handshake_timeout, stdout.read_line(&mut line))
                .await
                .map_err(|_| ClientError::Timeout(launch.handshake_timeout))??;
        }
        if line.is_empty() {
            child.wait().await?;
            return Err(ClientError::Exited {
                stderr: stderr.text(),
            });
        }
        if let Some(stdout) = stdout {
            tokio::spawn(Lines::default().collect(stdout));
        }
        Ok(Self {
            child,
            handshake: line.parse()?,
            identity,
            stderr,
        })
    }

    /// What the provider printed.
    #[must_use]
    pub fn handshake(&self) -> &Handshake {
        &self.handshake
    }

    /// Process number; `None` once it ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// What the provider wrote to standard error so far.
    #[must_use]
    pub fn stderr(&self) -> String {
        self.stderr.text()
    }

    /// Connects as the host that started the provider.
    ///
    /// # Errors
    /// [`ClientError::Connect`], [`ClientError::Tls`].
    pub async fn connect(&self) -> Result<Channel, ClientError> {
        self.connect_as(self.identity.as_ref()).await
    }

    /// Connects with the certificate of `identity`, or without one, as some other process might.
    ///
    /// # Errors
    /// As [`Plugin::connect`]. A refused certificate may show only in the first call.
    pub async fn connect_as(
        &self,
        identity: Option<&ClientIdentity>,
    ) -> Result<Channel, ClientError> {
        dial(&self.handshake.address, self.peer(identity)).await
    }

    /// The TLS side of a connection as [`Plugin::connect_as`] makes it; `None` when the provider serves
    /// plaintext.
    #[must_use]
    pub fn peer<'a>(&'a self, identity: Option<&'a ClientIdentity>) -> Option<Peer<'a>> {
        let certificate = &self.handshake.certificate;
        (!certificate.is_empty()).then_some(Peer {
            certificate,
            identity,
        })
    }

    /// Calls `Shutdown` on `channel` and closes it. Like a host, waits for the reply without a deadline.
    ///
    /// # Errors
    /// [`ClientError::Call`].
    pub async fn shutdown(channel: Channel) -> Result<(), ClientError> {
        let reply = GrpcControllerClient::new(channel).shutdown(Empty {}).await;
        reply.map(drop).map_err(|status| Box::new(status).into())
    }

    /// Waits for the end of the process; true when it reported success.
    ///
    /// # Errors
    /// [`ClientError::Process`].
    pub async fn wait(&mut self) -> Result<bool, ClientError> {
        Ok(self.child.wait().await?.success())
    }

    /// Kills the process, as a host does two seconds after `Shutdown`.
    ///
    /// # Errors
    /// [`ClientError::Process`].
    pub async fn kill(&mut self) -> Result<(), ClientError> {
        Ok(self.child.kill().await?)
    }
}

impl Drop for Plugin {
    /// Kills the process, and removes the socket a killed process leaves behind.
    fn drop(&mut self) {
        // Both fail, rightly, when the process has ended by itself.
        let _ = self.child.start_kill();
        if let Address::Unix(path) = &self.handshake.address {
            let _ = std::fs::remove_file(path);
            // Removes nothing but an empty folder, and so never one that others use.
            let _ = path.parent().map(std::fs::remove_dir);
        }
    }
}

/// Lines read from a pipe so far.
#[derive(Clone, Default)]
struct Lines {
    text: Arc<Mutex<String>>,
}

impl Lines {
    async fn collect(self, pipe: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(pipe).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
            text.push_str(&line);
            text.push('\n');
        }
    }

    fn text(&self) -> String {
        self.text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
