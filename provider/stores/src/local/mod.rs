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
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rand::Rng;
use secret_value::Secret;

use self::document::{Document, FORMAT, FORMAT_VERSION, Version};
use self::identity::Identities;
use self::index::Index;
use self::record::Record;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::store::Precondition;
use crate::{files, hex, suggest};

pub use self::document::VersionInfo;
pub use self::identity::{IdentitySource, Passphrase};
pub use self::options::{DEFAULT_STORE, InitOptions, LocalOptions, Rollback, STORE_FOLDER};
pub use self::recipient::Recipient;

/// Largest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 1024 * 1024;
/// Largest store file, in bytes.
pub(crate) const MAX_STORE_BYTES: u64 = 64 * 1024 * 1024;
/// Largest path of a secret, in bytes.
const MAX_PATH_BYTES: usize = 1024;

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
            ignore_helpers(operation, folder)?;
        }
        let _lock = lock(operation, options)?;
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
            identities: load_or_create_identity(options, init)?,
            options: options.clone(),
        };
        let mut recipients = vec![Recipient::new(
            &store.identities.public_key(),
            options.author.as_deref(),
        )?];
        for recipient in &init.recipients {
            add(&mut recipients, recipient.clone())?;
        }
        let document = Document {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            store: hex::encode(&random::<16>()),
            seal: Secret::new(random::<32>().to_vec()),
            generation: 1,
            index: init.index,
            recipients,
            secrets: BTreeMap::new(),
        };
        // The store is new at this place, so whatever was remembered about an earlier one is void.
        store.save(operation, &document)?;
        store.remember(operation, &document, true)?;
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

    fn unlock(operation: Operation, options: &LocalOptions) -> Result<Self> {
        require_store(operation, options)?;
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
        check_path(path)?;
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
            check_precondition(document, path, &options.precondition)?;
            let versions = document.secrets.entry(path.to_owned()).or_default();
            let info = VersionInfo {
                number: versions.last().map_or(1, |version| version.info.number + 1),
                created: (self.options.now)(),
                author: self.options.author.clone(),
                expires: options.expires,
                removed: None,
            };
            versions.push(Version {
                info: info.clone(),
                value: Some(value.clone()),
            });
            Ok(info)
        })
    }

    /// Opens a version of `path`; `None` means the newest.
    ///
    /// # Errors
    /// `not_found`, naming what is near.
    pub fn get(&self, path: &str, version: Option<u64>) -> Result<(Secret, VersionInfo)> {
        let document = self.load(Operation::Open)?;
        let version = find(Operation::Open, &document, path, version)?;
        // `find` gives versions that are not removed, and those have a value.
        let value = version.value.clone().ok_or_else(|| {
            StoreError::new(
                ErrorKind::Integrity,
                Operation::Open,
                "the version has no value and is not marked removed",
            )
            .with_context("secret", path)
        })?;
        Ok((value, version.info.clone()))
    }

    /// All secrets, sorted by path, removed ones included.
    ///
    /// # Errors
    /// Those of [`LocalStore::open`].
    pub fn list(&self) -> Result<Vec<Listed>> {
        Ok(listed(infos(self.load(Operation::Metadata)?)))
    }

    /// All versions of `path`, oldest first, without values.
    ///
    /// # Errors
    /// `not_found` when nothing was ever stored there.
    pub fn history(&self, path: &str) -> Result<Vec<VersionInfo>> {
        history_in(infos(self.load(Operation::Metadata)?), path)
    }

    /// Erases the value of one version, or of all versions. Numbers, times and names stay in the history.
    ///
    /// # Errors
    /// `not_found` when there is nothing left to remove.
    pub fn remove(&self, path: &str, version: Option<u64>) -> Result<()> {
        self.update(Operation::Remove, |document| {
            let names: Vec<String> = document.secrets.keys().cloned().collect();
            let versions = document
                .secrets
                .get_mut(path)
                .ok_or_else(|| no_secret(Operation::Remove, path, &names))?;
            let now = (self.options.now)();
            let mut removed = false;
            for entry in versions.iter_mut() {
                if entry.info.removed.is_none()
                    && version.is_none_or(|number| number == entry.info.number)
                {
                    entry.info.removed = Some(now);
                    entry.value = None;
                    removed = true;
                }
            }
            if removed {
                Ok(())
            } else {
                Err(no_version(Operation::Remove, path, versions, version))
            }
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
        let lock = lock(operation, &self.options)?;
        let mut document = self.load(operation)?;
        // The file gets the new key before the store does: a crash in between locks nobody out.
        let rotated = self.identities.rotate(operation)?;
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
            add(&mut document.recipients, recipient.clone())
        })
    }

    /// Encrypts the store without the recipient with this public key or name. What it read, and older
    /// copies of the store, stay readable to it: replace the values too.
    ///
    /// # Errors
    /// `not_found`; `conflict` for the identity in use, which would lock the caller out, and for a name
    /// that several recipients have.
    pub fn remove_recipient(&self, key_or_name: &str) -> Result<Recipient> {
        let operation = Operation::Configure;
        let own = self.identities.public_keys();
        self.update(operation, |document| {
            let fits = |known: &Recipient| {
                known.key == key_or_name || known.name.as_deref() == Some(key_or_name)
            };
            let refuse = |kind, message: &str| {
                StoreError::new(kind, operation, format!("`{key_or_name}` {message}"))
            };
            let mut places = document
                .recipients
                .iter()
                .enumerate()
                .filter(|(_, known)| fits(known))
                .map(|(place, _)| place);
            let place = places.next().ok_or_else(|| {
                refuse(ErrorKind::NotFound, "is not a recipient")
                    .with_help("`store recipients` lists them")
            })?;
            if places.next().is_some() {
                return Err(refuse(ErrorKind::Conflict, "names several recipients")
                    .with_help("give the public key"));
            }
            if own.contains(&document.recipients[place].key) {
                return Err(refuse(
                    ErrorKind::Conflict,
                    "is the identity in use: you would lock yourself out",
                )
                .with_help("let another recipient do it"));
            }
            Ok(document.recipients.remove(place))
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
        store.remember(operation, &document, true)
    }

    /// All secrets with their versions as the plain index tells, without the identity. Not authenticated:
    /// see the module on the index.
    ///
    /// # Errors
    /// `config` when the store keeps no index; `integrity` when the index does not belong to the store.
    pub fn list_without_identity(options: &LocalOptions) -> Result<Vec<Listed>> {
        require_store(Operation::Metadata, options)?;
        Ok(listed(
            Index::load(Operation::Metadata, &options.store)?.secrets,
        ))
    }

    /// All versions of `path` as the plain index tells, without the identity.
    ///
    /// # Errors
    /// Those of [`LocalStore::list_without_identity`], and `not_found`.
    pub fn history_without_identity(
        options: &LocalOptions,
        path: &str,
    ) -> Result<Vec<VersionInfo>> {
        require_store(Operation::Metadata, options)?;
        history_in(
            Index::load(Operation::Metadata, &options.store)?.secrets,
            path,
        )
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

    /// Reads, changes and replaces the store under the lock. An error of `change` leaves it as it was.
    fn update<T>(
        &self,
        operation: Operation,
        change: impl FnOnce(&mut Document) -> Result<T>,
    ) -> Result<T> {
        let _lock = lock(operation, &self.options)?;
        files::sweep_temporaries(&self.options.store);
        let mut document = self.load(operation)?;
        let result = change(&mut document)?;
        self.commit(operation, &mut document)?;
        Ok(result)
    }

    fn commit(&self, operation: Operation, document: &mut Document) -> Result<()> {
        document.generation += 1;
        self.save(operation, document)?;
        self.remember(operation, document, false)
    }

    fn load(&self, operation: Operation) -> Result<Document> {
        let Some(folder) = &self.options.records else {
            return self.decrypt(operation);
        };
        let record = Record::load(operation, folder, &self.options.store)?;
        let document = self.decrypt(operation)?;
        record.check(
            operation,
            &document,
            &self.options.store,
            self.options.rollback,
        )?;
        if let Err(error) = record.remember(operation, &document, &self.options.store, false) {
            // A read-only home folder must not make the store unreadable.
            tracing::warn!("rollback of the store will not be noticed: {error}");
        }
        Ok(document)
    }

    fn decrypt(&self, operation: Operation) -> Result<Document> {
        require_store(operation, &self.options)?;
        let path = &self.options.store;
        let sealed = files::read_limited(operation, path, MAX_STORE_BYTES)?;
        let plaintext = sealed::open(operation, &self.identities, &sealed, path)?;
        Document::parse(operation, &plaintext)
            .map_err(|error| error.with_context("file", path.display()))
    }

    fn save(&self, operation: Operation, document: &Document) -> Result<()> {
        let plaintext = document.to_bytes(operation)?;
        let sealed = sealed::seal(operation, &document.recipients, &plaintext)?;
        if sealed.len() as u64 > MAX_STORE_BYTES {
            return Err(StoreError::new(
                ErrorKind::TooLarge,
                operation,
                format!("the store would grow beyond {MAX_STORE_BYTES} bytes"),
            )
            .with_context("file", self.options.store.display())
            .with_help("remove versions that are no longer needed with `store remove`"));
        }
        files::replace(operation, &self.options.store, &sealed)?;
        // Second, because it is bound to the first: a crash in between leaves an index that is refused.
        if document.index {
            Index::of(document, &sealed).save(operation, &self.options.store)?;
        }
        Ok(())
    }

    fn remember(&self, operation: Operation, document: &Document, force: bool) -> Result<()> {
        match &self.options.records {
            Some(folder) => Record::load(operation, folder, &self.options.store)
                .or_else(|error| {
                    if force {
                        Ok(Record::forgotten(folder, &self.options.store))
                    } else {
                        Err(error)
                    }
                })?
                .remember(operation, document, &self.options.store, force),
            None => Ok(()),
        }
    }
}

fn load_or_create_identity(options: &LocalOptions, init: &InitOptions) -> Result<Identities> {
    match &options.identity {
        IdentitySource::File(path) if !identity::exists(path) => {
            Identities::create(Operation::Configure, path, init.passphrase.clone())
        }
        source => Identities::load(Operation::Configure, source, &options.passphrase),
    }
}

/// Keeps lock and temporary files out of version control.
fn ignore_helpers(operation: Operation, folder: &Path) -> Result<()> {
    let path = folder.join(".gitignore");
    let ours = folder.file_name().is_some_and(|name| name == STORE_FOLDER);
    if !ours || path.exists() {
        return Ok(());
    }
    fs::write(&path, "*.lock\n*.tmp\naudit.jsonl\n")
        .map_err(|error| files::io_error(operation, "write the file", &path, error))
}

fn lock(operation: Operation, options: &LocalOptions) -> Result<files::Lock> {
    let path: PathBuf = files::with_suffix(&options.store, ".lock");
    files::Lock::acquire(operation, &path, options.lock_timeout)
}

fn require_store(operation: Operation, options: &LocalOptions) -> Result<()> {
    if options.store.exists() {
        return Ok(());
    }
    Err(StoreError::new(ErrorKind::Config, operation, "there is no local store")
        .with_context("file", options.store.display())
        .with_help(
            "run `store init` to make one; it is looked for as `.secretref/store.age` in the working directory and the \
             folders above, or where SECRETREF_STORE says",
        ))
}

/// Refuses paths that a reference could not name or that read like something else.
fn check_path(path: &str) -> Result<()> {
    let wrong = |why: &str| {
        StoreError::new(
            ErrorKind::InvalidReference,
            Operation::Write,
            format!("this path cannot hold a secret: {why}"),
        )
        .with_help("use names separated by `/`, for instance `payments/database`")
    };
    if path.len() > MAX_PATH_BYTES {
        return Err(wrong("it is too long"));
    }
    if path.chars().any(char::is_control) {
        return Err(wrong("it holds a control character"));
    }
    match path
        .split('/')
        .find(|segment| matches!(*segment, "" | "." | ".."))
    {
        Some("") => Err(wrong("a name in it is empty")),
        Some(_) => Err(wrong("it holds `.` or `..` as a name")),
        None => Ok(()),
    }
}

fn check_precondition(document: &Document, path: &str, precondition: &Precondition) -> Result<()> {
    let current = document
        .secrets
        .get(path)
        .and_then(|versions| versions.last())
        .map(|version| &version.info);
    let current = current
        .filter(|info| info.removed.is_none())
        .map(|info| info.number.to_string());
    let conflict = |message: String| {
        Err(
            StoreError::new(ErrorKind::Conflict, Operation::Write, message)
                .with_context("secret", path),
        )
    };
    match (precondition, current) {
        (Precondition::None, _) | (Precondition::Absent, None) => Ok(()),
        (Precondition::Absent, Some(number)) => conflict(format!(
            "a secret is stored here already, in version {number}"
        )),
        (Precondition::Version(wanted), Some(number)) if *wanted == number => Ok(()),
        (Precondition::Version(wanted), Some(number)) => conflict(format!(
            "the current version is {number}, not {wanted}: somebody else changed the secret"
        )),
        (Precondition::Version(wanted), None) => conflict(format!(
            "version {wanted} is demanded and no secret is stored here"
        )),
    }
}

fn find<'a>(
    operation: Operation,
    document: &'a Document,
    path: &str,
    number: Option<u64>,
) -> Result<&'a Version> {
    let versions = document.secrets.get(path).ok_or_else(|| {
        no_secret(
            operation,
            path,
            &document.secrets.keys().cloned().collect::<Vec<_>>(),
        )
    })?;
    let found = match number {
        Some(number) => versions
            .iter()
            .find(|version| version.info.number == number),
        None => versions.last(),
    };
    found
        .filter(|version| version.info.removed.is_none())
        .ok_or_else(|| no_version(operation, path, versions, number))
}

fn no_secret(operation: Operation, path: &str, known: &[String]) -> StoreError {
    let error = StoreError::new(
        ErrorKind::NotFound,
        operation,
        format!("no secret is stored at `{path}`"),
    );
    match suggest::hint(path, known.iter().map(String::as_str)) {
        Some(hint) => error.with_help(format!(
            "{hint}; `store list` shows all, `store set {path}` stores one"
        )),
        None => error.with_help(format!("the store is empty; `store set {path}` stores one")),
    }
}

fn no_version(
    operation: Operation,
    path: &str,
    versions: &[Version],
    number: Option<u64>,
) -> StoreError {
    let readable: Vec<_> = versions
        .iter()
        .filter(|version| version.info.removed.is_none())
        .map(|version| version.info.number.to_string())
        .collect();
    let known =
        number.is_none_or(|number| versions.iter().any(|version| version.info.number == number));
    let message = match (number, known) {
        (None, _) => format!("the secret at `{path}` was removed"),
        (Some(number), true) => format!("version {number} of `{path}` was removed"),
        (Some(number), false) => format!("`{path}` has no version {number}"),
    };
    let help = if readable.is_empty() {
        format!("no version is left; `store set {path}` stores a new one")
    } else {
        format!("these versions can be read: {}", readable.join(", "))
    };
    StoreError::new(ErrorKind::NotFound, operation, message).with_help(help)
}

fn add(recipients: &mut Vec<Recipient>, recipient: Recipient) -> Result<()> {
    recipient.parse_key()?;
    if recipients.iter().any(|known| known.key == recipient.key) {
        return Err(StoreError::new(
            ErrorKind::Conflict,
            Operation::Configure,
            format!("{} is a recipient already", recipient.key),
        ));
    }
    recipients.push(recipient);
    Ok(())
}

fn infos(document: Document) -> BTreeMap<String, Vec<VersionInfo>> {
    let without_values =
        |versions: Vec<Version>| versions.into_iter().map(|version| version.info).collect();
    document
        .secrets
        .into_iter()
        .map(|(path, versions)| (path, without_values(versions)))
        .collect()
}

fn listed(secrets: BTreeMap<String, Vec<VersionInfo>>) -> Vec<Listed> {
    let one = |(path, versions): (String, Vec<VersionInfo>)| {
        let count = versions.len() as u64;
        let created = versions.first()?.created;
        let current = versions.into_iter().next_back()?;
        Some(Listed {
            path,
            current,
            created,
            versions: count,
        })
    };
    secrets.into_iter().filter_map(one).collect()
}

fn history_in(
    mut secrets: BTreeMap<String, Vec<VersionInfo>>,
    path: &str,
) -> Result<Vec<VersionInfo>> {
    match secrets.remove(path) {
        Some(versions) => Ok(versions),
        None => Err(no_secret(
            Operation::Metadata,
            path,
            &secrets.into_keys().collect::<Vec<_>>(),
        )),
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
