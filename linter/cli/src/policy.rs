//! `secretlint policy`: whether an environment may use a secret, and which line of the policy says so.

use std::io::Write as _;

use secret_policy::{Policy, Request, SecretRef, policy::discover};

use crate::args::PolicyArgs;
use crate::check::Ending;
use crate::error::CliError;
use crate::settings::current_folder;

/// Explains one decision.
pub(crate) fn run(args: &PolicyArgs) -> Result<Ending, CliError> {
    let policy = read(args)?;
    let parsed = SecretRef::parse(&args.reference)
        .map_err(|error| CliError::Usage(format!("{}: {error}", args.reference)))?;
    let environment = match (&args.environment, &args.path) {
        (Some(name), _) => Some(name.clone()),
        (None, Some(path)) => {
            let found = policy.environment_of(path).ok_or_else(|| {
                CliError::Usage(format!("{path} is in no environment of {}", policy.file()))
            })?;
            Some(found.environment.name().to_owned())
        }
        (None, None) => None,
    };
    let request = Request::open(environment.as_deref(), &parsed.reference);
    writeln!(std::io::stdout(), "{}", policy.explain(&request).trim_end())?;
    Ok(if policy.decide(&request).is_allowed() {
        Ending::Clean
    } else {
        Ending::Findings
    })
}

fn read(args: &PolicyArgs) -> Result<Policy, CliError> {
    let root = current_folder()?;
    let (path, text) = match &args.policy {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|source| CliError::Read {
                path: path.clone(),
                source,
            })?;
            (path.clone(), text)
        }
        None => {
            let found = discover(&root)?.ok_or_else(|| {
                CliError::Usage("no secretref.toml here or above; name one with --policy".into())
            })?;
            (found.path, found.text)
        }
    };
    let shown = path
        .strip_prefix(&root)
        .unwrap_or(&path)
        .display()
        .to_string();
    Policy::parse(&shown, &text).map_err(|error| CliError::Usage(error.to_string()))
}
