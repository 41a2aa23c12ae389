//! `run`: a command with secrets in its environment, which are given back when it ends.
//!
//! Values are in the environment of the command only, never in arguments, files or this program's own
//! environment. Exit codes are those of the command; [`FAILED`], [`NOT_EXECUTABLE`] and [`NOT_FOUND`] as with
//! `env` and `docker run` when it was not started, 128 and the number of the signal that ended it.

mod child;
mod dotenv;
mod signals;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use anyhow::{Context as _, anyhow, bail};
use secret_policy::{Scheme, SecretRef};
use secret_stores::select::Selected;
use secret_stores::{Environment, FetchOptions, Leased, StoreError, Stores};
use secret_value::{Secret, redaction};
use tf_framework::lifecycle::{Leases, Registered, SystemClock};

use self::child::Program;
use self::signals::Signals;
use super::arguments::Run;
use super::guarded::Project;
use super::{explained, fail, reference, warn};
use crate::session::{HeldLease, HeldLeases};

/// The secrets could not be opened.
const FAILED: u8 = 125;
/// The command is there and cannot be started.
const NOT_EXECUTABLE: u8 = 126;
/// There is no such command.
const NOT_FOUND: u8 = 127;

/// What a variable is set to.
enum Source {
    Plain(String),
    Reference(SecretRef),
}

type Variables = BTreeMap<String, Source>;

/// Runs the command and says how it ended.
pub(super) fn execute(environment: &Environment, arguments: &Run) -> ExitCode {
    match run(environment, arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = fail(&explained(&error));
            ExitCode::from(FAILED)
        }
    }
}

fn run(environment: &Environment, arguments: &Run) -> anyhow::Result<u8> {
    let variables = variables(environment, arguments)?;
    let project = Project::read(environment, &arguments.access)?;
    let stores = project.stores(environment, &arguments.access)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let ended = runtime.block_on(supervise(&stores, variables, arguments));
    // Something may still wait for input or output that never comes.
    runtime.shutdown_background();
    if let Err(error) = stores.finish() {
        warn(&error);
    }
    ended
}

/// All variables to set: inherited ones, those of files, those of arguments; what comes later counts.
fn variables(environment: &Environment, arguments: &Run) -> anyhow::Result<Variables> {
    let mut variables = Variables::new();
    if arguments.inherited {
        for (name, value) in std::env::vars_os() {
            let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else {
                continue;
            };
            if let Some(found) =
                reference_in(&value).with_context(|| format!("the variable `{name}`"))?
                && !matches!(found.scheme(), Scheme::File | Scheme::Env)
            {
                variables.insert(name, Source::Reference(found));
            }
        }
    }
    for file in &arguments.env_files {
        let path = environment.directory().join(file);
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {file}"))?;
        let read = dotenv::parse(&text).map_err(|reason| anyhow!("{file}: {reason}"))?;
        for (name, value) in read {
            let found = reference_in(&value).with_context(|| format!("{file}: `{name}`"))?;
            variables.insert(name, found.map_or(Source::Plain(value), Source::Reference));
        }
    }
    let mut given: Vec<&str> = Vec::new();
    for assignment in &arguments.env {
        // Neither half is repeated: what was typed in the wrong place may be a credential.
        let (name, text) = assignment
            .split_once('=')
            .context("--env is not NAME=REF")?;
        if !dotenv::is_name(name) {
            bail!(
                "--env: the name before `=` is not letters, digits and `_`, beginning with no digit"
            );
        }
        if given.contains(&name) {
            bail!("--env: `{name}` is given twice");
        }
        given.push(name);
        let found = reference::parse(text).with_context(|| format!("--env {name}"))?;
        variables.insert(name.to_owned(), Source::Reference(found));
    }
    Ok(variables)
}

/// The reference that a text is; `None` for a text that does not begin like one.
fn reference_in(text: &str) -> anyhow::Result<Option<SecretRef>> {
    let Some((start, _)) = text.split_once("://") else {
        return Ok(None);
    };
    let scheme = start.split_once('+').map_or(start, |(scheme, _)| scheme);
    match Scheme::from_name(scheme) {
        // A path with spaces and the like is somebody else's file URL.
        Some(Scheme::File) => Ok(SecretRef::parse(text).ok().map(|found| found.reference)),
        Some(_) => reference::parse(text).map(Some),
        None => Ok(None),
    }
}

/// Opens, runs, and gives back, whatever happens in between.
async fn supervise(
    stores: &Arc<Stores>,
    variables: Variables,
    arguments: &Run,
) -> anyhow::Result<u8> {
    // From here on a signal ends nothing before it was given back.
    let mut signals = Signals::install().context("cannot listen for signals")?;
    let mut leases = Vec::new();
    let opened = tokio::select! {
        opened = open(stores, variables, arguments, &mut leases) => opened.map(Ok),
        signal = signals.next() => Ok(Err(signal.exit_code())),
    };
    let table = Leases::new(Arc::new(SystemClock));
    let held = match HeldLeases::of(leases) {
        Some(leases) => {
            table
                .register("the secrets of the command", Box::new(leases))
                .await
        }
        None => None,
    };
    let outcome = match opened {
        Err(error) => Err(error),
        Ok(Err(code)) => Ok(code),
        Ok(Ok(values)) => {
            let program = Program {
                words: &arguments.command,
                variables: values,
                masking: arguments.masking,
                no_masking: arguments.no_masking,
            };
            tokio::select! {
                outcome = child::run(program, &mut signals) => outcome,
                () = keep(&table, held.as_ref()) => Ok(FAILED),
            }
        }
    };
    give_back(stores, &table, held.as_ref()).await;
    outcome
}

/// Opens everything with as few calls as possible; all problems are told at once.
async fn open(
    stores: &Arc<Stores>,
    variables: Variables,
    arguments: &Run,
    leases: &mut Vec<HeldLease>,
) -> anyhow::Result<Vec<(String, Option<Secret>)>> {
    let mut values = Vec::new();
    let (mut names, mut references) = (Vec::new(), Vec::new());
    for (name, source) in variables {
        match source {
            Source::Plain(text) => values.push((name, Some(Secret::from_text(text)))),
            Source::Reference(reference) => {
                names.push(name);
                references.push(reference);
            }
        }
    }
    let command = arguments.command.first().map(|word| word.to_string_lossy());
    let options = FetchOptions {
        purpose: command.map(|command| format!("run {command}")),
        ..FetchOptions::default()
    };
    let answers = stores.open_many(&references, &options).await;
    let mut problems = Vec::new();
    for (name, answer) in names.into_iter().zip(answers) {
        match answer {
            Err(error) => problems.push(format!("{name}: {}", told(&error))),
            Ok(None) => values.push((name, None)),
            Ok(Some(Leased { value, lease })) => {
                let Selected { value, metadata } = value;
                redaction::register(&value);
                for note in &metadata.notes {
                    warn(note);
                }
                leases.extend(lease.map(|lease| HeldLease::new(Arc::clone(stores), lease)));
                values.push((name, Some(value)));
            }
        }
    }
    match problems.as_slice() {
        [] => Ok(values),
        problems => bail!("{}", problems.join("\n")),
    }
}

fn told(error: &StoreError) -> String {
    match error.help() {
        Some(help) => format!("{error}\nhelp: {help}"),
        None => error.to_string(),
    }
}

/// Extends what is held, for as long as it is polled. Never ends.
async fn keep(table: &Leases, held: Option<&Registered>) {
    let mut next = held.and_then(|held| held.renew_at);
    while let (Some(held), Some(at)) = (held, next) {
        let wait = at.duration_since(SystemTime::now()).unwrap_or_default();
        tokio::time::sleep(wait).await;
        let renewed = table.renew(&held.private).await;
        for problem in &renewed.diagnostics {
            warn(problem);
        }
        next = renewed.renew_at;
    }
    std::future::pending::<()>().await;
}

async fn give_back(stores: &Stores, table: &Leases, held: Option<&Registered>) {
    if let Some(held) = held {
        for problem in &table.close(&held.private).await {
            warn(problem);
        }
    }
    if let Err(error) = stores.close().await {
        warn(&error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_like_a_reference_is_one() {
        for (text, expected) in [
            ("local://db#password", Some("local://db#password")),
            ("vault+prod://kv/db", Some("vault+prod://kv/db")),
            ("https://example.com", None),
            ("postgres+ssl://u@h/db", None),
            ("plain", None),
            ("://", None),
            ("file:///a b?c=d", None),
        ] {
            let found = reference_in(text).unwrap().map(|found| found.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        let error = format!("{:#}", reference_in("vault://hunter2").unwrap_err());
        assert!(!error.contains("hunter2"), "{error}");
    }
}
