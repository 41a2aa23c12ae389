//! The journal of leases: what a run opened and has not given back yet, so that somebody can end it when the run
//! was killed. Names only, never a value: lease ids and accessors open nothing.
//!
//! One file for each run and server, locked for as long as the run lives and removed when everything ended. The
//! operating system frees the lock of a process that was killed, which is how a left-over is told from a run
//! that is still going on.
//!
//! Read [`Journal`] first; [`record`] has the lines.

mod record;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rand::RngExt as _;

pub use record::{Held, Record, Server};

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;
use crate::identity::IdentityTokens;

/// Names the folder of journals.
const VARIABLE: &str = "SECRETREF_LEASES";
/// Largest journal that is read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The folder of journals.
#[derive(Clone, Debug)]
pub struct Journal(PathBuf);

/// The journal of a run that is going on.
#[derive(Debug)]
pub(crate) struct Running {
    path: PathBuf,
    // Its lock says that the run lives.
    file: Mutex<File>,
}

/// What a journal says about a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Names the run.
    pub id: String,
    /// Whether its process lives.
    pub running: bool,
    /// With which server.
    pub server: Server,
    /// When it began.
    pub started: Timestamp,
    /// What was not given back, as far as the journal knows.
    pub held: Vec<Held>,
    path: PathBuf,
}

impl Journal {
    /// The folder of this project, or of this user outside of projects. `None` when neither is known.
    #[must_use]
    pub fn locate(environment: &Environment) -> Option<Self> {
        let project = || {
            let mut folders = environment.directory().ancestors();
            folders.find_map(|folder| {
                let folder = folder.join(".secretref");
                folder.is_dir().then_some(folder)
            })
        };
        let folder = environment.path(VARIABLE).or_else(|| {
            project()
                .or_else(|| environment.config_directory())
                .map(|folder| folder.join("leases"))
        });
        folder.map(Self)
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Begins the journal of a run with `server`.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn begin(&self, server: Server) -> Result<Running> {
        let operation = Operation::Open;
        files::create_folder(operation, &self.0, true)?;
        self.ignore();
        let now = Timestamp::now();
        let name = format!(
            "{}-{}-{:04x}.jsonl",
            now.strftime("%Y%m%dT%H%M%SZ"),
            std::process::id(),
            rand::rng().random::<u16>()
        );
        let path = self.0.join(name);
        let file = files::open_private(&path)
            .map_err(|error| files::io_error(operation, "write the journal", &path, error))?;
        files::lock_file(operation, &file, &path, Duration::from_secs(1))?;
        let running = Running {
            path,
            file: Mutex::new(file),
        };
        running.add(&Record::Began {
            time: now,
            process: std::process::id(),
            server,
        })?;
        Ok(running)
    }

    /// Keeps journals out of version control; that they are noted is what matters.
    fn ignore(&self) {
        let path = self.0.join(".gitignore");
        let of_project = self
            .0
            .parent()
            .and_then(Path::file_name)
            .is_some_and(|name| name == ".secretref");
        if of_project && !path.exists() {
            let _ = fs::write(path, "*\n");
        }
    }

    /// Every run that has a journal, oldest first. What has certainly expired is not listed, and a journal of
    /// a dead run with nothing else in it is removed.
    ///
    /// # Errors
    /// Those of the file system; a file that is no journal is left out.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(|error| {
                files::io_error(Operation::Configure, "read the journals", &self.0, error)
            })?,
        };
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|end| end == "jsonl"));
        paths.sort();
        let now = Timestamp::now();
        let runs = paths.iter().filter_map(|path| Run::read(path, now));
        Ok(runs
            .filter(|run| {
                let over = run.held.is_empty() && !run.running;
                if over {
                    run.remove();
                }
                !over
            })
            .collect())
    }
}

/// Ends a token or lease that a run left behind, with the login of the environment.
///
/// # Errors
/// `config` when the environment names another server than the journal; `permission_denied`, saying which right is
/// missing; `unsupported` for a kind of store that this program does not have.
pub async fn end(
    environment: &Environment,
    identity: &Arc<IdentityTokens>,
    run: &Run,
    held: &Held,
) -> Result<()> {
    match run.server.store.as_str() {
        #[cfg(feature = "vault")]
        "vault" => crate::backends::end_vault_lease(environment, identity, run, held).await,
        other => Err(StoreError::new(
            ErrorKind::Unsupported,
            Operation::Revoke,
            format!("leases of the store `{other}` cannot be ended from here"),
        )),
    }
}

impl Running {
    /// Adds a line.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn add(&self, record: &Record) -> Result<()> {
        let mut line = serde_json::to_vec(record).unwrap_or_default();
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write, so that a line is whole or missing.
        file.write_all(&line).map_err(|error| {
            files::io_error(Operation::Open, "write the journal", &self.path, error)
        })
    }

    /// Everything ended: nothing is left to tell.
    pub(crate) fn finish(self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("the journal of the run could not be removed: {error}");
        }
    }
}

impl Run {
    fn read(path: &Path, now: Timestamp) -> Option<Self> {
        let text = files::read_limited(Operation::Configure, path, MAX_BYTES).ok()?;
        let id = path.file_stem()?.to_str()?.to_owned();
        let mut run: Option<Self> = None;
        // A line that was cut off by the kill is skipped.
        let lines = text.split(|byte| *byte == b'\n');
        for record in lines.filter_map(|line| serde_json::from_slice(line).ok()) {
            match (&mut run, record) {
                (None, Record::Began { time, server, .. }) => {
                    run = Some(Self {
                        id: id.clone(),
                        running: is_locked(path),
                        server,
                        started: time,
                        held: Vec::new(),
                        path: path.to_owned(),
                    });
                }
                (Some(run), record) => record.apply(&mut run.held),
                (None, _) => return None,
            }
        }
        let mut run = run?;
        record::end_with_tokens(&mut run.held);
        if !run.running {
            run.held.retain(|held| held.expires > now);
        }
        Some(run)
    }

    /// Removes the journal: everything in it ended.
    pub fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("a journal could not be removed: {error}");
        }
    }
}

/// Whether a process holds the lock.
fn is_locked(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)),
        Err(_) => false,
    }
}
