//! What the server knows: the client's open documents, the projects they are in, the last findings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lsp_types::notification::{Notification as _, PublishDiagnostics, ShowMessage};
use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity,
    DidChangeTextDocumentParams, DidCloseTextDocumentParams, DidOpenTextDocumentParams,
    InitializeParams, Location, MessageType, NumberOrString, PublishDiagnosticsParams,
    ShowMessageParams, Uri,
};
use secretlint_core::report::{Location as Place, ReportedFinding};
use secretlint_core::{Report, Rule, Severity};
use secretlint_engine::project::{self, Project, Source, Sources, rule_page};
use secretlint_engine::{ColumnUnit, Config, Input, RuleNames, TextInput, lint};

use crate::convert::{Lines, path_of, uri_of};

/// Trees with more files are linted whole on save only; while typing, the document's own module is.
const LIVE_FILES: usize = 1_000;

/// An open document.
#[derive(Debug)]
pub(crate) struct Document {
    /// As the client spells it.
    pub(crate) uri: Uri,
    pub(crate) text: String,
    version: i32,
    /// Changed since it was linted last.
    stale: bool,
    /// What was published last.
    pub(crate) findings: Vec<ReportedFinding>,
}

/// A message to the client: method and parameters.
type Outgoing = (&'static str, serde_json::Value);

/// All state of the server. Documents and projects are keyed by absolute path.
pub(crate) struct Session {
    pub(crate) unit: ColumnUnit,
    rules: Vec<&'static dyn Rule>,
    roots: Vec<PathBuf>,
    pub(crate) documents: BTreeMap<PathBuf, Document>,
    workspaces: BTreeMap<PathBuf, Workspace>,
    outgoing: Vec<Outgoing>,
}

/// A folder that is linted as one, with its settings.
struct Workspace {
    project: Project,
    /// Files of the last whole run; `None` before it.
    files: Option<usize>,
    /// Paths of the last run, for fixes.
    paths: Vec<String>,
    /// Files on disk may have changed.
    stale: bool,
}

impl Session {
    pub(crate) fn new(
        client: &InitializeParams,
        unit: ColumnUnit,
        rules: &[&'static dyn Rule],
    ) -> Self {
        Self {
            unit,
            rules: rules.to_vec(),
            roots: roots(client),
            documents: BTreeMap::new(),
            workspaces: BTreeMap::new(),
            outgoing: Vec::new(),
        }
    }

    pub(crate) fn open(&mut self, params: DidOpenTextDocumentParams) {
        let item = params.text_document;
        let Some(path) = path_of(&item.uri) else {
            return;
        };
        let document = Document {
            uri: item.uri,
            text: item.text,
            version: item.version,
            stale: true,
            findings: Vec::new(),
        };
        self.documents.insert(path, document);
    }

    pub(crate) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let unit = self.unit;
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
        let closed =
            path_of(&params.text_document.uri).and_then(|path| self.documents.remove(&path));
        if let Some(document) = closed {
            self.publish(document.uri, Vec::new(), None);
            self.disk_changed();
        }
    }

    /// Files on disk may have changed: everything is looked at again.
    pub(crate) fn disk_changed(&mut self) {
        for workspace in self.workspaces.values_mut() {
            workspace.stale = true;
        }
    }

    /// Settings may have changed: they are read again.
    pub(crate) fn settings_changed(&mut self) {
        self.workspaces.clear();
    }

    /// Lints what is stale and returns what the client must be told.
    pub(crate) fn refresh(&mut self) -> Vec<Outgoing> {
        let roots: std::collections::BTreeSet<PathBuf> = self
            .documents
            .keys()
            .map(|path| self.root_of(path))
            .collect();
        for root in roots {
            self.refresh_workspace(&root);
        }
        std::mem::take(&mut self.outgoing)
    }

    fn refresh_workspace(&mut self, root: &Path) {
        if !self.workspaces.contains_key(root) {
            let workspace = self.load(root);
            self.workspaces.insert(root.to_owned(), workspace);
        }
        let mine: Vec<PathBuf> = self
            .documents
            .keys()
            .filter(|path| self.root_of(path) == root)
            .cloned()
            .collect();
        let stale: Vec<&PathBuf> = mine
            .iter()
            .filter(|path| self.documents[*path].stale)
            .collect();
        let workspace = &self.workspaces[root];
        if stale.is_empty() && !workspace.stale {
            return;
        }
        let whole = workspace.stale || workspace.files.is_none_or(|files| files <= LIVE_FILES);
        let paths = if whole {
            vec![root.to_owned()]
        } else {
            let folders = stale.iter().filter_map(|path| path.parent());
            folders.map(Path::to_owned).collect()
        };
        let shown: Vec<&PathBuf> = if whole { mine.iter().collect() } else { stale };
        let report = self.lint(root, &paths, &mine, &shown);
        self.take(root, &shown, report, whole);
    }

    fn lint(&self, root: &Path, paths: &[PathBuf], mine: &[PathBuf], shown: &[&PathBuf]) -> Report {
        let project = &self.workspaces[root].project;
        let own = project::own_patterns(&project.config);
        let own = own.as_ref().map(|own| own as &dyn Rule);
        let rules: Vec<&dyn Rule> = self
            .rules
            .iter()
            .map(|&rule| rule as &dyn Rule)
            .chain(own)
            .collect();
        let texts: Vec<_> = mine
            .iter()
            .map(|path| TextInput {
                path: display(root, path),
                text: self.documents[path].text.clone(),
            })
            .collect();
        let only: Vec<_> = shown.iter().map(|path| display(root, path)).collect();
        let input = Input {
            root,
            paths,
            texts: &texts,
            only: Some(&only),
        };
        lint(&input, &rules, &project.config)
    }

    /// Keeps a report and tells the client.
    fn take(&mut self, root: &Path, shown: &[&PathBuf], report: Report, whole: bool) {
        let mut by_path: BTreeMap<String, Vec<ReportedFinding>> = BTreeMap::new();
        for finding in report.findings {
            by_path
                .entry(finding.location.path.clone())
                .or_default()
                .push(finding);
        }
        for path in shown {
            let findings = by_path.remove(&display(root, path)).unwrap_or_default();
            let diagnostics = self.diagnostics(root, path, &findings);
            if let Some(document) = self.documents.get_mut(*path) {
                document.stale = false;
                document.findings = findings;
                let (uri, version) = (document.uri.clone(), document.version);
                self.publish(uri, diagnostics, Some(version));
            }
        }
        if let Some(workspace) = self.workspaces.get_mut(root) {
            workspace.paths = report.paths;
            if whole {
                workspace.files = Some(report.stats.files);
                workspace.stale = false;
            }
        }
    }

    fn diagnostics(
        &self,
        root: &Path,
        path: &Path,
        findings: &[ReportedFinding],
    ) -> Vec<Diagnostic> {
        let Some(document) = self.documents.get(path) else {
            return Vec::new();
        };
        let lines = Lines::new(&document.text, self.unit);
        findings
            .iter()
            .map(|finding| Diagnostic {
                range: lines.range(finding.location.span),
                severity: Some(severity(finding.severity)),
                code: Some(NumberOrString::String(finding.rule.to_string())),
                code_description: rule_page(&finding.rule)
                    .parse()
                    .ok()
                    .map(|href| CodeDescription { href }),
                source: Some("secretlint".to_owned()),
                message: format!("{}\n{}", finding.message, finding.help),
                related_information: Some(self.related(root, finding)),
                ..Diagnostic::default()
            })
            .collect()
    }

    fn related(&self, root: &Path, finding: &ReportedFinding) -> Vec<DiagnosticRelatedInformation> {
        let information = finding.related.iter().filter_map(|related| {
            Some(DiagnosticRelatedInformation {
                location: self.location(root, &related.location)?,
                message: related.message.clone(),
            })
        });
        information.collect()
    }

    /// A place in any file of the workspace. Columns need its text: the open one, else the file's.
    fn location(&self, root: &Path, place: &Place) -> Option<Location> {
        let path = root.join(&place.path);
        let range = match self.documents.get(&path) {
            Some(document) => Lines::new(&document.text, self.unit).range(place.span),
            None => Lines::new(&std::fs::read_to_string(&path).ok()?, self.unit).range(place.span),
        };
        Some(Location {
            uri: self.uri(&path)?,
            range,
        })
    }

    pub(crate) fn uri(&self, path: &Path) -> Option<Uri> {
        match self.documents.get(path) {
            Some(document) => Some(document.uri.clone()),
            None => uri_of(path),
        }
    }

    /// The absolute path of a file of the last run.
    pub(crate) fn file(&self, document: &Path, index: usize) -> Option<PathBuf> {
        let root = self.root_of(document);
        let path = self.workspaces.get(&root)?.paths.get(index)?;
        Some(root.join(path))
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

    fn load(&mut self, root: &Path) -> Workspace {
        let today = jiff::Zoned::now().date();
        let sources = Sources {
            root,
            config: Source::Usual,
            policy: Source::Usual,
            baseline: Source::Usual,
            today,
        };
        let loaded = project::load(&sources, &RuleNames::new(&self.rules));
        let project = loaded.unwrap_or_else(|error| {
            let message = ShowMessageParams {
                typ: MessageType::ERROR,
                message: format!("secretlint: {error}"),
            };
            self.tell(ShowMessage::METHOD, &message);
            Project {
                config: Config::new(today),
                config_path: None,
            }
        });
        Workspace {
            project,
            files: None,
            paths: Vec::new(),
            stale: true,
        }
    }

    /// The innermost workspace folder that holds a file, else the file's own folder.
    fn root_of(&self, path: &Path) -> PathBuf {
        let holding = self.roots.iter().filter(|root| path.starts_with(root));
        let innermost = holding.max_by_key(|root| root.components().count());
        innermost.map_or_else(|| path.parent().unwrap_or(path).to_owned(), Clone::clone)
    }
}

fn roots(client: &InitializeParams) -> Vec<PathBuf> {
    if let Some(folders) = &client.workspace_folders {
        return folders
            .iter()
            .filter_map(|folder| path_of(&folder.uri))
            .collect();
    }
    #[expect(
        deprecated,
        reason = "clients without workspace folders name their one root here"
    )]
    let root = client.root_uri.as_ref();
    root.and_then(path_of).into_iter().collect()
}

/// A path as the engine shows it.
fn display(root: &Path, path: &Path) -> String {
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.to_string_lossy().replace('\\', "/")
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    }
}
