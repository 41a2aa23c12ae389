//! Files that must not be half written, half locked or readable by others.
//!
//! Used by the local store, its keys and the audit log. Reads are bounded; replacements are atomic
//! (temporary file in the same folder, flushed, renamed, folder flushed); locks wait with a limit.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};

/// How often a waiting process looks at a lock again.
const LOCK_POLL: Duration = Duration::from_millis(10);

/// Turns an input or output error into ours, naming the file.
pub(crate) fn io_error(
    operation: Operation,
    doing: &str,
    path: &Path,
    error: io::Error,
) -> StoreError {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        _ => ErrorKind::Io,
    };
    StoreError::new(kind, operation, format!("cannot {doing}: {error}"))
        .with_context("file", path.display())
        .with_source(error)
}

/// Reads a regular file of at most `limit` bytes into memory that is zeroed on drop.
pub(crate) fn read_limited(
    operation: Operation,
    path: &Path,
    limit: u64,
) -> Result<Zeroizing<Vec<u8>>> {
    let fail = |error| io_error(operation, "read the file", path, error);
    // Looked at before opening: opening a named pipe would wait for its writer.
    let facts = fs::metadata(path).map_err(fail)?;
    if !facts.is_file() {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "this is not a regular file",
        )
        .with_context("file", path.display()));
    }
    if facts.len() > limit {
        return Err(too_large(operation, path, limit));
    }
    let file = File::open(path).map_err(fail)?;
    // One byte more than announced, so that a growing file is noticed without growing the buffer.
    let room = usize::try_from(facts.len())
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(facts.len().saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(fail)?;
    if bytes.len() as u64 > facts.len() {
        return Err(StoreError::new(
            ErrorKind::Unavailable,
            operation,
            "the file grew while it was read",
        )
        .with_context("file", path.display())
        .with_retry(Retry::Later));
    }
    Ok(bytes)
}

fn too_large(operation: Operation, path: &Path, limit: u64) -> StoreError {
    StoreError::new(
        ErrorKind::TooLarge,
        operation,
        format!("the file is larger than the limit of {limit} bytes"),
    )
    .with_context("file", path.display())
}

/// Replaces `path` by `bytes`: afterwards the file holds the old or the new content, never a part, also
/// after a power failure. The file is readable and writable by its owner alone.
pub(crate) fn replace(operation: Operation, path: &Path, bytes: &[u8]) -> Result<()> {
    try_replace(path, bytes).map_err(|error| io_error(operation, "write the file", path, error))
}

fn try_replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A link is followed, so that it stays a link.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().unwrap_or(Path::new("."));
    // On Unix `tempfile` creates with mode 0600.
    let mut file = tempfile::Builder::new()
        .prefix(&temporary_prefix(&target))
        .suffix(".tmp")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(&target).map_err(|error| error.error)?;
    sync_folder(folder)
}

/// Writes a small file in place, in one call and without waiting for the disk: for notes that are written
/// often, never become shorter, and may be lost in a power failure.
pub(crate) fn note(operation: Operation, path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false);
        private_mode(&mut options);
        let mut file = options.open(path)?;
        file.write_all(bytes)?;
        file.set_len(bytes.len() as u64)
    };
    write().map_err(|error| io_error(operation, "write the file", path, error))
}

/// Removes what interrupted replacements of `path` left behind. Call it under the lock of `path`.
pub(crate) fn sweep_temporaries(path: &Path) {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let prefix = temporary_prefix(&target);
    let Some(Ok(entries)) = target.parent().map(fs::read_dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(&prefix) && name.ends_with(".tmp") {
            // A leftover holds ciphertext only; failing to remove it is no reason to fail the write.
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn temporary_prefix(target: &Path) -> String {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.")
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[expect(
    clippy::unnecessary_wraps,
    reason = "the same signature on every platform"
)]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Creates a folder and its parents; new ones are private to the user when `private`.
pub(crate) fn create_folder(operation: Operation, folder: &Path, private: bool) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    }
    #[cfg(not(unix))]
    let _ = private;
    builder
        .create(folder)
        .map_err(|error| io_error(operation, "create the folder", folder, error))
}

/// Refuses a file that anybody but its owner may read or write.
#[cfg(unix)]
pub(crate) fn require_private(operation: Operation, path: &Path, what: &str) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let facts =
        fs::metadata(path).map_err(|error| io_error(operation, "read the file", path, error))?;
    let mode = facts.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(StoreError::new(
        ErrorKind::PermissionDenied,
        operation,
        format!(
            "{what} is open to other users of this machine (mode {mode:04o}), so it is not used"
        ),
    )
    .with_context("file", path.display())
    .with_help(format!(
        "run `chmod 600 {}`; if others could read it, make a new key with `store rotate-key`",
        path.display()
    )))
}

/// Access rights of other platforms are inherited from the user's folder and not checked.
#[cfg(not(unix))]
pub(crate) fn require_private(_operation: Operation, _path: &Path, _what: &str) -> Result<()> {
    Ok(())
}

/// An exclusive lock between processes, held until dropped. The operating system frees it when the
/// process dies.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks the file `path` (created when missing), waiting at most `limit`.
    pub(crate) fn acquire(operation: Operation, path: &Path, limit: Duration) -> Result<Self> {
        let file = open_private(path)
            .map_err(|error| io_error(operation, "open the lock file", path, error))?;
        lock_file(operation, &file, path, limit)?;
        Ok(Self { _file: file })
    }
}

/// Opens for reading and appending, creating the file for its owner alone.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    private_mode(&mut options);
    options.open(path)
}

/// New files are for their owner alone.
#[cfg_attr(
    not(unix),
    expect(unused_variables, reason = "other platforms inherit access rights")
)]
fn private_mode(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

/// Locks an open file, waiting at most `limit`; `path` is for the message.
pub(crate) fn lock_file(
    operation: Operation,
    file: &File,
    path: &Path,
    limit: Duration,
) -> Result<()> {
    let end = Instant::now() + limit;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => {
                return Err(io_error(operation, "lock the file", path, error));
            }
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(LOCK_POLL),
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::new(
                    ErrorKind::Locked,
                    operation,
                    format!("another process has held the lock for {} s", limit.as_secs_f32()),
                )
                .with_context("file", path.display())
                .with_retry(Retry::Later)
                .with_help("wait for the other process, or end it; a lock ends with the process that holds it"));
            }
        }
    }
}

/// The path with `suffix` added to its file name.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_private_and_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        replace(Operation::Write, &path, b"one").unwrap();
        replace(Operation::Write, &path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        require_private(Operation::Open, &path, "the file").unwrap();
    }

    #[test]
    fn a_lock_that_is_held_is_waited_for_and_then_reported() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = Lock::acquire(Operation::Write, &path, Duration::ZERO).unwrap();
        let error = Lock::acquire(Operation::Write, &path, Duration::from_millis(30)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Locked);
        drop(held);
        Lock::acquire(Operation::Write, &path, Duration::ZERO).unwrap();
    }

    #[test]
    fn reads_are_bounded_and_of_regular_files_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"four").unwrap();
        assert_eq!(
            read_limited(Operation::Open, &path, 4).unwrap().as_slice(),
            b"four"
        );
        let error = read_limited(Operation::Open, &path, 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        let error = read_limited(Operation::Open, folder.path(), 3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidReference);
    }

    #[test]
    fn leftovers_of_interrupted_replacements_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.age");
        fs::write(folder.path().join(".store.age.Xy12.tmp"), b"half").unwrap();
        fs::write(folder.path().join(".other.age.Xy12.tmp"), b"half").unwrap();
        sweep_temporaries(&path);
        assert!(!folder.path().join(".store.age.Xy12.tmp").exists());
        assert!(folder.path().join(".other.age.Xy12.tmp").exists());
    }
}
