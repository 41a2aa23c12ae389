//! Values come in through standard input or a prompt that does not echo.

use std::io::{IsTerminal as _, Read as _};

use anyhow::{Context as _, bail};
use secret_stores::local::MAX_VALUE_BYTES;
use secret_value::Secret;

/// Reads one value. From a pipe, one line end at the end is dropped unless `raw`, because `echo` and
/// editors add it; from a terminal the value is asked for twice.
pub(crate) fn value(raw: bool) -> anyhow::Result<Secret> {
    if std::io::stdin().is_terminal() {
        return asked_twice("Value: ", "Once more: ");
    }
    // One byte more than allowed, so that too long a value is noticed and not cut off.
    let mut bytes = Vec::with_capacity(MAX_VALUE_BYTES + 1);
    std::io::stdin()
        .lock()
        .take(MAX_VALUE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .context("cannot read the value from standard input")?;
    if bytes.len() > MAX_VALUE_BYTES {
        drop(Secret::new(bytes));
        bail!("the value on standard input has more than {MAX_VALUE_BYTES} bytes");
    }
    if !raw {
        drop_line_end(&mut bytes);
    }
    if bytes.is_empty() {
        bail!(
            "standard input is empty: pipe the value in, or run the command on a terminal to be asked"
        );
    }
    Ok(Secret::new(bytes))
}

/// Asks for a new passphrase.
pub(crate) fn new_passphrase() -> anyhow::Result<Secret> {
    if !std::io::stdin().is_terminal() {
        bail!("a passphrase can only be asked for on a terminal; set SECRETREF_PASSPHRASE instead");
    }
    asked_twice("New passphrase: ", "Once more: ")
}

fn asked_twice(first: &str, second: &str) -> anyhow::Result<Secret> {
    let ask = |prompt: &str| -> anyhow::Result<Secret> {
        Ok(Secret::from_text(
            rpassword::prompt_password(prompt).context("cannot read from the terminal")?,
        ))
    };
    let value = ask(first)?;
    if value.is_empty() {
        bail!("nothing was typed; nothing is stored");
    }
    if ask(second)? != value {
        bail!("the two inputs differ; nothing is stored");
    }
    Ok(value)
}

fn drop_line_end(bytes: &mut Vec<u8>) {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_dropped_and_no_more() {
        for (given, kept) in [
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a", "a"),
            ("\n", ""),
            ("a\r", "a\r"),
        ] {
            let mut bytes = given.as_bytes().to_vec();
            drop_line_end(&mut bytes);
            assert_eq!(bytes, kept.as_bytes(), "{given:?}");
        }
    }
}
