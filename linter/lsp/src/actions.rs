//! Answers about the findings of a document: quick fixes and hovers.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use lsp_types::{
    CodeAction, CodeActionKind, CodeActionOrCommand, CodeActionParams, Hover, HoverContents,
    HoverParams, MarkupContent, MarkupKind, TextEdit, Uri, WorkspaceEdit,
};
use secretlint_core::fix::{self, Applicability, Fix};
use secretlint_core::report::ReportedFinding;
use secretlint_core::{Edit, FileId};
use secretlint_engine::project::rule_page;

use crate::convert::{Lines, path_of};
use crate::session::{Document, Session};

/// Fixes of the findings in a range, then a comment that accepts each.
pub(crate) fn actions(session: &Session, params: &CodeActionParams) -> Vec<CodeActionOrCommand> {
    let Some((path, document)) = find(session, &params.text_document.uri) else {
        return Vec::new();
    };
    let lines = Lines::new(&document.text, session.client.unit);
    let (start, end) = (
        lines.offset(params.range.start),
        lines.offset(params.range.end),
    );
    let touched = |finding: &&ReportedFinding| {
        let span = finding.location.span;
        span.0 <= end && start <= span.1
    };
    let mut actions = Vec::new();
    for finding in document.findings.iter().filter(touched) {
        for fix in &finding.fixes {
            actions.extend(fix_action(session, path.as_path(), fix));
        }
        actions.push(allow_action(document, finding, &lines));
    }
    actions
        .into_iter()
        .map(CodeActionOrCommand::CodeAction)
        .collect()
}

/// What the rule says about the finding at a position.
pub(crate) fn hover(session: &Session, params: &HoverParams) -> Option<Hover> {
    let at = &params.text_document_position_params;
    let (_, document) = find(session, &at.text_document.uri)?;
    let lines = Lines::new(&document.text, session.client.unit);
    let offset = lines.offset(at.position);
    let here = |finding: &&ReportedFinding| {
        let span = finding.location.span;
        span.0 <= offset && offset <= span.1
    };
    let found: Vec<_> = document.findings.iter().filter(here).collect();
    let span = found.first()?.location.span;
    let texts: Vec<_> = found
        .iter()
        .map(|finding| {
            let rule = &finding.rule;
            format!(
                "**[{rule}]({})** {}\n\n{}\n\n{}",
                rule_page(rule),
                finding.message,
                finding.why,
                finding.help
            )
        })
        .collect();
    Some(Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: MarkupKind::Markdown,
            value: texts.join("\n\n---\n\n"),
        }),
        range: Some(lines.range(span)),
    })
}

fn find<'s>(session: &'s Session, uri: &Uri) -> Option<(std::path::PathBuf, &'s Document)> {
    let path = path_of(uri)?;
    let document = session.documents.get(&path)?;
    Some((path, document))
}

/// A fix as an edit of the workspace; all of its edits or nothing.
#[expect(
    clippy::mutable_key_type,
    reason = "the protocol's type has a URI as its key; its hash does not change"
)]
fn fix_action(session: &Session, document: &Path, fix: &Fix) -> Option<CodeAction> {
    if fix.applicability == Applicability::DisplayOnly {
        return None;
    }
    let mut by_file: BTreeMap<u32, Vec<&Edit>> = BTreeMap::new();
    for edit in &fix.edits {
        by_file.entry(edit.place.file.0).or_default().push(edit);
    }
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for (file, edits) in by_file {
        let (path, text) = session.file(document, FileId(file))?;
        let lines = Lines::new(text, session.client.unit);
        // None of the edits where one does not fit; columns and line ends as on the command line.
        let made = fix::changes(text, &edits)?.into_iter().map(|change| {
            let range = lines.range((change.start as u32, change.end as u32));
            TextEdit::new(range, change.text)
        });
        changes.insert(session.uri(&path)?, made.collect());
    }
    let safe = fix.applicability == Applicability::Safe;
    Some(CodeAction {
        title: if safe {
            fix.title.clone()
        } else {
            format!("{} (changes behaviour)", fix.title)
        },
        kind: Some(CodeActionKind::QUICKFIX),
        is_preferred: Some(safe),
        edit: Some(WorkspaceEdit::new(changes)),
        ..CodeAction::default()
    })
}

/// A comment above the finding's line that accepts it.
fn allow_action(document: &Document, finding: &ReportedFinding, lines: &Lines<'_>) -> CodeAction {
    let text = &document.text;
    let start = text.floor_char_boundary(finding.location.span.0 as usize);
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = &text[line_start..];
    let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
    let comment = format!("{indent}# secretlint: allow {} reason=\"\"\n", finding.rule);
    let at = lines.position(line_start as u32);
    let edit = TextEdit::new(lsp_types::Range::new(at, at), comment);
    CodeAction {
        title: format!("Accept `{}` here, with a reason", finding.rule),
        kind: Some(CodeActionKind::QUICKFIX),
        edit: Some(WorkspaceEdit::new(HashMap::from([(
            document.uri.clone(),
            vec![edit],
        )]))),
        ..CodeAction::default()
    }
}
