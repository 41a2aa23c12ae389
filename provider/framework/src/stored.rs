//! State as it was stored, possibly by an earlier version or another provider.

use zeroize::Zeroizing;

use crate::codec::json;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Model, Unknowns, from_value};
use crate::types::Type;
use crate::value::Value;

/// Stored state: JSON by the schema of whoever wrote it.
#[derive(Clone)]
pub struct StoredState {
    json: Zeroizing<Vec<u8>>,
}

/// Prints no content: state may hold sensitive values.
impl std::fmt::Debug for StoredState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StoredState(***)")
    }
}

impl StoredState {
    /// Wraps the JSON of a stored object.
    #[must_use]
    pub fn new(json: Vec<u8>) -> Self {
        Self {
            json: Zeroizing::new(json),
        }
    }

    /// Reads it by the schema of a model, which may be an older one kept for upgrades. Attributes that
    /// the model does not know are skipped; missing ones are null.
    ///
    /// # Errors
    /// When the state does not have that shape.
    pub fn read<M: Model>(&self) -> Result<M, Diagnostics> {
        from_value(self.value(&M::block().ty())?, Unknowns::Refuse)
    }

    /// Reads it as a value of this type.
    ///
    /// # Errors
    /// When the state does not have that shape.
    pub fn value(&self, ty: &Type) -> Result<Value, Diagnostics> {
        json::decode(&self.json, ty).map_err(|error| {
            Diagnostic::error("Stored state cannot be read")
                .detail(format!("The stored state does not fit the schema it is said to have been written with: {error}."))
                .into()
        })
    }
}
