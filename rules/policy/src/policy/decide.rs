//! The decision, in one order for everybody: environment, deny, lists, demands, identity; after
//! the store has answered: lease and age. The first refusal ends it.

use std::time::Duration;

use super::decision::{Decision, Operation, Outcome, Reason, Request};
use super::demands::{age_unknown, check_demands, check_identity, check_limit, not_leased};
use super::read::did_you_mean;
use super::verdict::{Checked, Verdict, may, may_not, quoted};
use super::{Environment, Policy, Requirement, Rule, duration};

impl Policy {
    /// Whether the request may go on to the store. Total: every request has an answer.
    ///
    /// Ask before any call with [`Caller::Unknown`] and again with the identity actually in use.
    /// Needs no network and no clock, so the linter gets the same answer.
    pub fn decide(&self, request: &Request<'_>) -> Decision {
        self.answer(self.before_the_call(request))
    }

    /// Whether a lease of this length is acceptable; `None` means the value came without a lease.
    pub fn check_lease(&self, request: &Request<'_>, ttl: Option<Duration>) -> Decision {
        self.after_the_call(request, |environment| match ttl {
            None => environment
                .demand(Requirement::Leased)
                .map_or(Ok(()), |demand| {
                    Err(not_leased(environment, request, demand.span))
                }),
            Some(ttl) => check_limit(environment.max_ttl, ttl, |most, span| {
                let message = format!(
                    "{} gave a lease of {}, environment `{}` accepts at most {most}",
                    quoted(request),
                    duration::show(ttl),
                    environment.name
                );
                Verdict::refused(
                    Reason::TtlTooLong,
                    Some(span),
                    message,
                    "ask for a shorter lease, or shorten it in the store's role",
                )
            }),
        })
    }

    /// Whether a value this old is acceptable; `None` means that the store cannot tell. A leased
    /// value was made for this run: its age is zero.
    pub fn check_age(&self, request: &Request<'_>, age: Option<Duration>) -> Decision {
        self.after_the_call(request, |environment| match (age, environment.max_age) {
            (None, Some(limit)) => Err(age_unknown(environment, request, limit)),
            (None, None) => Ok(()),
            (Some(age), limit) => check_limit(limit, age, |most, span| {
                let message = format!(
                    "{} was last changed {} ago, environment `{}` accepts at most {most}",
                    quoted(request),
                    duration::show(age),
                    environment.name
                );
                Verdict::refused(Reason::TooOld, Some(span), message, "rotate the secret")
            }),
        })
    }

    fn before_the_call(&self, request: &Request<'_>) -> Checked<Verdict> {
        let environment = self.choose(request)?;
        self.check_deny(environment, request)?;
        let Some(environment) = environment else {
            let message = format!(
                "the policy defines no environments and does not deny {}",
                quoted(request)
            );
            return Ok(Verdict::allowed(Reason::NoEnvironments, None, message));
        };
        let allowed = self.check_lists(environment, request)?;
        check_demands(environment, request)?;
        check_identity(environment, request)?;
        Ok(allowed)
    }

    fn after_the_call(
        &self,
        request: &Request<'_>,
        check: impl FnOnce(&Environment) -> Checked,
    ) -> Decision {
        let checked = self
            .choose(request)
            .and_then(|environment| environment.map_or(Ok(()), check));
        self.answer(checked.map(|()| {
            Verdict::allowed(
                Reason::WithinLimits,
                None,
                format!("the answer for {} is within the limits", quoted(request)),
            )
        }))
    }

    fn answer(&self, checked: Checked<Verdict>) -> Decision {
        let (outcome, verdict) = match checked {
            Ok(verdict) => (Outcome::Allowed, verdict),
            Err(verdict) => (Outcome::Refused, verdict),
        };
        let Verdict {
            reason,
            span,
            message,
            help,
        } = verdict;
        Decision {
            outcome,
            reason,
            message,
            help,
            rule: span.map(|span| self.line(span)),
        }
    }

    /// The environment asked for; `None` when the policy defines none and none was chosen.
    fn choose(&self, request: &Request<'_>) -> Checked<Option<&Environment>> {
        match request.environment {
            None if self.environments.is_empty() => Ok(None),
            None => Err(Verdict::refused(
                Reason::EnvironmentMissing,
                self.environments.first().map(|first| first.header),
                format!(
                    "the policy defines environments, and none was chosen for {}",
                    quoted(request)
                ),
                format!("choose one of {}", self.names()),
            )),
            Some(name) => self.environment(name).map(Some).ok_or_else(|| {
                let message = format!(
                    "the policy {} defines no environment `{name}`, so {} is refused",
                    self.file,
                    quoted(request)
                );
                Verdict::refused(
                    Reason::EnvironmentUnknown,
                    None,
                    message,
                    did_you_mean(self, name),
                )
            }),
        }
    }

    fn check_deny(&self, environment: Option<&Environment>, request: &Request<'_>) -> Checked {
        let own = environment.map_or(&[][..], |environment| &environment.deny);
        let rule = own
            .iter()
            .chain(&self.default_deny)
            .find(|rule| rule.pattern.touches(request.reference));
        rule.map_or(Ok(()), |rule| {
            let message = format!(
                "{}: `{}` is denied",
                may_not(environment, request),
                rule.pattern.text()
            );
            Err(Verdict::refused(
                Reason::Denied,
                Some(rule.span),
                message,
                self.elsewhere(environment, request),
            ))
        })
    }

    fn check_lists(&self, environment: &Environment, request: &Request<'_>) -> Checked<Verdict> {
        let covering = |rules: &[Rule]| {
            rules
                .iter()
                .find(|rule| rule.pattern.covers(request.reference))
                .map(|rule| rule.span)
        };
        if request.operation == Operation::Write {
            return match covering(&environment.writes) {
                Some(span) => Ok(Verdict::allowed(
                    Reason::Listed,
                    Some(span),
                    may(environment, request),
                )),
                None => Err(self.not_writable(environment, request)),
            };
        }
        if let Some(span) = covering(&environment.refs) {
            return Ok(Verdict::allowed(
                Reason::Listed,
                Some(span),
                may(environment, request),
            ));
        }
        let shared = self.shared.refs.iter().find(|shared| {
            shared.what.pattern.covers(request.reference) && shared.is_for(&environment.name)
        });
        match shared {
            Some(shared) => {
                let message = format!(
                    "{}: it is shared ({})",
                    may(environment, request),
                    shared.reason
                );
                Ok(Verdict::allowed(
                    Reason::Shared,
                    Some(shared.what.span),
                    message,
                ))
            }
            None => {
                let message = format!(
                    "{}: no `refs` of the environment cover it",
                    may_not(Some(environment), request)
                );
                Err(Verdict::refused(
                    Reason::NotListed,
                    Some(environment.header),
                    message,
                    self.elsewhere(Some(environment), request),
                ))
            }
        }
    }

    fn not_writable(&self, environment: &Environment, request: &Request<'_>) -> Verdict {
        let message = format!(
            "{}: no `writes` of the environment cover it",
            may_not(Some(environment), request)
        );
        let help = format!(
            "add it to `writes` of environment `{}` if that is intended",
            environment.name
        );
        Verdict::refused(Reason::NotWritable, Some(environment.header), message, help)
    }

    /// What to do about a reference that the environment does not allow: often it belongs to another.
    fn elsewhere(&self, environment: Option<&Environment>, request: &Request<'_>) -> String {
        let own = environment.map(Environment::name);
        let owners: Vec<_> = self
            .owners(request.reference)
            .into_iter()
            .map(Environment::name)
            .filter(|name| Some(*name) != own)
            .collect();
        match owners[..] {
            [] => "use a secret of this environment, or change the policy".to_owned(),
            _ => format!(
                "it belongs to {}; use this environment's own secret, or list it under [shared] with a reason",
                owners.join(", ")
            ),
        }
    }

    fn names(&self) -> String {
        self.environments
            .iter()
            .map(|environment| environment.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}
