//! All outcomes of one run, ready to be shown: sorted, judged, masked.
//!
//! Output formats and the language server read nothing else. Source text appears only as
//! [`Excerpt`]s whose secrets are already masked, so a format cannot leak one.

use std::borrow::Cow;

use crate::finding::{Confidence, Digest, FileId, RuleId, Severity};
use crate::fix::Fix;

/// All outcomes of one run.
#[derive(Debug, Default)]
pub struct Report {
    /// Sorted by path, span, rule.
    pub findings: Vec<ReportedFinding>,
    /// Findings silenced by comment, configuration or baseline, same order; formats that know
    /// suppressions (SARIF) show them, others only count them.
    pub suppressed: Vec<ReportedFinding>,
    /// Files that could not be read, with the reason; sorted by path.
    pub unreadable: Vec<Unreadable>,
    /// Counts for the summary.
    pub stats: Stats,
    /// Display paths by [`FileId`], for the places of fixes.
    pub paths: Vec<String>,
}

impl Report {
    /// Leaves only what is reported in these files (display paths).
    pub fn keep_only(&mut self, only: &[String]) {
        let wanted = |finding: &ReportedFinding| only.contains(&finding.location.path);
        self.findings.retain(wanted);
        self.suppressed.retain(wanted);
    }
}

/// Counts for the summary line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Files read and linted.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Modules (folders) seen.
    pub modules: usize,
    /// Commits searched; 0 when the history was not.
    pub commits: usize,
}

/// A file that was asked for and could not be linted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Display path, relative to where the run started, `/` separated.
    pub path: String,
    /// What went wrong and what to do.
    pub reason: String,
}

/// A finding with everything a format needs.
#[derive(Clone, Debug)]
pub struct ReportedFinding {
    /// The rule that reports.
    pub rule: RuleId,
    /// Final severity.
    pub severity: Severity,
    /// Likelihood.
    pub confidence: Confidence,
    /// The file, for fixes; see [`Report::paths`].
    pub file: FileId,
    /// The path as seen from the configuration file: the same wherever the run starts, and the
    /// one that fingerprints and baselines use.
    pub project_path: String,
    /// Where.
    pub location: Location,
    /// What is wrong, why, what to do.
    pub message: String,
    /// Why it matters.
    pub why: Cow<'static, str>,
    /// What to do.
    pub help: Cow<'static, str>,
    /// Terraform address or path of the thing.
    pub address: String,
    /// Stable identity across edits and moves: 32 lower-case hex digits.
    pub fingerprint: String,
    /// Keyed digest of the literal, when there is one.
    pub digest: Option<Digest>,
    /// Other places.
    pub related: Vec<RelatedLocation>,
    /// Possible repairs; their places name files by id, see [`Report::paths`].
    pub fixes: Vec<Fix>,
    /// Why it was silenced; `None` for active findings.
    pub suppression: Option<Suppression>,
    /// The oldest commit that has it, when the history was searched.
    pub commit: Option<Commit>,
}

/// A commit that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its object id, in hexadecimal digits.
    pub id: String,
    /// Name of the author.
    pub author: String,
    /// When it was committed, RFC 3339 in UTC.
    pub time: String,
}

/// A place as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Relative to where the run started, `/` separated.
    pub path: String,
    /// Byte range in the file.
    pub span: (u32, u32),
    /// First character, 1-based; columns count Unicode scalar values.
    pub start: LineColumn,
    /// One past the last character.
    pub end: LineColumn,
    /// Masked source lines around the place.
    pub excerpt: Excerpt,
}

/// 1-based line and column; columns count Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// 1-based line.
    pub line: u32,
    /// 1-based column.
    pub column: u32,
}

/// Whole source lines around a place; every secret byte is replaced by `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// 1-based number of the first line.
    pub first_line: u32,
    /// The masked text, lines joined by `\n`; long lines are cut with `…`.
    pub text: String,
    /// Byte range of the place within `text`.
    pub highlight: (usize, usize),
}

/// A further place with its explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelatedLocation {
    /// Where.
    pub location: Location,
    /// What is there.
    pub message: String,
}

/// Why a finding is silenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// `comment`, `config` or `baseline`.
    pub kind: &'static str,
    /// The reason somebody wrote down, if any.
    pub reason: Option<String>,
}
