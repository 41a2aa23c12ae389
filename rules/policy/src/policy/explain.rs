//! `policy explain`: the decision, the line that made it, and what else the environment demands.

use std::fmt::Write;

use super::decision::{Outcome, Request};
use super::{Environment, Policy, duration};

impl Policy {
    /// The decision on a request as a few aligned lines of text, ending with a newline.
    pub fn explain(&self, request: &Request<'_>) -> String {
        let decision = self.decide(request);
        let outcome = match decision.outcome {
            Outcome::Allowed => "allowed",
            Outcome::Refused => "refused",
        };
        let mut rows = vec![
            ("reference", request.reference.to_string()),
            ("operation", request.operation.name().to_owned()),
            (
                "environment",
                request.environment.unwrap_or("(none chosen)").to_owned(),
            ),
            (
                "decision",
                format!("{outcome} ({})", decision.reason.name()),
            ),
            ("why", decision.message),
        ];
        rows.extend(decision.rule.map(|rule| ("line", rule.to_string())));
        rows.extend(Some(("what to do", decision.help)).filter(|(_, help)| !help.is_empty()));
        let environment = request.environment.and_then(|name| self.environment(name));
        rows.extend(
            environment
                .into_iter()
                .flat_map(|environment| self.further_demands(environment)),
        );
        let mut text = String::new();
        for (name, value) in rows {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{name:<12} {value}");
        }
        text
    }

    fn further_demands(&self, environment: &Environment) -> Vec<(&'static str, String)> {
        let mut rows = Vec::new();
        let mut add =
            |name, what: String, span| rows.push((name, format!("{what} ({})", self.line(span))));
        if let Some(limit) = environment.max_ttl {
            add("max_ttl", duration::show(limit.most), limit.span);
        }
        if let Some(limit) = environment.max_age {
            add("max_age", duration::show(limit.most), limit.span);
        }
        for demand in &environment.require {
            add(
                "requires",
                demand.requirement.name().to_owned(),
                demand.span,
            );
        }
        for identity in &environment.identities {
            add("identity", identity.issuer().to_owned(), identity.span);
        }
        rows
    }
}
