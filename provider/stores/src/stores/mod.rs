//! From a reference to its store: the stores of one run, built when first used, with the layers around.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secret_policy::{Scheme, SecretRef};

use crate::backends::{Settings, StoreContext, StoreKind};
use crate::environment::Environment;
use crate::error::Result;
use crate::layers::Layers;
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::local::Passphrase;
use crate::payload::Metadata;
use crate::select::{self, Selected};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

/// A store by its kind and the name of its block; `None` is the store that needs no block.
type Key = (Scheme, Option<String>);

/// All stores of one run.
pub struct Stores {
    environment: Environment,
    layers: Layers,
    passphrase: Passphrase,
    blocks: BTreeMap<Key, Settings>,
    built: Mutex<BTreeMap<Key, Arc<dyn SecretStore>>>,
}

impl Stores {
    /// Stores that need no configuration, with `layers` around each.
    #[must_use]
    pub fn new(environment: Environment, layers: Layers) -> Self {
        Self {
            environment,
            layers,
            passphrase: Passphrase::default(),
            blocks: BTreeMap::new(),
            built: Mutex::default(),
        }
    }

    /// Asks with `passphrase` when an identity is protected and `SECRETREF_PASSPHRASE` is not set.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = passphrase;
        self
    }

    /// Configures the store `name` of a kind; `None` configures the one that references without a store
    /// name mean.
    ///
    /// # Errors
    /// `unsupported` for a kind this program does not have; `config` for a setting it does not know.
    pub fn with_store(
        mut self,
        scheme: Scheme,
        name: Option<&str>,
        settings: Settings,
    ) -> Result<Self> {
        StoreKind::of(scheme)?.check_settings(&settings)?;
        self.blocks
            .insert((scheme, name.map(str::to_owned)), settings);
        Ok(self)
    }

    /// The store that `reference` names, with all layers. Building one does no input or output.
    ///
    /// # Errors
    /// `unsupported` for its kind; `config` when no such store is configured.
    pub fn store(&self, reference: &SecretRef) -> Result<Arc<dyn SecretStore>> {
        self.find(reference)
            .map_err(|error| error.with_reference(reference))
    }

    fn find(&self, reference: &SecretRef) -> Result<Arc<dyn SecretStore>> {
        let key: Key = (reference.scheme(), reference.store().map(str::to_owned));
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = built.get(&key) {
            return Ok(Arc::clone(store));
        }
        let backend = StoreKind::of(key.0)?.build(&StoreContext {
            environment: &self.environment,
            name: reference.store(),
            settings: self.blocks.get(&key),
            passphrase: &self.passphrase,
        })?;
        let store = self.layers.wrap(backend);
        built.insert(key, Arc::clone(&store));
        Ok(store)
    }

    /// Opens the value that `reference` means, selector and encoding applied. `None` when the reference is
    /// optional and there is no such value.
    ///
    /// # Errors
    /// Those of the store and of [`crate::select`], with the reference.
    pub async fn open(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Option<Leased<Selected>>> {
        let store = self.store(reference)?;
        let answer = store.fetch(reference, options).await;
        finish(store.as_ref(), reference, answer).await
    }

    /// Opens several values with as few calls as their stores allow; answers stand in the order of
    /// `references`, and one failure does not fail the others.
    pub async fn open_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Option<Leased<Selected>>>> {
        let mut groups: BTreeMap<(Scheme, Option<&str>), Vec<usize>> = BTreeMap::new();
        for (place, reference) in references.iter().enumerate() {
            groups
                .entry((reference.scheme(), reference.store()))
                .or_default()
                .push(place);
        }
        let calls = groups
            .into_values()
            .map(|places| self.open_group(references, places, options));
        let mut answers: Vec<_> = futures::future::join_all(calls)
            .await
            .into_iter()
            .flatten()
            .collect();
        answers.sort_by_key(|(place, _)| *place);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// Opens the references at `places`, which are of one store.
    async fn open_group(
        &self,
        references: &[SecretRef],
        places: Vec<usize>,
        options: &FetchOptions,
    ) -> Vec<(usize, Result<Option<Leased<Selected>>>)> {
        let group: Vec<_> = places
            .iter()
            .map(|place| references[*place].clone())
            .collect();
        let store = match group.first().map(|first| self.store(first)) {
            Some(Ok(store)) => store,
            Some(Err(error)) => {
                return places
                    .into_iter()
                    .map(|place| (place, Err(error.clone())))
                    .collect();
            }
            None => return Vec::new(),
        };
        let fetched = store.fetch_many(&group, options).await;
        let mut answers = Vec::with_capacity(places.len());
        for ((place, reference), answer) in places.into_iter().zip(&group).zip(fetched) {
            answers.push((place, finish(store.as_ref(), reference, answer).await));
        }
        answers
    }

    /// Reads facts about the secret without its value.
    ///
    /// # Errors
    /// Those of the store, with the reference.
    pub async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let answer = self.store(reference)?.metadata(reference).await;
        answer.map_err(|error| error.with_reference(reference))
    }

    /// Stores a value.
    ///
    /// # Errors
    /// Those of the store, with the reference.
    pub async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let answer = self.store(reference)?.write(reference, request).await;
        answer.map_err(|error| error.with_reference(reference))
    }

    /// Removes a secret, or the version that the reference names.
    ///
    /// # Errors
    /// Those of the store, with the reference.
    pub async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let answer = self.store(reference)?.remove(reference).await;
        answer.map_err(|error| error.with_reference(reference))
    }

    /// Extends a lease.
    ///
    /// # Errors
    /// Those of the store, with the reference.
    pub async fn renew(
        &self,
        lease: &LeaseHandle,
        increment: Option<Duration>,
    ) -> Result<LeaseFacts> {
        let answer = self.store(&lease.reference)?.renew(lease, increment).await;
        answer.map_err(|error| error.with_reference(&lease.reference))
    }

    /// Ends a lease.
    ///
    /// # Errors
    /// Those of the store, with the reference.
    pub async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        let answer = self.store(&lease.reference)?.revoke(lease).await;
        answer.map_err(|error| error.with_reference(&lease.reference))
    }

    /// Seals the access log. Call it when the run ends.
    ///
    /// # Errors
    /// `audit` when the log cannot be written.
    pub fn finish(&self) -> Result<()> {
        self.layers
            .audit
            .as_ref()
            .map_or(Ok(()), |log| log.checkpoint())
    }
}

/// Applies the selector; a lease whose value cannot be used is given back.
async fn finish(
    store: &dyn SecretStore,
    reference: &SecretRef,
    answer: Result<Leased<crate::payload::SecretPayload>>,
) -> Result<Option<Leased<Selected>>> {
    let lease = answer.as_ref().ok().and_then(|leased| leased.lease.clone());
    let resolved = select::resolve(reference, answer);
    if !matches!(resolved, Ok(Some(_)))
        && let Some(lease) = lease.filter(|lease| lease.facts.revocable)
        && let Err(error) = store.revoke(&lease.handle).await
    {
        tracing::warn!("the lease of a value that cannot be used could not be given back: {error}");
    }
    resolved
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stores")
            .field("blocks", &self.blocks.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
