//! Provider functions: pure, and callable before any provider is configured.

pub(crate) mod environment_of;
pub(crate) mod parse_ref;
pub(crate) mod with_version;
