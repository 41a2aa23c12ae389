//! What this machine remembers of a store, kept beside the identity and so outside the project.
//!
//! Encryption alone does not notice an old copy put back, or another store encrypted to the same public
//! keys. The record holds the highest generation seen and a digest of the store's own key (the seal),
//! which only those who could open the store know. It is kept by the path of the store.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::Document;
use super::options::Rollback;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::{files, hex};

const MAX_BYTES: u64 = 64 * 1024;

/// The record file of one store.
pub(super) struct Record {
    file: PathBuf,
    seen: Option<Seen>,
}

#[derive(Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Seen {
    path: String,
    store: String,
    seal_sha256: String,
    generation: u64,
}

impl Record {
    /// Reads the record for the store at `store` from `folder`. Call it **before** reading the store:
    /// a writer changes the store first, so what was recorded earlier is never newer than the store.
    pub(super) fn load(operation: Operation, folder: &Path, store: &Path) -> Result<Self> {
        let Self { file, .. } = Self::forgotten(folder, store);
        let seen = match files::read_limited(operation, &file, MAX_BYTES) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
            Ok(text) => Some(serde_json::from_slice(&text).map_err(|_| {
                StoreError::new(
                    ErrorKind::Integrity,
                    operation,
                    "what this machine remembers of the store cannot be read",
                )
                .with_context("file", file.display())
                .with_help("remove the file to trust the store as it is now")
            })?),
        };
        Ok(Self { file, seen })
    }

    /// A record of the store at `store` that remembers nothing.
    pub(super) fn forgotten(folder: &Path, store: &Path) -> Self {
        let store = std::fs::canonicalize(store).unwrap_or_else(|_| store.to_owned());
        let name = hex::encode(&Sha256::digest(store.as_os_str().as_encoded_bytes())[..16]);
        Self {
            file: folder.join(format!("{name}.json")),
            seen: None,
        }
    }

    /// Compares the store with what was seen before.
    pub(super) fn check(
        &self,
        operation: Operation,
        document: &Document,
        path: &Path,
        rollback: Rollback,
    ) -> Result<()> {
        let Some(seen) = &self.seen else {
            return Ok(());
        };
        let wrong = |message: String| {
            StoreError::new(ErrorKind::Integrity, operation, message)
                .with_context("file", path.display())
                .with_context("remembered in", self.file.display())
        };
        if seen.store != document.store || seen.seal_sha256 != seal_digest(document) {
            return Err(wrong(
                "this is not the store that was opened at this place before: it was replaced"
                    .to_owned(),
            )
            .with_help("restore the store; if it was replaced on purpose, run `store accept`"));
        }
        if document.generation >= seen.generation {
            return Ok(());
        }
        let message = format!(
            "the store is older than when it was last opened here (change {} instead of {}): an old copy was put back",
            document.generation, seen.generation
        );
        match rollback {
            Rollback::Refuse => Err(wrong(message).with_help(
                "restore the newer store; if the older one is meant (another branch, a backup), run `store accept` or \
                 set SECRETREF_ROLLBACK=warn",
            )),
            Rollback::Warn => {
                tracing::warn!(store = %path.display(), "{message}");
                Ok(())
            }
        }
    }

    /// Remembers the store as it is now, unless the same or a newer one is remembered.
    pub(super) fn remember(
        &self,
        operation: Operation,
        document: &Document,
        path: &Path,
    ) -> Result<()> {
        let newer = self
            .seen
            .as_ref()
            .is_none_or(|seen| seen.generation < document.generation);
        if !newer {
            return Ok(());
        }
        let seen = Seen {
            path: path.display().to_string(),
            store: document.store.clone(),
            seal_sha256: seal_digest(document),
            generation: document.generation,
        };
        if let Some(folder) = self.file.parent() {
            files::create_folder(operation, folder, true)?;
        }
        let text = serde_json::to_vec(&seen).map_err(|error| {
            StoreError::new(
                ErrorKind::Io,
                operation,
                "cannot write what was seen of the store",
            )
            .with_source(error)
        })?;
        files::replace(operation, &self.file, &text)
    }
}

fn seal_digest(document: &Document) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "sealing: only a digest of the random 256-bit key is kept"
    )]
    let seal = document.seal.expose();
    hex::encode(
        &Sha256::new()
            .chain_update(b"secretref-seal\0")
            .chain_update(seal)
            .finalize(),
    )
}
