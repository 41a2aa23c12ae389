//! The decision, in one order for everybody: environment, deny, lists, demands, identity; after
//! the store has answered: lease and age. The first refusal ends it.

use std::time::Duration;

use super::decision::{Caller, Decision, Operation, Outcome, Reason, Request};
use super::read::did_you_mean;
use super::{Environment, Limit, Policy, Requirement, Rule, duration};
use crate::span::Span;

/// What the policy says, before the line is looked up.
struct Verdict {
    reason: Reason,
    span: Option<Span>,
    message: String,
    help: String,
}

impl Verdict {
    fn allowed(reason: Reason, span: Option<Span>, message: String) -> Self {
        Self {
            reason,
            span,
            message,
            help: String::new(),
        }
    }

    fn refused(
        reason: Reason,
        span: Option<Span>,
        message: String,
        help: impl Into<String>,
    ) -> Self {
        Self {
            reason,
            span,
            message,
            help: help.into(),
        }
    }
}

/// A refusal is the error, so that `?` gives the order.
type Checked<T = ()> = Result<T, Verdict>;

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
        let shared = self.shared.iter().find(|shared| {
            shared.rule.pattern.covers(request.reference)
                && (shared.environments.is_empty()
                    || shared.environments.contains(&environment.name))
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
                    Some(shared.rule.span),
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

/// What can be told from the reference alone is told before the call.
fn check_demands(environment: &Environment, request: &Request<'_>) -> Checked {
    let scheme = request.reference.scheme();
    if let Some(demand) = environment.demand(Requirement::Audited)
        && request.audited == Some(false)
    {
        let message = format!(
            "{}: it requires the access log, which is off",
            may_not(Some(environment), request)
        );
        return Err(Verdict::refused(
            Reason::NotAudited,
            Some(demand.span),
            message,
            "turn on `audit` in the provider",
        ));
    }
    if request.operation != Operation::Open {
        return Ok(());
    }
    if let Some(demand) = environment.demand(Requirement::Pinned)
        && request.reference.version().is_none()
        && request.reference.stage().is_none()
    {
        let message = format!(
            "{}: it requires a version or stage in the reference",
            may_not(Some(environment), request)
        );
        return Err(Verdict::refused(
            Reason::NotPinned,
            Some(demand.span),
            message,
            "add `?version=…`",
        ));
    }
    if let Some(demand) = environment.demand(Requirement::Leased)
        && !scheme.can_lease()
    {
        return Err(not_leased(environment, request, demand.span));
    }
    match environment.max_age {
        Some(limit) if !scheme.can_tell_age() => Err(age_unknown(environment, request, limit)),
        _ => Ok(()),
    }
}

fn check_identity(environment: &Environment, request: &Request<'_>) -> Checked {
    let demand = environment
        .demand(Requirement::Identity)
        .map(|demand| demand.span);
    let first = environment.identities.first().map(|identity| identity.span);
    let claims = match request.caller {
        Caller::Unknown => return Ok(()),
        Caller::Unidentified => {
            return demand.or(first).map_or(Ok(()), |span| {
                let message = format!(
                    "{}: it requires an identity, and static credentials are in use",
                    may_not(Some(environment), request)
                );
                Err(Verdict::refused(
                    Reason::IdentityMissing,
                    Some(span),
                    message,
                    "log in to the store with a workload identity",
                ))
            });
        }
        Caller::Identified(claims) => claims,
    };
    let mut mismatches = environment
        .identities
        .iter()
        .map(|identity| (identity, identity.mismatch(claims)));
    if first.is_none() || mismatches.clone().any(|(_, mismatch)| mismatch.is_none()) {
        return Ok(());
    }
    // The identity of the same issuer is the one that was meant.
    let meant = mismatches
        .clone()
        .find(|(identity, _)| identity.issuer() == claims.issuer)
        .or_else(|| mismatches.next());
    let (span, why) = match meant {
        Some((identity, Some(mismatch))) => (Some(identity.span), mismatch.to_string()),
        _ => (first, String::new()),
    };
    let message = format!(
        "{}: the identity in use is not allowed, {why}",
        may_not(Some(environment), request)
    );
    Err(Verdict::refused(
        Reason::IdentityMismatch,
        span,
        message,
        "run under an identity that the environment lists",
    ))
}

fn check_limit(
    limit: Option<Limit>,
    given: Duration,
    refuse: impl FnOnce(String, Span) -> Verdict,
) -> Checked {
    match limit {
        Some(limit) if given > limit.most => Err(refuse(duration::show(limit.most), limit.span)),
        _ => Ok(()),
    }
}

fn not_leased(environment: &Environment, request: &Request<'_>, span: Span) -> Verdict {
    let message = format!(
        "{}: it requires a lease, and this value comes without",
        may_not(Some(environment), request)
    );
    Verdict::refused(
        Reason::NotLeased,
        Some(span),
        message,
        "use a dynamic secret that the store revokes by itself",
    )
}

fn age_unknown(environment: &Environment, request: &Request<'_>, limit: Limit) -> Verdict {
    let message = format!(
        "{}: it accepts an age of at most {}, and the store cannot tell the age",
        may_not(Some(environment), request),
        duration::show(limit.most)
    );
    Verdict::refused(
        Reason::AgeUnknown,
        Some(limit.span),
        message,
        "keep the secret in a store that records changes",
    )
}

fn may(environment: &Environment, request: &Request<'_>) -> String {
    format!(
        "environment `{}` may {} {}",
        environment.name,
        request.operation,
        quoted(request)
    )
}

fn may_not(environment: Option<&Environment>, request: &Request<'_>) -> String {
    match environment {
        Some(environment) => format!(
            "environment `{}` may not {} {}",
            environment.name,
            request.operation,
            quoted(request)
        ),
        None => format!("nobody may {} {}", request.operation, quoted(request)),
    }
}

fn quoted(request: &Request<'_>) -> String {
    format!("`{}`", request.reference)
}
