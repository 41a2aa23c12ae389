//! What an environment demands beyond its lists: requirements, identities, limits on lease and age.

use std::time::Duration;

use super::decision::{Caller, Operation, Reason, Request};
use super::verdict::{Checked, Verdict, may_not};
use super::{Environment, Limit, Requirement, duration};
use crate::span::Span;

/// What can be told from the reference alone is told before the call.
pub(super) fn check_demands(environment: &Environment, request: &Request<'_>) -> Checked {
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

pub(super) fn check_identity(environment: &Environment, request: &Request<'_>) -> Checked {
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

pub(super) fn check_limit(
    limit: Option<Limit>,
    given: Duration,
    refuse: impl FnOnce(String, Span) -> Verdict,
) -> Checked {
    match limit {
        Some(limit) if given > limit.most => Err(refuse(duration::show(limit.most), limit.span)),
        _ => Ok(()),
    }
}

pub(super) fn not_leased(environment: &Environment, request: &Request<'_>, span: Span) -> Verdict {
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

pub(super) fn age_unknown(
    environment: &Environment,
    request: &Request<'_>,
    limit: Limit,
) -> Verdict {
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
