//! `age://path`: files encrypted with age, for an X25519 or SSH key or with a passphrase.
//!
//! Read only, binary and armoured. Paths follow the rules of `file://`. Facts about the file are read without
//! a key. See [`keys`] for where keys are looked for.

pub(super) mod keys;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use secret_policy::{Scheme, SecretRef};

use super::{StoreContext, StoreKind, blocking, file};
use crate::blocks::{Setting, SettingKind, Settings, StoreBlock};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};
use keys::{AgeKeys, Asker, KeyPlace};

/// Largest encrypted file.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Age,
    summary: "files encrypted with age",
    tested: "files made by the real age and by ssh-keygen",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build,
};

static BLOCK: StoreBlock = StoreBlock {
    name: "age",
    summary: "Files encrypted with age, under the name that references use: `age+NAME://…`.",
    schemes: &[Scheme::Age],
    settings: &[
        Setting::new(
            "identity_files",
            SettingKind::TextList,
            "Files with the keys: age secret keys or SSH private keys (ed25519, RSA). Default: the key in \
             `SECRETREF_IDENTITY`, the file in `SECRETREF_IDENTITY_FILE`, else `secretref/identity.txt` in the user's \
             configuration folder. Passphrases come from `SECRETREF_PASSPHRASE` or the terminal.",
        ),
        Setting::text(
            "root",
            "Folder that relative paths are seen from. Default: the working directory.",
        ),
    ],
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::Age)?;
    let directory = context.environment.directory();
    let named = context.settings.map_or(&[][..], |settings: &Settings| {
        settings.list("identity_files")
    });
    let places = if named.is_empty() {
        default_places(context)
    } else {
        let files = named
            .iter()
            .map(|path| KeyPlace::File(directory.join(path)));
        files.collect()
    };
    Ok(Arc::new(AgeStore(Arc::new(Place {
        root: context
            .setting("root")
            .map_or_else(|| directory.to_owned(), |root| directory.join(root)),
        places,
        asker: Asker {
            environment: context.environment.clone(),
            passphrase: context.passphrase.clone(),
        },
        unlocked: Mutex::default(),
    }))))
}

fn default_places(context: &StoreContext<'_>) -> Vec<KeyPlace> {
    let environment = context.environment;
    let mut places = vec![KeyPlace::Variable("SECRETREF_IDENTITY")];
    match environment.path("SECRETREF_IDENTITY_FILE") {
        Some(path) => places.push(KeyPlace::File(path)),
        None => places.extend(
            environment
                .config_directory()
                .map(|folder| KeyPlace::Default(folder.join("identity.txt"))),
        ),
    }
    places
}

#[derive(Debug)]
struct AgeStore(Arc<Place>);

#[derive(Debug)]
struct Place {
    root: PathBuf,
    places: Vec<KeyPlace>,
    asker: Asker,
    // The unlocked keys are kept: asking for a passphrase at every call would be unbearable.
    unlocked: Mutex<Option<Arc<AgeKeys>>>,
}

impl Place {
    fn keys(&self, operation: Operation) -> Result<Arc<AgeKeys>> {
        let mut unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = &*unlocked {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(AgeKeys::load(operation, &self.places, &self.asker)?);
        *unlocked = Some(Arc::clone(&keys));
        Ok(keys)
    }

    fn open(&self, path: &str) -> Result<SecretPayload> {
        let operation = Operation::Open;
        let path = file::locate(operation, &self.root, path)?;
        // Facts first: a change in between makes the value newer than its version, never older.
        let metadata = file::facts(operation, &path)?;
        let sealed = files::read_limited(operation, &path, MAX_BYTES)?;
        let named = |error: StoreError| error.with_context("file", path.display());
        if !keys::is_age(sealed.trim_ascii_start()) {
            return Err(named(
                StoreError::new(
                    ErrorKind::Integrity,
                    operation,
                    "this is no file encrypted with age",
                )
                .with_help("write `file://` for a plain file; restore the file if it was one"),
            ));
        }
        let plain = if keys::wants_passphrase(&sealed) {
            let passphrase = self.asker.ask(&path);
            let passphrase =
                passphrase.ok_or_else(|| named(keys::no_passphrase(operation, "the file")))?;
            keys::decrypt_passphrase(operation, &sealed, passphrase)
        } else {
            self.keys(operation)?.decrypt(operation, &sealed)
        };
        let value = keys::secret(plain.map_err(named)?);
        Ok(SecretPayload::opaque(value, metadata))
    }
}

#[async_trait]
impl SecretStore for AgeStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let (place, path) = (Arc::clone(&self.0), reference.path());
        blocking(Operation::Open, move || {
            place.open(&path).map(Leased::forever)
        })
        .await
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let (root, path) = (self.0.root.clone(), reference.path());
        blocking(Operation::Metadata, move || {
            let path = file::locate(Operation::Metadata, &root, &path)?;
            file::facts(Operation::Metadata, &path)
        })
        .await
    }
}
