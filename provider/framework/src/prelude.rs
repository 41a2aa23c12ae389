//! What most resources need: `use tf_framework::prelude::*;`

pub use crate::config::Config;
pub use crate::context::Context;
pub use crate::data_source::DataSource;
pub use crate::diagnostic::{Diagnostic, Diagnostics};
pub use crate::ephemeral::{EphemeralResource, Opened};
pub use crate::function::{Arguments, Function, FunctionError, Signature};
pub use crate::lifecycle::{Lease, LeaseFacts};
pub use crate::managed::{Create, Delete, Import, ManagedResource, Read, Stored, Update, Upgrade};
pub use crate::model;
pub use crate::model::{Field, Model, Tristate};
pub use crate::path::Path;
pub use crate::planning::Plan;
pub use crate::provider::{Provider, Registry};
