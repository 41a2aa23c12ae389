//! The provider: its configuration and what it offers.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::action::{Action, ErasedAction};
use crate::config::Config;
use crate::context::Context;
use crate::data_source::{DataSource, ErasedDataSource};
use crate::diagnostic::Diagnostics;
use crate::ephemeral::{EphemeralResource, ErasedEphemeral};
use crate::function::Function;
use crate::list::{ErasedList, ListResource};
use crate::managed::{ErasedManaged, ManagedResource};
use crate::model::Model;
use crate::schema::Schema;
use crate::service::{Front, Offered};
use crate::state_store::{ErasedStateStore, Mounted, StateStore};

/// A Terraform provider.
#[async_trait]
pub trait Provider: Send + Sync + 'static {
    /// The provider block. Keep every attribute optional, with the environment as fall-back: Terraform
    /// asks interactively for required ones.
    type Model: Model;
    /// What `configure` makes and every resource gets: clients, policy, limits.
    type Data: Send + Sync + 'static;

    /// Lists what the provider offers.
    fn offer(&self, registry: &mut Registry<Self::Data>);

    /// Checks the provider block. Parts of it may be unknown; check what is known.
    async fn validate(&self, config: &Config) -> Diagnostics {
        let _ = config;
        Diagnostics::new()
    }

    /// Makes the data that resources work with.
    ///
    /// - Called once for each provider block, never by `terraform validate`, and never before functions.
    /// - Called only when the model can be read. When a part that is not a
    ///   [`Tristate`](crate::model::Tristate) is unknown, resources fail with a message that names it.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    async fn configure(
        &self,
        context: &Context<()>,
        config: Self::Model,
    ) -> Result<Self::Data, Diagnostics>;

    /// Ends what `configure` has begun, such as a login.
    ///
    /// - Called once for everything that `configure` returned, when the run ends: the host asks for it, a
    ///   signal does, or the host has disappeared. Every lease of the process has been given back by then,
    ///   or could not be within [`REVOKE_BUDGET`](crate::service::REVOKE_BUDGET).
    /// - Not called when the run is interrupted: resources may still be closed, and the end follows.
    /// - Dropped when the end of the process exceeds [`SHUTDOWN_BUDGET`](crate::service::SHUTDOWN_BUDGET).
    /// - Handlers that have ignored their cancellation may still hold the data.
    /// - What it returns is logged: nobody is left to show it to.
    async fn close(&self, data: &Self::Data) -> Diagnostics {
        let _ = data;
        Diagnostics::new()
    }

    /// The schema of the provider block.
    fn schema(&self) -> Schema {
        Schema::new(Self::Model::block())
    }
}

/// What a provider offers, by type name. Two entries of one kind with the same name are a mistake that
/// [`Registry::duplicates`] finds.
pub struct Registry<D> {
    pub(crate) actions: BTreeMap<String, Offered<dyn ErasedAction<D>>>,
    pub(crate) data_sources: BTreeMap<String, Offered<dyn ErasedDataSource<D>>>,
    pub(crate) ephemerals: BTreeMap<String, Offered<dyn ErasedEphemeral<D>>>,
    pub(crate) functions: BTreeMap<String, Arc<dyn Function>>,
    pub(crate) lists: BTreeMap<String, Offered<dyn ErasedList<D>>>,
    pub(crate) managed: BTreeMap<String, Offered<dyn ErasedManaged<D>>>,
    pub(crate) state_stores: BTreeMap<String, Offered<dyn ErasedStateStore<D>>>,
    duplicates: Vec<String>,
}

impl<D> Default for Registry<D> {
    fn default() -> Self {
        Self {
            actions: BTreeMap::new(),
            data_sources: BTreeMap::new(),
            ephemerals: BTreeMap::new(),
            functions: BTreeMap::new(),
            lists: BTreeMap::new(),
            managed: BTreeMap::new(),
            state_stores: BTreeMap::new(),
            duplicates: Vec::new(),
        }
    }
}

impl<D: Send + Sync + 'static> Registry<D> {
    /// What `provider` offers.
    pub fn of<P: Provider<Data = D>>(provider: &P) -> Self {
        let mut registry = Self::default();
        provider.offer(&mut registry);
        registry
    }

    /// Offers an action.
    pub fn action<T: Action<Data = D>>(&mut self, action: T) -> &mut Self {
        let (name, action) = (action.name(), Arc::new(action));
        let front = Front::new(&action, T::schema, |item, config| item.validate(config));
        let offered: Offered<dyn ErasedAction<D>> = Offered::new(action, front);
        let taken = self.actions.insert(name.to_owned(), offered).is_some();
        self.note(taken, name)
    }

    /// Offers a data source.
    pub fn data_source<T: DataSource<Data = D>>(&mut self, source: T) -> &mut Self {
        let (name, source) = (source.name(), Arc::new(source));
        let front = Front::new(&source, T::schema, |item, config| item.validate(config));
        let offered: Offered<dyn ErasedDataSource<D>> = Offered::new(source, front);
        let taken = self.data_sources.insert(name.to_owned(), offered).is_some();
        self.note(taken, name)
    }

    /// Offers an ephemeral resource.
    pub fn ephemeral<T: EphemeralResource<Data = D>>(&mut self, resource: T) -> &mut Self {
        let (name, resource) = (resource.name(), Arc::new(resource));
        let front = Front::new(&resource, T::schema, |item, config| item.validate(config));
        let offered: Offered<dyn ErasedEphemeral<D>> = Offered::new(resource, front);
        let taken = self.ephemerals.insert(name.to_owned(), offered).is_some();
        self.note(taken, name)
    }

    /// Offers a function.
    pub fn function<T: Function>(&mut self, function: T) -> &mut Self {
        let name = function.name();
        let taken = self
            .functions
            .insert(name.to_owned(), Arc::new(function))
            .is_some();
        self.note(taken, name)
    }

    /// Offers a list resource.
    pub fn list<T: ListResource<Data = D>>(&mut self, list: T) -> &mut Self {
        let (name, list) = (list.name(), Arc::new(list));
        let front = Front::new(&list, T::schema, |item, config| item.validate(config));
        let offered: Offered<dyn ErasedList<D>> = Offered::new(list, front);
        let taken = self.lists.insert(name.to_owned(), offered).is_some();
        self.note(taken, name)
    }

    /// Offers a managed resource.
    pub fn managed<T: ManagedResource<Data = D>>(&mut self, resource: T) -> &mut Self {
        let (name, resource) = (resource.name(), Arc::new(resource));
        let front = Front::new(&resource, T::schema, |item, config| item.validate(config));
        let offered: Offered<dyn ErasedManaged<D>> = Offered::new(resource, front);
        let taken = self.managed.insert(name.to_owned(), offered).is_some();
        self.note(taken, name)
    }

    /// Offers a state store.
    pub fn state_store<T: StateStore<Data = D>>(&mut self, store: T) -> &mut Self {
        let (name, store) = (store.name(), Arc::new(store));
        let front = Front::new(&store, T::schema, |item, config| item.validate(config));
        let mounted = Arc::new(Mounted::new(store));
        let offered: Offered<dyn ErasedStateStore<D>> = Offered::new(mounted, front);
        let taken = self.state_stores.insert(name.to_owned(), offered).is_some();
        self.note(taken, name)
    }

    /// Names offered twice; check in a test that there are none.
    #[must_use]
    pub fn duplicates(&self) -> &[String] {
        &self.duplicates
    }

    /// Every rule that a schema of this registry breaks, with its kind and type name; check in a test that
    /// there are none.
    #[must_use]
    pub fn schema_problems(&self) -> Vec<String> {
        let schemas = (self
            .actions
            .iter()
            .map(|(name, item)| ("action", name, item.made().schema.clone())))
        .chain(
            self.data_sources
                .iter()
                .map(|(name, item)| ("data source", name, item.made().schema.clone())),
        )
        .chain(
            self.ephemerals
                .iter()
                .map(|(name, item)| ("ephemeral resource", name, item.made().schema.clone())),
        )
        .chain(
            self.lists
                .iter()
                .map(|(name, item)| ("list resource", name, item.made().schema.clone())),
        )
        .chain(
            self.managed
                .iter()
                .map(|(name, item)| ("managed resource", name, item.made().schema.clone())),
        )
        .chain(
            self.state_stores
                .iter()
                .map(|(name, item)| ("state store", name, item.made().schema.clone())),
        );
        let problems = schemas.flat_map(|(kind, name, schema)| {
            schema
                .validate()
                .into_iter()
                .map(move |problem| format!("{kind} {name}: {problem}"))
        });
        let functions = self.functions.iter().flat_map(|(name, function)| {
            function
                .signature()
                .validate()
                .into_iter()
                .map(move |problem| format!("function {name}: {problem}"))
        });
        problems.chain(functions).collect()
    }

    fn note(&mut self, taken: bool, name: &str) -> &mut Self {
        if taken {
            self.duplicates.push(name.to_owned());
        }
        self
    }
}
