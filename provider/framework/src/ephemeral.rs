//! Ephemeral resources: objects opened for one run, whose results are never stored.

use async_trait::async_trait;

use crate::config::Config;
use crate::context::Context;
use crate::diagnostic::Diagnostics;
use crate::lifecycle::Lease;
use crate::model::{Model, Unknowns, from_value, to_value};
use crate::schema::Schema;
use crate::value::Value;

/// An ephemeral resource.
///
/// Renewing and closing are not here: return a [`Lease`] from `open`, and the framework renews it in time
/// and revokes it when Terraform closes the resource, shuts the provider down or disappears.
#[async_trait]
pub trait EphemeralResource: Send + Sync + 'static {
    /// The provider's data.
    type Data: Send + Sync + 'static;
    /// Arguments and results together.
    type Model: Model;

    /// Full type name, such as `secretref_value`.
    fn name(&self) -> &'static str;

    /// Checks the arguments. Parts may be unknown; check what is known. There is no provider data yet.
    async fn validate(&self, config: &Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Opens the object.
    ///
    /// - Every plan opens, and an apply opens again: it must be safe to repeat.
    /// - The result carries every argument unchanged and a value for every computed attribute; start from
    ///   `config` and fill in the rest. The framework checks this and revokes the lease when it is not so.
    /// - Whatever was acquired before an error is returned must be given back first.
    ///
    /// # Errors
    /// Why it cannot be opened.
    async fn open(
        &self,
        context: &Context<Self::Data>,
        config: Self::Model,
    ) -> Result<Opened<Self::Model>, Diagnostics>;

    /// The schema.
    fn schema(&self) -> Schema {
        Schema::new(Self::Model::block())
    }
}

/// What an open returns.
#[derive(Debug)]
pub struct Opened<M> {
    /// Arguments and computed attributes.
    pub result: M,
    /// What has to be renewed or given back; `None` when nothing has to.
    pub lease: Option<Box<dyn Lease>>,
}

impl<M> Opened<M> {
    /// A result with nothing to give back.
    pub fn new(result: M) -> Self {
        Self {
            result,
            lease: None,
        }
    }

    /// A result that lives as long as `lease`.
    pub fn leased(result: M, lease: impl Lease) -> Self {
        Self::until(result, Some(lease))
    }

    /// A result that lives as long as `lease`, where there is one.
    pub fn until(result: M, lease: Option<impl Lease>) -> Self {
        Self {
            result,
            lease: lease.map(|lease| Box::new(lease) as Box<dyn Lease>),
        }
    }
}

/// [`EphemeralResource`] over plain values.
#[async_trait]
pub(crate) trait ErasedEphemeral<D>: Send + Sync {
    async fn open(&self, context: &Context<D>, config: Value)
    -> Result<Opened<Value>, Diagnostics>;
}

#[async_trait]
impl<T: EphemeralResource> ErasedEphemeral<T::Data> for T {
    async fn open(
        &self,
        context: &Context<T::Data>,
        config: Value,
    ) -> Result<Opened<Value>, Diagnostics> {
        let config = from_value(config, Unknowns::Refuse)?;
        let Opened { result, lease } = EphemeralResource::open(self, context, config).await?;
        Ok(Opened {
            result: to_value(result),
            lease,
        })
    }
}
