//! The embedded store: one age-encrypted file in the project, opened with a key kept outside of it.
//!
//! | file | where | holds |
//! |---|---|---|
//! | `.secretref/store.age` | project; safe to commit | everything, encrypted to every recipient |
//! | `.secretref/store.index.json` | project; safe to commit; can be left out | names, versions, times, public keys |
//! | `.secretref/store.age.lock` | project; ignored by git | nothing; writers lock it |
//! | `identity.txt` | user's configuration folder, mode 0600 | the secret key |
//! | `stores/*.json` | beside the identity | highest generation seen, to notice rollback and replacement |
//!
//! Every change happens under the lock: read, decrypt, change, encrypt to the recipients named *inside*,
//! replace atomically. Readers take no lock and see the old or the new store. Nothing decrypted is kept
//! between calls. Read [`LocalStore`] first.

mod access;
mod contents;
mod document;
mod identity;
mod index;
mod options;
mod recipient;
mod record;
mod sealed;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rand::Rng;
use secret_value::Secret;

use self::document::{Document, FORMAT, FORMAT_VERSION, Version};
use self::identity::Identities;
use self::index::Index;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::store::Precondition;
use crate::{files, hex};

pub(crate) use self::contents::current_of;
pub use self::document::VersionInfo;
pub use self::identity::{IdentitySource, Passphrase};
pub use self::options::{DEFAULT_STORE, InitOptions, LocalOptions, Rollback, STORE_FOLDER};
pub use self::recipient::Recipient;

/// Largest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;
/// Largest store file, in bytes.
pub(crate) const MAX_STORE_BYTES: u64 = 64 * 1024 * 1024;

/// An opened local store: the place of the file and the unlocked identity.
///
/// All methods block on file input and output. Every error names the file, says why and what to do.
#[derive(Debug)]
pub struct LocalStore {
    options: LocalOptions,
    identities: Identities,
}

/// One secret of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The path of the secret.
    pub path: String,
    /// Its newest version.
    pub current: VersionInfo,
    /// When its first version was stored.
    pub created: Timestamp,
    /// How many versions there are, removed ones included.
    pub versions: u64,
}

/// What `set` needs beside the value.
#[derive(Clone, Debug, Default)]
pub struct SetOptions {
    /// What must be stored for the write to happen.
    pub precondition: Precondition,
    /// When the value ends.
    pub expires: Option<Timestamp>,
}

/// The result of changing the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// The public key that opens the store from now on.
    pub new: String,
    /// The public keys of this identity that no longer do. They remain in the identity file, after the
    /// new one, for other stores and older copies of this one.
    pub retired: Vec<String>,
}

impl LocalStore {
    /// Makes a new, empty store, and an identity if there is none.
    ///
    /// # Errors
    /// `conflict` when the store exists; `config` and `permission_denied` for the identity.
    pub fn init(options: &LocalOptions, init: &InitOptions) -> Result<Self> {
        let operation = Operation::Configure;
        if let Some(folder) = options.store.parent() {
            files::create_folder(operation, folder, false)?;
            access::ignore_helpers(operation, folder)?;
        }
        let _lock = access::lock(operation, options)?;
        if fs::symlink_metadata(&options.store).is_ok() {
            return Err(StoreError::new(
                ErrorKind::Conflict,
                operation,
                "there is a store already",
            )
            .with_context("file", options.store.display())
            .with_help("use it as it is, or choose another place with SECRETREF_STORE"));
        }
        let store = Self {
            identities: Identities::load_or_create(options, init)?,
            options: options.clone(),
        };
        let own = Recipient::new(&store.identities.public_key(), options.author.as_deref())?;
        let mut document = Document {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            store: hex::encode(&random::<16>()),
            seal: Secret::new(random::<32>().to_vec()),
            generation: 1,
            index: init.index,
            recipients: vec![own],
            secrets: BTreeMap::new(),
        };
        for recipient in &init.recipients {
            document.add_recipient(recipient.clone())?;
        }
        store.save(operation, &document)?;
        // The store is new at this place, so whatever was remembered about an earlier one is void.
        store.trust(operation, &document)?;
        Ok(store)
    }

    /// Opens an existing store: unlocks the identity and checks once that it fits.
    ///
    /// # Errors
    /// `config`: no store, no identity, no passphrase. `permission_denied`: wrong identity or passphrase,
    /// identity open to others. `integrity`: not a store, changed, cut off, replaced or rolled back.
    /// `unsupported`: written by a newer program.
    pub fn open(options: &LocalOptions) -> Result<Self> {
        let store = Self::unlock(Operation::Configure, options)?;
        store.load(Operation::Configure)?;
        Ok(store)
    }

    /// Unlocks the identity without looking into the store.
    pub(crate) fn unlock(operation: Operation, options: &LocalOptions) -> Result<Self> {
        access::require_store(operation, options)?;
        Ok(Self {
            identities: Identities::load(operation, &options.identity, &options.passphrase)?,
            options: options.clone(),
        })
    }

    /// Stores a new version of `path` and returns its facts.
    ///
    /// # Errors
    /// `invalid_reference` for a path that no reference can name; `too_large`; `conflict` when the
    /// precondition does not hold; `locked`.
    pub fn set(&self, path: &str, value: &Secret, options: &SetOptions) -> Result<VersionInfo> {
        contents::check_path(path)?;
        if value.len() > MAX_VALUE_BYTES {
            return Err(StoreError::new(
                ErrorKind::TooLarge,
                Operation::Write,
                format!(
                    "the value has {} bytes, and at most {MAX_VALUE_BYTES} are kept",
                    value.len()
                ),
            )
            .with_context("secret", path));
        }
        self.update(Operation::Write, |document| {
            document.check(path, &options.precondition)?;
            let info = VersionInfo {
                number: 0,
                created: (self.options.now)(),
                author: self.options.author.clone(),
                expires: options.expires,
                removed: None,
            };
            let value = Some(value.clone());
            Ok(document.push(path, Version { info, value }))
        })
    }

    /// Opens a version of `path`; `None` means the newest.
    ///
    /// # Errors
    /// `not_found`, naming what is near.
    pub fn get(&self, path: &str, version: Option<u64>) -> Result<(Secret, VersionInfo)> {
        self.load(Operation::Open)?.get(path, version)
    }

    /// All secrets, sorted by path, removed ones included.
    ///
    /// # Errors
    /// Those of [`LocalStore::open`].
    pub fn list(&self) -> Result<Vec<Listed>> {
        Ok(contents::list(self.load(Operation::Metadata)?.into_infos()))
    }

    /// All versions of `path`, oldest first, without values.
    ///
    /// # Errors
    /// `not_found` when nothing was ever stored there.
    pub fn history(&self, path: &str) -> Result<Vec<VersionInfo>> {
        self.load(Operation::Metadata)?.history(path)
    }

    /// Erases the value of one version, or of all versions. Numbers, times and names stay in the history.
    ///
    /// # Errors
    /// `not_found` when there is nothing left to remove.
    pub fn remove(&self, path: &str, version: Option<u64>) -> Result<()> {
        self.update(Operation::Remove, |document| {
            document.erase(path, version, (self.options.now)())
        })
    }

    /// Makes a new identity, puts it in front of the identity file and encrypts the store to it instead of
    /// the old one. Older copies of the store stay readable with the old key: if it leaked, replace the
    /// values too.
    ///
    /// # Errors
    /// `unsupported` when the identity came from a variable.
    pub fn rotate_key(&mut self) -> Result<Rotated> {
        let operation = Operation::Configure;
        let lock = access::lock(operation, &self.options)?;
        let mut document = self.load(operation)?;
        // The file gets the new key before the store does: a crash in between locks nobody out.
        let rotated = self.identities.rotate(&self.options)?;
        let own = self.identities.public_keys();
        let name = document
            .recipients
            .iter()
            .find(|known| own.contains(&known.key))
            .and_then(|known| known.name.clone());
        let (retired, mut recipients): (Vec<_>, Vec<_>) = document
            .recipients
            .drain(..)
            .partition(|known| own.contains(&known.key));
        recipients.insert(0, Recipient::new(&rotated.public_key(), name.as_deref())?);
        document.recipients = recipients;
        self.commit(operation, &mut document)?;
        drop(lock);
        self.identities = rotated;
        Ok(Rotated {
            new: self.identities.public_key(),
            retired: retired.into_iter().map(|recipient| recipient.key).collect(),
        })
    }

    /// Who can open the store.
    ///
    /// # Errors
    /// Those of [`LocalStore::open`].
    pub fn recipients(&self) -> Result<Vec<Recipient>> {
        Ok(self.load(Operation::Configure)?.recipients)
    }

    /// Lets `recipient` open the store from now on.
    ///
    /// # Errors
    /// `conflict` when it can already.
    pub fn add_recipient(&self, recipient: &Recipient) -> Result<()> {
        self.update(Operation::Configure, |document| {
            document.add_recipient(recipient.clone())
        })
    }

    /// Encrypts the store without the recipient with this public key or name. What it read, and older
    /// copies of the store, stay readable to it: replace the values too.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the identity in use, which would lock the caller out, and for a name
    /// that several recipients have.
    pub fn remove_recipient(&self, key_or_name: &str) -> Result<Recipient> {
        let own = self.identities.public_keys();
        self.update(Operation::Configure, |document| {
            document.remove_recipient(key_or_name, &own)
        })
    }

    /// Trusts the store as it is now, although it is older than, or another than, what this machine saw.
    ///
    /// # Errors
    /// Those of [`LocalStore::open`], but for rollback and replacement.
    pub fn accept(options: &LocalOptions) -> Result<()> {
        let operation = Operation::Configure;
        let store = Self::unlock(operation, options)?;
        let document = store.decrypt(operation)?;
        store.trust(operation, &document)
    }

    /// All secrets with their versions as the plain index tells, without the identity. Not authenticated:
    /// see the module on the index.
    ///
    /// # Errors
    /// `config` when the store keeps no index; `integrity` when the index does not belong to the store.
    pub fn list_without_identity(options: &LocalOptions) -> Result<Vec<Listed>> {
        access::require_store(Operation::Metadata, options)?;
        let index = Index::load(Operation::Metadata, &options.store)?;
        Ok(contents::list(index.secrets))
    }

    /// All versions of `path` as the plain index tells, without the identity.
    ///
    /// # Errors
    /// Those of [`LocalStore::list_without_identity`], and `not_found`.
    pub fn history_without_identity(
        options: &LocalOptions,
        path: &str,
    ) -> Result<Vec<VersionInfo>> {
        access::require_store(Operation::Metadata, options)?;
        let index = Index::load(Operation::Metadata, &options.store)?;
        contents::history_in(index.secrets, path)
    }

    /// The store as it is now, decrypted: for several reads at once.
    pub(crate) fn snapshot(&self, operation: Operation) -> Result<Document> {
        self.load(operation)
    }

    /// The store file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.options.store
    }

    /// The public key of the identity in use.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.identities.public_key()
    }

    /// Where the identity came from: a file, or the name of a variable.
    #[must_use]
    pub fn identity_origin(&self) -> String {
        self.identities.origin().to_string()
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
