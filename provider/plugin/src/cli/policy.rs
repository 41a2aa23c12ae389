//! `policy …`: what the policy allows, and why.

use anyhow::{anyhow, bail};
use clap::ValueEnum as _;
use jiff::Timestamp;
use secret_policy::policy::{Expectation, Request};
use secret_policy::{Caller, Policy, policy};
use secret_stores::Environment;

use super::arguments::{Explain, OperationName, PolicyCommand};
use super::{output, reference};
use crate::identity::{IdentityChoice, WorkloadIdentity};
use crate::settings;

pub(super) fn execute(environment: &Environment, command: &PolicyCommand) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Check(file) => {
            let policy = load(environment, file.policy.as_deref())?;
            let names: Vec<_> = policy
                .environments()
                .iter()
                .map(policy::Environment::name)
                .collect();
            Ok(output::line(&format!(
                "{} is valid; environments: {}",
                policy.file(),
                if names.is_empty() {
                    "none".to_owned()
                } else {
                    names.join(", ")
                }
            ))?)
        }
        PolicyCommand::Explain(arguments) => explain(environment, arguments),
        PolicyCommand::Test(file) => test(&load(environment, file.policy.as_deref())?),
    }
}

fn load(environment: &Environment, file: Option<&str>) -> anyhow::Result<Policy> {
    settings::policy(environment, file)?.ok_or_else(|| {
        anyhow!(
            "there is no {} in {} or above: write one, or name it with --policy",
            policy::FILE_NAME,
            environment.directory().display()
        )
    })
}

fn explain(environment: &Environment, arguments: &Explain) -> anyhow::Result<()> {
    let policy = load(environment, arguments.file.policy.as_deref())?;
    let reference = reference::parse(&arguments.reference)?;
    let chosen = settings::environment(environment, arguments.environment.as_deref());
    let identity =
        WorkloadIdentity::find(environment, &IdentityChoice::default(), Timestamp::now())?;
    let caller = identity
        .as_ref()
        .map_or(Caller::Unknown, |found| Caller::Identified(&found.claims));
    let request = Request::open(chosen.as_deref(), &reference)
        .caller(caller)
        .operation(match arguments.operation {
            OperationName::Open => secret_policy::Operation::Open,
            OperationName::Metadata => secret_policy::Operation::Metadata,
            OperationName::Write => secret_policy::Operation::Write,
        });
    output::line(policy.explain(&request).trim_end())?;
    if policy.decide(&request).is_allowed() {
        return Ok(());
    }
    let operation = arguments.operation.to_possible_value();
    bail!(
        "refused: {}",
        operation
            .map(|value| value.get_name().to_owned())
            .unwrap_or_default()
    )
}

fn test(policy: &Policy) -> anyhow::Result<()> {
    let outcomes = policy.run_tests();
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|outcome| !outcome.passed())
        .collect();
    for outcome in &failed {
        let expected = match outcome.expected {
            Expectation::Allow => "allowed",
            Expectation::Deny => "denied",
        };
        output::line(&format!(
            "{}: `{}` should be {expected} in {}, but: {}",
            outcome.rule, outcome.reference, outcome.name, outcome.decision
        ))?;
    }
    output::line(&format!(
        "{} passed, {} failed",
        outcomes.len() - failed.len(),
        failed.len()
    ))?;
    if failed.is_empty() {
        return Ok(());
    }
    bail!("the policy does not decide as its tests say")
}
