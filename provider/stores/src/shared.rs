//! What several stores of one block have in common, such as one login for all AWS services: made once.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;

type Key = (TypeId, Option<String>);

/// Shared parts by type and name of the block.
#[derive(Default)]
pub(crate) struct Shared(Mutex<HashMap<Key, Arc<dyn Any + Send + Sync>>>);

impl Shared {
    /// The part `T` of the block `name`, made by `make` when it is not there yet.
    ///
    /// # Errors
    /// Those of `make`; nothing is kept then.
    pub(crate) fn get_or_make<T: Any + Send + Sync>(
        &self,
        name: Option<&str>,
        make: impl FnOnce() -> Result<T>,
    ) -> Result<Arc<T>> {
        let key = (TypeId::of::<T>(), name.map(str::to_owned));
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(part) = parts.get(&key)
            && let Ok(part) = Arc::clone(part).downcast::<T>()
        {
            return Ok(part);
        }
        let part = Arc::new(make()?);
        parts.insert(key, Arc::clone(&part) as Arc<dyn Any + Send + Sync>);
        Ok(part)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shared")
    }
}
