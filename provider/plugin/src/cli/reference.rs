//! `ref …`: references on their own, without any store.

use std::io::Write as _;

use anyhow::anyhow;
use secret_policy::SecretRef;
use secret_policy::convert::Target;

use super::arguments::RefCommand;
use super::output;

pub(super) fn execute(command: &RefCommand) -> anyhow::Result<()> {
    match command {
        RefCommand::Parse { reference } => show(&parse(reference)?),
        RefCommand::Convert { text, store } => convert(text, store.clone()),
    }
}

/// Parses a reference; what is unusual about it goes to standard error.
pub(super) fn parse(text: &str) -> anyhow::Result<SecretRef> {
    // The text is not repeated: what was typed in the wrong place may be a credential.
    let parsed = SecretRef::parse(text).map_err(|error| {
        anyhow!(
            "not a secret reference (at byte {}): {error}",
            error.span.start
        )
    })?;
    for warning in &parsed.warnings {
        let _ = writeln!(
            std::io::stderr(),
            "warning: {}; write `{}`",
            warning.message,
            warning.fix
        );
    }
    Ok(parsed.reference)
}

fn convert(text: &str, store: Option<String>) -> anyhow::Result<()> {
    let converted = secret_policy::convert::convert(text, &Target { store }).map_err(|error| {
        anyhow!(
            "cannot be written as a reference (at byte {}): {error}",
            error.span.start
        )
    })?;
    for note in &converted.notes {
        let _ = writeln!(std::io::stderr(), "note: {note}");
    }
    Ok(output::line(&converted.reference.to_string())?)
}

fn show(reference: &SecretRef) -> anyhow::Result<()> {
    let mut rows = vec![
        ("reference", reference.to_string()),
        ("scheme", reference.scheme().name().to_owned()),
    ];
    let optional = [
        ("store", reference.store().map(str::to_owned)),
        ("path", Some(reference.path())),
        ("version", reference.version().map(str::to_owned)),
        ("stage", reference.stage().map(str::to_owned)),
        ("selector", reference.selector().map(ToString::to_string)),
    ];
    rows.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(name, value)| vec![name.to_owned(), value])
        .collect();
    Ok(output::table(&rows)?)
}
