//! The plain index beside the store: names, versions and times, no values.
//!
//! It answers metadata and lists without the identity, so a machine that only plans needs no key. It is
//! bound to the store by the SHA-256 of the encrypted file; a reader with the identity uses the
//! authenticated document instead. **Nobody signs it**: whoever can change both files can invent entries,
//! so it is good for change triggers, not for decisions. `InitOptions::index = false` leaves it out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::document::{Document, FORMAT_VERSION, VersionInfo};
use super::{MAX_STORE_BYTES, Recipient};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::hex;

const FORMAT: &str = "secretref-index";

/// Names, versions and times of a store, read without its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Index {
    format: String,
    format_version: u32,
    store: String,
    generation: u64,
    store_sha256: String,
    pub(super) recipients: Vec<Recipient>,
    pub(super) secrets: BTreeMap<String, Vec<VersionInfo>>,
}

impl Index {
    /// The index of `document`, whose encrypted form is `sealed`.
    pub(super) fn of(document: &Document, sealed: &[u8]) -> Self {
        let infos = |versions: &Vec<super::document::Version>| {
            versions
                .iter()
                .map(|version| version.info.clone())
                .collect()
        };
        Self {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            store: document.store.clone(),
            generation: document.generation,
            store_sha256: hex::encode(&Sha256::digest(sealed)),
            recipients: document.recipients.clone(),
            secrets: document
                .secrets
                .iter()
                .map(|(path, versions)| (path.clone(), infos(versions)))
                .collect(),
        }
    }

    /// `store.age` → `store.index.json`.
    pub(super) fn path_for(store: &Path) -> PathBuf {
        store.with_extension("index.json")
    }

    /// Writes the index beside the store.
    pub(super) fn save(&self, operation: Operation, store: &Path) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self).map_err(|error| {
            StoreError::new(ErrorKind::Io, operation, "cannot write the index").with_source(error)
        })?;
        text.push(b'\n');
        files::replace(operation, &Self::path_for(store), &text)
    }

    /// Reads the index and checks that it belongs to the store file as it is now.
    pub(super) fn load(operation: Operation, store: &Path) -> Result<Self> {
        let index = Self::load_unchecked(operation, store)?;
        let sealed = files::read_limited(operation, store, MAX_STORE_BYTES)?;
        if index.store_sha256 == hex::encode(&Sha256::digest(&*sealed)) {
            return Ok(index);
        }
        let message = "the index does not belong to the store file beside it";
        Err(unusable(operation, ErrorKind::Integrity, message, store))
    }

    /// Reads the index whatever the store file is, for messages only.
    pub(super) fn load_unchecked(operation: Operation, store: &Path) -> Result<Self> {
        let wrong = |kind, message| unusable(operation, kind, message, store);
        let text = files::read_limited(operation, &Self::path_for(store), MAX_STORE_BYTES)
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => wrong(
                    ErrorKind::Config,
                    "the store keeps no index, so its metadata needs the identity",
                ),
                _ => error,
            })?;
        let index: Self = serde_json::from_slice(&text).map_err(|_| {
            wrong(
                ErrorKind::Integrity,
                "the index of the store cannot be read",
            )
        })?;
        if index.format != FORMAT || index.format_version > FORMAT_VERSION {
            return Err(wrong(
                ErrorKind::Unsupported,
                "the index has a format this program does not know",
            ));
        }
        Ok(index)
    }
}

fn unusable(operation: Operation, kind: ErrorKind, message: &str, store: &Path) -> StoreError {
    StoreError::new(kind, operation, message)
        .with_context("file", Index::path_for(store).display())
        .with_help("provide the identity of the store; its next change writes the index anew")
}
