//! `secretlint`: arguments, output formats, commands. The work is done by `secretlint_engine`.
//!
//! Read `args` (what was typed), `settings` (what it means) and `check` (the run) in this order.

mod args;
mod baseline;
mod check;
mod environment;
mod error;
mod explain;
mod fix;
mod history;
mod init;
mod output;
mod policy;
mod progress;
mod revision;
mod settings;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

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
        Some(Command::Fix(args)) => fix::run(&args),
        Some(Command::Explain { rule }) => explain::explain(&rule),
        Some(Command::Rules(args)) => explain::rules(&args),
        Some(Command::Baseline { action }) => baseline::run(&action),
        Some(Command::Init) => init::run(),
        Some(Command::Policy(args)) => policy::run(&args),
        Some(Command::Lsp) => {
            secretlint_lsp::serve(&secretlint_rules::rules())?;
            Ok(Ending::Clean)
        }
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "secretlint", &mut text);
            print(&text)
        }
        Some(Command::Man) => {
            let mut text = Vec::new();
            clap_mangen::Man::new(Cli::command()).render(&mut text)?;
            print(&text)
        }
    }
}

fn print(text: &[u8]) -> Result<Ending, CliError> {
    std::io::stdout().lock().write_all(text)?;
    Ok(Ending::Clean)
}
