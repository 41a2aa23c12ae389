//! The wire form of values: MessagePack, directed by the schema's type.
//!
//! [`decode`] keeps numbers exactly, puts text of [`Type::Secret`] straight into a
//! [`Secret`](secret_value::Secret), and works in time and memory linear in the input. [`encode`] writes
//! the canonical form: objects with every attribute sorted by name, unknowns without refinement.

mod decode;
mod encode;
mod reader;
#[cfg(test)]
mod tests;

pub use decode::decode;
pub use encode::encode;

#[cfg(doc)]
use crate::types::Type;

/// MessagePack extension of an unknown value about which something is known.
const REFINED_UNKNOWN: i8 = 12;
/// Longest payload of a refinement that is looked at, in bytes; Terraform writes no longer ones.
const MAX_REFINEMENT: usize = 1024;
