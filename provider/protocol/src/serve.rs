//! The one entry: serve a provider to the host that started this process.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use secret_value::redaction;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Router;

use crate::MAX_MESSAGE_LEN;
use crate::accept::{Connection, Gate};
use crate::ending::{Ending, Lifecycle, ShutdownReason};
use crate::environment::Environment;
use crate::error::ServeError;
use crate::handshake::{Handshake, PROTOCOL_VERSION};
use crate::listener::Listener;
use crate::plugin::grpc_controller_server::GrpcControllerServer;
use crate::plugin::grpc_stdio_server::GrpcStdioServer;
use crate::proto::provider_server::{Provider, ProviderServer};
use crate::reattach;
use crate::services::{Controller, Stdio};
use crate::signals::Signals;
use crate::tls::Identity;
use crate::watchdog::{Live, Parent, Patience, host_gone};

/// How long calls in flight may take to end after the shutdown hook; hosts kill after two seconds.
const DRAIN: Duration = Duration::from_secs(1);
/// Authenticated connections waiting for the server to take them.
const READY_QUEUE: usize = 16;

/// How to serve. Start from [`ServeOptions::new`] and change what differs.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// What the host said.
    pub environment: Environment,
    /// Full provider address (`host/namespace/type`): serve in debug mode, where hosts attach to the
    /// running process. There is no cookie, no TLS, and the process lives until SIGINT or SIGTERM.
    pub debug: Option<String>,
    /// Longest time for [`Lifecycle::shutdown`]. Default 10 s.
    pub shutdown_budget: Duration,
    /// Time for a new connection after the last one was lost. Default 3 s.
    pub disconnect_grace: Duration,
    /// Time for the first connection. Default 60 s.
    pub connect_timeout: Duration,
    /// Time for one TLS handshake. Default 5 s.
    pub handshake_timeout: Duration,
    /// TLS handshakes that may run at once; further clients wait. Default 64.
    pub max_handshakes: usize,
}

impl ServeOptions {
    /// The default options.
    #[must_use]
    pub fn new(environment: Environment) -> Self {
        Self {
            environment,
            debug: None,
            shutdown_budget: Duration::from_secs(10),
            disconnect_grace: Duration::from_secs(3),
            connect_timeout: Duration::from_secs(60),
            handshake_timeout: Duration::from_secs(5),
            max_handshakes: 64,
        }
    }
}

/// Serves until the host is done, runs `lifecycle` once, and returns; the process should then exit. Works on a
/// current-thread runtime with I/O and time enabled.
///
/// `service` makes what is served: once for the host that started this process; in debug mode once for each
/// connection, because hosts open one for each provider block, and what one configures is not for another.
///
/// # Errors
/// - [`ServeError::NotAPlugin`] when no host started this process; its text is meant for a person.
/// - [`ServeError::ClientCertificate`], [`ServeError::PlaintextTcp`], [`ServeError::Environment`] when the
///   host asks for something impossible.
/// - The other kinds when the system refuses a socket, a signal handler or standard output.
pub async fn serve<S: Provider>(
    service: impl Fn() -> S,
    lifecycle: Arc<dyn Lifecycle>,
    options: ServeOptions,
) -> Result<(), ServeError> {
    let debug = options.debug.is_some();
    if !debug && !options.environment.cookie {
        return Err(ServeError::NotAPlugin);
    }
    let watch = Watch {
        signals: Signals::install(debug).map_err(ServeError::Signals)?,
        parent: Parent::current(),
        live: Live::new(),
    };
    let identity = identity(&options)?;
    let listener = Listener::bind(&options.environment).await?;
    let greeting = greeting(&options, &listener, identity.as_ref());

    let ending = Ending::new(lifecycle, options.shutdown_budget);
    let gate = Gate {
        tls: identity.map(|identity| TlsAcceptor::from(identity.config)),
        live: watch.live.clone(),
        handshake_timeout: options.handshake_timeout,
        max_handshakes: options.max_handshakes,
    };
    let (ready, connections) = mpsc::channel(READY_QUEUE);
    let mut background = JoinSet::new();
    background.spawn(gate.run(listener, ready));
    background.spawn(watch.run(ending.clone(), options));

    greet(&greeting).map_err(ServeError::Handshake)?;
    let served = run_server(service, debug, &ending, connections).await;
    // Does nothing when the hook has run already, as it has unless the server failed.
    ending.run(ShutdownReason::Failed).await;
    background.shutdown().await;
    // Nothing is left that could log a value: what the filter remembers is overwritten.
    redaction::clear();
    served
}

/// Makes the TLS identity, or decides that plaintext is acceptable.
fn identity(options: &ServeOptions) -> Result<Option<Identity>, ServeError> {
    match &options.environment.client_certificate {
        Some(pem) if options.debug.is_none() => Identity::generate(pem).map(Some),
        _ if Listener::PRIVATE || options.debug.is_some() => Ok(None),
        _ => Err(ServeError::PlaintextTcp),
    }
}

/// What is printed to standard output once the listener is bound.
fn greeting(options: &ServeOptions, listener: &Listener, identity: Option<&Identity>) -> String {
    let environment = &options.environment;
    if let Some(provider) = &options.debug {
        return reattach::instructions(provider, listener.address(), std::process::id());
    }
    let offered = &environment.protocol_versions;
    if !offered.is_empty() && !offered.contains(&PROTOCOL_VERSION) {
        // The host compares and reports the mismatch itself.
        tracing::warn!(?offered, "the host does not speak protocol 6");
    }
    let handshake = Handshake {
        protocol_version: PROTOCOL_VERSION,
        address: listener.address().clone(),
        certificate: identity
            .map(|identity| identity.certificate.to_vec())
            .unwrap_or_default(),
        multiplex: environment.multiplex_known.then_some(false),
    };
    format!("{handshake}\n")
}

fn greet(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// What ends the process although no host called `Shutdown`.
struct Watch {
    signals: Signals,
    parent: Parent,
    live: Live,
}

impl Watch {
    async fn run(mut self, ending: Ending, options: ServeOptions) {
        let patience = Patience {
            connect: options.connect_timeout,
            grace: options.disconnect_grace,
        };
        let gone = async {
            match options.debug {
                Some(_) => std::future::pending().await,
                None => host_gone(&self.live, self.parent, patience).await,
            }
        };
        let reason = tokio::select! {
            reason = gone => reason,
            () = self.signals.end_requested() => ShutdownReason::Signal,
        };
        ending.run(reason).await;
    }
}

async fn run_server<S: Provider>(
    service: impl Fn() -> S,
    debug: bool,
    ending: &Ending,
    connections: mpsc::Receiver<io::Result<Connection>>,
) -> Result<(), ServeError> {
    if debug {
        serve_each(service, ending, connections).await;
        return Ok(());
    }
    let server = router(service(), false, ending)
        .serve_with_incoming_shutdown(ReceiverStream::new(connections), ending.done().cancelled());
    let drained = async {
        ending.done().cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        served = server => served.map_err(ServeError::Transport),
        () = drained => Ok(()),
    }
}

/// Serves every connection by itself.
async fn serve_each<S: Provider>(
    service: impl Fn() -> S,
    ending: &Ending,
    mut connections: mpsc::Receiver<io::Result<Connection>>,
) {
    let mut servers = JoinSet::new();
    loop {
        let connection = tokio::select! {
            () = ending.done().cancelled() => break,
            connection = connections.recv() => connection,
        };
        let Some(connection) = connection else {
            break;
        };
        // The server ends with its stream of connections, so the stream does not.
        let incoming = tokio_stream::once(connection).chain(tokio_stream::pending());
        let done = ending.done().clone().cancelled_owned();
        let serving = router(service(), true, ending).serve_with_incoming_shutdown(incoming, done);
        servers.spawn(async move {
            if let Err(error) = serving.await {
                tracing::warn!(%error, "a connection failed");
            }
        });
    }
    let drained = async { while servers.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(DRAIN, drained).await;
}

fn router<S: Provider>(service: S, debug: bool, ending: &Ending) -> Router {
    let provider = ProviderServer::new(service)
        .max_decoding_message_size(MAX_MESSAGE_LEN)
        .max_encoding_message_size(MAX_MESSAGE_LEN);
    let controller = Controller {
        ending: (!debug).then(|| ending.clone()),
    };
    let stdio = Stdio {
        ending: ending.clone(),
    };
    Server::builder()
        .add_service(provider)
        .add_service(GrpcControllerServer::new(controller))
        .add_service(GrpcStdioServer::new(stdio))
}
