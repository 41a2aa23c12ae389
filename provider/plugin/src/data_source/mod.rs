//! Data sources: facts that may stand in state. Never a value.

pub(crate) mod metadata;
pub(crate) mod whoami;
