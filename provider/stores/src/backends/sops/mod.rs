//! `sops://path#/pointer`: files encrypted with SOPS, in YAML, JSON, dotenv, INI or wrapped binary form.
//!
//! Read only. Paths follow the rules of `file://`. The value is the whole file as JSON, for selectors; a binary
//! file is its bytes; several YAML documents are a list. Nothing of a file is used before the hash over all its
//! values was compared. Metadata need no key.
//!
//! | part | file |
//! |---|---|
//! | formats to one tree | [`formats`] |
//! | who can decrypt, by which rules | [`metadata`] |
//! | getting the data key | [`keys`], [`shamir`] |
//! | values and the hash | [`cipher`], [`decrypt`] |

mod cipher;
mod decrypt;
mod formats;
mod keys;
mod metadata;
mod render;
mod shamir;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;

use super::{StoreContext, StoreKind, blocking, file};
use crate::blocks::{Setting, SettingKind, StoreBlock};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};
use formats::Format;
use keys::KeyRing;
use tree::{Encrypted, Node};

/// Largest file; encryption makes a value about twice as long.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::Sops,
    summary: "files encrypted with SOPS",
    tested: "files made by the real sops; keys of OpenBao; doubles of the key services of the clouds",
    capability: Capability {
        batch: true,
        ..Capability::READ_ONLY
    },
    block: Some(&BLOCK),
    build,
};

static BLOCK: StoreBlock = StoreBlock {
    name: "sops",
    summary: "Files encrypted with SOPS, under the name that references use: `sops+NAME://…`.",
    schemes: &[Scheme::Sops],
    settings: &[
        Setting::new(
            "age_key_files",
            SettingKind::TextList,
            "Files with age secret keys or SSH private keys. Default: where `sops` looks: \
             `SOPS_AGE_SSH_PRIVATE_KEY_FILE`, `~/.ssh/id_ed25519`, `~/.ssh/id_rsa`, `SOPS_AGE_KEY`, \
             `SOPS_AGE_KEY_FILE` and `sops/age/keys.txt` in the user's configuration folder. Commands \
             (`SOPS_AGE_KEY_CMD`) are not run.",
        ),
        Setting::text(
            "gcp_kms_endpoint",
            "Address of the Google Cloud Key Management Service. Default: `https://cloudkms.googleapis.com`.",
        ),
        Setting::text(
            "root",
            "Folder that relative paths are seen from. Default: the working directory.",
        ),
    ],
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::Sops)?;
    let directory = context.environment.directory();
    Ok(Arc::new(SopsStore {
        root: context
            .setting("root")
            .map_or_else(|| directory.to_owned(), |root| directory.join(root)),
        keys: KeyRing::new(context)?,
    }))
}

#[derive(Debug)]
struct SopsStore {
    root: PathBuf,
    keys: KeyRing,
}

/// A file that was read and parsed, still encrypted.
struct Parsed {
    format: Format,
    encrypted: Encrypted,
    metadata: metadata::Metadata,
    facts: Metadata,
}

/// Reads the file that `path` means.
fn read(operation: Operation, root: &Path, path: &str) -> Result<Parsed> {
    let file = file::locate(operation, root, path)?;
    let bytes = files::read_limited(operation, &file, MAX_BYTES)?;
    parse(path, &bytes).map_err(|reason| {
        StoreError::new(
            ErrorKind::Integrity,
            operation,
            format!("this is no SOPS file that can be read: {reason}"),
        )
        .with_context("file", file.display())
        .with_help("restore it from version control, or encrypt it with `sops encrypt --in-place`")
    })
}

/// Whether `bytes` are a SOPS file.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn is_sops(path: &str, bytes: &[u8]) -> bool {
    parse(path, bytes).is_ok()
}

fn parse(path: &str, bytes: &[u8]) -> std::result::Result<Parsed, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not text".to_owned())?;
    let (format, encrypted) = formats::read(path, text)?;
    let metadata = metadata::Metadata::read(&encrypted.metadata)?;
    let updated: Timestamp = metadata
        .modified
        .parse()
        .map_err(|_| "`lastmodified` is no time".to_owned())?;
    let facts = Metadata {
        version: Some(metadata.modified.clone()),
        number: u64::try_from(updated.as_second()).ok(),
        updated: Some(updated),
        labels: labels(&metadata),
        ..Metadata::default()
    };
    Ok(Parsed {
        format,
        encrypted,
        metadata,
        facts,
    })
}

/// Who can decrypt and which `sops` wrote it, in words.
fn labels(metadata: &metadata::Metadata) -> BTreeMap<String, String> {
    let groups: Vec<String> = metadata
        .groups
        .iter()
        .map(|group| {
            let names: Vec<_> = group.iter().map(|key| key.recipient.name()).collect();
            names.join(", ")
        })
        .collect();
    let mut labels = BTreeMap::from([("recipients".to_owned(), groups.join("; "))]);
    if groups.len() > 1 {
        let needed = format!("{} of {} groups", metadata.threshold, groups.len());
        labels.insert("needed".to_owned(), needed);
    }
    if let Some(version) = &metadata.version {
        labels.insert("sops_version".to_owned(), version.clone());
    }
    labels
}

/// The value of a file whose key is known.
fn open(parsed: Parsed, key: &cipher::DataKey) -> std::result::Result<SecretPayload, String> {
    let Parsed {
        format,
        mut encrypted,
        metadata,
        facts,
    } = parsed;
    decrypt::decrypt(&mut encrypted.documents, &metadata, key)?;
    if format != Format::Binary {
        let json = render::render(&encrypted.documents)?;
        return Ok(SecretPayload::fields(json, facts));
    }
    let data = encrypted.documents.into_iter().flatten().next();
    match data.map(|item| item.node) {
        Some(Node::Text(mut text)) => {
            let value = Secret::from_text(std::mem::take(&mut *text));
            Ok(SecretPayload::opaque(value, facts))
        }
        Some(Node::Bytes(mut bytes)) => {
            let value = Secret::new(std::mem::take(&mut *bytes));
            Ok(SecretPayload::opaque(value, facts))
        }
        _ => Err("the wrapped bytes are neither bytes nor text".to_owned()),
    }
}

impl SopsStore {
    /// The value of the file `path`.
    async fn file(&self, path: String) -> Result<SecretPayload> {
        let operation = Operation::Open;
        let (root, named) = (self.root.clone(), path.clone());
        let parsed = blocking(operation, move || read(operation, &root, &named)).await?;
        let key = self.keys.data_key(operation, &parsed.metadata).await;
        let key = key.map_err(|error| error.with_context("file", &path))?;
        blocking(operation, move || {
            open(parsed, &key).map_err(|reason| {
                StoreError::new(
                    ErrorKind::Integrity,
                    operation,
                    format!("the file fails its integrity check: {reason}"),
                )
                .with_context("file", &path)
                .with_help(
                    "restore it from version control; change SOPS files with `sops edit` only",
                )
            })
        })
        .await
    }
}

#[async_trait]
impl SecretStore for SopsStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        self.file(reference.path()).await.map(Leased::forever)
    }

    /// Decrypts each file once.
    async fn fetch_many(
        &self,
        references: &[SecretRef],
        _options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let mut opened: BTreeMap<String, Result<SecretPayload>> = BTreeMap::new();
        for reference in references {
            let path = reference.path();
            if let Entry::Vacant(free) = opened.entry(path) {
                let answer = self.file(free.key().clone()).await;
                free.insert(answer);
            }
        }
        let answers = references.iter().map(|reference| {
            let answer = opened.get(&reference.path());
            answer.cloned().unwrap_or_else(|| {
                Err(StoreError::unsupported(
                    Operation::Open,
                    Scheme::Sops.name(),
                ))
            })
        });
        answers.map(|answer| answer.map(Leased::forever)).collect()
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let (root, path) = (self.root.clone(), reference.path());
        blocking(Operation::Metadata, move || {
            read(Operation::Metadata, &root, &path).map(|parsed| parsed.facts)
        })
        .await
    }
}
