//! `secretref.toml`: which environment may use which secret, under which identity.
//!
//! One file decides for both programs. [`Policy::parse`] reads it, [`Policy::decide`] answers before
//! a call to a store, [`Policy::check_lease`] and [`Policy::check_age`] after it. Every answer names
//! the line that decided, in words that live here and nowhere else. Start with [`Policy`].

mod cases;
mod decide;
mod decision;
mod demands;
mod diagnostic;
mod discover;
mod draft;
mod duration;
mod explain;
mod extends;
mod identity;
mod paths;
mod read;
pub mod schema;
mod shared;
mod toml;
mod verdict;

use std::time::Duration;

pub use cases::{CaseOutcome, Expectation};
pub use decision::{Caller, Decision, Operation, Outcome, Reason, Request, RuleLine};
pub use diagnostic::{PolicyDiagnostic, PolicyError};
pub use discover::{Discovered, discover};
pub use draft::{Draft, DraftEnvironment};
pub use duration::parse as parse_duration;
pub use identity::{Claims, Identity};
pub use paths::EnvironmentMatch;

use self::shared::Shared;
use crate::environments::canonical;
use crate::reference::{RefPattern, SecretRef};
use crate::span::{Lines, Span};

/// The name of the policy file.
pub const FILE_NAME: &str = "secretref.toml";

/// A policy without mistakes, with inheritance resolved.
#[derive(Clone, Debug)]
pub struct Policy {
    file: String,
    text: String,
    lines: Lines,
    environments: Vec<Environment>,
    /// Denied everywhere, also where no environment is defined.
    default_deny: Vec<Rule>,
    shared: Shared,
    cases: Vec<cases::Case>,
}

/// What one environment may do.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    name: String,
    header: Span,
    paths: Vec<paths::PathGlob>,
    refs: Vec<Rule>,
    deny: Vec<Rule>,
    writes: Vec<Rule>,
    identities: Vec<Identity>,
    max_ttl: Option<Limit>,
    max_age: Option<Limit>,
    require: Vec<Demand>,
}

/// A pattern and the place it was written at.
#[derive(Clone, Debug)]
struct Rule {
    pattern: RefPattern,
    span: Span,
}

/// A limit and the place it was written at.
#[derive(Clone, Copy, Debug)]
struct Limit {
    most: Duration,
    span: Span,
}

/// A demand and the place it was written at.
#[derive(Clone, Copy, Debug)]
struct Demand {
    requirement: Requirement,
    span: Span,
}

/// What an environment may demand beyond its lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Requirement {
    /// The access log is written.
    Audited,
    /// An identity is in use; static credentials are refused.
    Identity,
    /// The value comes with a lease that ends.
    Leased,
    /// The reference names a version or stage.
    Pinned,
}

impl Requirement {
    /// Every requirement, sorted by name.
    pub const ALL: [Self; 4] = [Self::Audited, Self::Identity, Self::Leased, Self::Pinned];

    /// The name as written in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Audited => "audited",
            Self::Identity => "identity",
            Self::Leased => "leased",
            Self::Pinned => "pinned",
        }
    }
}

impl Policy {
    /// Reads a policy. `file` is the name used in messages.
    ///
    /// # Errors
    /// Every mistake of the text, each with its place.
    pub fn parse(file: &str, text: &str) -> Result<Self, PolicyError> {
        read::read(file, text)
    }

    /// The file, as the caller named it.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The environments in the order of the file.
    pub fn environments(&self) -> &[Environment] {
        &self.environments
    }

    /// The environment of this exact name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments
            .iter()
            .find(|environment| environment.name == name)
    }

    /// The environment that a usual name stands for: the one of this name, else the only one with the
    /// same canonical name (`prod` for `production`). For names that were inferred; a chosen
    /// environment must be named exactly.
    pub fn environment_meant_by(&self, name: &str) -> Option<&Environment> {
        let wanted = canonical(name);
        let same =
            |environment: &&Environment| wanted.is_some() && canonical(&environment.name) == wanted;
        let mut found = self.environments.iter().filter(same);
        self.environment(name)
            .or_else(|| found.next().filter(|_| found.next().is_none()))
    }

    /// The environments whose own lists allow to read the reference, and not merely because it is
    /// shared. More than one means that environments overlap.
    pub fn owners(&self, reference: &SecretRef) -> Vec<&Environment> {
        let owns = |environment: &&Environment| {
            let denied = self
                .default_deny
                .iter()
                .chain(&environment.deny)
                .any(|rule| rule.pattern.touches(reference));
            !denied
                && environment
                    .refs
                    .iter()
                    .any(|rule| rule.pattern.covers(reference))
        };
        self.environments.iter().filter(owns).collect()
    }

    /// The line of a place in this file, for a message.
    fn line(&self, span: Span) -> RuleLine {
        const LONGEST_TEXT: usize = 120;
        let (line, _) = self.lines.line_column(&self.text, span);
        let text = self.lines.line(&self.text, line).trim();
        let shown = match text.char_indices().nth(LONGEST_TEXT) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text.to_owned(),
        };
        RuleLine {
            file: self.file.clone(),
            line,
            text: shown,
        }
    }
}

impl Environment {
    /// The name, as chosen in the provider.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who may use the environment; empty means anybody.
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// The longest lease.
    pub fn max_ttl(&self) -> Option<Duration> {
        self.max_ttl.map(|limit| limit.most)
    }

    /// The longest time since the value was changed.
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age.map(|limit| limit.most)
    }

    /// What is demanded beyond the lists.
    pub fn requires(&self, requirement: Requirement) -> bool {
        self.demand(requirement).is_some()
    }

    fn demand(&self, requirement: Requirement) -> Option<Demand> {
        self.require
            .iter()
            .find(|demand| demand.requirement == requirement)
            .copied()
    }
}

#[cfg(test)]
mod tests;
