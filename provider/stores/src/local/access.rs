//! The store file as a whole: lock, read, decrypt, compare with what is remembered; encrypt, replace.

use std::fs;
use std::path::Path;

use super::document::Document;
use super::index::Index;
use super::record::Record;
use super::{LocalOptions, LocalStore, MAX_STORE_BYTES, STORE_FOLDER, sealed};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;

impl LocalStore {
    /// Reads, changes and replaces the store under the lock. An error of `change` leaves it as it was.
    pub(super) fn update<T>(
        &self,
        operation: Operation,
        change: impl FnOnce(&mut Document) -> Result<T>,
    ) -> Result<T> {
        let _lock = lock(operation, &self.options)?;
        files::sweep_temporaries(&self.options.store);
        files::sweep_temporaries(&Index::path_for(&self.options.store));
        let mut document = self.load(operation)?;
        let result = change(&mut document)?;
        self.commit(operation, &mut document)?;
        Ok(result)
    }

    /// Writes a changed document. Call it under the lock.
    pub(super) fn commit(&self, operation: Operation, document: &mut Document) -> Result<()> {
        document.generation = document.generation.saturating_add(1);
        self.save(operation, document)?;
        if let Some(record) = self.record(operation)? {
            self.remember(operation, &record, document);
        }
        Ok(())
    }

    /// Reads the store and compares it with what this machine remembers.
    pub(super) fn load(&self, operation: Operation) -> Result<Document> {
        let record = self.record(operation)?;
        let document = self.decrypt(operation)?;
        if let Some(record) = record {
            record.check(
                operation,
                &document,
                &self.options.store,
                self.options.rollback,
            )?;
            self.remember(operation, &record, &document);
        }
        Ok(document)
    }

    fn record(&self, operation: Operation) -> Result<Option<Record>> {
        let load =
            |folder: &std::path::PathBuf| Record::load(operation, folder, &self.options.store);
        self.options.records.as_ref().map(load).transpose()
    }

    /// Reads the store without that comparison.
    pub(super) fn decrypt(&self, operation: Operation) -> Result<Document> {
        require_store(operation, &self.options)?;
        let path = &self.options.store;
        let sealed = files::read_limited(operation, path, MAX_STORE_BYTES)?;
        let plaintext = sealed::open(operation, &self.identities, &sealed, path)
            .map_err(|error| self.explain(operation, error))?;
        Document::parse(operation, &plaintext)
            .map_err(|error| error.with_context("file", path.display()))
    }

    /// Tells a store that was changed for this identity from one that was never meant for it, as far as the
    /// index knows, and who else could help.
    fn explain(&self, operation: Operation, error: StoreError) -> StoreError {
        if error.kind() != ErrorKind::PermissionDenied {
            return error;
        }
        let path = &self.options.store;
        let Ok(index) = Index::load_unchecked(operation, path) else {
            return error;
        };
        let own = self.identities.public_keys();
        if index
            .recipients
            .iter()
            .any(|recipient| own.contains(&recipient.key))
        {
            return sealed::damaged(
                operation,
                path,
                "its index names this identity as a recipient, but the identity does not open it",
            );
        }
        let others: Vec<_> = index.recipients.iter().map(ToString::to_string).collect();
        error.with_context("recipients", others.join(", "))
    }

    /// Encrypts and replaces the store, and its index.
    pub(super) fn save(&self, operation: Operation, document: &Document) -> Result<()> {
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

    /// Remembers the store as it is now, whatever was remembered before.
    pub(super) fn trust(&self, operation: Operation, document: &Document) -> Result<()> {
        match &self.options.records {
            Some(folder) => Record::forgotten(folder, &self.options.store).remember(
                operation,
                document,
                &self.options.store,
            ),
            None => Ok(()),
        }
    }

    /// Remembers a newer store. A read-only home folder must not make the store unusable.
    fn remember(&self, operation: Operation, record: &Record, document: &Document) {
        if let Err(error) = record.remember(operation, document, &self.options.store) {
            tracing::warn!("a rollback of the store will not be noticed: {error}");
        }
    }
}

/// Locks the store against other writers.
pub(super) fn lock(operation: Operation, options: &LocalOptions) -> Result<files::Lock> {
    let path = files::with_suffix(&options.store, ".lock");
    files::Lock::acquire(operation, &path, options.lock_timeout)
}

/// Fails when there is no store file.
pub(super) fn require_store(operation: Operation, options: &LocalOptions) -> Result<()> {
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

/// Keeps lock and temporary files out of version control.
pub(super) fn ignore_helpers(operation: Operation, folder: &Path) -> Result<()> {
    let path = folder.join(".gitignore");
    let ours = folder.file_name().is_some_and(|name| name == STORE_FOLDER);
    if !ours || path.exists() {
        return Ok(());
    }
    fs::write(&path, "*.lock\n*.tmp\naudit.jsonl\nleases/\n")
        .map_err(|error| files::io_error(operation, "write the file", &path, error))
}
