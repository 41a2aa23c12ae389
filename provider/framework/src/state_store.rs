//! State stores: where Terraform keeps states, when a provider keeps them.
//!
//! The protocol is experimental: Terraform calls it in its alpha builds only, and OpenTofu never does.
//! States travel in chunks; the framework cuts and joins them, so a store sees whole states.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::config::Config;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Model, Unknowns, from_value};
use crate::schema::Schema;
use crate::value::Value;

/// A whole state. It may hold sensitive values, so it is overwritten when dropped.
pub type StateBytes = Zeroizing<Vec<u8>>;

/// A state store.
#[async_trait]
pub trait StateStore: Send + Sync + 'static {
    /// The provider's data.
    type Data: Send + Sync + 'static;
    /// The arguments.
    type Model: Model;
    /// What `configure` makes and every other call gets: a client, a folder.
    type Opened: Send + Sync + 'static;

    /// Full type name.
    fn name(&self) -> &'static str;

    /// Checks the arguments. Parts may be unknown; check what is known. There is no provider data yet.
    async fn validate(&self, config: &Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Opens the store.
    ///
    /// # Errors
    /// Why it cannot be used.
    async fn configure(
        &self,
        context: &Context<Self::Data>,
        config: Self::Model,
    ) -> Result<Self::Opened, Diagnostics>;

    /// Names of the states there are, one for each workspace.
    ///
    /// # Errors
    /// Why they cannot be listed.
    async fn states(&self, context: &Context<Self::Opened>) -> Result<Vec<String>, Diagnostics>;

    /// Reads a state; `None` when there is none of that name.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn read(
        &self,
        context: &Context<Self::Opened>,
        state: &str,
    ) -> Result<Option<StateBytes>, Diagnostics>;

    /// Writes a state, whole or not at all.
    ///
    /// # Errors
    /// Why it cannot be written; what was there stays.
    async fn write(
        &self,
        context: &Context<Self::Opened>,
        state: &str,
        bytes: StateBytes,
    ) -> Result<(), Diagnostics>;

    /// Deletes a state; deleting what is already gone succeeds.
    ///
    /// # Errors
    /// Why it is still there.
    async fn delete(&self, context: &Context<Self::Opened>, state: &str)
    -> Result<(), Diagnostics>;

    /// Locks a state for an operation (`plan`, `apply`, …) and returns what unlocks it. Does not wait.
    ///
    /// # Errors
    /// Who holds the lock.
    async fn lock(
        &self,
        context: &Context<Self::Opened>,
        state: &str,
        operation: &str,
    ) -> Result<String, Diagnostics>;

    /// Ends a lock. Only the lock that `lock_id` names.
    ///
    /// # Errors
    /// Why it is still locked.
    async fn unlock(
        &self,
        context: &Context<Self::Opened>,
        state: &str,
        lock_id: &str,
    ) -> Result<(), Diagnostics>;

    /// The schema of the arguments.
    fn schema(&self) -> Schema {
        Schema::new(Self::Model::block())
    }
}

/// A state store and what its configuration has opened.
pub(crate) struct Mounted<T: StateStore> {
    store: Arc<T>,
    opened: RwLock<Option<Arc<T::Opened>>>,
}

impl<T: StateStore> Mounted<T> {
    pub(crate) fn new(store: Arc<T>) -> Self {
        let opened = RwLock::default();
        Self { store, opened }
    }

    /// The context of a call to the opened store.
    fn context(&self, context: &Context<T::Data>) -> Result<Context<T::Opened>, Diagnostics> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        match &*opened {
            Some(opened) => Ok(context.with_data(Arc::clone(opened))),
            None => Err(Diagnostic::error("State store is not configured")
                .detail("Terraform has not sent the configuration of the state store, or it was refused.")
                .into()),
        }
    }
}

/// [`StateStore`] over plain values and the provider's data.
#[async_trait]
pub(crate) trait ErasedStateStore<D>: Send + Sync {
    async fn configure(&self, context: &Context<D>, config: Value) -> Result<(), Diagnostics>;
    async fn states(&self, context: &Context<D>) -> Result<Vec<String>, Diagnostics>;
    async fn read(
        &self,
        context: &Context<D>,
        state: &str,
    ) -> Result<Option<StateBytes>, Diagnostics>;
    async fn write(
        &self,
        context: &Context<D>,
        state: &str,
        bytes: StateBytes,
    ) -> Result<(), Diagnostics>;
    async fn delete(&self, context: &Context<D>, state: &str) -> Result<(), Diagnostics>;
    async fn lock(
        &self,
        context: &Context<D>,
        state: &str,
        operation: &str,
    ) -> Result<String, Diagnostics>;
    async fn unlock(
        &self,
        context: &Context<D>,
        state: &str,
        lock_id: &str,
    ) -> Result<(), Diagnostics>;
}

#[async_trait]
impl<T: StateStore> ErasedStateStore<T::Data> for Mounted<T> {
    async fn configure(
        &self,
        context: &Context<T::Data>,
        config: Value,
    ) -> Result<(), Diagnostics> {
        let config = from_value(config, Unknowns::Refuse)?;
        let opened = Arc::new(self.store.configure(context, config).await?);
        *self.opened.write().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(())
    }

    async fn states(&self, context: &Context<T::Data>) -> Result<Vec<String>, Diagnostics> {
        self.store.states(&self.context(context)?).await
    }

    async fn read(
        &self,
        context: &Context<T::Data>,
        state: &str,
    ) -> Result<Option<StateBytes>, Diagnostics> {
        self.store.read(&self.context(context)?, state).await
    }

    async fn write(
        &self,
        context: &Context<T::Data>,
        state: &str,
        bytes: StateBytes,
    ) -> Result<(), Diagnostics> {
        self.store
            .write(&self.context(context)?, state, bytes)
            .await
    }

    async fn delete(&self, context: &Context<T::Data>, state: &str) -> Result<(), Diagnostics> {
        self.store.delete(&self.context(context)?, state).await
    }

    async fn lock(
        &self,
        context: &Context<T::Data>,
        state: &str,
        operation: &str,
    ) -> Result<String, Diagnostics> {
        self.store
            .lock(&self.context(context)?, state, operation)
            .await
    }

    async fn unlock(
        &self,
        context: &Context<T::Data>,
        state: &str,
        lock_id: &str,
    ) -> Result<(), Diagnostics> {
        self.store
            .unlock(&self.context(context)?, state, lock_id)
            .await
    }
}
