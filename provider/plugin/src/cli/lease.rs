//! `lease …`: what runs that were killed left behind, from the journals that they kept.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use secret_stores::identity::IdentityTokens;
use secret_stores::journal::{self, Held, Journal, Run};
use secret_stores::{Environment, StoreError, id_hash};
use serde::Serialize;

use super::arguments::{Format, LeaseCommand, RevokeLeases};
use super::output;

pub(super) fn execute(environment: &Environment, command: &LeaseCommand) -> anyhow::Result<()> {
    match command {
        LeaseCommand::List(arguments) => list(environment, arguments.format),
        LeaseCommand::Revoke(arguments) => revoke(environment, arguments),
    }
}

/// A token or lease and the run that opened it.
#[derive(Serialize)]
struct Row<'a> {
    run: &'a str,
    running: bool,
    server: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    #[serde(flatten)]
    held: &'a Held,
    id_hash: String,
}

fn runs(environment: &Environment) -> anyhow::Result<Vec<Run>> {
    let journal = Journal::locate(environment).context(
        "there is no place for journals of leases: set SECRETREF_LEASES to a folder, or HOME",
    )?;
    Ok(journal.runs()?)
}

fn rows(runs: &[Run]) -> impl Iterator<Item = Row<'_>> {
    runs.iter().flat_map(|run| {
        run.held.iter().map(|held| Row {
            run: &run.id,
            running: run.running,
            server: &run.server.address,
            namespace: run.server.namespace.as_deref(),
            held,
            id_hash: id_hash(&held.id),
        })
    })
}

fn list(environment: &Environment, format: Format) -> anyhow::Result<()> {
    let runs = runs(environment)?;
    let heading = ["ID", "RUN", "STATE", "WHAT", "SERVER", "ENDS"];
    let mut table = vec![heading.map(str::to_owned).to_vec()];
    for row in rows(&runs) {
        match format {
            Format::Json => output::json(&row)?,
            Format::Text => table.push(cells(&row)),
        }
    }
    if format == Format::Json {
        return Ok(());
    }
    if table.len() == 1 {
        output::line("No leases are left.")?;
        return Ok(());
    }
    Ok(output::table(&table)?)
}

fn cells(row: &Row<'_>) -> Vec<String> {
    vec![
        row.id_hash.clone(),
        row.run.to_owned(),
        if row.running { "running" } else { "left over" }.to_owned(),
        match &row.held.reference {
            Some(reference) => reference.clone(),
            None => "token of the run".to_owned(),
        },
        row.server.to_owned(),
        if row.held.expires == jiff::Timestamp::MAX {
            "never".to_owned()
        } else {
            output::moment(row.held.expires)
        },
    ]
}

fn revoke(environment: &Environment, arguments: &RevokeLeases) -> anyhow::Result<()> {
    let runs = runs(environment)?;
    let wanted = |held: &Held| {
        arguments.all
            || arguments
                .ids
                .iter()
                .any(|id| *id == held.id || *id == id_hash(&held.id))
    };
    for id in &arguments.ids {
        if !runs.iter().any(|run| {
            run.held
                .iter()
                .any(|held| *id == held.id || *id == id_hash(&held.id))
        }) {
            bail!("no journal knows `{id}`; `lease list` shows what there is");
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let identity = Arc::new(IdentityTokens::from_environment(environment));
    let mut failed = 0;
    for run in &runs {
        let asked: Vec<_> = run.held.iter().filter(|held| wanted(held)).collect();
        if asked.is_empty() {
            continue;
        }
        if run.running {
            output::line(&format!("{} is still running: left alone", run.id))?;
            continue;
        }
        failed += end(environment, &identity, run, &asked, &runtime)?;
    }
    if failed > 0 {
        bail!("{failed} could not be ended");
    }
    Ok(())
}

/// Ends what is asked for of one run; says how many could not be.
fn end(
    environment: &Environment,
    identity: &Arc<IdentityTokens>,
    run: &Run,
    asked: &[&Held],
    runtime: &tokio::runtime::Runtime,
) -> anyhow::Result<usize> {
    let mut ended: Vec<&str> = Vec::new();
    let mut failed = 0;
    // Tokens come first: what was opened under one ends with it.
    let (tokens, leases): (Vec<&Held>, Vec<&Held>) = asked
        .iter()
        .copied()
        .partition(|held| held.reference.is_none());
    for held in tokens.into_iter().chain(leases) {
        let under_ended = held
            .token
            .as_deref()
            .is_some_and(|token| ended.contains(&token));
        let outcome = if under_ended {
            Ok(())
        } else {
            runtime.block_on(journal::end(environment, identity, run, held))
        };
        let what = held.reference.as_deref().unwrap_or("token of the run");
        match outcome {
            Ok(()) => {
                ended.push(&held.id);
                output::line(&format!("ended {} ({what})", id_hash(&held.id)))?;
            }
            Err(error) => {
                failed += 1;
                output::line(&format!(
                    "not ended {} ({what}): {}",
                    id_hash(&held.id),
                    why(&error)
                ))?;
            }
        }
    }
    let over = |held: &Held| {
        ended.contains(&held.id.as_str())
            || held
                .token
                .as_deref()
                .is_some_and(|token| ended.contains(&token))
    };
    if run.held.iter().all(over) {
        run.remove();
    }
    Ok(failed)
}

fn why(error: &StoreError) -> String {
    match error.help() {
        Some(help) => format!("{error}; {help}"),
        None => error.to_string(),
    }
}
