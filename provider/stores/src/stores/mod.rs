//! From a reference to its store: the stores of one run, built when first used, with the layers around.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use secret_policy::{Scheme, SecretRef};

use crate::backends::{StoreContext, StoreKind, store_block};
use crate::blocks::{DEFAULT_LABEL, Settings};
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::identity::IdentityTokens;
use crate::layers::Layers;
use crate::lease::{Lease, LeaseFacts, LeaseHandle, Leased};
use crate::local::Passphrase;
use crate::payload::Metadata;
use crate::select::{self, Selected};
use crate::shared::Shared;
use crate::store::{FetchOptions, SecretStore, WriteRequest};

/// A store by its kind and the name of its block; `None` is the store that needs no block.
type Key = (Scheme, Option<String>);

/// A block by its kind and its label; `None` is the one for references without a name.
type BlockKey = (&'static str, Option<String>);

/// All stores of one run.
pub struct Stores {
    environment: Environment,
    layers: Layers,
    passphrase: Passphrase,
    identity: Arc<IdentityTokens>,
    static_credentials: bool,
    blocks: BTreeMap<BlockKey, Settings>,
    shared: Shared,
    built: Mutex<BTreeMap<Key, Arc<dyn SecretStore>>>,
}

impl Stores {
    /// Stores that need no configuration, with `layers` around each.
    #[must_use]
    pub fn new(environment: Environment, layers: Layers) -> Self {
        Self {
            identity: Arc::new(IdentityTokens::from_environment(&environment)),
            environment,
            layers,
            passphrase: Passphrase::default(),
            static_credentials: false,
            blocks: BTreeMap::new(),
            shared: Shared::default(),
            built: Mutex::default(),
        }
    }

    /// Proves who runs this process with `identity` where a store asks for it.
    #[must_use]
    pub fn with_identity(mut self, identity: Arc<IdentityTokens>) -> Self {
        self.identity = identity;
        self
    }

    /// Accepts secrets in store blocks. Default false: a login that never changes is refused.
    #[must_use]
    pub fn allow_static_credentials(mut self, allow: bool) -> Self {
        self.static_credentials = allow;
        self
    }

    /// Asks with `passphrase` when an identity is protected and `SECRETREF_PASSPHRASE` is not set.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = passphrase;
        self
    }

    /// Configures the stores of a block: `label` is the name in references, or [`DEFAULT_LABEL`] for those
    /// without one.
    ///
    /// # Errors
    /// `config` for a block or a setting that does not exist, and for a secret where static credentials are
    /// not allowed.
    pub fn with_block(mut self, block: &str, label: &str, settings: Settings) -> Result<Self> {
        let block = store_block(block)?;
        block.check(&settings)?;
        if let Some(setting) = settings.static_credential()
            && !self.static_credentials
        {
            return Err(StoreError::new(
                ErrorKind::Config,
                Operation::Configure,
                format!(
                    "the block `{} \"{label}\"` holds a static credential in `{setting}`",
                    block.name
                ),
            )
            .with_help(
                "log in with the identity of the run (OIDC, Kubernetes, cloud identity) instead; if there is no \
                 other way, set `allow_static_credentials = true` in the provider block",
            ));
        }
        let name = (label != DEFAULT_LABEL).then(|| label.to_owned());
        self.blocks.insert((block.name, name), settings);
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
        let kind = StoreKind::of(key.0)?;
        let block = kind.block.map(|block| (block.name, key.1.clone()));
        let backend = kind.build(&StoreContext {
            name: reference.store(),
            settings: block.and_then(|block| self.blocks.get(&block)),
            environment: &self.environment,
            passphrase: &self.passphrase,
            identity: &self.identity,
            shared: &self.shared,
        })?;
        let store = if kind.is_on_this_machine() {
            let layers = Layers {
                reuse: Duration::ZERO,
                ..self.layers.clone()
            };
            layers.wrap(backend)
        } else {
            self.layers.wrap(backend)
        };
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
        let mut leases = Vec::new();
        let mut answers = Vec::with_capacity(places.len());
        for ((place, reference), answer) in places.into_iter().zip(&group).zip(fetched) {
            leases.extend(answer.as_ref().ok().and_then(|leased| leased.lease.clone()));
            answers.push((place, select::resolve(reference, answer)));
        }
        // A lease may be shared: it is given back when nobody got a value with it.
        let used = |handle: &LeaseHandle| {
            let leased = answers
                .iter()
                .filter_map(|(_, answer)| answer.as_ref().ok()?.as_ref());
            leased
                .filter_map(|leased| leased.lease.as_ref())
                .any(|lease| lease.handle == *handle)
        };
        let mut unused: Vec<Lease> = Vec::new();
        for lease in leases {
            if !used(&lease.handle) && !unused.iter().any(|other| other.handle == lease.handle) {
                unused.push(lease);
            }
        }
        for lease in unused {
            give_back(store.as_ref(), lease).await;
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

    /// Ends the logins of all stores that were used. Call it when all leases were given back.
    ///
    /// # Errors
    /// The first failure; the other stores are closed all the same.
    pub async fn close(&self) -> Result<()> {
        let built: Vec<_> = {
            let built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
            built.values().map(Arc::clone).collect()
        };
        let endings = built.iter().map(|store| store.close());
        let endings = futures::future::join_all(endings).await;
        endings.into_iter().collect()
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
        && let Some(lease) = lease
    {
        give_back(store, lease).await;
    }
    resolved
}

/// Ends a lease whose value nobody got.
async fn give_back(store: &dyn SecretStore, lease: Lease) {
    if lease.facts.revocable
        && let Err(error) = store.revoke(&lease.handle).await
    {
        tracing::warn!("the lease of a value that cannot be used could not be given back: {error}");
    }
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
