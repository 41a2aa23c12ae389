//! The secret key that opens the store, and the file it lives in.
//!
//! The file has the format of `age-keygen`: comment lines, then one `AGE-SECRET-KEY-1…` a line. With a
//! passphrase the whole text is encrypted once more, as `age -p` does, so the `age` tool reads both.
//! It lies outside the project and must be private to its owner. Retired keys stay in the file after the
//! newest, so that other stores of the same user still open.

use std::fmt;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::{ExposeSecret, SecretString};
use secret_value::Secret;
use zeroize::Zeroizing;

use super::options::{InitOptions, LocalOptions};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;

/// An identity file is small; anything larger is something else.
const MAX_BYTES: u64 = 64 * 1024;
/// Passphrase work accepted when reading, as a power of two: about 16 s at most on a laptop.
const MAX_WORK_FACTOR: u8 = 22;

/// Where the secret key comes from.
#[derive(Clone)]
pub enum IdentitySource {
    /// A file in the format of `age-keygen`, with or without passphrase.
    File(PathBuf),
    /// The text of such a file, for machines that get it from a variable. Never written anywhere.
    Inline(Secret),
    /// No place is known: no variable names one and the user's configuration folder is unknown.
    Unknown,
}

impl fmt::Debug for IdentitySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Inline(_) => f.write_str("Inline(***)"),
            Self::Unknown => f.write_str("Unknown"),
        }
    }
}

type Ask = dyn Fn(&Path) -> Option<Secret> + Send + Sync;

/// Asks for the passphrase of an identity file. `None` from the function means that nobody can be asked.
#[derive(Clone, Default)]
pub struct Passphrase(Option<Arc<Ask>>);

impl Passphrase {
    /// Asks `ask` with the path of the identity file, once for each unlocking.
    #[must_use]
    pub fn from_fn(ask: impl Fn(&Path) -> Option<Secret> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(ask)))
    }

    /// Always answers with `passphrase`.
    #[must_use]
    pub fn fixed(passphrase: Secret) -> Self {
        Self::from_fn(move |_| Some(passphrase.clone()))
    }

    /// Asks.
    pub(crate) fn ask(&self, path: &Path) -> Option<Secret> {
        self.0.as_ref().and_then(|ask| ask(path))
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(***)")
    }
}

/// Unlocked keys, newest first.
pub(super) struct Identities {
    keys: Vec<age::x25519::Identity>,
    origin: Origin,
    passphrase: Option<Secret>,
}

#[derive(Clone)]
enum Origin {
    File(PathBuf),
    Inline,
}

impl Identities {
    /// Reads and unlocks the keys.
    pub(super) fn load(
        operation: Operation,
        source: &IdentitySource,
        passphrase: &Passphrase,
    ) -> Result<Self> {
        match source {
            IdentitySource::File(path) => Self::load_file(operation, path, passphrase),
            IdentitySource::Inline(text) => Self::from_secret(operation, text),
            IdentitySource::Unknown => Err(StoreError::new(
                ErrorKind::Config,
                operation,
                "no identity is configured and the home folder is unknown",
            )
            .with_help(
                "set SECRETREF_IDENTITY_FILE to an identity file outside the project, or HOME",
            )),
        }
    }

    fn load_file(operation: Operation, path: &Path, passphrase: &Passphrase) -> Result<Self> {
        if !path.exists() {
            return Err(StoreError::new(ErrorKind::Config, operation, "there is no identity file, so the store cannot be opened")
                .with_context("file", path.display())
                .with_help(
                    "run `store init` to make one, copy the one the store was made with to this place, or name it \
                     with SECRETREF_IDENTITY_FILE (in CI: its text in SECRETREF_IDENTITY)",
                ));
        }
        files::require_private(operation, path, "the identity file")?;
        let bytes = files::read_limited(operation, path, MAX_BYTES)?;
        let origin = Origin::File(path.to_owned());
        if !is_encrypted(&bytes) {
            return Self::parse(operation, &bytes, origin, None);
        }
        let Some(passphrase) = passphrase.ask(path) else {
            return Err(StoreError::new(
                ErrorKind::Config,
                operation,
                "the identity file is protected by a passphrase and none was given",
            )
            .with_context("file", path.display())
            .with_help("run in a terminal, or set SECRETREF_PASSPHRASE"));
        };
        let text = unlock(operation, &bytes, &passphrase, path)?;
        Self::parse(operation, &text, origin, Some(passphrase))
    }

    fn from_secret(operation: Operation, text: &Secret) -> Result<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "credentials: the key of the store is parsed, not passed on"
        )]
        let bytes = text.expose();
        if is_encrypted(bytes) {
            return Err(StoreError::new(
                ErrorKind::Config,
                operation,
                "SECRETREF_IDENTITY holds an identity protected by a passphrase",
            )
            .with_help(
                "put the unprotected identity into the CI secret, or use SECRETREF_IDENTITY_FILE",
            ));
        }
        Self::parse(operation, bytes, Origin::Inline, None)
    }

    /// Reads the keys, or makes the file with a new key when there is none.
    pub(super) fn load_or_create(options: &LocalOptions, init: &InitOptions) -> Result<Self> {
        let operation = Operation::Configure;
        let IdentitySource::File(path) = &options.identity else {
            return Self::load(operation, &options.identity, &options.passphrase);
        };
        if let Some(folder) = path.parent() {
            files::create_folder(operation, folder, true)?;
        }
        // Two programs that start together must end with one key, or one of them loses its store.
        let _lock = files::Lock::acquire(
            operation,
            &files::with_suffix(path, ".lock"),
            options.lock_timeout,
        )?;
        if fs::symlink_metadata(path).is_ok() {
            return Self::load_file(operation, path, &options.passphrase);
        }
        let created = Self {
            keys: vec![age::x25519::Identity::generate()],
            origin: Origin::File(path.clone()),
            passphrase: init.passphrase.clone(),
        };
        created.save(operation, path)?;
        Ok(created)
    }

    /// The keys with a new one in front, saved over the old file.
    pub(super) fn rotate(&self, options: &LocalOptions) -> Result<Self> {
        let operation = Operation::Configure;
        let Origin::File(path) = &self.origin else {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "the identity came from a variable, so a new key has nowhere to be kept",
            )
            .with_help("rotate on a machine that has the identity file, then renew the variable"));
        };
        let _lock = files::Lock::acquire(
            operation,
            &files::with_suffix(path, ".lock"),
            options.lock_timeout,
        )?;
        // Read anew: another store of this user may have changed the file since.
        let passphrase = self
            .passphrase
            .clone()
            .map(Passphrase::fixed)
            .unwrap_or_default();
        let mut rotated = Self::load_file(operation, path, &passphrase)?;
        rotated.keys.insert(0, age::x25519::Identity::generate());
        rotated.save(operation, path)?;
        Ok(rotated)
    }

    fn parse(
        operation: Operation,
        bytes: &[u8],
        origin: Origin,
        passphrase: Option<Secret>,
    ) -> Result<Self> {
        let wrong = |message: String| {
            StoreError::new(ErrorKind::Config, operation, message)
                .with_context("identity", &origin)
                .with_help("an identity is a line that starts with AGE-SECRET-KEY-1, as `store init` or `age-keygen` write it")
        };
        let text =
            std::str::from_utf8(bytes).map_err(|_| wrong("the identity is not text".into()))?;
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = line.parse().map_err(|_| {
                wrong(format!(
                    "line {} of the identity is no age secret key",
                    index + 1
                ))
            })?;
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(wrong("the identity holds no key".into()));
        }
        Ok(Self {
            keys,
            origin,
            passphrase,
        })
    }

    fn save(&self, operation: Operation, path: &Path) -> Result<()> {
        let text = self.to_text();
        match &self.passphrase {
            None => files::replace(operation, path, &text),
            Some(passphrase) => {
                files::replace(operation, path, &lock(operation, &text, passphrase)?)
            }
        }
    }

    fn to_text(&self) -> Zeroizing<Vec<u8>> {
        // A key takes about 150 bytes: the buffer never grows and leaves no copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(256 + 256 * self.keys.len()));
        text.extend_from_slice(
            b"# Secret key of secretref stores. Keep it private and outside of every project.\n",
        );
        for (index, key) in self.keys.iter().enumerate() {
            let note = if index == 0 {
                "public key"
            } else {
                "retired public key"
            };
            text.extend_from_slice(format!("# {note}: {}\n", key.to_public()).as_bytes());
            text.extend_from_slice(key.to_string().expose_secret().as_bytes());
            text.push(b'\n');
        }
        text
    }

    /// The keys for the age library.
    pub(super) fn as_age(&self) -> impl Iterator<Item = &dyn age::Identity> {
        self.keys.iter().map(|key| key as &dyn age::Identity)
    }

    /// The public key of the newest identity.
    pub(super) fn public_key(&self) -> String {
        self.keys
            .first()
            .map(|key| key.to_public().to_string())
            .unwrap_or_default()
    }

    /// All public keys, newest first.
    pub(super) fn public_keys(&self) -> Vec<String> {
        self.keys
            .iter()
            .map(|key| key.to_public().to_string())
            .collect()
    }

    /// Where the keys came from, for messages.
    pub(super) fn origin(&self) -> impl fmt::Display + '_ {
        &self.origin
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.public_keys().join(", "))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Inline => f.write_str("SECRETREF_IDENTITY"),
        }
    }
}

fn is_encrypted(bytes: &[u8]) -> bool {
    let start = bytes.trim_ascii_start();
    start.starts_with(b"age-encryption.org/")
        || start.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
}

fn to_age(operation: Operation, passphrase: &Secret) -> Result<SecretString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "credentials: the passphrase goes to the key derivation only"
    )]
    let text = std::str::from_utf8(passphrase.expose());
    text.map(|text| SecretString::from(text.to_owned()))
        .map_err(|_| {
            StoreError::new(
                ErrorKind::Config,
                operation,
                "the passphrase is not Unicode text",
            )
        })
}

fn lock(operation: Operation, text: &[u8], passphrase: &Secret) -> Result<Vec<u8>> {
    let failed = |reason: String| {
        StoreError::new(
            ErrorKind::Io,
            operation,
            format!("cannot protect the identity: {reason}"),
        )
    };
    let recipient = age::scrypt::Recipient::new(to_age(operation, passphrase)?);
    let encryptor =
        age::Encryptor::with_recipients(std::iter::once(&recipient as &dyn age::Recipient))
            .map_err(|error| failed(error.to_string()))?;
    let mut locked = Vec::new();
    (|| {
        let armor = ArmoredWriter::wrap_output(&mut locked, Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(text)?;
        writer.finish()?.finish().map(drop)
    })()
    .map_err(|error: std::io::Error| failed(error.to_string()))?;
    Ok(locked)
}

fn unlock(
    operation: Operation,
    bytes: &[u8],
    passphrase: &Secret,
    path: &Path,
) -> Result<Zeroizing<Vec<u8>>> {
    let wrong = |kind, message: &str| {
        StoreError::new(kind, operation, message).with_context("file", path.display())
    };
    let broken = || {
        wrong(ErrorKind::Integrity, "the identity file is damaged")
            .with_help("restore it from a backup")
    };
    let decryptor =
        age::Decryptor::new_buffered(ArmoredReader::new(bytes)).map_err(|_| broken())?;
    if !decryptor.is_scrypt() {
        return Err(wrong(
            ErrorKind::Config,
            "the identity file is encrypted to another key, not with a passphrase",
        ));
    }
    let mut identity = age::scrypt::Identity::new(to_age(operation, passphrase)?);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let mut reader = decryptor
        .decrypt(std::iter::once(&identity as &dyn age::Identity))
        .map_err(|error| match error {
            age::DecryptError::ExcessiveWork { .. } => wrong(
                ErrorKind::Config,
                "the passphrase protection of the identity file asks for more work than is accepted",
            ),
            age::DecryptError::InvalidMac | age::DecryptError::InvalidHeader | age::DecryptError::Io(_) => broken(),
            _ => wrong(ErrorKind::PermissionDenied, "the passphrase of the identity file is wrong")
                .with_help("try again, or unset SECRETREF_PASSPHRASE to be asked"),
        })?;
    let mut text = Zeroizing::new(Vec::with_capacity(bytes.len()));
    reader.read_to_end(&mut text).map_err(|_| broken())?;
    Ok(text)
}
