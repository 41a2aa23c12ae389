//! The key that seals checkpoints, and what this machine remembers of where a log stood.
//!
//! Both lie outside the project, beside the identity: whoever can change the log cannot change them too.

use std::path::{Path, PathBuf};

use rand::Rng;
use secret_value::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::chain::Tip;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::{files, hex};

const KEY_BYTES: usize = 32;
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// Where the key of the audit log comes from.
#[derive(Clone, Debug, Default)]
pub enum KeySource {
    /// A file of 64 hexadecimal digits, mode 0600; made when missing.
    File(PathBuf),
    /// The 64 digits themselves, for machines that get them from a variable.
    Inline(Secret),
    /// No key: no checkpoints, so a rewritten log is noticed only through what the machine remembers.
    #[default]
    None,
}

impl KeySource {
    /// True when there is something to load.
    pub(super) fn exists(&self) -> bool {
        match self {
            Self::File(path) => path.exists(),
            Self::Inline(_) => true,
            Self::None => false,
        }
    }

    /// The key; `create` makes the file when it is missing.
    pub(super) fn load(&self, create: bool) -> Result<Option<Secret>> {
        match self {
            Self::None => Ok(None),
            #[expect(
                clippy::disallowed_methods,
                reason = "sealing: the key of the audit log"
            )]
            Self::Inline(text) => parse(text.expose()).map(Some),
            Self::File(path) if path.exists() => {
                files::require_private(Operation::Configure, path, "the key of the audit log")?;
                let text = files::read_limited(Operation::Configure, path, MAX_FILE_BYTES)?;
                parse(&text)
                    .map(Some)
                    .map_err(|error| error.with_context("file", path.display()))
            }
            Self::File(path) if create => make(path).map(Some),
            Self::File(_) => Ok(None),
        }
    }
}

fn parse(text: &[u8]) -> Result<Secret> {
    match hex::decode(text.trim_ascii()) {
        Some(key) if key.len() == KEY_BYTES => Ok(Secret::new(key)),
        _ => Err(StoreError::new(ErrorKind::Config, Operation::Configure, "the key of the audit log is not 64 hexadecimal digits")
            .with_help("restore it from a backup; removing it makes a new one, and older checkpoints can no longer be verified")),
    }
}

fn make(path: &Path) -> Result<Secret> {
    if let Some(folder) = path.parent() {
        files::create_folder(Operation::Configure, folder, true)?;
    }
    // Two processes that start together must end with one key.
    let _lock = files::Lock::acquire(
        Operation::Configure,
        &files::with_suffix(path, ".lock"),
        std::time::Duration::from_secs(10),
    )?;
    if path.exists() {
        return parse(&files::read_limited(
            Operation::Configure,
            path,
            MAX_FILE_BYTES,
        )?);
    }
    let mut key = Zeroizing::new(vec![0; KEY_BYTES]);
    rand::rng().fill_bytes(&mut key);
    files::replace(
        Operation::Configure,
        path,
        Zeroizing::new(hex::encode(&key)).as_bytes(),
    )?;
    Ok(Secret::new(std::mem::take(&mut *key)))
}

/// Where a log stood after the last line this machine wrote.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    log: String,
    #[serde(flatten)]
    tip: Tip,
}

impl Head {
    /// The head of the log at `log`, kept in `folder`.
    pub(super) fn of(folder: &Path, log: &Path) -> Self {
        let parent = log
            .parent()
            .and_then(|parent| std::fs::canonicalize(parent).ok());
        let log = parent.map_or_else(
            || log.to_owned(),
            |parent| parent.join(log.file_name().unwrap_or_default()),
        );
        let name = hex::encode(&Sha256::digest(log.as_os_str().as_encoded_bytes())[..16]);
        Self {
            file: folder.join(format!("{name}.json")),
        }
    }

    pub(super) fn load(&self) -> Result<Option<Tip>> {
        let text = match files::read_limited(Operation::Configure, &self.file, MAX_FILE_BYTES) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        match serde_json::from_slice::<Remembered>(&text) {
            Ok(remembered) => Ok(Some(remembered.tip)),
            Err(_) => Err(StoreError::new(ErrorKind::Integrity, Operation::Configure, "what this machine remembers of the audit log cannot be read")
                .with_context("file", self.file.display())
                .with_help("remove the file; the log itself is checked without it, but lines cut off at its end are not noticed")),
        }
    }

    /// Call it under the lock of the log. Not flushed to disk: after a power failure an older head is fine,
    /// because the log may only be ahead.
    pub(super) fn save(&self, log: &Path, tip: &Tip) -> Result<()> {
        if let Some(folder) = self.file.parent() {
            files::create_folder(Operation::Configure, folder, true)?;
        }
        let remembered = Remembered {
            log: log.display().to_string(),
            tip: tip.clone(),
        };
        let text = serde_json::to_vec(&remembered).map_err(|error| {
            StoreError::new(
                ErrorKind::Io,
                Operation::Configure,
                "cannot remember the audit log",
            )
            .with_source(error)
        })?;
        files::note(Operation::Configure, &self.file, &text)
    }
}
