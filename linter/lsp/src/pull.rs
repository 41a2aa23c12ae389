//! Diagnostics that the client asks for: of one document, or of its whole workspace.
//!
//! A client may ask for the workspace again as soon as it has an answer. When there is nothing new
//! the request is held until there is, see [`Held`].

use std::collections::HashMap;

use lsp_server::{ErrorCode, RequestId, Response};
use lsp_types::{
    DocumentDiagnosticParams, DocumentDiagnosticReport, FullDocumentDiagnosticReport,
    RelatedFullDocumentDiagnosticReport, RelatedUnchangedDocumentDiagnosticReport,
    UnchangedDocumentDiagnosticReport, Uri, WorkspaceDiagnosticParams, WorkspaceDiagnosticReport,
    WorkspaceDocumentDiagnosticReport, WorkspaceFullDocumentDiagnosticReport,
    WorkspaceUnchangedDocumentDiagnosticReport,
};

use crate::diagnostics::result_id;
use crate::session::Session;

/// The answer for one document.
pub(crate) fn document(
    session: &mut Session,
    params: &DocumentDiagnosticParams,
) -> DocumentDiagnosticReport {
    let (id, items) = session.pull(&params.text_document.uri);
    if params.previous_result_id.as_ref() == Some(&id) {
        return DocumentDiagnosticReport::Unchanged(RelatedUnchangedDocumentDiagnosticReport {
            related_documents: None,
            unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport {
                result_id: id,
            },
        });
    }
    DocumentDiagnosticReport::Full(RelatedFullDocumentDiagnosticReport {
        related_documents: None,
        full_document_diagnostic_report: FullDocumentDiagnosticReport {
            result_id: Some(id),
            items,
        },
    })
}

/// A request for the workspace that waits for news.
pub(crate) struct Held {
    id: RequestId,
    params: WorkspaceDiagnosticParams,
}

impl Held {
    pub(crate) fn new(id: RequestId, params: WorkspaceDiagnosticParams) -> Self {
        Self { id, params }
    }

    pub(crate) fn is(&self, id: &RequestId) -> bool {
        self.id == *id
    }

    /// The answer, when there is something the client does not have; a first request has one always.
    pub(crate) fn answer(&self, session: &mut Session) -> Option<Response> {
        let (items, is_new) = workspace(session, &self.params);
        let first = self.params.previous_result_ids.is_empty();
        (is_new || first).then(|| self.respond(items))
    }

    /// The answer for a client that does not want to wait any more.
    pub(crate) fn cancelled(self) -> Response {
        let code = ErrorCode::RequestCanceled as i32;
        Response::new_err(self.id, code, "cancelled".to_owned())
    }

    /// An answer without news.
    pub(crate) fn released(self) -> Response {
        self.respond(Vec::new())
    }

    fn respond(&self, items: Vec<WorkspaceDocumentDiagnosticReport>) -> Response {
        Response::new_ok(self.id.clone(), WorkspaceDiagnosticReport { items })
    }
}

/// One item a file, and whether one of them is not what the client has.
fn workspace(
    session: &mut Session,
    params: &WorkspaceDiagnosticParams,
) -> (Vec<WorkspaceDocumentDiagnosticReport>, bool) {
    let previous = params.previous_result_ids.iter();
    let mut previous: HashMap<&str, (&Uri, &str)> = previous
        .map(|known| (known.uri.as_str(), (&known.uri, known.value.as_str())))
        .collect();
    let mut items = Vec::new();
    let mut is_new = false;
    for (uri, version, found) in session.pull_all() {
        let id = result_id(&found);
        match previous.remove(uri.as_str()) {
            Some((_, known)) if known == id => items.push(unchanged(uri, version, id)),
            _ => {
                is_new = true;
                items.push(full(uri, version, id, found));
            }
        }
    }
    // What the client still shows is gone.
    let clean = result_id(&[]);
    let mut gone: Vec<_> = previous.into_values().collect();
    gone.sort_unstable_by_key(|(uri, _)| uri.as_str());
    for (uri, known) in gone {
        if known == clean {
            items.push(unchanged(uri.clone(), None, clean.clone()));
        } else {
            is_new = true;
            items.push(full(uri.clone(), None, clean.clone(), Vec::new()));
        }
    }
    (items, is_new)
}

fn full(
    uri: Uri,
    version: Option<i64>,
    id: String,
    items: Vec<lsp_types::Diagnostic>,
) -> WorkspaceDocumentDiagnosticReport {
    WorkspaceDocumentDiagnosticReport::Full(WorkspaceFullDocumentDiagnosticReport {
        uri,
        version,
        full_document_diagnostic_report: FullDocumentDiagnosticReport {
            result_id: Some(id),
            items,
        },
    })
}

fn unchanged(uri: Uri, version: Option<i64>, id: String) -> WorkspaceDocumentDiagnosticReport {
    WorkspaceDocumentDiagnosticReport::Unchanged(WorkspaceUnchangedDocumentDiagnosticReport {
        uri,
        version,
        unchanged_document_diagnostic_report: UnchangedDocumentDiagnosticReport { result_id: id },
    })
}
