//! `audit …`: the access log.

use std::io::Write as _;

use anyhow::bail;
use secret_stores::Environment;
use secret_stores::audit::{Entry, Filter, read, verify};

use super::arguments::{AuditCommand, AuditFile, Format, Show};
use super::output;
use crate::settings::audit_options;

pub(super) fn execute(environment: &Environment, command: &AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Show(arguments) => show(environment, arguments),
        AuditCommand::Verify(file) => check(environment, file),
    }
}

fn show(environment: &Environment, arguments: &Show) -> anyhow::Result<()> {
    let options = audit_options(environment, arguments.file.file.as_deref())?;
    let filter = Filter {
        since: arguments.since,
        until: arguments.until,
        reference: arguments.reference.clone(),
        environment: arguments.environment.clone(),
        bookkeeping: arguments.all,
        ..Filter::default()
    };
    let mut rows = Vec::new();
    if arguments.format == Format::Text {
        rows.push(
            [
                "TIME",
                "EVENT",
                "OUTCOME",
                "REFERENCE",
                "VERSION",
                "ENVIRONMENT",
                "",
            ]
            .map(str::to_owned)
            .to_vec(),
        );
    }
    for entry in read(&options.path)? {
        // One unreadable line does not hide the others; `verify` says what happened to it.
        match entry {
            Ok(entry) if filter.matches(&entry) => match arguments.format {
                Format::Json => output::json(&entry.event)?,
                Format::Text => rows.push(cells(&entry)),
            },
            Ok(_) => {}
            Err(error) => {
                let _ = writeln!(std::io::stderr(), "warning: {error}");
            }
        }
    }
    Ok(output::table(&rows)?)
}

fn cells(entry: &Entry) -> Vec<String> {
    let event = &entry.event;
    let why = [&event.error, &event.rule, &event.purpose]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect::<Vec<_>>();
    vec![
        output::moment(event.time),
        event.event.to_string(),
        output::word(&event.outcome),
        event.reference.clone().unwrap_or_default(),
        event.version.clone().unwrap_or_default(),
        event.context.environment.clone().unwrap_or_default(),
        why.join("; "),
    ]
}

fn check(environment: &Environment, file: &AuditFile) -> anyhow::Result<()> {
    let options = audit_options(environment, file.file.as_deref())?;
    let report = verify(&options)?;
    for problem in &report.problems {
        output::line(&format!(
            "{}:{}: {}",
            options.path.display(),
            problem.line,
            problem.message
        ))?;
    }
    if !report.keyed {
        output::line(
            "No key is here to confirm checkpoints: a log that was rewritten as a whole would pass.",
        )?;
    }
    if !report.is_intact() {
        bail!(
            "{} was changed: {} problems in {} lines",
            options.path.display(),
            report.problems.len(),
            report.lines
        );
    }
    output::line(&format!(
        "{} is intact: {} accesses, {} confirmed checkpoints.",
        options.path.display(),
        report.events,
        report.checkpoints
    ))?;
    Ok(())
}
