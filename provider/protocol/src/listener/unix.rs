//! A Unix socket in a folder of its own that only this user may enter.
//!
//! The folder goes where the host asks (`PLUGIN_UNIX_SOCKET_DIR`), else into the temporary folder, else,
//! when that path is too long for a socket address or would break the handshake line, into `/tmp`. It is
//! removed with the [`Listener`].

use std::fs::{DirBuilder, Permissions};
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use crate::environment::Environment;
use crate::error::ServeError;
use crate::handshake::Address;

/// One connection.
pub(crate) type Socket = UnixStream;

/// Bytes of a socket path the system accepts, the closing NUL not counted.
const MAX_PATH_LEN: usize = if cfg!(target_os = "linux") { 107 } else { 103 };
const SHORT_DIR: &str = "/tmp";
const SOCKET_NAME: &str = "s";

/// A bound socket and the folder that holds it.
pub(crate) struct Listener {
    listener: UnixListener,
    address: Address,
    _dir: SocketDir,
}

impl Listener {
    /// True when only this user can reach the address.
    pub(crate) const PRIVATE: bool = true;

    #[expect(clippy::unused_async, reason = "same signature as the TCP listener")]
    pub(crate) async fn bind(env: &Environment) -> Result<Self, ServeError> {
        let group = env.socket_group.as_deref().map(group_id).transpose()?;
        let path = socket_path(env)?;
        let failed = |source| ServeError::Listen {
            path: path.clone(),
            source,
        };
        let dir = SocketDir::create(&path, group).map_err(failed)?;
        let listener = UnixListener::bind(&path).map_err(failed)?;
        if let Some(group) = group {
            share(&path, group, 0o660).map_err(failed)?;
        }
        Ok(Self {
            listener,
            address: Address::Unix(path.clone()),
            _dir: dir,
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<Socket> {
        self.listener.accept().await.map(|(socket, _)| socket)
    }
}

/// A folder that exists as long as this value.
struct SocketDir {
    path: PathBuf,
}

impl SocketDir {
    /// Makes the folder of `socket`; it must not exist yet, so nobody else can have prepared it.
    fn create(socket: &Path, group: Option<u32>) -> io::Result<Self> {
        let path = socket.parent().unwrap_or(socket).to_owned();
        DirBuilder::new().mode(0o700).create(&path)?;
        let dir = Self { path };
        if let Some(group) = group {
            share(&dir.path, group, 0o710)?;
        }
        Ok(dir)
    }
}

impl Drop for SocketDir {
    fn drop(&mut self) {
        // Nothing useful can be done about a failure at this point; the folder holds no secret.
        let _ = std::fs::remove_file(self.path.join(SOCKET_NAME));
        let _ = std::fs::remove_dir(&self.path);
    }
}

fn share(path: &Path, group: u32, mode: u32) -> io::Result<()> {
    chown(path, None, Some(group))?;
    std::fs::set_permissions(path, Permissions::from_mode(mode))
}

/// Picks the socket path: where the host asks, or a folder short enough.
fn socket_path(env: &Environment) -> Result<PathBuf, ServeError> {
    // Uniqueness is enough: nobody else may enter the folder, so its name need not be secret.
    let unique = RandomState::new().hash_one(std::process::id());
    let inside = |dir: &Path| {
        dir.join(format!("tfplugin-{unique:016x}"))
            .join(SOCKET_NAME)
    };
    match &env.socket_dir {
        Some(dir) => Some(inside(dir))
            .filter(|path| is_usable(path))
            .ok_or_else(|| unusable(dir)),
        None => Ok([&env.temp_dir, Path::new(SHORT_DIR)]
            .map(inside)
            .into_iter()
            .find(|path| is_usable(path))
            .unwrap_or_else(|| inside(Path::new(SHORT_DIR)))),
    }
}

/// True when `path` fits a socket address and the handshake line.
fn is_usable(path: &Path) -> bool {
    let bytes = path.as_os_str().as_bytes();
    path.is_absolute()
        && bytes.len() <= MAX_PATH_LEN
        && path
            .to_str()
            .is_some_and(|text| !text.contains(['|', '\n', '\r']))
}

fn unusable(dir: &Path) -> ServeError {
    ServeError::Environment {
        name: "PLUGIN_UNIX_SOCKET_DIR",
        reason: format!(
            "({}) cannot hold the socket: it must be an absolute path of at most {} bytes without '|'",
            dir.display(),
            MAX_PATH_LEN - "/tfplugin-0123456789abcdef/s".len(),
        ),
    }
}

/// Resolves a group name or number. Names are looked up in `/etc/group` alone.
fn group_id(group: &str) -> Result<u32, ServeError> {
    if let Ok(id) = group.parse() {
        return Ok(id);
    }
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    find_group(&groups, group).ok_or_else(|| ServeError::Environment {
        name: "PLUGIN_UNIX_SOCKET_GROUP",
        reason: format!(
            "names the group {group:?}, which /etc/group does not list; use its number"
        ),
    })
}

fn find_group(groups: &str, name: &str) -> Option<u32> {
    groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(name))
            .then(|| fields.nth(1)?.parse().ok())
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn env() -> Environment {
        Environment::from_vars("test", []).unwrap()
    }

    fn path_of(listener: &Listener) -> PathBuf {
        match listener.address() {
            Address::Unix(path) => path.clone(),
            Address::Tcp(_) => unreachable!("a Unix listener"),
        }
    }

    #[tokio::test]
    async fn the_socket_lives_in_a_private_folder_that_goes_with_it() {
        let temp = tempfile::tempdir().unwrap();
        let env = Environment {
            temp_dir: temp.path().into(),
            ..env()
        };
        let listener = Listener::bind(&env).await.unwrap();
        let path = path_of(&listener);
        let dir = path.parent().unwrap();
        assert_eq!(dir.parent(), Some(temp.path()));
        assert_eq!(dir.metadata().unwrap().mode() & 0o777, 0o700);
        drop(listener);
        assert!(!dir.exists());
    }

    #[tokio::test]
    async fn the_folder_and_group_the_host_asks_for_are_used() {
        let temp = tempfile::tempdir().unwrap();
        let gid = temp.path().metadata().unwrap().gid();
        let env = Environment {
            socket_dir: Some(temp.path().into()),
            socket_group: Some(gid.to_string()),
            ..env()
        };
        let listener = Listener::bind(&env).await.unwrap();
        let path = path_of(&listener);
        assert!(path.starts_with(temp.path()));
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o660);
        assert_eq!(path.metadata().unwrap().gid(), gid);
        assert_eq!(
            path.parent().unwrap().metadata().unwrap().mode() & 0o777,
            0o710
        );
    }

    #[test]
    fn long_or_odd_temporary_folders_give_way_to_a_short_one() {
        for dir in [
            format!("/{}", "x".repeat(90)),
            "/a|b".into(),
            "/a\nb".into(),
            "relative".into(),
        ] {
            let env = Environment {
                temp_dir: dir.into(),
                ..env()
            };
            assert!(socket_path(&env).unwrap().starts_with(SHORT_DIR));
        }
    }

    #[test]
    fn a_folder_of_the_host_that_cannot_work_is_an_error() {
        let env = Environment {
            socket_dir: Some(format!("/{}", "x".repeat(90)).into()),
            ..env()
        };
        let message = socket_path(&env).unwrap_err().to_string();
        assert!(message.contains("PLUGIN_UNIX_SOCKET_DIR"), "{message}");
    }

    #[test]
    fn groups_are_found_by_name_or_number() {
        let groups = "root:x:0:\nbad\nwheel:x:10:a,b\nodd:x:y:\n";
        assert_eq!(find_group(groups, "wheel"), Some(10));
        assert_eq!(find_group(groups, "odd"), None);
        assert_eq!(find_group(groups, "bad"), None);
        assert_eq!(group_id("42").unwrap(), 42);
        let message = group_id("no such group").unwrap_err().to_string();
        assert!(message.contains("PLUGIN_UNIX_SOCKET_GROUP"), "{message}");
    }
}
