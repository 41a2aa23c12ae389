//! What the end-to-end tests and `cargo demo` share: the built binaries, a real Terraform or OpenTofu,
//! a scrubbed sandbox to run them in, and the search for leaked secrets.
//!
//! Nothing here knows how the programs work inside; both are driven from outside only.
//! Read [`Sandbox`] first.

pub mod binaries;
pub mod demo;
pub mod judge;
pub mod leak;
#[cfg(target_os = "linux")]
pub mod processes;
pub mod python;
pub mod release;
pub mod sandbox;
#[cfg(unix)]
pub mod servers;
pub mod stage;
pub mod terraform;

pub use binaries::Binaries;
pub use leak::Canary;
pub use sandbox::{Outcome, Sandbox};
pub use terraform::Terraform;
