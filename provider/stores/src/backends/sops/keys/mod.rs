//! The data key of a file: from whichever recipient this run can be.
//!
//! Recipients of a group are tried in the order age, PGP, then the services, so that nothing is asked over the
//! network that a local key can do. A file is written by others: an address in it never gets a login that was
//! not meant for it.

mod azure;
mod gcp;
mod pgp;
mod services;

use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use super::cipher::DataKey;
use super::metadata::{Metadata, Recipient, Wrapped};
use super::shamir;
use crate::backends::age::keys::{AgeKeys, Asker, KeyPlace};
use crate::backends::{StoreContext, blocking};
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use services::Services;

/// A key or a share of one.
type Part = Zeroizing<Vec<u8>>;

/// Everything that this run can decrypt data keys with.
#[derive(Debug)]
pub(super) struct KeyRing {
    local: Arc<Local>,
    services: Services,
}

#[derive(Debug)]
struct Local {
    environment: Environment,
    places: Vec<KeyPlace>,
    asker: Asker,
    // The unlocked keys are kept: asking for a passphrase at every call would be unbearable.
    unlocked: Mutex<Option<Arc<AgeKeys>>>,
}

impl KeyRing {
    pub(super) fn new(context: &StoreContext<'_>) -> Result<Self> {
        let directory = context.environment.directory();
        let named = context
            .settings
            .map_or(&[][..], |settings| settings.list("age_key_files"));
        let places = if named.is_empty() {
            default_places(context.environment)
        } else {
            let files = named.iter();
            files
                .map(|path| KeyPlace::File(directory.join(path)))
                .collect()
        };
        Ok(Self {
            local: Arc::new(Local {
                environment: context.environment.clone(),
                places,
                asker: Asker {
                    environment: context.environment.clone(),
                    passphrase: context.passphrase.clone(),
                },
                unlocked: Mutex::default(),
            }),
            services: Services::new(context)?,
        })
    }

    /// The data key of a file.
    ///
    /// # Errors
    /// When too few groups have a recipient that this run can be; all attempts are named.
    pub(super) async fn data_key(
        &self,
        operation: Operation,
        metadata: &Metadata,
    ) -> Result<DataKey> {
        let (mut parts, mut failures) = (Vec::new(), Vec::new());
        for group in &metadata.groups {
            match self.part(operation, group).await {
                Ok(part) => parts.push(part),
                Err(mut failed) => failures.append(&mut failed),
            }
            if parts.len() == metadata.threshold {
                break;
            }
        }
        if parts.len() < metadata.threshold {
            return Err(refused(operation, metadata, parts.len(), &failures));
        }
        let whole = match parts.as_slice() {
            [only] if metadata.groups.len() == 1 => Some(only.clone()),
            shares => shamir::combine(shares),
        };
        whole.and_then(|key| DataKey::new(&key)).ok_or_else(|| {
            StoreError::new(
                ErrorKind::Integrity,
                operation,
                "what was decrypted is no key of a SOPS file",
            )
        })
    }

    /// The part of one group, from the first recipient that works.
    async fn part(
        &self,
        operation: Operation,
        group: &[Wrapped],
    ) -> std::result::Result<Part, Vec<(String, StoreError)>> {
        let mut failures = Vec::new();
        for wrapped in group {
            match self.unwrap(operation, wrapped).await {
                Ok(part) => return Ok(part),
                Err(error) => failures.push((wrapped.recipient.name(), error)),
            }
        }
        Err(failures)
    }

    async fn unwrap(&self, operation: Operation, wrapped: &Wrapped) -> Result<Part> {
        match &wrapped.recipient {
            Recipient::Age(_) => {
                let (local, text) = (Arc::clone(&self.local), wrapped.text.clone());
                blocking(operation, move || {
                    local.age(operation)?.decrypt(operation, text.as_bytes())
                })
                .await
            }
            Recipient::Pgp(_) => {
                let (local, text) = (Arc::clone(&self.local), wrapped.text.clone());
                blocking(operation, move || {
                    pgp::decrypt(operation, &local.environment, &text)
                })
                .await
            }
            _ => self.services.unwrap(operation, wrapped).await,
        }
    }
}

impl Local {
    fn age(&self, operation: Operation) -> Result<Arc<AgeKeys>> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*unlocked {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(AgeKeys::load(operation, &self.places, &self.asker)?);
        *unlocked = Some(Arc::clone(&keys));
        Ok(keys)
    }
}

/// Where `sops` looks for age keys, commands left out.
fn default_places(environment: &Environment) -> Vec<KeyPlace> {
    let mut places = Vec::new();
    let home = environment
        .path("HOME")
        .or_else(|| environment.path("USERPROFILE"));
    places.extend(
        environment
            .path("SOPS_AGE_SSH_PRIVATE_KEY_FILE")
            .map(KeyPlace::File),
    );
    if let Some(home) = &home {
        for name in ["id_ed25519", "id_rsa"] {
            places.push(KeyPlace::Default(home.join(".ssh").join(name)));
        }
    }
    places.push(KeyPlace::Variable("SOPS_AGE_KEY"));
    places.extend(environment.path("SOPS_AGE_KEY_FILE").map(KeyPlace::File));
    let config = environment
        .path("XDG_CONFIG_HOME")
        .or_else(|| environment.path("APPDATA"))
        .or_else(|| {
            let folder = match cfg!(target_os = "macos") {
                true => "Library/Application Support",
                false => ".config",
            };
            home.map(|home| home.join(folder))
        });
    places.extend(config.map(|folder| KeyPlace::Default(folder.join("sops/age/keys.txt"))));
    places
}

/// The error for a file that this run cannot decrypt.
fn refused(
    operation: Operation,
    metadata: &Metadata,
    parts: usize,
    failures: &[(String, StoreError)],
) -> StoreError {
    // One recipient: its own error says everything.
    if let [(recipient, error)] = failures
        && metadata.groups.len() == 1
    {
        return error.clone().with_context("recipient", recipient);
    }
    let temporary = failures
        .iter()
        .find(|(_, error)| error.retry() != Retry::Never);
    let unconfigured = failures
        .iter()
        .all(|(_, error)| error.kind() == ErrorKind::Config);
    let (kind, retry) = match temporary {
        Some((_, error)) => (error.kind(), error.retry()),
        None if unconfigured => (ErrorKind::Config, Retry::Never),
        None => (ErrorKind::PermissionDenied, Retry::Never),
    };
    let tried: Vec<_> = failures
        .iter()
        .map(|(recipient, error)| format!("{recipient}: {}", error.message()))
        .collect();
    let needed = if metadata.groups.len() > 1 {
        format!(" ({parts} of {} needed groups)", metadata.threshold)
    } else {
        String::new()
    };
    StoreError::new(
        kind,
        operation,
        format!(
            "no recipient of the file can be used{needed}: {}",
            tried.join("; ")
        ),
    )
    .with_retry(retry)
    .with_help("log in as one of the recipients, or let somebody who can decrypt it add yours with `sops updatekeys`")
}
