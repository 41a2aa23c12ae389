//! What the log says about one access: who, what, when, why and how it ended. Never a value.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, StoreError};

/// Longest text of a field, in bytes; more is cut. A reference has its own, larger limit.
const MAX_FIELD_BYTES: usize = 512;
/// Longest list of identity claims.
const MAX_CLAIMS: usize = 32;

/// One access to a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When it ended.
    pub time: Timestamp,
    /// What was done.
    pub event: EventKind,
    /// Which secret, as a reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Which version was given or written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The store's identifier of the lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The stable word of the error, see [`ErrorKind`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The line of the policy that decided: what allowed the access, or refused it. `None` without a policy,
    /// and when no line says anything about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What the value was needed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Who and where.
    #[serde(flatten)]
    pub context: AuditContext,
    /// The process that did it.
    pub pid: u32,
}

/// What was done. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// A value was read.
    Open,
    /// Facts were read without the value.
    Metadata,
    /// A value was stored.
    Write,
    /// A secret or a version was removed.
    Remove,
    /// A lease was extended.
    Renew,
    /// A lease was ended.
    Revoke,
    /// The policy refused an access.
    Decision,
    /// The log itself: everything before is sealed with a key.
    Checkpoint,
    /// The log itself: a line cut off by a crash was taken out.
    Recovered,
}

impl EventKind {
    /// The stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Metadata => "metadata",
            Self::Write => "write",
            Self::Remove => "remove",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::Decision => "decision",
            Self::Checkpoint => "checkpoint",
            Self::Recovered => "recovered",
        }
    }

    /// True for what the log says about itself.
    #[must_use]
    pub fn is_bookkeeping(self) -> bool {
        matches!(self, Self::Checkpoint | Self::Recovered)
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How an access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Ok,
    /// It failed.
    Error,
    /// The policy or the store refused it.
    Refused,
}

/// Who accesses secrets, and for what run. The same for all events of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditContext {
    /// The environment the run works in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Claims of the identity in use (issuer, subject, repository …); never a token.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identity: BTreeMap<String, String>,
    /// The run of the automation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The commit the run works on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl AuditContext {
    /// Run and commit as the usual automation systems tell them: `SECRETREF_RUN` and `SECRETREF_COMMIT`
    /// first, then the variables of GitHub, GitLab, Buildkite and CircleCI.
    #[must_use]
    pub fn from_environment(environment: &Environment) -> Self {
        let first = |names: &[&str]| names.iter().find_map(|name| environment.text(name));
        Self {
            run: first(&[
                "SECRETREF_RUN",
                "GITHUB_RUN_ID",
                "CI_PIPELINE_ID",
                "BUILDKITE_BUILD_ID",
                "CIRCLE_WORKFLOW_ID",
            ]),
            commit: first(&[
                "SECRETREF_COMMIT",
                "GITHUB_SHA",
                "CI_COMMIT_SHA",
                "BUILDKITE_COMMIT",
                "CIRCLE_SHA1",
            ]),
            ..Self::default()
        }
    }
}

/// What one call did; the log adds time, process and context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Which secret.
    pub reference: String,
    /// Which version was given or written.
    pub version: Option<String>,
    /// The store's identifier of the lease.
    pub lease: Option<String>,
    /// What the value was needed for.
    pub purpose: Option<String>,
    /// The line of the policy that decided before the call.
    pub rule: Option<String>,
}

impl Event {
    /// The event of an access that ended with `error`, or well.
    pub(super) fn of(operation: Operation, access: Access, error: Option<&StoreError>) -> Self {
        let refused = error.is_some_and(|error| error.kind() == ErrorKind::PolicyDenied);
        let event = match operation {
            _ if refused => EventKind::Decision,
            Operation::Open | Operation::Configure => EventKind::Open,
            Operation::Metadata => EventKind::Metadata,
            Operation::Write => EventKind::Write,
            Operation::Remove => EventKind::Remove,
            Operation::Renew => EventKind::Renew,
            Operation::Revoke => EventKind::Revoke,
        };
        let outcome = match error.map(StoreError::kind) {
            None => Outcome::Ok,
            Some(ErrorKind::PolicyDenied | ErrorKind::PermissionDenied) => Outcome::Refused,
            Some(_) => Outcome::Error,
        };
        Self {
            reference: Some(access.reference),
            version: access.version.map(cut),
            lease: access.lease.map(cut),
            purpose: access.purpose.map(cut),
            error: error.map(|error| error.kind().as_str().to_owned()),
            rule: error
                .and_then(|error| error.context("rule"))
                .map(str::to_owned)
                .or(access.rule)
                .map(cut),
            ..Self::bare(event, outcome)
        }
    }

    /// An event of the log about itself.
    pub(super) fn bare(event: EventKind, outcome: Outcome) -> Self {
        Self {
            time: Timestamp::UNIX_EPOCH,
            event,
            reference: None,
            version: None,
            lease: None,
            outcome,
            error: None,
            rule: None,
            purpose: None,
            context: AuditContext::default(),
            pid: std::process::id(),
        }
    }

    pub(super) fn in_context(mut self, context: &AuditContext, time: Timestamp) -> Self {
        self.time = time;
        self.context = AuditContext {
            environment: context.environment.clone().map(cut),
            identity: context
                .identity
                .iter()
                .take(MAX_CLAIMS)
                .map(|(name, claim)| (cut(name.clone()), cut(claim.clone())))
                .collect(),
            run: context.run.clone().map(cut),
            commit: context.commit.clone().map(cut),
        };
        self
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_FIELD_BYTES {
        text.truncate(text.floor_char_boundary(MAX_FIELD_BYTES));
        text.push('…');
    }
    text
}
