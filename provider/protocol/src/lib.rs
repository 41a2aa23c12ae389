//! Terraform's plugin wire, server side: everything between a host process and a provider's calls.
//!
//! A binary reads its [`Environment`], prepares the process with [`prepare`], and calls [`serve`] with an
//! implementation of [`proto::provider_server::Provider`] and of [`Lifecycle`]. This crate does the rest:
//! handshake, a private socket, mutual TLS with the one client that started the process, the auxiliary
//! services, signals, the loss of the host, logs and crash reports. It knows messages, not their meaning:
//! values, schemas and diagnostics live in the framework above. `examples/tiny.rs` is the smallest binary.
//!
//! The feature `client` adds the other half, [`client`], which starts a provider as a host does. It exists
//! for tests.

mod accept;
#[cfg(feature = "client")]
pub mod client;
mod crash;
mod ending;
mod environment;
mod error;
mod generated;
mod handshake;
mod listener;
pub mod log;
mod messages;
mod reattach;
mod serve;
mod services;
mod signals;
mod tls;
mod watchdog;

pub use crash::{harden, install_panic_hook};
pub use ending::{Lifecycle, ShutdownReason};
pub use environment::{COOKIE_KEY, COOKIE_VALUE, Environment};
pub use error::ServeError;
pub use generated::{plugin, tfplugin6 as proto};
pub use handshake::{Address, CORE_VERSION, Handshake, HandshakeError, PROTOCOL_VERSION};
pub use messages::OPAQUE_MESSAGES;
pub use reattach::{REATTACH_KEY, reattach_json};
pub use serve::{ServeOptions, serve};

/// Largest message either side accepts, in bytes. The default of the gRPC library, 4 MiB, is smaller than
/// the state of a large resource.
pub const MAX_MESSAGE_LEN: usize = 256 * 1024 * 1024;

/// Prepares this process for holding secrets: panic reports without payload, logs at the levels the host
/// asked for, and, unless `debug`, no core dumps and no debugger. `own_crates` are the Rust crate names
/// that may log below WARN. Call it first in `main`.
pub fn prepare(environment: &Environment, debug: bool, own_crates: &[&str]) {
    install_panic_hook();
    log::init(&environment.log_levels, own_crates);
    if !debug {
        harden();
    }
}
