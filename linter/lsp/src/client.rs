//! What the client said about itself when it started the server.

use std::path::{Path, PathBuf};

use lsp_types::InitializeParams;
use secretlint_engine::ColumnUnit;
use serde_json::Value;

use crate::convert::{negotiate, path_of};

/// What the client is and can.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    /// How it counts columns.
    pub(crate) unit: ColumnUnit,
    /// Its folders.
    pub(crate) roots: Vec<PathBuf>,
    /// It asks for diagnostics; else they are sent to it.
    pub(crate) pulls: bool,
    /// It can be told to ask again.
    pub(crate) refreshes: bool,
    /// It tells when files on disk change.
    pub(crate) watches_files: bool,
}

impl Client {
    /// What `params` says; `raw` is the same as it was sent.
    pub(crate) fn new(params: &InitializeParams, raw: &Value) -> Self {
        let workspace = params.capabilities.workspace.as_ref();
        let document = params.capabilities.text_document.as_ref();
        Self {
            unit: negotiate(params),
            roots: roots(params),
            pulls: document.is_some_and(|document| document.diagnostic.is_some()),
            // The protocol's name for it is `diagnostics`; the library's type has another.
            refreshes: raw.pointer("/capabilities/workspace/diagnostics/refreshSupport")
                == Some(&Value::Bool(true)),
            watches_files: workspace
                .and_then(|workspace| workspace.did_change_watched_files)
                .and_then(|watching| watching.dynamic_registration)
                .unwrap_or(false),
        }
    }

    /// The innermost workspace folder that holds a file, else the file's own folder.
    pub(crate) fn root_of(&self, path: &Path) -> PathBuf {
        let holding = self.roots.iter().filter(|root| path.starts_with(root));
        let innermost = holding.max_by_key(|root| root.components().count());
        innermost.map_or_else(|| path.parent().unwrap_or(path).to_owned(), Clone::clone)
    }
}

fn roots(params: &InitializeParams) -> Vec<PathBuf> {
    if let Some(folders) = &params.workspace_folders {
        return folders
            .iter()
            .filter_map(|folder| path_of(&folder.uri))
            .collect();
    }
    #[expect(
        deprecated,
        reason = "clients without workspace folders name their one root here"
    )]
    let root = params.root_uri.as_ref();
    root.and_then(path_of).into_iter().collect()
}
