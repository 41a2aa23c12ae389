//! The program when a person, a script or another program starts it: the local store, the audit log, the
//! policy, leases and references, commands with secrets, and credential helpers. When Terraform starts it,
//! none of this runs.

mod access;
mod arguments;
mod audit;
mod credential;
mod guarded;
mod input;
mod lease;
mod output;
mod policy;
mod reference;
mod run;
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
    let arguments = Arguments::parse_from(credential::named_helper(std::env::args_os()));
    if let Some(address) = arguments.debug {
        return serve::run(plugin, Some(address));
    }
    tfplugin::prepare(&plugin, false, &[]);
    match arguments
        .command
        .map_or(Ok(ExitCode::SUCCESS), |command| execute(&command))
    {
        Ok(code) => code,
        Err(error) => fail(&explained(&error)),
    }
}

/// What is wrong and, where that is known, what to do.
fn explained(error: &anyhow::Error) -> String {
    let help = error
        .downcast_ref::<StoreError>()
        .and_then(StoreError::help);
    let help = help.map(|help| format!("\nhelp: {help}"));
    format!("{error:#}{}", help.unwrap_or_default())
}

/// Says why the program could not do what it was asked to.
pub(crate) fn fail(error: &dyn fmt::Display) -> ExitCode {
    say("error", error);
    ExitCode::FAILURE
}

/// Tells something that goes on all the same.
fn warn(problem: &dyn fmt::Display) {
    say("warning", problem);
}

fn say(what: &str, text: &dyn fmt::Display) {
    let text = text.to_string();
    let shown = secret_value::redaction::redact(&text);
    let _ = writeln!(std::io::stderr(), "{what}: {shown}");
}

fn execute(command: &Command) -> anyhow::Result<ExitCode> {
    let environment = Environment::process().context("the working directory cannot be read")?;
    let done = match command {
        Command::Run(arguments) => return Ok(run::execute(&environment, arguments)),
        Command::Credential { command } => return credential::execute(&environment, command),
        Command::Audit { command } => audit::execute(&environment, command),
        Command::Lease { command } => lease::execute(&environment, command),
        Command::Policy { command } => policy::execute(&environment, command),
        Command::Ref { command } => reference::execute(command),
        Command::Store { command } => store::execute(&environment, command),
    };
    done.map(|()| ExitCode::SUCCESS)
}
