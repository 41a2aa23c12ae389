//! `secretlint`: arguments, output formats, commands. The work is done by `secretlint_engine`.
//!
//! Read `args` (what was typed), `settings` (what it means) and `check` (the run) in this order.

mod args;
mod check;
mod environment;
mod error;
mod output;
mod revision;
mod settings;

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;

use args::{Cli, Command};
use check::Ending;
use environment::Environment;
use error::CliError;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let environment = Environment::read();
    match run(cli, &environment) {
        Ok(ending) => ExitCode::from(ending as u8),
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(std::io::stderr(), "secretlint: {error}");
            ExitCode::from(Ending::Incomplete as u8)
        }
    }
}

fn run(cli: Cli, environment: &Environment) -> Result<Ending, CliError> {
    match cli.command {
        None => check::run(&cli.check, environment),
        Some(Command::Check(args)) => check::run(&args, environment),
    }
}
