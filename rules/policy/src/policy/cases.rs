//! `[[tests]]`: cases that the policy itself carries, so that a change which opens or closes too
//! much is noticed by `policy test`.

use super::decision::{Caller, Decision, Operation, Request};
use super::identity::{self, Claims};
use super::toml::{Mistakes, Section, shorten};
use super::{Policy, RuleLine};
use crate::nearest::nearest;
use crate::reference::SecretRef;
use crate::span::Span;

/// One `[[tests]]` table.
#[derive(Clone, Debug)]
pub(super) struct Case {
    environment: String,
    name: Option<String>,
    operation: Operation,
    identity: Option<Claims>,
    expected: Vec<(SecretRef, Expectation, Span)>,
}

/// What a case expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// The reference is in `allow`.
    Allow,
    /// The reference is in `deny`.
    Deny,
}

/// What came out of one reference of one case.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CaseOutcome {
    /// The name of the test, or its environment.
    pub name: String,
    /// The reference.
    pub reference: SecretRef,
    /// What the file expects.
    pub expected: Expectation,
    /// What the policy decides.
    pub decision: Decision,
    /// Where the expectation is written.
    pub rule: RuleLine,
}

impl CaseOutcome {
    /// Whether the policy decides what the file expects.
    pub fn passed(&self) -> bool {
        self.decision.is_allowed() == (self.expected == Expectation::Allow)
    }
}

impl Policy {
    /// Runs every case of the file, in its order. A test without `identity` asks as a caller whose
    /// identity is not known yet.
    pub fn run_tests(&self) -> Vec<CaseOutcome> {
        self.cases
            .iter()
            .flat_map(|case| {
                case.expected
                    .iter()
                    .map(|expected| self.run(case, expected))
            })
            .collect()
    }

    fn run(
        &self,
        case: &Case,
        (reference, expected, span): &(SecretRef, Expectation, Span),
    ) -> CaseOutcome {
        let caller = case
            .identity
            .as_ref()
            .map_or(Caller::Unknown, Caller::Identified);
        let request = Request::open(Some(&case.environment), reference)
            .operation(case.operation)
            .caller(caller);
        CaseOutcome {
            name: case
                .name
                .clone()
                .unwrap_or_else(|| case.environment.clone()),
            reference: reference.clone(),
            expected: *expected,
            decision: self.decide(&request),
            rule: self.line(*span),
        }
    }
}

impl Case {
    /// Reads the case; that `environment` exists is checked by the caller.
    pub(super) fn read(
        mistakes: &mut Mistakes<'_>,
        section: &Section<'_>,
        environment: &str,
    ) -> Option<Self> {
        let mut expected = references(mistakes, section, "allow", Expectation::Allow);
        expected.extend(references(mistakes, section, "deny", Expectation::Deny));
        if section.get("allow").is_none() && section.get("deny").is_none() {
            mistakes.add(
                section.span,
                "the test expects nothing",
                "add `allow` or `deny` with references",
            );
        }
        expected.sort_by_key(|(_, _, span)| *span);
        let name = section
            .string(mistakes, "name")
            .map(|(name, _)| name.to_owned());
        let identity = section
            .get("identity")
            .map(|value| identity::read_claims(mistakes, value));
        let operation = section
            .string(mistakes, "operation")
            .map(|(name, span)| operation(mistakes, name, span));
        Some(Self {
            environment: environment.to_owned(),
            name,
            operation: operation.unwrap_or(Some(Operation::Open))?,
            identity: match identity {
                Some(claims) => Some(claims?),
                None => None,
            },
            expected,
        })
    }
}

fn references(
    mistakes: &mut Mistakes<'_>,
    section: &Section<'_>,
    key: &str,
    expected: Expectation,
) -> Vec<(SecretRef, Expectation, Span)> {
    let texts = section.strings(mistakes, key);
    let read = |(text, span): (&str, Span)| match SecretRef::parse(text) {
        Ok(parsed) => Some((parsed.reference, expected, span)),
        Err(error) => {
            mistakes.add(span, error.message, error.help);
            None
        }
    };
    texts.into_iter().filter_map(read).collect()
}

fn operation(mistakes: &mut Mistakes<'_>, name: &str, span: Span) -> Option<Operation> {
    let found = Operation::ALL
        .into_iter()
        .find(|operation| operation.name() == name);
    if found.is_none() {
        let names = Operation::ALL.map(Operation::name);
        let help = match nearest(name, names) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("use one of {}", names.join(", ")),
        };
        mistakes.add(
            span,
            format!("there is no operation `{}`", shorten(name)),
            help,
        );
    }
    found
}
