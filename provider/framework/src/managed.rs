//! Managed resources: objects that Terraform creates, keeps in state, updates and deletes.
//!
//! The framework plans: it makes computed attributes unknown where the provider will set them, keeps those
//! that are marked, replaces where marked, and removes the values of write-only attributes from every
//! answer. A simple resource implements `create`, `read`, `update` and `delete` only.

use async_trait::async_trait;

use crate::config::Config;
use crate::context::Context;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::model::{Model, Unknowns, from_value, to_value};
use crate::planning::Plan;
use crate::schema::walk::visit_attributes;
use crate::schema::{Block, Mode, Schema};
use crate::stored::StoredState;
use crate::value::{Object, Value};

/// A managed resource.
#[async_trait]
pub trait ManagedResource: Send + Sync + 'static {
    /// The provider's data.
    type Data: Send + Sync + 'static;
    /// Configuration and state together.
    type Model: Model;

    /// Full type name.
    fn name(&self) -> &'static str;

    /// The schema. Override it to raise the version.
    fn schema(&self) -> Schema {
        Schema::new(Self::Model::block())
    }

    /// What identifies an object in the outside world; `None` when nothing does.
    fn identity_schema(&self) -> Option<IdentitySchema> {
        None
    }

    /// The identity of an object. Must be there, and stay the same, when there is an identity schema.
    fn identity(&self, state: &Self::Model) -> Option<Object> {
        let _ = state;
        None
    }

    /// Checks the configuration. Parts may be unknown; check what is known. There is no provider data yet.
    async fn validate(&self, config: &Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Adjusts the plan made by the framework; not called for deletions. Must be quick and give the same
    /// outcome every time, without looking at the outside world more than needed.
    ///
    /// # Errors
    /// Why the change is impossible.
    async fn plan(
        &self,
        context: &Context<Self::Data>,
        plan: &mut Plan,
    ) -> Result<(), Diagnostics> {
        let _ = (context, plan);
        Ok(())
    }

    /// Creates the object.
    ///
    /// # Errors
    /// Nothing is stored then. When the object exists but something else failed, return its state and
    /// [`report`](Context::report) the error.
    async fn create(
        &self,
        context: &Context<Self::Data>,
        request: Create<Self::Model>,
    ) -> Result<Stored<Self::Model>, Diagnostics>;

    /// Reads the object as it is now; `None` when it is gone.
    ///
    /// # Errors
    /// Why it cannot be read.
    async fn read(
        &self,
        context: &Context<Self::Data>,
        request: Read<Self::Model>,
    ) -> Result<Option<Stored<Self::Model>>, Diagnostics>;

    /// Changes the object.
    ///
    /// # Errors
    /// The stored state is kept as it was.
    async fn update(
        &self,
        context: &Context<Self::Data>,
        request: Update<Self::Model>,
    ) -> Result<Stored<Self::Model>, Diagnostics>;

    /// Deletes the object; deleting what is already gone succeeds.
    ///
    /// # Errors
    /// Why it is still there.
    async fn delete(
        &self,
        context: &Context<Self::Data>,
        request: Delete<Self::Model>,
    ) -> Result<(), Diagnostics>;

    /// Turns state written by an earlier version of the schema into the current one. Not called when the
    /// versions are equal.
    ///
    /// # Errors
    /// When it cannot; by default always.
    async fn upgrade(&self, request: Upgrade) -> Result<Self::Model, Diagnostics> {
        Err(Diagnostic::error("State cannot be upgraded")
            .detail(format!(
                "This provider cannot read `{}` state of version {}.",
                self.name(),
                request.version
            ))
            .into())
    }

    /// Turns an identity written by an earlier version of the identity schema into the current one. Not
    /// called when the versions are equal.
    ///
    /// # Errors
    /// When it cannot; by default always.
    async fn upgrade_identity(&self, request: UpgradeIdentity) -> Result<Object, Diagnostics> {
        Err(Diagnostic::error("Identity cannot be upgraded")
            .detail(format!(
                "This provider cannot read `{}` identities of version {}.",
                self.name(),
                request.version
            ))
            .into())
    }

    /// Adjusts the configuration that Terraform writes for an existing object (`terraform plan
    /// -generate-config-out`). `draft` is its state without what only the provider sets, without what is
    /// deprecated, and without write-only values.
    ///
    /// # Errors
    /// Why there is no configuration for it.
    async fn generate_config(&self, draft: Self::Model) -> Result<Self::Model, Diagnostics> {
        Ok(draft)
    }

    /// Brings an existing object under management. `read` follows, so it is enough to fill in what `read`
    /// needs.
    ///
    /// # Errors
    /// When it cannot; by default always.
    async fn import(
        &self,
        context: &Context<Self::Data>,
        request: Import,
    ) -> Result<Stored<Self::Model>, Diagnostics> {
        let _ = (context, request);
        Err(Diagnostic::error("Import is not supported")
            .detail(format!(
                "Objects of type `{}` cannot be imported.",
                self.name()
            ))
            .into())
    }

    /// Takes over an object that was managed as another type, perhaps by another provider. `None` when
    /// this type cannot be taken over.
    ///
    /// # Errors
    /// Why it failed.
    async fn take_over(
        &self,
        request: TakeOver,
    ) -> Result<Option<Stored<Self::Model>>, Diagnostics> {
        let _ = request;
        Ok(None)
    }
}

/// What identifies an object in the outside world.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentitySchema {
    /// Raise it when an identity stored earlier needs an upgrade.
    pub version: i64,
    /// Strings, numbers, bools, or lists of them.
    pub attributes: Vec<IdentityAttribute>,
}

/// One attribute of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityAttribute {
    /// Its name.
    pub name: String,
    /// Its type: no maps, sets or objects.
    pub ty: crate::types::Type,
    /// Must be given to import; otherwise it may be.
    pub required_for_import: bool,
    /// What it is.
    pub description: String,
}

impl IdentitySchema {
    /// The type of an identity.
    #[must_use]
    pub fn ty(&self) -> crate::types::Type {
        crate::types::Type::object(
            self.attributes
                .iter()
                .map(|inner| (inner.name.clone(), inner.ty.clone())),
        )
    }
}

/// The state of an object and the provider's own notes about it. Filled by the provider.
#[derive(Debug, Clone)]
pub struct Stored<M> {
    /// The state. Values of write-only attributes are removed by the framework.
    pub state: M,
    /// Stored beside the state, readable for everyone who reads it: never a secret. May be empty.
    pub private: Vec<u8>,
}

impl<M> Stored<M> {
    /// State without notes.
    pub fn new(state: M) -> Self {
        Self {
            state,
            private: Vec::new(),
        }
    }
}

/// To create an object. Filled by Terraform.
#[derive(Debug)]
pub struct Create<M> {
    /// What was promised in the plan; `None` where the provider is to compute it.
    pub planned: M,
    /// What the practitioner wrote, values of write-only attributes included.
    pub config: M,
    /// The notes of the plan.
    pub private: Vec<u8>,
}

/// To read an object. Filled by Terraform.
#[derive(Debug)]
pub struct Read<M> {
    /// As stored; after an import, as the import returned it.
    pub state: M,
    /// The notes.
    pub private: Vec<u8>,
    /// The stored identity.
    pub identity: Option<Object>,
}

/// To change an object. Filled by Terraform.
#[derive(Debug)]
pub struct Update<M> {
    /// As stored.
    pub prior: M,
    /// What was promised in the plan; `None` where the provider is to compute it.
    pub planned: M,
    /// What the practitioner wrote, values of write-only attributes included.
    pub config: M,
    /// The notes of the plan.
    pub private: Vec<u8>,
}

/// To delete an object. Filled by Terraform.
#[derive(Debug)]
pub struct Delete<M> {
    /// As stored.
    pub prior: M,
    /// The notes.
    pub private: Vec<u8>,
}

/// State of an earlier version. Filled by Terraform.
#[derive(Debug)]
pub struct Upgrade {
    /// The version of the schema it was written with.
    pub version: i64,
    /// The state; read it with a model of that version.
    pub state: StoredState,
}

/// An identity of an earlier version. Filled by Terraform.
#[derive(Debug)]
pub struct UpgradeIdentity {
    /// The version of the identity schema it was written with.
    pub version: i64,
    /// The identity; read it with a model of that version.
    pub identity: StoredState,
}

/// To import an object. Filled by Terraform: either `id` or `identity`.
#[derive(Debug)]
pub struct Import {
    /// What the practitioner wrote.
    pub id: Option<String>,
    /// By the identity schema.
    pub identity: Option<Object>,
}

/// An object managed as another type so far. Filled by Terraform.
#[derive(Debug)]
pub struct TakeOver {
    /// Full address of the provider that managed it.
    pub provider_address: String,
    /// Its type name there.
    pub type_name: String,
    /// Version of the schema there.
    pub schema_version: i64,
    /// Its state, by that schema.
    pub state: StoredState,
    /// The notes of the other provider.
    pub private: Vec<u8>,
    /// Its identity, when it had one and the asking Terraform knows identities.
    pub identity: Option<StoredState>,
    /// Version of the identity schema there.
    pub identity_version: i64,
}

/// Removes what a practitioner cannot or should not write.
fn keep_configurable(block: &Block, value: &mut Value) {
    visit_attributes(block, value, &mut |_, attribute, value| {
        let settable = attribute.mode != Mode::Computed && !attribute.write_only;
        let wanted = attribute.deprecated.is_none() || attribute.mode == Mode::Required;
        if !settable || !wanted {
            *value = Value::Null;
        }
    });
}

/// A [`Stored`] over plain values, with its identity.
#[derive(Debug)]
pub(crate) struct StoredValue {
    pub(crate) state: Value,
    pub(crate) private: Vec<u8>,
    pub(crate) identity: Option<Object>,
}

/// What an apply is asked to do, over plain values.
pub(crate) struct Apply {
    pub(crate) prior: Value,
    pub(crate) planned: Value,
    pub(crate) config: Value,
    pub(crate) private: Vec<u8>,
}

/// [`ManagedResource`] over plain values.
#[async_trait]
pub(crate) trait ErasedManaged<D>: Send + Sync {
    fn identity_schema(&self) -> Option<IdentitySchema>;
    async fn plan(&self, context: &Context<D>, plan: &mut Plan) -> Result<(), Diagnostics>;
    async fn apply(
        &self,
        context: &Context<D>,
        request: Apply,
    ) -> Result<Option<StoredValue>, Diagnostics>;
    async fn read(
        &self,
        context: &Context<D>,
        request: Read<Value>,
    ) -> Result<Option<StoredValue>, Diagnostics>;
    async fn upgrade(&self, request: Upgrade) -> Result<Value, Diagnostics>;
    async fn upgrade_identity(&self, request: UpgradeIdentity) -> Result<Object, Diagnostics>;
    async fn generate_config(&self, state: Value) -> Result<Value, Diagnostics>;
    async fn import(
        &self,
        context: &Context<D>,
        request: Import,
    ) -> Result<StoredValue, Diagnostics>;
    async fn take_over(&self, request: TakeOver) -> Result<Option<StoredValue>, Diagnostics>;
}

fn erase<T: ManagedResource>(resource: &T, stored: Stored<T::Model>) -> StoredValue {
    let identity = resource.identity(&stored.state);
    StoredValue {
        state: to_value(stored.state),
        private: stored.private,
        identity,
    }
}

#[async_trait]
impl<T: ManagedResource> ErasedManaged<T::Data> for T {
    fn identity_schema(&self) -> Option<IdentitySchema> {
        ManagedResource::identity_schema(self)
    }

    async fn plan(&self, context: &Context<T::Data>, plan: &mut Plan) -> Result<(), Diagnostics> {
        ManagedResource::plan(self, context, plan).await
    }

    async fn apply(
        &self,
        context: &Context<T::Data>,
        request: Apply,
    ) -> Result<Option<StoredValue>, Diagnostics> {
        let Apply {
            prior,
            planned,
            config,
            private,
        } = request;
        let known = |value| from_value::<T::Model>(value, Unknowns::Refuse);
        let stored = match (prior.is_null(), planned.is_null()) {
            (true, true) => return Ok(None),
            (false, true) => {
                self.delete(
                    context,
                    Delete {
                        prior: known(prior)?,
                        private,
                    },
                )
                .await?;
                return Ok(None);
            }
            (true, false) => {
                let planned = from_value(planned, Unknowns::AsNull)?;
                self.create(
                    context,
                    Create {
                        planned,
                        config: known(config)?,
                        private,
                    },
                )
                .await?
            }
            (false, false) => {
                let planned = from_value(planned, Unknowns::AsNull)?;
                let (prior, config) = (known(prior)?, known(config)?);
                self.update(
                    context,
                    Update {
                        prior,
                        planned,
                        config,
                        private,
                    },
                )
                .await?
            }
        };
        Ok(Some(erase(self, stored)))
    }

    async fn read(
        &self,
        context: &Context<T::Data>,
        request: Read<Value>,
    ) -> Result<Option<StoredValue>, Diagnostics> {
        let Read {
            state,
            private,
            identity,
        } = request;
        let state = from_value(state, Unknowns::Refuse)?;
        let stored = ManagedResource::read(
            self,
            context,
            Read {
                state,
                private,
                identity,
            },
        )
        .await?;
        Ok(stored.map(|stored| erase(self, stored)))
    }

    async fn upgrade(&self, request: Upgrade) -> Result<Value, Diagnostics> {
        let schema = ManagedResource::schema(self);
        if request.version == schema.version {
            return request.state.value(&schema.ty());
        }
        ManagedResource::upgrade(self, request).await.map(to_value)
    }

    async fn upgrade_identity(&self, request: UpgradeIdentity) -> Result<Object, Diagnostics> {
        ManagedResource::upgrade_identity(self, request).await
    }

    async fn generate_config(&self, mut state: Value) -> Result<Value, Diagnostics> {
        let block = ManagedResource::schema(self).block;
        keep_configurable(&block, &mut state);
        let draft = from_value(state, Unknowns::AsNull)?;
        let mut config = to_value(ManagedResource::generate_config(self, draft).await?);
        // Whatever was added, Terraform would refuse what cannot be configured.
        keep_configurable(&block, &mut config);
        Ok(config)
    }

    async fn import(
        &self,
        context: &Context<T::Data>,
        request: Import,
    ) -> Result<StoredValue, Diagnostics> {
        let stored = ManagedResource::import(self, context, request).await?;
        Ok(erase(self, stored))
    }

    async fn take_over(&self, request: TakeOver) -> Result<Option<StoredValue>, Diagnostics> {
        let stored = ManagedResource::take_over(self, request).await?;
        Ok(stored.map(|stored| erase(self, stored)))
    }
}
