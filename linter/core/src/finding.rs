//! One reported place. A finding never holds secret text: not the value, not a part of it.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::fix::Fix;
use crate::rule::RuleMeta;

/// Identity of a rule: a stable kebab-case name of the bad thing, for example `hardcoded-secret`.
/// Owned only for patterns that a user's configuration adds.
pub type RuleId = Cow<'static, str>;

/// Harm if the finding is true. Not lowered because of doubt: that is [`Confidence`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; does not fail a run.
    Note,
    /// Should be repaired.
    Warning,
    /// A secret is exposed or will be.
    Error,
}

/// Likelihood that the finding is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A guess from weak signs.
    Low,
    /// Position or shape speaks for it.
    Medium,
    /// Format, checksum or provider schema proves it.
    High,
}

/// Index of a file in the run's file table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A byte range of one file. `start <= end`, both on character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Where the bytes are.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A further place that explains a finding: the other environment, the step a value took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub place: Place,
    /// What is there. No secret text.
    pub message: String,
}

/// One reported place.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The rule that reports.
    pub rule: RuleId,
    /// Harm if true; the rule's default, overridden at the end by configuration.
    pub severity: Severity,
    /// Likelihood.
    pub confidence: Confidence,
    /// Where to look: the literal, the argument, or the block header.
    pub place: Place,
    /// Byte ranges whose text must be masked before anything around `place` is shown.
    /// The literal itself and every other known secret literal of the excerpt.
    pub secrets: Vec<Place>,
    /// What is wrong here, one sentence, with names of this configuration and no secret text.
    pub message: String,
    /// Why it matters, one or two sentences.
    pub why: Cow<'static, str>,
    /// What to do, concrete for this place.
    pub help: Cow<'static, str>,
    /// Terraform address or path of the thing, for example `aws_db_instance.main.password`;
    /// part of the fingerprint, so stable across edits elsewhere in the file.
    pub address: String,
    /// Keyed digest of the literal, when the finding is about one: tells equal secrets apart
    /// from different ones without holding them.
    pub digest: Option<Digest>,
    /// Other places, in the order to read them.
    pub related: Vec<Related>,
    /// Possible repairs, best first.
    pub fixes: Vec<Fix>,
}

impl Finding {
    /// A finding of a rule with the rule's own severity, confidence, `why` and `help`, nothing
    /// secret and nothing related; set the other fields from here.
    #[must_use]
    pub fn new(meta: &RuleMeta, place: Place, address: String, message: String) -> Self {
        Self {
            rule: meta.id.clone(),
            severity: meta.severity,
            confidence: meta.confidence,
            place,
            secrets: Vec::new(),
            message,
            why: meta.why.clone(),
            help: meta.help.clone(),
            address,
            digest: None,
            related: Vec::new(),
            fixes: Vec::new(),
        }
    }

    /// Says that the text at `place` is the secret, with its digest.
    #[must_use]
    pub fn with_secret(mut self, place: Place, digest: Digest) -> Self {
        self.secrets.push(place);
        self.digest = Some(digest);
        self
    }
}

/// Keyed digest of a literal (BLAKE3 keyed mode); the key is the run's, so digests of different
/// projects cannot be compared and a digest cannot be searched for by guessing without the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}
