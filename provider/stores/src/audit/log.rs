//! Appending to the log: one line for each access, linked to the line before, under a lock.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use secret_value::Secret;

use super::chain::{self, Entry, MAX_LINE_BYTES, Tip};
use super::event::{Access, AuditContext, Event, EventKind, Outcome};
use super::key::{Head, KeySource};
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::local::{IdentitySource, LocalOptions, STORE_FOLDER};

/// Accesses between two checkpoints.
const CHECKPOINT_EVERY: u64 = 64;

/// Enough for the last lines of most logs.
const USUAL_TAIL_BYTES: u64 = 4096;

/// When lines are flushed to the disk. Whichever is chosen, a crash of the process loses nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// At checkpoints: a power failure may lose the last lines. The default.
    #[default]
    Checkpoints,
    /// After every line, before the value is released.
    EachLine,
}

/// Where the log is and how strict to be.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// The file, JSON lines.
    pub path: PathBuf,
    /// The key for checkpoints.
    pub key: KeySource,
    /// Folder for what this machine remembers of logs; `None` remembers nothing.
    pub heads: Option<PathBuf>,
    /// Refuse the access when it cannot be recorded. Otherwise the failure is logged.
    pub fail_closed: bool,
    /// When lines are flushed to the disk.
    pub flush: Flush,
    /// Longest wait for another writer. Default 10 s.
    pub lock_timeout: Duration,
    /// The clock for the times of events.
    pub now: fn() -> Timestamp,
}

impl AuditOptions {
    /// A log at `path` with key and memory in `folder`, which should lie outside the project.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>, folder: &Path) -> Self {
        Self {
            key: KeySource::File(folder.join("audit.key")),
            heads: Some(folder.join("audit")),
            ..Self::without_key(path.into())
        }
    }

    /// The usual places. Log: `SECRETREF_AUDIT_LOG`, else `audit.jsonl` in the nearest `.secretref` folder,
    /// else in the user's configuration folder. Key: `SECRETREF_AUDIT_KEY` (64 hexadecimal digits), else
    /// `audit.key` beside the identity.
    ///
    /// # Errors
    /// `config` when no place for the log is known.
    pub fn locate(environment: &Environment) -> Result<Self> {
        let identity = LocalOptions::locate(environment, None)?;
        let folder = match &identity.identity {
            IdentitySource::File(file) => file.parent().map(Path::to_owned),
            _ => environment.config_directory(),
        };
        let path = locate_log(environment)
            .or_else(|| folder.as_ref().map(|folder| folder.join("audit.jsonl")))
            .ok_or_else(|| {
                StoreError::new(
                    ErrorKind::Config,
                    Operation::Configure,
                    "there is no place for the audit log",
                )
                .with_help("set SECRETREF_AUDIT_LOG to a file, or HOME")
            })?;
        let mut options = match &folder {
            Some(folder) => Self::at(path, folder),
            None => Self::without_key(path),
        };
        if let Some(key) = environment.text("SECRETREF_AUDIT_KEY") {
            options.key = KeySource::Inline(Secret::from_text(key));
        }
        Ok(options)
    }

    fn without_key(path: PathBuf) -> Self {
        Self {
            path,
            key: KeySource::None,
            heads: None,
            fail_closed: false,
            flush: Flush::default(),
            lock_timeout: Duration::from_secs(10),
            now: Timestamp::now,
        }
    }
}

fn locate_log(environment: &Environment) -> Option<PathBuf> {
    environment.path("SECRETREF_AUDIT_LOG").or_else(|| {
        let mut folders = environment
            .directory()
            .ancestors()
            .map(|folder| folder.join(STORE_FOLDER));
        folders
            .find(|folder| folder.is_dir())
            .map(|folder| folder.join("audit.jsonl"))
    })
}

/// The log of accesses, open for appending. Several processes may append to the same file.
#[derive(Debug)]
pub struct AuditLog {
    options: AuditOptions,
    context: AuditContext,
    key: Option<Secret>,
    head: Option<Head>,
    // Within the process threads queue here; between processes the file lock decides.
    queue: Mutex<()>,
}

impl AuditLog {
    /// Prepares the log; its file is made at the first event.
    ///
    /// # Errors
    /// Those of an existing key: `permission_denied` when others may read it, `config` when it is none.
    /// A key that cannot be made is an error only when failing closed.
    pub fn open(options: AuditOptions, context: AuditContext) -> Result<Self> {
        let head = options
            .heads
            .as_ref()
            .map(|folder| Head::of(folder, &options.path));
        let key = match options.key.load(true) {
            // A read-only home folder: the log is still chained, and `verify` says that no key is there.
            Err(error) if !options.fail_closed && !options.key.exists() => {
                tracing::warn!("the access log gets no checkpoints: {error}");
                None
            }
            other => other?,
        };
        Ok(Self {
            key,
            head,
            options,
            context,
            queue: Mutex::default(),
        })
    }

    /// Records one access and how it ended. Blocks on file input and output.
    ///
    /// # Errors
    /// `audit`, with the cause: the log cannot be opened, locked, read or written.
    pub fn record(
        &self,
        operation: Operation,
        access: Access,
        error: Option<&StoreError>,
    ) -> Result<()> {
        self.append(Event::of(operation, access, error))
            .map_err(|cause| self.unwritable(operation, cause))
    }

    /// Seals everything so far with the key and flushes it. Call it when the run ends. Does nothing
    /// without a key, on an empty log, and when the last line is a checkpoint already.
    ///
    /// # Errors
    /// `audit`, as for [`AuditLog::record`].
    pub fn checkpoint(&self) -> Result<()> {
        let seal = || {
            if self.key.is_none() || !self.options.path.exists() {
                return Ok(());
            }
            let mut writer = self.writer()?;
            match writer.last {
                None | Some(EventKind::Checkpoint) => Ok(()),
                Some(_) => {
                    self.add_checkpoint(&mut writer)?;
                    self.finish(writer, true)
                }
            }
        };
        seal().map_err(|cause| self.unwritable(Operation::Configure, cause))
    }

    /// Checks that an event could be written, before something is done that cannot be undone.
    ///
    /// # Errors
    /// `audit`, as for [`AuditLog::record`].
    pub fn ready(&self, operation: Operation) -> Result<()> {
        self.writer()
            .map(drop)
            .map_err(|cause| self.unwritable(operation, cause))
    }

    /// True when an access that cannot be recorded must fail.
    #[must_use]
    pub fn fail_closed(&self) -> bool {
        self.options.fail_closed
    }

    /// The file of the log.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.options.path
    }

    fn append(&self, event: Event) -> Result<()> {
        let mut writer = self.writer()?;
        let event = event.in_context(&self.context, (self.options.now)());
        writer.add(&event, None)?;
        let due = writer.tip.seq.is_multiple_of(CHECKPOINT_EVERY);
        if due && self.key.is_some() {
            self.add_checkpoint(&mut writer)?;
        }
        self.finish(writer, due || self.options.flush == Flush::EachLine)
    }

    fn add_checkpoint(&self, writer: &mut Writer<'_>) -> Result<()> {
        let event = Event::bare(EventKind::Checkpoint, Outcome::Ok)
            .in_context(&AuditContext::default(), (self.options.now)());
        writer.add(&event, self.key.as_ref())
    }

    /// Locks the log and finds out where it stands. Changes nothing.
    fn writer(&self) -> Result<Writer<'_>> {
        let queue = self
            .queue
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let path = &self.options.path;
        if let Some(folder) = path.parent() {
            files::create_folder(Operation::Configure, folder, false)?;
        }
        let fail = |error| files::io_error(Operation::Configure, "open the audit log", path, error);
        let mut file = files::open_private(path).map_err(fail)?;
        files::lock_file(Operation::Configure, &file, path, self.options.lock_timeout)?;
        let tail = Tail::read(&mut file).map_err(fail)?;
        let head = self.head.as_ref().map(Head::load).transpose()?.flatten();
        let mut writer = Writer {
            _queue: queue,
            file,
            cut_to: None,
            lines: String::new(),
            tip: tail.resume(head),
            last: tail.entries().next().map(|entry| entry.event.event),
        };
        if tail.is_torn() {
            writer.cut_to = Some(tail.start + tail.whole as u64);
            let event = Event::bare(EventKind::Recovered, Outcome::Ok)
                .in_context(&AuditContext::default(), (self.options.now)());
            writer.add(&event, None)?;
        }
        Ok(writer)
    }

    fn finish(&self, mut writer: Writer<'_>, flush: bool) -> Result<()> {
        writer.write(flush).map_err(|error| {
            files::io_error(
                Operation::Configure,
                "write the audit log",
                &self.options.path,
                error,
            )
        })?;
        let remembered = self
            .head
            .as_ref()
            .map_or(Ok(()), |head| head.save(&self.options.path, &writer.tip));
        match remembered {
            Err(error) if !self.options.fail_closed => {
                // The line is written; only a cut at the end may go unnoticed.
                tracing::warn!("the end of the access log is not remembered: {error}");
                Ok(())
            }
            other => other,
        }
    }

    fn unwritable(&self, operation: Operation, cause: StoreError) -> StoreError {
        StoreError::new(
            ErrorKind::Audit,
            operation,
            "the access cannot be recorded in the audit log",
        )
        .with_context("file", self.options.path.display())
        .with_help(format!("make the log writable; the cause is: {cause}"))
        .with_source(cause)
    }
}

/// The locked log and the lines to add; they are written in one call.
struct Writer<'a> {
    file: File,
    /// Where the whole lines end, when a torn one follows.
    cut_to: Option<u64>,
    lines: String,
    tip: Tip,
    last: Option<EventKind>,
    // Dropped after the file: the next thread must find its lock free.
    _queue: MutexGuard<'a, ()>,
}

impl Writer<'_> {
    fn add(&mut self, event: &Event, key: Option<&Secret>) -> Result<()> {
        let (line, tip) = chain::link(&self.tip, event, key).map_err(|error| {
            StoreError::new(
                ErrorKind::Io,
                Operation::Configure,
                "cannot write the event",
            )
            .with_source(error)
        })?;
        self.lines.push_str(&line);
        self.lines.push('\n');
        self.tip = tip;
        self.last = Some(event.event);
        Ok(())
    }

    fn write(&mut self, flush: bool) -> io::Result<()> {
        if let Some(length) = self.cut_to {
            self.file.set_len(length)?;
        }
        self.file.write_all(self.lines.as_bytes())?;
        if flush { self.file.sync_data() } else { Ok(()) }
    }
}

/// The end of a log.
struct Tail {
    /// Where `bytes` start in the file.
    start: u64,
    bytes: Vec<u8>,
    /// Bytes up to and including the last line break.
    whole: usize,
}

impl Tail {
    fn read(file: &mut File) -> io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        let tail = Self::read_from(file, length.saturating_sub(USUAL_TAIL_BYTES))?;
        if tail.start == 0 || tail.entries().next().is_some() {
            return Ok(tail);
        }
        // Two lines of the largest size: a torn one and the whole one before.
        Self::read_from(file, length.saturating_sub(2 * MAX_LINE_BYTES as u64))
    }

    fn read_from(file: &mut File, start: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let newest_break = bytes.iter().rposition(|byte| *byte == b'\n');
        Ok(Self {
            start,
            whole: newest_break.map_or(0, |place| place + 1),
            bytes,
        })
    }

    /// The lines that can be read, newest first: a damaged one is for `verify` to report.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        let lines = self.bytes[..self.whole].rsplit(|byte| *byte == b'\n');
        lines.filter_map(|line| chain::parse(std::str::from_utf8(line).ok()?))
    }

    /// True when a crash cut off the last line.
    fn is_torn(&self) -> bool {
        self.whole < self.bytes.len()
    }

    /// Where the next line is linked to: the last line, or what this machine remembers when the log lost
    /// or changed that. The break then stays visible for good.
    fn resume(&self, head: Option<Tip>) -> Tip {
        let mut entries = self.entries().peekable();
        let tip = entries.peek().map_or_else(Tip::genesis, Tip::of);
        let Some(head) = head else {
            return tip;
        };
        let known = entries.find(|entry| entry.seq <= head.seq);
        let fits = known.is_none_or(|entry| entry.seq != head.seq || entry.hash == head.hash);
        if tip.seq < head.seq || !fits {
            head
        } else {
            tip
        }
    }
}
