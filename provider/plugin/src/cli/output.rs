//! What commands print: tables for people, JSON lines for programs. No secret passes through here but
//! in [`value()`].

use std::io::{self, IsTerminal as _, Write as _};

use anyhow::bail;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use secret_value::Secret;
use zeroize::Zeroizing;

/// Writes one line to standard output.
pub(crate) fn line(text: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{text}")
}

/// Writes rows with aligned columns, the first row being the heading.
pub(crate) fn table(rows: &[Vec<String>]) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut out = io::stdout().lock();
    for row in rows {
        let mut text = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(&format!("{cell:width$}  "));
        }
        writeln!(out, "{}", text.trim_end())?;
    }
    Ok(())
}

/// The word that stands for a value of an enumeration in JSON.
pub(crate) fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

/// A time to the second, in UTC.
pub(crate) fn moment(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Writes one JSON value on a line of its own.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string(value)?)?;
    Ok(())
}

/// Refuses to show a value on a terminal unless it was asked to.
///
/// # Errors
/// When standard output is a terminal and `reveal` is false.
pub(crate) fn check_terminal(reveal: bool) -> anyhow::Result<()> {
    if io::stdout().is_terminal() && !reveal {
        bail!(
            "standard output is a terminal: pipe the value where it is needed, or show it with --reveal"
        );
    }
    Ok(())
}

/// Writes a secret value to standard output: exactly its bytes, and a line end on a terminal.
pub(crate) fn value(secret: &Secret, base64: bool) -> anyhow::Result<()> {
    #[expect(
        clippy::disallowed_methods,
        reason = "`store get` exists to hand the value to whoever holds the key"
    )]
    let bytes = secret.expose();
    let mut out = io::stdout().lock();
    if base64 {
        out.write_all(Zeroizing::new(BASE64_STANDARD.encode(bytes)).as_bytes())?;
    } else {
        out.write_all(bytes)?;
    }
    if out.is_terminal() {
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(())
}
