//! Where the store and its identity are, and how strict to be.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use secret_value::Secret;

use super::identity::{IdentitySource, Passphrase};
use super::recipient::Recipient;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// The folder in a project that holds its stores.
pub const STORE_FOLDER: &str = ".secretref";
/// The name of the store that a reference without store name means.
pub const DEFAULT_STORE: &str = "store";

/// What to do when the store is older than what this machine saw before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rollback {
    /// Fail with an `integrity` error. The default.
    #[default]
    Refuse,
    /// Log a warning and go on.
    Warn,
}

/// Where a store and its identity are, and how to use them.
#[derive(Clone, Debug)]
pub struct LocalOptions {
    /// The encrypted file.
    pub store: PathBuf,
    /// Where the secret key comes from.
    pub identity: IdentitySource,
    /// How to get the passphrase of the identity file.
    pub passphrase: Passphrase,
    /// Folder for what this machine remembers of stores; `None` turns rollback detection off.
    pub records: Option<PathBuf>,
    /// What a rollback does.
    pub rollback: Rollback,
    /// Name written beside new versions; `None` writes none. Readable without the identity when the store
    /// keeps an index.
    pub author: Option<String>,
    /// Longest wait for another writer. Default 10 s.
    pub lock_timeout: Duration,
    /// The clock for the times of versions.
    pub now: fn() -> Timestamp,
}

/// How to make a new store.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// Protects a newly made identity file. Ignored when the identity exists already.
    pub passphrase: Option<Secret>,
    /// Further people and machines that can open the store; the own identity is always one.
    pub recipients: Vec<Recipient>,
    /// Keep names, versions and times in a plain index beside the store, so that metadata needs no
    /// identity. Default true.
    pub index: bool,
}

impl Default for InitOptions {
    fn default() -> Self {
        Self {
            passphrase: None,
            recipients: Vec::new(),
            index: true,
        }
    }
}

impl LocalOptions {
    /// Options for the store at `store` with the key in `identity`; records are kept beside the key.
    #[must_use]
    pub fn at(store: impl Into<PathBuf>, identity: impl Into<PathBuf>) -> Self {
        let identity = identity.into();
        Self {
            records: records_beside(&identity),
            identity: IdentitySource::File(identity),
            ..Self::without_identity(store.into())
        }
    }

    /// Finds the store called `name` (`None`: the default one) and its identity.
    ///
    /// Store: `SECRETREF_STORE` for the default one, else `.secretref/<name>.age` in the working directory
    /// or the nearest folder above; when there is none, the place in the working directory where `init`
    /// would make it. Identity: the text in `SECRETREF_IDENTITY`, else the file named by
    /// `SECRETREF_IDENTITY_FILE`, else `secretref/identity.txt` in the user's configuration folder.
    /// Also read: `SECRETREF_PASSPHRASE`, `SECRETREF_AUTHOR`, `SECRETREF_ROLLBACK` (`refuse` or `warn`).
    ///
    /// # Errors
    /// `config` for a store name or a variable with another value than the known ones.
    pub fn locate(environment: &Environment, name: Option<&str>) -> Result<Self> {
        let mut options = Self::without_identity(locate_store(environment, name)?);
        (options.identity, options.records) = locate_identity(environment);
        if let Some(passphrase) = environment.text("SECRETREF_PASSPHRASE") {
            options.passphrase = Passphrase::fixed(Secret::from_text(passphrase));
        }
        options.author = environment.text("SECRETREF_AUTHOR");
        options.rollback = match environment.text("SECRETREF_ROLLBACK").as_deref() {
            None | Some("refuse") => Rollback::Refuse,
            Some("warn") => Rollback::Warn,
            Some(_) => {
                return Err(config("SECRETREF_ROLLBACK has an unknown value")
                    .with_help("set it to `refuse` or `warn`"));
            }
        };
        Ok(options)
    }

    /// The folder of the user's keys, for what else is kept beside them; `None` when the identity is not
    /// in a file.
    #[must_use]
    pub fn key_folder(&self) -> Option<&Path> {
        match &self.identity {
            IdentitySource::File(path) => path.parent(),
            _ => None,
        }
    }

    fn without_identity(store: PathBuf) -> Self {
        Self {
            store,
            identity: IdentitySource::Unknown,
            passphrase: Passphrase::default(),
            records: None,
            rollback: Rollback::default(),
            author: None,
            lock_timeout: Duration::from_secs(10),
            now: Timestamp::now,
        }
    }
}

fn locate_store(environment: &Environment, name: Option<&str>) -> Result<PathBuf> {
    if name.is_none()
        && let Some(path) = environment.path("SECRETREF_STORE")
    {
        return Ok(path);
    }
    let name = name.unwrap_or(DEFAULT_STORE);
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    if name.is_empty() || name.starts_with('.') || !name.bytes().all(allowed) {
        return Err(config(format!("`{name}` is not a store name"))
            .with_help("use letters a-z, digits, `-` and `.`, not starting with `.`"));
    }
    let relative = Path::new(STORE_FOLDER).join(format!("{name}.age"));
    let here = environment.directory();
    let found = here
        .ancestors()
        .map(|folder| folder.join(&relative))
        .find(|path| path.is_file());
    Ok(found.unwrap_or_else(|| here.join(relative)))
}

fn locate_identity(environment: &Environment) -> (IdentitySource, Option<PathBuf>) {
    if let Some(text) = environment.text("SECRETREF_IDENTITY") {
        return (IdentitySource::Inline(Secret::from_text(text)), None);
    }
    let file = environment.path("SECRETREF_IDENTITY_FILE").or_else(|| {
        environment
            .config_directory()
            .map(|folder| folder.join("identity.txt"))
    });
    match file {
        Some(file) => (IdentitySource::File(file.clone()), records_beside(&file)),
        None => (IdentitySource::Unknown, None),
    }
}

fn records_beside(identity: &Path) -> Option<PathBuf> {
    identity.parent().map(|folder| folder.join("stores"))
}

fn config(message: impl Into<String>) -> StoreError {
    StoreError::new(ErrorKind::Config, Operation::Configure, message)
}
