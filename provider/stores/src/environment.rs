//! What this crate takes from the process around it: the working directory and named variables.
//!
//! Read once at the edge and passed down, so that nothing below depends on the process it runs in and
//! every test states its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// The working directory and the environment variables as one value.
#[derive(Clone)]
pub struct Environment {
    directory: PathBuf,
    lookup: Arc<Lookup>,
}

impl Environment {
    /// The environment of this process; variables are looked up when asked for.
    ///
    /// # Errors
    /// When the working directory was removed or cannot be read.
    pub fn process() -> io::Result<Self> {
        Ok(Self {
            directory: std::env::current_dir()?,
            lookup: Arc::new(|name| std::env::var_os(name)),
        })
    }

    /// A given directory with given variables and no others.
    #[must_use]
    pub fn fixed<'a>(
        directory: impl Into<PathBuf>,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let variables: BTreeMap<String, OsString> = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        Self {
            directory: directory.into(),
            lookup: Arc::new(move |name| variables.get(name).cloned()),
        }
    }

    /// The same environment with these variables set to other values.
    #[must_use]
    pub fn with_variables(&self, variables: &[(&'static str, &str)]) -> Self {
        let inner = Arc::clone(&self.lookup);
        let variables: BTreeMap<&'static str, OsString> = variables
            .iter()
            .map(|(name, value)| (*name, OsString::from(*value)))
            .collect();
        Self {
            directory: self.directory.clone(),
            lookup: Arc::new(move |name| variables.get(name).cloned().or_else(|| inner(name))),
        }
    }

    /// The working directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The variable `name`; `None` when it is not set.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<OsString> {
        (self.lookup)(name)
    }

    /// The variable `name` as text; `None` when it is not set, empty or not Unicode.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<String> {
        let value = self.variable(name)?.into_string().ok()?;
        (!value.is_empty()).then_some(value)
    }

    /// The variable `name` as a path, relative paths seen from the working directory.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.variable(name)?;
        (!value.is_empty()).then(|| self.directory.join(value))
    }

    /// The folder for this user's own secretref files: `$XDG_CONFIG_HOME/secretref`, else
    /// `~/.config/secretref` (`%APPDATA%\secretref` on Windows). `None` when neither is known.
    #[must_use]
    pub fn config_directory(&self) -> Option<PathBuf> {
        let base = self
            .path("XDG_CONFIG_HOME")
            .or_else(|| self.path("APPDATA"))
            .or_else(|| self.path("HOME").map(|home| home.join(".config")))?;
        Some(base.join("secretref"))
    }
}

impl fmt::Debug for Environment {
    // Variables may hold secrets: they are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}
