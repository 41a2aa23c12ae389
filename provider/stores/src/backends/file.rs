//! `file://path`: files that the platform mounts, such as Docker and Kubernetes secrets.
//!
//! Read only. The value is the bytes of the file, a line break at its end included. Relative paths are seen
//! from the working directory (or the setting `root`) and must stay inside, also through links; absolute
//! paths are taken as they are. Only regular files of at most 1 MiB. The version is the time of the last
//! change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;

use super::{StoreContext, StoreKind, blocking};
use crate::blocks::{Setting, StoreBlock};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

const MAX_BYTES: u64 = 1024 * 1024;

pub(super) const KIND: StoreKind = StoreKind {
    scheme: Scheme::File,
    summary: "files mounted by the platform",
    tested: "this file system",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build,
};

static BLOCK: StoreBlock = StoreBlock {
    name: "file",
    summary: "Files that the platform mounts, under the name that references use: `file+NAME://…`.",
    schemes: &[Scheme::File],
    settings: &[Setting::text(
        "root",
        "Folder that relative paths are seen from. Default: the working directory.",
    )],
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::File)?;
    let directory = context.environment.directory();
    Ok(Arc::new(FileStore {
        root: context
            .setting("root")
            .map_or_else(|| directory.to_owned(), |root| directory.join(root)),
    }))
}

#[derive(Debug)]
struct FileStore {
    root: PathBuf,
}

/// The file that `path` means, with links followed; inside `root` unless it is absolute.
pub(super) fn locate(operation: Operation, root: &Path, path: &str) -> Result<PathBuf> {
    let fail = |path: &Path, error: io::Error| {
        let error = files::io_error(operation, "read the file", path, error);
        match error.kind() {
            ErrorKind::NotFound => error.with_help("relative paths are seen from the working directory, absolute ones start with `file:///`"),
            _ => error,
        }
    };
    let wanted = root.join(path);
    let real = fs::canonicalize(&wanted).map_err(|error| fail(&wanted, error))?;
    let inside = fs::canonicalize(root).map_err(|error| fail(root, error))?;
    if Path::new(path).is_absolute() || real.starts_with(&inside) {
        return Ok(real);
    }
    Err(StoreError::new(
        ErrorKind::InvalidReference,
        operation,
        "the path leads out of the folder that relative paths are seen from",
    )
    .with_context("file", real.display())
    .with_context("root", inside.display())
    .with_help("write the absolute path, `file:///…`, if this file is meant"))
}

/// Facts about the file; its version is the time of the last change.
pub(super) fn facts(operation: Operation, path: &Path) -> Result<Metadata> {
    let fail = |error| files::io_error(operation, "read the file", path, error);
    let facts = fs::metadata(path).map_err(fail)?;
    let time = |time: io::Result<std::time::SystemTime>| {
        time.ok().and_then(|time| Timestamp::try_from(time).ok())
    };
    let updated = time(facts.modified());
    Ok(Metadata {
        version: updated.map(|time| time.to_string()),
        number: updated.and_then(|time| u64::try_from(time.as_second()).ok()),
        created: time(facts.created()),
        updated,
        ..Metadata::default()
    })
}

#[async_trait]
impl SecretStore for FileStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let (root, path) = (self.root.clone(), reference.path());
        blocking(Operation::Open, move || {
            let file = locate(Operation::Open, &root, &path)?;
            // Facts first: a change in between makes the value newer than its version, never older.
            let metadata = facts(Operation::Open, &file)?;
            let bytes = files::read_limited(Operation::Open, &file, MAX_BYTES)?;
            let value = Secret::new(bytes.to_vec());
            Ok(Leased::forever(SecretPayload::opaque(value, metadata)))
        })
        .await
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let (root, path) = (self.root.clone(), reference.path());
        blocking(Operation::Metadata, move || {
            let file = locate(Operation::Metadata, &root, &path)?;
            facts(Operation::Metadata, &file)
        })
        .await
    }
}
