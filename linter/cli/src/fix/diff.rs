//! What a fix would change, for people to read, without the secrets it takes out.

use std::fmt::Write as _;
use std::io::Write as _;

use secretlint_core::Report;
use similar::TextDiff;

use super::Texts;
use crate::error::CliError;

/// Shorter secrets are not searched for in the rest of a diff: they would hide ordinary text.
const MIN_MASKED: usize = 4;
const MASK: &str = "********";

/// The literals that findings are about.
#[derive(Default)]
pub(super) struct Secrets(Vec<String>);

impl Secrets {
    /// Keeps the text of every literal that a finding is about, so that no diff shows it.
    pub(super) fn remember(&mut self, report: &Report, texts: &Texts) {
        for finding in report.findings.iter().chain(&report.suppressed) {
            if finding.digest.is_none() {
                continue;
            }
            let (start, end) = finding.location.span;
            let text = texts.get(&finding.location.path);
            let text = text.and_then(|text| text.after.get(start as usize..end as usize));
            for line in text.into_iter().flat_map(str::lines) {
                // A finding may sit on a whole argument: what is quoted is the literal.
                let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
                let parts = if quoted.is_empty() {
                    vec![line.trim()]
                } else {
                    quoted
                };
                let long = parts.into_iter().filter(|part| part.len() >= MIN_MASKED);
                self.0.extend(long.map(str::to_owned));
            }
        }
        // Longest first: a secret inside another one must not break its masking.
        self.0
            .sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
    }

    /// A unified diff of all texts on standard output.
    pub(super) fn print_diff(&self, texts: &Texts) -> Result<(), CliError> {
        let mut all = String::new();
        for (path, text) in texts {
            let diff = TextDiff::from_lines(&text.before, &text.after);
            let mut unified = diff.unified_diff();
            let header = unified.header(path, path).to_string();
            let _ = write!(all, "{header}");
        }
        for secret in &self.0 {
            all = all.replace(secret, MASK);
        }
        Ok(std::io::stdout().lock().write_all(all.as_bytes())?)
    }
}
