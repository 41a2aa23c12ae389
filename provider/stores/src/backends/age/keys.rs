//! Keys that open files encrypted with age: where they are looked for, and reading them.
//!
//! A key text is a list of `AGE-SECRET-KEY-1…` lines, an SSH private key (ed25519 or RSA), or either of them
//! encrypted with a passphrase as `age -p` and `ssh-keygen` do. `age://` and `sops://` share this file.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use age::armor::ArmoredReader;
use age::secrecy::SecretString;
use secret_value::Secret;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::local::Passphrase;

/// A file with keys is small; anything larger is something else.
const MAX_KEY_BYTES: u64 = 64 * 1024;
/// Passphrase work accepted when reading, as a power of two: about 16 s at most on a laptop.
const MAX_WORK_FACTOR: u8 = 22;

/// A place where keys may be.
#[derive(Clone, Debug)]
pub(in crate::backends) enum KeyPlace {
    /// The variable of this name holds key text.
    Variable(&'static str),
    /// A file that must be there.
    File(PathBuf),
    /// A file that may be missing or unreadable as a key, because nobody named it.
    Default(PathBuf),
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File(path) | Self::Default(path) => path.display().fmt(f),
        }
    }
}

/// Asks for passphrases: the variable `SECRETREF_PASSPHRASE` first, then whoever sits at the terminal.
#[derive(Clone, Debug)]
pub(in crate::backends) struct Asker {
    pub(in crate::backends) environment: Environment,
    pub(in crate::backends) passphrase: Passphrase,
}

impl Asker {
    pub(super) fn ask(&self, path: &Path) -> Option<SecretString> {
        if let Some(text) = self.environment.text("SECRETREF_PASSPHRASE") {
            return Some(SecretString::from(text));
        }
        let answer = self.passphrase.ask(path)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "credentials: the passphrase goes to the key derivation only"
        )]
        let text = std::str::from_utf8(answer.expose()).ok()?;
        Some(SecretString::from(text.to_owned()))
    }
}

/// Unlocked keys.
pub(in crate::backends) struct AgeKeys {
    keys: Vec<Box<dyn age::Identity + Send + Sync>>,
    /// What was found where, for messages.
    found: Vec<String>,
}

impl fmt::Debug for AgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgeKeys({})", self.found.join(", "))
    }
}

impl AgeKeys {
    /// Reads every key of `places`.
    ///
    /// # Errors
    /// For a place that was named and holds no usable key; `config` when no key is found at all.
    pub(in crate::backends) fn load(
        operation: Operation,
        places: &[KeyPlace],
        asker: &Asker,
    ) -> Result<Self> {
        let mut loaded = Self {
            keys: Vec::new(),
            found: Vec::new(),
        };
        for place in places {
            let before = loaded.keys.len();
            match loaded.read(operation, place, asker) {
                Ok(()) => {}
                Err(_) if matches!(place, KeyPlace::Default(_)) => loaded.keys.truncate(before),
                Err(error) => return Err(error),
            }
            let count = loaded.keys.len() - before;
            if count > 0 {
                let what = if count == 1 { "key" } else { "keys" };
                loaded.found.push(format!("{count} {what} in {place}"));
            }
        }
        if loaded.keys.is_empty() {
            let looked: Vec<_> = places.iter().map(ToString::to_string).collect();
            return Err(StoreError::new(
                ErrorKind::Config,
                operation,
                format!("there is no age key; looked at {}", looked.join(", ")),
            )
            .with_help(
                "put the key that opens the file into one of these places, or name its file in the store block",
            ));
        }
        Ok(loaded)
    }

    fn read(&mut self, operation: Operation, place: &KeyPlace, asker: &Asker) -> Result<()> {
        match place {
            KeyPlace::Variable(name) => {
                let Some(text) = asker.environment.text(name) else {
                    return Ok(());
                };
                let text = Zeroizing::new(text);
                self.parse(operation, text.as_bytes(), place, asker)
            }
            KeyPlace::File(path) => {
                let bytes = files::read_limited(operation, path, MAX_KEY_BYTES)?;
                self.parse(operation, &bytes, place, asker)
            }
            KeyPlace::Default(path) if path.exists() => {
                let bytes = files::read_limited(operation, path, MAX_KEY_BYTES)?;
                self.parse(operation, &bytes, place, asker)
            }
            KeyPlace::Default(_) => Ok(()),
        }
    }

    fn parse(
        &mut self,
        operation: Operation,
        bytes: &[u8],
        place: &KeyPlace,
        asker: &Asker,
    ) -> Result<()> {
        let wrong = |message: String| {
            StoreError::new(ErrorKind::Config, operation, message)
                .with_context("key", place)
                .with_help("a key is a line that starts with AGE-SECRET-KEY-1, or an SSH private key (ed25519 or RSA)")
        };
        let start = bytes.trim_ascii_start();
        if is_age(start) {
            let unlocked = self.unlock(operation, bytes, place, asker)?;
            return if is_age(unlocked.trim_ascii_start()) {
                Err(wrong("the key is encrypted twice".to_owned()))
            } else {
                self.parse(operation, &unlocked, place, asker)
            };
        }
        if start.starts_with(b"-----BEGIN") {
            return self.parse_ssh(start, place, asker).map_err(wrong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("the key is not text".into()))?;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // Several keys in one line are what a variable without line breaks holds.
            for word in line.split_ascii_whitespace() {
                let number = index + 1;
                let key: age::x25519::Identity =
                    word.parse().map_err(|_| match word.starts_with("AGE-SECRET-KEY-PQ-1")
                        || word.starts_with("AGE-PLUGIN-")
                    {
                        true => wrong(format!(
                            "line {number} holds a kind of age key that this program cannot use (post-quantum or plugin)"
                        )),
                        false => wrong(format!("line {number} is no age secret key")),
                    })?;
                self.keys.push(Box::new(key));
            }
        }
        Ok(())
    }

    fn parse_ssh(
        &mut self,
        bytes: &[u8],
        place: &KeyPlace,
        asker: &Asker,
    ) -> std::result::Result<(), String> {
        let key = age::ssh::Identity::from_buffer(bytes, None)
            .map_err(|_| "the SSH key cannot be read".to_owned())?;
        let key: Box<dyn age::Identity + Send + Sync> = match key {
            age::ssh::Identity::Unencrypted(_) => Box::new(key),
            age::ssh::Identity::Encrypted(_) => Box::new(key.with_callbacks(SshAsker {
                asker: asker.clone(),
                path: PathBuf::from(place.to_string()),
            })),
            age::ssh::Identity::Unsupported(_) => {
                return Err("the SSH key is of a kind that cannot decrypt".to_owned());
            }
        };
        self.keys.push(key);
        Ok(())
    }

    fn unlock(
        &self,
        operation: Operation,
        bytes: &[u8],
        place: &KeyPlace,
        asker: &Asker,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let file = Path::new("").join(place.to_string());
        let Some(passphrase) = asker.ask(&file) else {
            return Err(no_passphrase(operation, "the key").with_context("key", place));
        };
        decrypt_passphrase(operation, bytes, passphrase)
            .map_err(|error| error.with_context("key", place))
    }

    /// Decrypts an age file, binary or armoured.
    ///
    /// # Errors
    /// `permission_denied` when none of the keys is a recipient; `integrity` for a damaged file.
    pub(in crate::backends) fn decrypt(
        &self,
        operation: Operation,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let keys = self
            .keys
            .iter()
            .map(|key| key.as_ref() as &dyn age::Identity);
        decrypt(operation, sealed, keys).map_err(|error| match error {
            Failure::NotForUs => StoreError::new(
                ErrorKind::PermissionDenied,
                operation,
                format!("none of the keys opens it: {} tried", self.found.join(", ")),
            )
            .with_help(
                "use a key that it was encrypted to, or ask somebody who can open it to add yours",
            ),
            Failure::Other(error) => error,
        })
    }
}

#[derive(Clone)]
struct SshAsker {
    asker: Asker,
    path: PathBuf,
}

impl age::Callbacks for SshAsker {
    fn display_message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn request_public_string(&self, _: &str) -> Option<String> {
        None
    }

    fn request_passphrase(&self, _: &str) -> Option<SecretString> {
        self.asker.ask(&self.path)
    }
}

/// Whether `start` is the start of an age file.
pub(super) fn is_age(start: &[u8]) -> bool {
    start.starts_with(b"age-encryption.org/")
        || start.starts_with(b"-----BEGIN AGE ENCRYPTED FILE-----")
}

/// Whether the age file is protected by a passphrase.
pub(super) fn wants_passphrase(sealed: &[u8]) -> bool {
    age::Decryptor::new_buffered(ArmoredReader::new(sealed))
        .is_ok_and(|decryptor| decryptor.is_scrypt())
}

pub(super) fn no_passphrase(operation: Operation, what: &str) -> StoreError {
    StoreError::new(
        ErrorKind::Config,
        operation,
        format!("{what} is protected by a passphrase and none was given"),
    )
    .with_help("run in a terminal, or set SECRETREF_PASSPHRASE")
}

/// Decrypts an age file that is protected by a passphrase.
pub(super) fn decrypt_passphrase(
    operation: Operation,
    sealed: &[u8],
    passphrase: SecretString,
) -> Result<Zeroizing<Vec<u8>>> {
    let mut identity = age::scrypt::Identity::new(passphrase);
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let keys = std::iter::once(&identity as &dyn age::Identity);
    decrypt(operation, sealed, keys).map_err(|error| match error {
        Failure::NotForUs => StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            "the passphrase is wrong",
        )
        .with_help("try again, or unset SECRETREF_PASSPHRASE to be asked"),
        Failure::Other(error) => error,
    })
}

enum Failure {
    NotForUs,
    Other(StoreError),
}

fn decrypt<'a>(
    operation: Operation,
    sealed: &[u8],
    keys: impl Iterator<Item = &'a dyn age::Identity>,
) -> std::result::Result<Zeroizing<Vec<u8>>, Failure> {
    use age::DecryptError as E;
    let damaged = |why: &str| {
        let message = format!("the encrypted text fails its integrity check: {why}");
        Failure::Other(
            StoreError::new(ErrorKind::Integrity, operation, message)
                .with_help("restore it from version control or a backup"),
        )
    };
    let explain = |error: E| match error {
        E::NoMatchingKeys | E::DecryptionFailed | E::KeyDecryptionFailed => Failure::NotForUs,
        E::ExcessiveWork { .. } => Failure::Other(StoreError::new(
            ErrorKind::TooLarge,
            operation,
            "its passphrase protection asks for more work than is accepted",
        )),
        E::UnknownFormat => Failure::Other(StoreError::new(
            ErrorKind::Unsupported,
            operation,
            "it has a newer age format than this program knows",
        )),
        E::InvalidMac => damaged("its header was changed"),
        E::InvalidHeader => damaged("its header is broken"),
        E::Io(_) => damaged("it was cut off"),
        _ => damaged("its key cannot be unwrapped"),
    };
    let decryptor = age::Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(explain)?;
    let mut reader = decryptor.decrypt(keys).map_err(explain)?;
    // The plaintext is shorter than the file, so this buffer never grows and leaves no copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(sealed.len()));
    match reader.read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(_) => Err(damaged("its content was changed or cut off")),
    }
}

/// The value that was decrypted.
pub(super) fn secret(mut plain: Zeroizing<Vec<u8>>) -> Secret {
    Secret::new(std::mem::take(&mut *plain))
}
