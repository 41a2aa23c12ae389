//! `local://path`: the embedded store, see [`crate::local`].
//!
//! `local+team://…` means `.secretref/team.age`, or the store whose block is called `team`. Nothing is
//! looked for before the first call. Metadata needs no identity while the store keeps its plain index.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use super::{StoreContext, StoreKind, blocking};
use crate::blocks::{Setting, StoreBlock};
use crate::capability::Capability;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::Leased;
use crate::local::{
    IdentitySource, LocalOptions, LocalStore, Passphrase, SetOptions, VersionInfo, current_of,
};
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore, WriteRequest};

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Local,
    summary: "age-encrypted file in the project",
    tested: "this file system, several and killed processes",
    capability: Capability {
        fetch: true,
        metadata: true,
        write: true,
        conditional_write: true,
        remove: true,
        versions: true,
        binary: true,
        renew: false,
        revoke: false,
        batch: true,
    },
    block: Some(&BLOCK),
    build,
};

pub(super) static BLOCK: StoreBlock = StoreBlock {
    name: "local",
    summary: "An encrypted file with secrets, under the name that references use: `local+NAME://…`.",
    schemes: &[Scheme::Local],
    settings: &[
        Setting::text(
            "identity_file",
            "The file with the key that opens it. Default: `SECRETREF_IDENTITY` or `SECRETREF_IDENTITY_FILE`, else \
             `secretref/identity.txt` in the user's configuration folder.",
        ),
        Setting::text(
            "path",
            "The file. Default: `.secretref/NAME.age` in the working directory or the nearest folder above.",
        ),
    ],
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    let setting = |name| {
        context
            .setting(name)
            .map(|path| context.environment.directory().join(path))
    };
    Ok(Arc::new(LocalBackend(Arc::new(Place {
        environment: context.environment.clone(),
        name: context.name.map(str::to_owned),
        path: setting("path"),
        identity_file: setting("identity_file"),
        passphrase: context.passphrase.clone(),
        unlocked: Mutex::default(),
    }))))
}

#[derive(Debug)]
struct LocalBackend(Arc<Place>);

#[derive(Debug)]
struct Place {
    environment: Environment,
    name: Option<String>,
    path: Option<PathBuf>,
    identity_file: Option<PathBuf>,
    passphrase: Passphrase,
    // The unlocked identity is kept: asking for a passphrase at every call would be unbearable.
    unlocked: Mutex<Option<Arc<LocalStore>>>,
}

impl Place {
    fn options(&self) -> Result<LocalOptions> {
        let mut options = LocalOptions::locate(&self.environment, self.name.as_deref())?;
        if let Some(path) = &self.path {
            options.store.clone_from(path);
        }
        if let Some(file) = &self.identity_file {
            options = LocalOptions {
                identity: IdentitySource::File(file.clone()),
                records: LocalOptions::at(&options.store, file).records,
                ..options
            };
        }
        if self.environment.text("SECRETREF_PASSPHRASE").is_none() {
            options.passphrase = self.passphrase.clone();
        }
        Ok(options)
    }

    fn store(&self, operation: Operation) -> Result<Arc<LocalStore>> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = &*unlocked {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(LocalStore::unlock(operation, &self.options()?)?);
        *unlocked = Some(Arc::clone(&store));
        Ok(store)
    }

    /// The versions of a secret: proven with the identity, else as the plain index tells.
    fn history(&self, path: &str) -> Result<Vec<VersionInfo>> {
        let proven = self
            .store(Operation::Metadata)
            .and_then(|store| store.history(path));
        match proven {
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::Config | ErrorKind::PermissionDenied
                ) =>
            {
                match LocalStore::history_without_identity(&self.options()?, path) {
                    // Without an index the reason is the missing identity, not the missing index.
                    Err(other) if other.kind() == ErrorKind::Config => {
                        Err(error.during(Operation::Metadata))
                    }
                    other => other,
                }
            }
            other => other,
        }
    }
}

/// The version number that a reference names.
fn number(operation: Operation, reference: &SecretRef) -> Result<Option<u64>> {
    let parse = |version: &str| {
        version.parse().map_err(|_| {
            StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "the version is not a number of this store",
            )
            .with_reference(reference)
        })
    };
    reference.version().map(parse).transpose()
}

fn metadata_of(info: &VersionInfo, history: &[VersionInfo]) -> Metadata {
    Metadata {
        version: Some(info.number.to_string()),
        number: Some(info.number),
        versions: Some(history.len() as u64),
        created: history.first().map(|first| first.created),
        updated: Some(info.created),
        expires: info.expires,
        author: info.author.clone(),
        ..Metadata::default()
    }
}

#[async_trait]
impl SecretStore for LocalBackend {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let mut answers = self
            .fetch_many(std::slice::from_ref(reference), options)
            .await;
        answers.pop().unwrap_or_else(|| {
            Err(StoreError::unsupported(
                Operation::Open,
                Scheme::Local.name(),
            ))
        })
    }

    /// Decrypts the store once for all.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        _options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let (place, wanted) = (Arc::clone(&self.0), references.to_vec());
        let answers = blocking(Operation::Open, move || {
            let snapshot = place.store(Operation::Open)?.snapshot(Operation::Open)?;
            let read = |reference: &SecretRef| {
                let path = reference.path();
                let (value, info) = snapshot.get(&path, number(Operation::Open, reference)?)?;
                let metadata = metadata_of(&info, &snapshot.history(&path)?);
                Ok(Leased::forever(SecretPayload::opaque(value, metadata)))
            };
            Ok(wanted.iter().map(read).collect())
        });
        answers
            .await
            .unwrap_or_else(|error| vec![Err(error); references.len()])
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let (place, reference) = (Arc::clone(&self.0), reference.clone());
        blocking(Operation::Metadata, move || {
            let path = reference.path();
            let history = place.history(&path)?;
            let info = current_of(&history, &path, number(Operation::Metadata, &reference)?)?;
            Ok(metadata_of(info, &history))
        })
        .await
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        if reference.version().is_some() || reference.selector().is_some() {
            return Err(StoreError::new(
                ErrorKind::InvalidReference,
                Operation::Write,
                "a value is written whole and as a new version, so the reference may have neither version nor selector",
            ));
        }
        let (place, path, request) = (Arc::clone(&self.0), reference.path(), request.clone());
        blocking(Operation::Write, move || {
            let store = place.store(Operation::Write)?;
            let options = SetOptions {
                precondition: request.precondition,
                expires: request.expires,
            };
            let info = store.set(&path, &request.value, &options)?;
            // What other writers did since then is not part of this answer.
            let mut history = store.history(&path)?;
            history.retain(|version| version.number <= info.number);
            Ok(metadata_of(&info, &history))
        })
        .await
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let (place, path) = (Arc::clone(&self.0), reference.path());
        let number = number(Operation::Remove, reference)?;
        blocking(Operation::Remove, move || {
            place.store(Operation::Remove)?.remove(&path, number)
        })
        .await
    }
}
