//! `vault://mount/path#field` (or `bao://`): HashiCorp Vault and OpenBao.
//!
//! - The first part of the path is the mount; whether it is a key-value engine, and which version, is asked from
//!   the server. References never contain `data/`.
//! - Any other path is a credential that an engine makes: fields, and a lease when the server gives one.
//! - Nothing leased outlives the run: see [`run`].
//!
//! Reading order: [`run`] (tokens), [`client`] (requests), [`kv`] and [`credential`] (engines).

mod answer;
mod block;
mod book;
mod client;
mod credential;
mod entry;
pub(crate) mod janitor;
mod kv;
mod lease;
mod login;
mod mounts;
mod options;
mod refusal;
mod run;
#[cfg(test)]
mod tests;
mod unwrap;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use self::block::BLOCK;
use self::kv::Place;
use self::mounts::{Engine, Mount};
use self::options::Options;
use self::run::Run;
use super::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::{LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Vault,
    summary: "HashiCorp Vault and OpenBao",
    tested: "a real OpenBao (single and three nodes with TLS) with a real PostgreSQL; a scripted double",
    capability: Capability {
        fetch: true,
        metadata: true,
        write: true,
        conditional_write: true,
        remove: true,
        versions: true,
        binary: false,
        renew: true,
        revoke: true,
        batch: false,
    },
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::Vault)?;
    let run = context.share(|| {
        let options = Options {
            environment: context.environment.clone(),
            settings: context.settings.cloned().unwrap_or_default(),
        };
        Run::new(options, Arc::clone(context.identity))
    })?;
    Ok(Arc::new(VaultStore(run)))
}

#[derive(Debug)]
struct VaultStore(Arc<Run>);

impl VaultStore {
    async fn mount(&self, operation: Operation, reference: &SecretRef) -> Result<Mount> {
        self.0
            .mounts
            .of(&self.0, operation, &reference.path())
            .await
    }

    /// The place of a secret that is kept, for operations that made credentials do not have.
    async fn kept(&self, operation: Operation, reference: &SecretRef) -> Result<Mount> {
        let mount = self.mount(operation, reference).await?;
        match mount.engine {
            Engine::Kv1 | Engine::Kv2 => Ok(mount),
            Engine::Other(_) => Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "the engine at this mount makes credentials and keeps no secrets",
            )
            .with_context("mount", &mount.path)),
        }
    }
}

#[async_trait]
impl SecretStore for VaultStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let operation = Operation::Open;
        let plain = credential::asks_for_nothing(&options.arguments);
        let mount = if options.arguments.secret("unwrap").is_some() {
            Mount::unknown()
        } else {
            self.mount(operation, reference).await?
        };
        let version = entry::version(operation, reference)?;
        let path = reference.path();
        match mount.engine {
            Engine::Kv1 | Engine::Kv2 if plain => {
                let place = Place {
                    run: &self.0,
                    mount: &mount,
                    path: mount.below(&path),
                };
                let mut payload = place.fetch(version).await?;
                payload.metadata.notes = self.0.take_notes();
                Ok(Leased::forever(payload))
            }
            _ if version.is_some() => Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "only key-value engines have versions",
            )
            .with_help("leave out `version`")),
            _ => credential::fetch(&self.0, &mount, reference, options).await,
        }
    }

    /// All at once; how many requests are under way is limited by the client.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let calls = references
            .iter()
            .map(|reference| self.fetch(reference, options));
        futures::future::join_all(calls).await
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let mount = self.mount(operation, reference).await?;
        let path = reference.path();
        if let Engine::Other(_) = mount.engine {
            entry::check_rights(&self.0, &path).await?;
            return Ok(Metadata::default());
        }
        let place = Place {
            run: &self.0,
            mount: &mount,
            path: mount.below(&path),
        };
        place.metadata(entry::version(operation, reference)?).await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let operation = Operation::Write;
        if reference.version().is_some() || reference.selector().is_some() {
            return Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "a value is written whole and as a new version, so the reference may have neither version nor selector",
            ));
        }
        let mount = self.kept(operation, reference).await?;
        let path = reference.path();
        let place = Place {
            run: &self.0,
            mount: &mount,
            path: mount.below(&path),
        };
        place.write(request).await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let operation = Operation::Remove;
        let mount = self.kept(operation, reference).await?;
        let path = reference.path();
        let place = Place {
            run: &self.0,
            mount: &mount,
            path: mount.below(&path),
        };
        place.remove(entry::version(operation, reference)?).await
    }

    async fn renew(&self, lease: &LeaseHandle, increment: Option<Duration>) -> Result<LeaseFacts> {
        lease::renew(&self.0, lease, increment).await
    }

    async fn revoke(&self, lease: &LeaseHandle) -> Result<()> {
        lease::revoke(&self.0, lease).await
    }

    async fn close(&self) -> Result<()> {
        self.0.close().await
    }
}
