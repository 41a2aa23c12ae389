//! The program when a person or a script starts it: the local store, the audit log, the policy and
//! leases and references from the command line. When Terraform starts it, none of this runs.

mod access;
mod arguments;
mod audit;
mod input;
mod lease;
mod output;
mod policy;
mod reference;
mod store;

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use secret_stores::{Environment, StoreError};

use self::arguments::{Arguments, Command};
use crate::serve;

/// Runs the command line and says how it ended: 0 done, 1 refused or failed, 2 wrong arguments.
pub(crate) fn run(plugin: tfplugin::Environment) -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(address) = arguments.debug {
        return serve::run(plugin, Some(address));
    }
    tfplugin::prepare(&plugin, false, &[]);
    match arguments
        .command
        .map_or(Ok(()), |command| execute(&command))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let help = error
                .downcast_ref::<StoreError>()
                .and_then(StoreError::help);
            fail(&format_args!(
                "{error:#}{}",
                help.map(|help| format!("\nhelp: {help}"))
                    .unwrap_or_default()
            ))
        }
    }
}

/// Says why the program could not do what it was asked to.
pub(crate) fn fail(error: &dyn fmt::Display) -> ExitCode {
    let text = error.to_string();
    let shown = secret_value::redaction::redact(&text);
    let _ = writeln!(std::io::stderr(), "error: {shown}");
    ExitCode::FAILURE
}

fn execute(command: &Command) -> anyhow::Result<()> {
    let environment = Environment::process().context("the working directory cannot be read")?;
    match command {
        Command::Audit { command } => audit::execute(&environment, command),
        Command::Lease { command } => lease::execute(&environment, command),
        Command::Policy { command } => policy::execute(&environment, command),
        Command::Ref { command } => reference::execute(command),
        Command::Store { command } => store::execute(&environment, command),
    }
}
