//! Managed resources.

pub(crate) mod secret;
