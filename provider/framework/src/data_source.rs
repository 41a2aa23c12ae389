//! Data sources: reads whose result is stored in state. Not for secrets.

use async_trait::async_trait;

use crate::config::Config;
use crate::context::Context;
use crate::diagnostic::Diagnostics;
use crate::model::{Model, Unknowns, from_value, to_value};
use crate::schema::Schema;
use crate::value::Value;

/// A data source.
#[async_trait]
pub trait DataSource: Send + Sync + 'static {
    /// The provider's data.
    type Data: Send + Sync + 'static;
    /// Arguments and results together.
    type Model: Model;

    /// Full type name.
    fn name(&self) -> &'static str;

    /// Checks the arguments. Parts may be unknown; check what is known. There is no provider data yet.
    async fn validate(&self, config: &Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Reads. The result carries every argument unchanged and a value for every computed attribute.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn read(
        &self,
        context: &Context<Self::Data>,
        config: Self::Model,
    ) -> Result<Self::Model, Diagnostics>;

    /// The schema.
    fn schema(&self) -> Schema {
        Schema::new(Self::Model::block())
    }
}

/// [`DataSource`] over plain values.
#[async_trait]
pub(crate) trait ErasedDataSource<D>: Send + Sync {
    async fn read(&self, context: &Context<D>, config: Value) -> Result<Value, Diagnostics>;
}

#[async_trait]
impl<T: DataSource> ErasedDataSource<T::Data> for T {
    async fn read(&self, context: &Context<T::Data>, config: Value) -> Result<Value, Diagnostics> {
        let config = from_value(config, Unknowns::Refuse)?;
        DataSource::read(self, context, config).await.map(to_value)
    }
}
