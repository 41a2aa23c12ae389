//! The error type of this crate.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why the plugin could not be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The process was not started by Terraform or OpenTofu.
    #[error(
        "this program is a Terraform provider: Terraform and OpenTofu start it by themselves, it does \
         nothing when run by hand. Put it in a provider mirror or name its folder under dev_overrides in \
         the CLI configuration; run it with --help for its other uses"
    )]
    NotAPlugin,
    /// The host's certificate in `PLUGIN_CLIENT_CERT` cannot be used.
    #[error(
        "PLUGIN_CLIENT_CERT holds no usable certificate ({reason}); the host and this provider do not understand each other"
    )]
    ClientCertificate {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The host asked for a connection without encryption where other users could reach it.
    #[error(
        "PLUGIN_CLIENT_CERT is not set, and serving without encryption is refused on TCP; unset TF_DISABLE_PLUGIN_TLS"
    )]
    PlaintextTcp,
    /// The certificate or the TLS configuration of this process could not be made.
    #[error("cannot prepare the encrypted connection to the host")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A variable of the plugin contract has a value that cannot be used.
    #[error("environment variable {name} {reason}")]
    Environment {
        /// Name of the variable.
        name: &'static str,
        /// What is wrong and what would be accepted.
        reason: String,
    },
    /// The socket for the host could not be made.
    #[error("cannot listen for the host at {}", path.display())]
    Listen {
        /// Folder, socket or port that was tried.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
    /// The handshake line could not be written to standard output.
    #[error("cannot write the handshake line to standard output")]
    Handshake(#[source] io::Error),
    /// A signal handler could not be installed.
    #[error("cannot install the signal handlers")]
    Signals(#[source] io::Error),
    /// The gRPC server failed.
    #[error("the connection to the host failed")]
    Transport(#[source] tonic::transport::Error),
}
