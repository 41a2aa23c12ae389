//! The baseline: findings that a project accepts for now, in a file that may be committed.
//!
//! Entries hold rule, path, address and the keyed digest of the value, never the value and never a
//! line number: a changed secret is reported again, a moved one is not.

use rustc_hash::FxHashMap;
use secretlint_core::report::ReportedFinding;
use secretlint_core::{Digest, DigestKey};
use serde::{Deserialize, Serialize};

/// The format this program writes.
const VERSION: u32 = 1;

/// Findings accepted for now.
#[derive(Clone, Debug)]
pub struct Baseline {
    key: DigestKey,
    key_text: String,
    entries: Vec<Entry>,
    by_fingerprint: FxHashMap<String, usize>,
    by_digest: FxHashMap<String, Vec<usize>>,
}

/// What is wrong with a baseline file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// No JSON, or not in the form of a baseline.
    #[error("the baseline cannot be read: {0}")]
    Form(#[from] serde_json::Error),
    /// Written by a later program.
    #[error("the baseline has version {0}, this program knows version {VERSION}")]
    Version(u32),
    /// Without a key, digests could be guessed.
    #[error("the baseline's key is too short")]
    Key,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    /// Random; keeps digests of different projects apart.
    key: String,
    findings: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    path: String,
    rule: String,
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    fingerprint: String,
}

impl Baseline {
    /// An empty baseline with a key: a random text of at least 16 characters.
    ///
    /// # Errors
    /// [`BaselineError::Key`] for shorter keys.
    pub fn new(key_text: String) -> Result<Self, BaselineError> {
        if key_text.len() < 16 {
            return Err(BaselineError::Key);
        }
        let key = DigestKey::of_text(&key_text);
        Ok(Self {
            key,
            key_text,
            entries: Vec::new(),
            by_fingerprint: FxHashMap::default(),
            by_digest: FxHashMap::default(),
        })
    }

    /// Reads a baseline file.
    ///
    /// # Errors
    /// When the text is not a baseline of this version.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let file: File = serde_json::from_str(text)?;
        if file.version != VERSION {
            return Err(BaselineError::Version(file.version));
        }
        let mut baseline = Self::new(file.key)?;
        baseline.set(file.findings);
        Ok(baseline)
    }

    /// The key of the digests inside.
    #[must_use]
    pub fn key(&self) -> &DigestKey {
        &self.key
    }

    /// Number of accepted findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when nothing is accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Accepts exactly these findings. They must come from a run with this baseline's key.
    pub fn accept<'f>(&mut self, findings: impl IntoIterator<Item = &'f ReportedFinding>) {
        let entry = |finding: &ReportedFinding| Entry {
            path: finding.project_path.clone(),
            rule: finding.rule.to_string(),
            address: finding.address.clone(),
            digest: finding.digest.map(hex),
            fingerprint: finding.fingerprint.clone(),
        };
        self.set(findings.into_iter().map(entry).collect());
    }

    /// Keeps only entries that still match one of the findings; returns how many were removed.
    pub fn prune<'f>(&mut self, findings: impl IntoIterator<Item = &'f ReportedFinding>) -> usize {
        let mut used = vec![false; self.entries.len()];
        for finding in findings {
            if let Some(index) = self.find(finding) {
                used[index] = true;
            }
        }
        let before = self.entries.len();
        let mut used = used.into_iter();
        let kept = self
            .entries
            .iter()
            .filter(|_| used.next() == Some(true))
            .cloned()
            .collect();
        self.set(kept);
        before - self.entries.len()
    }

    /// The file's text: JSON, one entry a line, sorted.
    ///
    /// # Errors
    /// None in practice; the writer's error type is kept.
    pub fn to_json(&self) -> Result<String, BaselineError> {
        let mut text = format!("{{\n  \"version\": {VERSION},\n  \"key\": ");
        text.push_str(&serde_json::to_string(&self.key_text)?);
        text.push_str(",\n  \"findings\": [");
        for (index, entry) in self.entries.iter().enumerate() {
            text.push_str(if index == 0 { "\n    " } else { ",\n    " });
            text.push_str(&serde_json::to_string(entry)?);
        }
        text.push_str(if self.entries.is_empty() {
            "]\n}\n"
        } else {
            "\n  ]\n}\n"
        });
        Ok(text)
    }

    /// True when a finding is accepted.
    #[must_use]
    pub fn accepts(&self, finding: &ReportedFinding) -> bool {
        self.find(finding).is_some()
    }

    /// By fingerprint, else by value: the same rule and secret at the same address or in the same file.
    fn find(&self, finding: &ReportedFinding) -> Option<usize> {
        if let Some(&index) = self.by_fingerprint.get(&finding.fingerprint) {
            return Some(index);
        }
        let same_value = self.by_digest.get(&hex(finding.digest?))?;
        same_value.iter().copied().find(|&index| {
            let entry = &self.entries[index];
            entry.rule == finding.rule
                && (entry.address == finding.address || entry.path == finding.project_path)
        })
    }

    fn set(&mut self, mut entries: Vec<Entry>) {
        entries.sort_unstable();
        entries.dedup();
        let by_fingerprint = entries
            .iter()
            .enumerate()
            .map(|(index, entry)| (entry.fingerprint.clone(), index));
        self.by_fingerprint = by_fingerprint.collect();
        self.by_digest.clear();
        for (index, entry) in entries.iter().enumerate() {
            if let Some(digest) = &entry.digest {
                self.by_digest
                    .entry(digest.clone())
                    .or_default()
                    .push(index);
            }
        }
        self.entries = entries;
    }
}

/// A digest as reports and baselines write it.
pub(crate) fn hex(digest: Digest) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    let digits = digest.0.iter();
    digits
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}
