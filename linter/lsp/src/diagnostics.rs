//! Findings as the protocol's diagnostics. Nothing secret: messages are the report's.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location,
    NumberOrString, Uri,
};
use secretlint_core::Severity;
use secretlint_core::report::ReportedFinding;
use secretlint_engine::ColumnUnit;
use secretlint_engine::project::rule_page;

use crate::convert::Lines;

/// Where a file's text and name come from.
pub(crate) trait Files {
    /// The text of a file by display path.
    fn text(&self, path: &str) -> Option<&str>;
    /// How the client spells the file.
    fn uri(&self, path: &str) -> Option<Uri>;
}

/// The diagnostics of one file.
pub(crate) fn diagnostics(
    findings: &[ReportedFinding],
    text: &str,
    unit: ColumnUnit,
    files: &dyn Files,
) -> Vec<Diagnostic> {
    let lines = Lines::new(text, unit);
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
            related_information: Some(related(finding, unit, files)),
            ..Diagnostic::default()
        })
        .collect()
}

/// Identifies a list of diagnostics, so that a client is not sent what it has.
pub(crate) fn result_id(diagnostics: &[Diagnostic]) -> String {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(diagnostics)
        .unwrap_or_default()
        .hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn related(
    finding: &ReportedFinding,
    unit: ColumnUnit,
    files: &dyn Files,
) -> Vec<DiagnosticRelatedInformation> {
    let information = finding.related.iter().filter_map(|related| {
        let place = &related.location;
        let range = Lines::new(files.text(&place.path)?, unit).range(place.span);
        Some(DiagnosticRelatedInformation {
            location: Location::new(files.uri(&place.path)?, range),
            message: related.message.clone(),
        })
    });
    information.collect()
}

fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Note => DiagnosticSeverity::INFORMATION,
    }
}
