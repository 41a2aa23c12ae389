//! The private address the host connects to: a Unix socket, or a port of the loopback address on Windows.
//!
//! A listener cleans up after itself when dropped. Which kind is compiled in is decided by the target;
//! both offer the same three names: `Listener::bind`, `Listener::accept` and `Socket`.

// Compiled for tests everywhere, so that the code for Windows is not only read.
#[cfg(any(windows, test))]
mod tcp;
#[cfg(unix)]
mod unix;

#[cfg(windows)]
pub(crate) use tcp::{Listener, Socket};
#[cfg(unix)]
pub(crate) use unix::{Listener, Socket};
