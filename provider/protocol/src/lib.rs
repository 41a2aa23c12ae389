//! Terraform's plugin wire: messages and services of plugin protocol 6, newest minor version.

mod generated;
mod messages;

pub use generated::{plugin, tfplugin6};
pub use messages::OPAQUE_MESSAGES;

/// Largest message either side accepts, in bytes. The default of the gRPC library, 4 MiB, is smaller than
/// the state of a large resource.
pub const MAX_MESSAGE_LEN: usize = 256 * 1024 * 1024;
