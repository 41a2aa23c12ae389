//! Actions: things a practitioner asks to be done, with progress shown while they run.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::context::Context;
use crate::diagnostic::Diagnostics;
use crate::model::{Model, Unknowns, from_value};
use crate::schema::Schema;
use crate::value::Value;

/// An action.
#[async_trait]
pub trait Action: Send + Sync + 'static {
    /// The provider's data.
    type Data: Send + Sync + 'static;
    /// The arguments.
    type Model: Model;

    /// Full type name.
    fn name(&self) -> &'static str;

    /// Checks the arguments. Parts may be unknown; check what is known. There is no provider data yet.
    async fn validate(&self, config: &Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Looks ahead while Terraform plans. Parts of the configuration may be unknown.
    ///
    /// # Errors
    /// Why the action will not be possible.
    async fn plan(
        &self,
        context: &Context<Self::Data>,
        config: &Config,
    ) -> Result<(), Diagnostics> {
        let _ = (context, config);
        Ok(())
    }

    /// Does it.
    ///
    /// # Errors
    /// Why it failed.
    async fn invoke(
        &self,
        context: &Context<Self::Data>,
        config: Self::Model,
        progress: &Progress,
    ) -> Result<(), Diagnostics>;

    /// The schema.
    fn schema(&self) -> Schema {
        Schema::new(Self::Model::block())
    }
}

/// Shows the practitioner how far an action is.
#[derive(Debug, Clone)]
pub struct Progress(mpsc::Sender<String>);

impl Progress {
    pub(crate) fn new(sender: mpsc::Sender<String>) -> Self {
        Self(sender)
    }

    /// Shows a message. Waits while Terraform is slow to read; does nothing when it has gone.
    pub async fn say(&self, message: impl Into<String> + Send) {
        // A closed channel means nobody listens any more; the action goes on.
        let _ = self.0.send(message.into()).await;
    }
}

/// [`Action`] over plain values.
#[async_trait]
pub(crate) trait ErasedAction<D>: Send + Sync {
    async fn plan(&self, context: &Context<D>, config: &Config) -> Result<(), Diagnostics>;
    async fn invoke(
        &self,
        context: &Context<D>,
        config: Value,
        progress: &Progress,
    ) -> Result<(), Diagnostics>;
}

#[async_trait]
impl<T: Action> ErasedAction<T::Data> for T {
    async fn plan(&self, context: &Context<T::Data>, config: &Config) -> Result<(), Diagnostics> {
        Action::plan(self, context, config).await
    }

    async fn invoke(
        &self,
        context: &Context<T::Data>,
        config: Value,
        progress: &Progress,
    ) -> Result<(), Diagnostics> {
        Action::invoke(
            self,
            context,
            from_value(config, Unknowns::Refuse)?,
            progress,
        )
        .await
    }
}
