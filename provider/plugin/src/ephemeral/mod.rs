//! Ephemeral resources: what is opened for one run and stored nowhere.

pub(crate) mod password;
pub(crate) mod value;
pub(crate) mod values;
