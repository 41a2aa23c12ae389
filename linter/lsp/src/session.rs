//! What the server knows: the client's open documents, the trees they are in, the last findings.
//!
//! A tree is read once and kept parsed; of an edit, only the folders of open documents are checked
//! again. [`Session::refresh`] is called when the queue of messages is empty: ten keystrokes are
//! linted once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use lsp_types::notification::{Notification as _, PublishDiagnostics, ShowMessage};
use lsp_types::{
    Diagnostic, DidChangeTextDocumentParams, DidChangeWatchedFilesParams,
    DidCloseTextDocumentParams, DidOpenTextDocumentParams, MessageType, PublishDiagnosticsParams,
    ShowMessageParams, Uri,
};
use secretlint_core::facts::folder_of;
use secretlint_core::report::ReportedFinding;
use secretlint_core::{FileId, Report, Rule};
use secretlint_engine::project::{self, Project, Source, Sources};
use secretlint_engine::{Config, Extent, Linter, Live, RuleNames};

use crate::client::Client;
use crate::convert::{Lines, path_of, uri_of};
use crate::diagnostics::{Files, diagnostics, result_id};

/// Of larger trees, only the folders of open documents are kept: a file takes some 10 KB.
const MAX_FILES: usize = 20_000;

/// An open document.
#[derive(Debug)]
pub(crate) struct Document {
    /// As the client spells it.
    pub(crate) uri: Uri,
    pub(crate) text: String,
    version: i32,
    /// Changed since it was linted last.
    stale: bool,
    /// What was found last.
    pub(crate) findings: Vec<ReportedFinding>,
    /// The same for the client.
    diagnostics: Vec<Diagnostic>,
}

/// A message to the client: method and parameters.
type Outgoing = (&'static str, serde_json::Value);

/// All state of the server. Documents and trees are keyed by absolute path.
pub(crate) struct Session {
    pub(crate) client: Client,
    rules: Vec<&'static dyn Rule>,
    pub(crate) documents: BTreeMap<PathBuf, Document>,
    workspaces: BTreeMap<PathBuf, Workspace>,
    outgoing: Vec<Outgoing>,
    /// Diagnostics that the client did not ask for have changed.
    pub(crate) must_pull: bool,
}

/// A folder that is linted as one, with its settings.
struct Workspace {
    project: Project,
    live: Live,
    /// Files on disk may have changed that nobody told of.
    unread: bool,
    /// Something changed since the last run.
    stale: bool,
}

impl Session {
    pub(crate) fn new(client: Client, rules: &[&'static dyn Rule]) -> Self {
        Self {
            client,
            rules: rules.to_vec(),
            documents: BTreeMap::new(),
            workspaces: BTreeMap::new(),
            outgoing: Vec::new(),
            must_pull: false,
        }
    }

    pub(crate) fn open(&mut self, params: DidOpenTextDocumentParams) {
        let item = params.text_document;
        let Some(path) = path_of(&item.uri) else {
            return;
        };
        if let Some(workspace) = self.workspaces.get_mut(&self.client.root_of(&path)) {
            workspace.unread |= workspace.live.is_partial();
        }
        let document = Document {
            uri: item.uri,
            text: item.text,
            version: item.version,
            stale: true,
            findings: Vec::new(),
            diagnostics: Vec::new(),
        };
        self.documents.insert(path, document);
    }

    pub(crate) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let unit = self.client.unit;
        let path = path_of(&params.text_document.uri);
        let Some(document) = path.and_then(|path| self.documents.get_mut(&path)) else {
            return;
        };
        for change in params.content_changes {
            match change.range {
                None => document.text = change.text,
                Some(range) => {
                    let lines = Lines::new(&document.text, unit);
                    let start = lines.offset(range.start) as usize;
                    let end = (lines.offset(range.end) as usize).max(start);
                    document.text.replace_range(start..end, &change.text);
                }
            }
        }
        document.version = params.text_document.version;
        document.stale = true;
    }

    /// Forgets a document: its diagnostics go, and what is on disk counts again.
    pub(crate) fn close(&mut self, params: &DidCloseTextDocumentParams) {
        let Some(path) = path_of(&params.text_document.uri) else {
            return;
        };
        if let Some(document) = self.documents.remove(&path) {
            if !self.client.pulls {
                self.publish(document.uri, Vec::new(), None);
            }
            self.reread(&path);
        }
    }

    /// A document was written: its text is known, other files are known from the client's watcher,
    /// and where it has none they are looked at again.
    pub(crate) fn saved(&mut self) {
        if !self.client.watches_files {
            for workspace in self.workspaces.values_mut() {
                workspace.unread = true;
            }
        }
    }

    /// Files on disk have changed.
    pub(crate) fn files_changed(&mut self, params: &DidChangeWatchedFilesParams) {
        for change in &params.changes {
            let Some(path) = path_of(&change.uri) else {
                continue;
            };
            if path
                .extension()
                .is_some_and(|extension| extension == "toml")
            {
                return self.settings_changed();
            }
            if !self.documents.contains_key(&path) {
                self.reread(&path);
            }
        }
    }

    /// Settings may have changed: they are read again, and the tree is walked as they say.
    pub(crate) fn settings_changed(&mut self) {
        for root in self.workspaces.keys().cloned().collect::<Vec<_>>() {
            let project = self.load(&root);
            if let Some(workspace) = self.workspaces.get_mut(&root) {
                workspace.project = project;
                workspace.live.forget_evidence();
                workspace.unread = true;
            }
        }
    }

    fn reread(&mut self, path: &Path) {
        let root = self.client.root_of(path);
        if let Some(workspace) = self.workspaces.get_mut(&root) {
            let config = &workspace.project.config;
            workspace.live.reread(&display(&root, path), config);
            workspace.stale = true;
        }
    }

    /// Lints what is stale and returns what the client must be told.
    pub(crate) fn refresh(&mut self) -> Vec<Outgoing> {
        let roots: BTreeSet<PathBuf> = self
            .documents
            .keys()
            .map(|path| self.client.root_of(path))
            .collect();
        for root in roots {
            self.refresh_workspace(&root);
        }
        std::mem::take(&mut self.outgoing)
    }

    fn refresh_workspace(&mut self, root: &Path) {
        self.bring_up_to_date(root);
        if !self.workspaces[root].stale {
            return;
        }
        let shown: Vec<String> = self
            .documents_of(root)
            .map(|(path, _)| display(root, path))
            .collect();
        let report = self.lint(root, Some(&shown));
        self.take(root, report);
    }

    /// Gives the tree of a workspace what the client said since the last time.
    fn bring_up_to_date(&mut self, root: &Path) {
        if !self.workspaces.contains_key(root) {
            let project = self.load(root);
            let workspace = Workspace {
                project,
                live: Live::new(root),
                unread: true,
                stale: true,
            };
            self.workspaces.insert(root.to_owned(), workspace);
        }
        let Some(workspace) = self.workspaces.get_mut(root) else {
            return;
        };
        let mut folders = Vec::new();
        for (path, document) in &mut self.documents {
            if self.client.root_of(path) != root {
                continue;
            }
            let path = display(root, path);
            folders.push(folder_of(&path).to_owned());
            if document.stale || !workspace.live.is_buffer(&path) {
                workspace.live.set(&path, &document.text);
                workspace.stale = true;
            }
        }
        if workspace.unread {
            let extent = Extent {
                max_files: MAX_FILES,
                folders: &folders,
            };
            workspace.live.scan(&workspace.project.config, extent);
            workspace.unread = false;
            workspace.stale = true;
        }
    }

    fn lint(&mut self, root: &Path, only: Option<&[String]>) -> Report {
        let Some(workspace) = self.workspaces.get_mut(root) else {
            return Report::default();
        };
        let config = &workspace.project.config;
        let own = project::own_patterns(config);
        let own = own.as_ref().map(|own| own as &dyn Rule);
        let shipped = self.rules.iter().map(|&rule| rule as &dyn Rule);
        let rules: Vec<&dyn Rule> = shipped.chain(own).collect();
        workspace.live.lint(&Linter::new(&rules, config), only)
    }

    /// Keeps the findings of the open documents and tells the client what is new.
    fn take(&mut self, root: &Path, report: Report) {
        let mut by_path = by_path(report);
        let mut news = Vec::new();
        for (path, document) in self.documents_of(root) {
            let findings = by_path.remove(&display(root, path)).unwrap_or_default();
            let tree = Tree {
                session: self,
                root,
            };
            let shown = diagnostics(&findings, &document.text, self.client.unit, &tree);
            news.push((path.clone(), findings, shown));
        }
        for (path, findings, shown) in news {
            let Some(document) = self.documents.get_mut(&path) else {
                continue;
            };
            let is_new = document.diagnostics != shown;
            let was_stale = std::mem::take(&mut document.stale);
            document.findings = findings;
            document.diagnostics = shown;
            if self.client.pulls {
                self.must_pull |= is_new && !was_stale;
            } else if is_new || was_stale {
                let (uri, version) = (document.uri.clone(), document.version);
                let diagnostics = document.diagnostics.clone();
                self.publish(uri, diagnostics, Some(version));
            }
        }
        if let Some(workspace) = self.workspaces.get_mut(root) {
            workspace.stale = false;
        }
    }

    /// The diagnostics of one file with their identity, open or not.
    pub(crate) fn pull(&mut self, uri: &Uri) -> (String, Vec<Diagnostic>) {
        let Some(path) = path_of(uri) else {
            return (result_id(&[]), Vec::new());
        };
        if let Some(document) = self.documents.get(&path) {
            return (
                result_id(&document.diagnostics),
                document.diagnostics.clone(),
            );
        }
        let root = self.client.root_of(&path);
        self.bring_up_to_date(&root);
        let shown = display(&root, &path);
        let report = self.lint(&root, Some(std::slice::from_ref(&shown)));
        let found = self.shown(&root, report).remove(&shown).unwrap_or_default();
        (result_id(&found), found)
    }

    /// The diagnostics of every file of the client's folders that has some.
    pub(crate) fn pull_all(&mut self) -> Vec<(Uri, Option<i64>, Vec<Diagnostic>)> {
        let mut all = Vec::new();
        for root in self.client.roots.clone() {
            self.bring_up_to_date(&root);
            let report = self.lint(&root, None);
            for (path, diagnostics) in self.shown(&root, report) {
                let path = root.join(path);
                let version = self
                    .documents
                    .get(&path)
                    .map(|open| i64::from(open.version));
                if let Some(uri) = self.uri(&path) {
                    all.push((uri, version, diagnostics));
                }
            }
        }
        all
    }

    fn shown(&self, root: &Path, report: Report) -> BTreeMap<String, Vec<Diagnostic>> {
        let tree = Tree {
            session: self,
            root,
        };
        let of_file = |(path, findings): (String, Vec<ReportedFinding>)| {
            let text = tree.text(&path)?;
            let shown = diagnostics(&findings, text, self.client.unit, &tree);
            Some((path, shown))
        };
        by_path(report).into_iter().filter_map(of_file).collect()
    }

    fn documents_of(&self, root: &Path) -> impl Iterator<Item = (&PathBuf, &Document)> {
        self.documents
            .iter()
            .filter(move |(path, _)| self.client.root_of(path) == root)
    }

    pub(crate) fn uri(&self, path: &Path) -> Option<Uri> {
        match self.documents.get(path) {
            Some(document) => Some(document.uri.clone()),
            None => uri_of(path),
        }
    }

    /// Path and text of a file that a finding in `document` speaks of.
    pub(crate) fn file(&self, document: &Path, file: FileId) -> Option<(PathBuf, &str)> {
        let root = self.client.root_of(document);
        let live = &self.workspaces.get(&root)?.live;
        let path = live.path(file)?;
        Some((root.join(path), live.text(path)?))
    }

    fn publish(&mut self, uri: Uri, diagnostics: Vec<Diagnostic>, version: Option<i32>) {
        let params = PublishDiagnosticsParams::new(uri, diagnostics, version);
        self.tell(PublishDiagnostics::METHOD, &params);
    }

    fn tell(&mut self, method: &'static str, params: &impl serde::Serialize) {
        if let Ok(params) = serde_json::to_value(params) {
            self.outgoing.push((method, params));
        }
    }

    fn load(&mut self, root: &Path) -> Project {
        let today = jiff::Zoned::now().date();
        let sources = Sources {
            root,
            config: Source::Usual,
            policy: Source::Usual,
            baseline: Source::Usual,
            today,
        };
        let loaded = project::load(&sources, &RuleNames::new(&self.rules));
        loaded.unwrap_or_else(|error| {
            let message = ShowMessageParams {
                typ: MessageType::ERROR,
                message: format!("secretlint: {error}"),
            };
            self.tell(ShowMessage::METHOD, &message);
            Project {
                config: Config::new(today),
                config_path: None,
            }
        })
    }
}

/// The files of a workspace, as diagnostics see them.
struct Tree<'s> {
    session: &'s Session,
    root: &'s Path,
}

impl Files for Tree<'_> {
    fn text(&self, path: &str) -> Option<&str> {
        self.session.workspaces.get(self.root)?.live.text(path)
    }

    fn uri(&self, path: &str) -> Option<Uri> {
        self.session.uri(&self.root.join(path))
    }
}

fn by_path(report: Report) -> BTreeMap<String, Vec<ReportedFinding>> {
    let mut by_path: BTreeMap<String, Vec<ReportedFinding>> = BTreeMap::new();
    for finding in report.findings {
        let path = finding.location.path.clone();
        by_path.entry(path).or_default().push(finding);
    }
    by_path
}

/// A path as the engine shows it.
fn display(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.to_string_lossy().replace('\\', "/")
}
