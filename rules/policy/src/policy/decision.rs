//! The question put to a policy and its answer.

use std::fmt;

use super::identity::Claims;
use crate::reference::SecretRef;

/// What is about to happen to a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Its value is read.
    #[default]
    Open,
    /// Version, times and the like are read, not the value.
    Metadata,
    /// It is created, changed or removed.
    Write,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::Open, Self::Metadata, Self::Write];

    /// The name for logs and for the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Metadata => "metadata",
            Self::Write => "write",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Metadata => "read the metadata of",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Operation {
    /// As a verb: `open`, `read the metadata of`, `write`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())
    }
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default)]
pub enum Caller<'a> {
    /// Not known yet: before a login, and always in the linter. Demands on the identity are left
    /// for a later question.
    #[default]
    Unknown,
    /// Logged in without an identity that can be checked, for example with a static token.
    Unidentified,
    /// Logged in with these claims.
    Identified(&'a Claims),
}

/// The question put to a policy.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request<'a> {
    /// The environment that was chosen; `None` when none was.
    pub environment: Option<&'a str>,
    /// The secret.
    pub reference: &'a SecretRef,
    /// What is about to happen.
    pub operation: Operation,
    /// Who asks.
    pub caller: Caller<'a>,
    /// Whether the access log is written; `None` when the asker cannot know.
    pub audited: Option<bool>,
}

impl<'a> Request<'a> {
    /// Opening `reference` in `environment`, by an unknown caller, with the access log unknown.
    pub fn open(environment: Option<&'a str>, reference: &'a SecretRef) -> Self {
        Self {
            environment,
            reference,
            operation: Operation::Open,
            caller: Caller::Unknown,
            audited: None,
        }
    }

    /// The same question about another operation.
    pub fn operation(self, operation: Operation) -> Self {
        Self { operation, ..self }
    }

    /// The same question by this caller.
    pub fn caller(self, caller: Caller<'a>) -> Self {
        Self { caller, ..self }
    }

    /// The same question with the access log on or off.
    pub fn audited(self, audited: bool) -> Self {
        Self {
            audited: Some(audited),
            ..self
        }
    }
}

/// Whether it may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It may.
    Allowed,
    /// It may not.
    Refused,
}

/// Why, as a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A line of the environment allows it.
    Listed,
    /// The reference is shared on purpose.
    Shared,
    /// The policy defines no environments and denies nothing that matches.
    NoEnvironments,
    /// The answer of the store is within the limits, or there are none.
    WithinLimits,
    /// No environment was chosen although the policy defines some.
    EnvironmentMissing,
    /// The chosen environment does not exist.
    EnvironmentUnknown,
    /// A `deny` line matches.
    Denied,
    /// No line allows it.
    NotListed,
    /// Only writing is not allowed.
    NotWritable,
    /// `require` demands the access log.
    NotAudited,
    /// `require` demands a version or stage in the reference.
    NotPinned,
    /// `require` demands a lease.
    NotLeased,
    /// An identity is demanded and none is in use.
    IdentityMissing,
    /// The identity in use is not one of those demanded.
    IdentityMismatch,
    /// The lease is longer than `max_ttl`.
    TtlTooLong,
    /// The value is older than `max_age`.
    TooOld,
    /// `max_age` is set and the store cannot tell the age.
    AgeUnknown,
}

impl Reason {
    /// The word for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Shared => "shared",
            Self::NoEnvironments => "no_environments",
            Self::WithinLimits => "within_limits",
            Self::EnvironmentMissing => "environment_missing",
            Self::EnvironmentUnknown => "environment_unknown",
            Self::Denied => "denied",
            Self::NotListed => "not_listed",
            Self::NotWritable => "not_writable",
            Self::NotAudited => "not_audited",
            Self::NotPinned => "not_pinned",
            Self::NotLeased => "not_leased",
            Self::IdentityMissing => "identity_missing",
            Self::IdentityMismatch => "identity_mismatch",
            Self::TtlTooLong => "ttl_too_long",
            Self::TooOld => "too_old",
            Self::AgeUnknown => "age_unknown",
        }
    }
}

/// A line of the policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLine {
    /// The file, as the caller named it.
    pub file: String,
    /// Its number, from 1.
    pub line: u32,
    /// Its text without indentation, at most 120 characters.
    pub text: String,
}

impl fmt::Display for RuleLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.text)
    }
}

/// The answer of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Decision {
    /// Whether it may happen.
    pub outcome: Outcome,
    /// Why, as a stable word.
    pub reason: Reason,
    /// Why, as a sentence without a full stop, naming environment and reference.
    pub message: String,
    /// What to do about a refusal; empty when allowed.
    pub help: String,
    /// The line that decided; `None` only when no line says anything about it.
    pub rule: Option<RuleLine>,
}

impl Decision {
    /// Whether it may happen.
    pub fn is_allowed(&self) -> bool {
        self.outcome == Outcome::Allowed
    }
}

impl fmt::Display for Decision {
    /// Message, deciding line and help: the whole text of a diagnostic.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(rule) = &self.rule {
            write!(f, " ({rule})")?;
        }
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}
