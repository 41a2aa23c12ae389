//! Why a run did not happen: every reason ends with exit code 2.

use std::path::PathBuf;

/// Why a run did not happen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// Arguments that cannot be meant together, or mean nothing.
    #[error("{0}")]
    Usage(String),
    /// A configuration file cannot be read.
    #[error(transparent)]
    Project(#[from] secretlint_engine::project::ProjectError),
    /// The baseline is not one.
    #[error(transparent)]
    Baseline(#[from] secretlint_engine::BaselineError),
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Standard input or output failed.
    #[error("{0}")]
    Stream(#[from] std::io::Error),
    /// `git` is missing or refused, or a repository cannot be read.
    #[error("git: {0}")]
    Git(String),
    /// The language server ended badly.
    #[error("the language server ended: {0}")]
    Server(#[from] secretlint_lsp::ServerError),
}

impl CliError {
    /// True when the reader of standard output went away, which is no error.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Stream(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
