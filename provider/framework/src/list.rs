//! List resources: finding existing objects for `terraform query`.

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::config::Config;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Model, Unknowns, from_value};
use crate::schema::Schema;
use crate::value::{Object, Value};

/// Lists the objects of a managed resource of the same name, which must have an identity.
#[async_trait]
pub trait ListResource: Send + Sync + 'static {
    /// The provider's data.
    type Data: Send + Sync + 'static;
    /// The arguments of the query.
    type Model: Model;

    /// Full type name; that of the managed resource.
    fn name(&self) -> &'static str;

    /// Checks the arguments. Parts may be unknown; check what is known. There is no provider data yet.
    async fn validate(&self, config: &Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Finds objects and sends each to `found`, in a stable order.
    ///
    /// # Errors
    /// Why the search cannot go on; what was found before stays.
    async fn list(
        &self,
        context: &Context<Self::Data>,
        query: Query<Self::Model>,
        found: &Found,
    ) -> Result<(), Diagnostics>;

    /// The schema of the arguments.
    fn schema(&self) -> Schema {
        Schema::new(Self::Model::block())
    }
}

/// What to look for. Filled by Terraform.
#[derive(Debug)]
pub struct Query<M> {
    /// The arguments.
    pub config: M,
    /// Whether [`Item::object`] is wanted.
    pub with_object: bool,
    /// Most items wanted; 0 is no limit.
    pub limit: u64,
}

/// One object found. Filled by the provider.
#[derive(Debug, Clone)]
pub struct Item {
    /// Its identity, by the identity schema of the managed resource.
    pub identity: Object,
    /// How to show it.
    pub display_name: String,
    /// Its state, when asked for.
    pub object: Option<Value>,
    /// A warning about it.
    pub warning: Option<Diagnostic>,
}

/// Takes what a list resource finds.
#[derive(Debug, Clone)]
pub struct Found(mpsc::Sender<Item>);

impl Found {
    pub(crate) fn new(sender: mpsc::Sender<Item>) -> Self {
        Self(sender)
    }

    /// Hands over an object. Waits while Terraform is slow to read. False when nobody reads any more, or
    /// the limit is reached: stop searching.
    pub async fn send(&self, item: Item) -> bool {
        self.0.send(item).await.is_ok()
    }
}

/// [`ListResource`] over plain values.
#[async_trait]
pub(crate) trait ErasedList<D>: Send + Sync {
    async fn list(
        &self,
        context: &Context<D>,
        query: Query<Value>,
        found: &Found,
    ) -> Result<(), Diagnostics>;
}

#[async_trait]
impl<T: ListResource> ErasedList<T::Data> for T {
    async fn list(
        &self,
        context: &Context<T::Data>,
        query: Query<Value>,
        found: &Found,
    ) -> Result<(), Diagnostics> {
        let Query {
            config,
            with_object,
            limit,
        } = query;
        let config = from_value(config, Unknowns::Refuse)?;
        ListResource::list(
            self,
            context,
            Query {
                config,
                with_object,
                limit,
            },
            found,
        )
        .await
    }
}
