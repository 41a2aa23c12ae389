//! Tokens that somebody else made: from the block, the environment, or where `vault login` leaves them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use secret_value::Secret;
use zeroize::Zeroizing;

use super::super::options::Options;
use super::{Given, read_file};
use crate::backends::blocking;
use crate::blocks::Settings;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::files;

/// Where a token comes from.
#[derive(Clone, Debug)]
pub(in super::super) enum TokenSource {
    /// Where the command-line programs look: variable, token helper, `~/.vault-token`.
    Usual,
    /// Where the block says.
    Named(Given),
}

impl TokenSource {
    pub(super) fn chosen(settings: &Settings) -> Result<Self> {
        let given = Given::choose(settings, "value", "env", "file")?;
        Ok(given.map_or(Self::Usual, Self::Named))
    }

    /// The token, read now.
    ///
    /// # Errors
    /// `config` when there is none.
    pub(in super::super) async fn read(
        &self,
        options: &Options,
        operation: Operation,
    ) -> Result<Secret> {
        match self {
            Self::Named(given) => given.read(options, operation),
            Self::Usual => {
                if let Some(token) = options.variable("TOKEN") {
                    return Ok(Secret::from_text(token.trim().to_owned()));
                }
                let options = options.clone();
                blocking(operation, move || stored(&options, operation)).await
            }
        }
    }
}

/// The token that a login on the command line left behind.
fn stored(options: &Options, operation: Operation) -> Result<Secret> {
    let home = options.environment.path("HOME");
    let config = options
        .variable("CONFIG_PATH")
        .map(PathBuf::from)
        .or_else(|| home.as_ref().map(|home| home.join(".vault")));
    if let Some(helper) = config.as_deref().and_then(token_helper) {
        return ask(operation, &helper);
    }
    let file = home.map(|home| home.join(".vault-token"));
    match file.filter(|file| file.is_file()) {
        Some(file) => read_file(options, operation, &file.to_string_lossy()),
        None => Err(StoreError::new(
            ErrorKind::Config,
            operation,
            "there is no login for the Vault or OpenBao server",
        )
        .with_help(
            "log in with the identity of the run (an `auth` block such as `jwt` or `kubernetes` in the `vault` block), \
             or set VAULT_TOKEN or BAO_TOKEN, or run `vault login` or `bao login`",
        )),
    }
}

/// The program that keeps tokens, when the configuration of the command-line program names one.
fn token_helper(config: &Path) -> Option<PathBuf> {
    let text = files::read_limited(Operation::Configure, config, 64 * 1024).ok()?;
    let text = std::str::from_utf8(&text).ok()?;
    let value = text.lines().find_map(|line| {
        let value = line.trim().strip_prefix("token_helper")?.trim_start();
        value.strip_prefix('=').map(str::trim)
    })?;
    let path = value.strip_prefix('"')?.split('"').next()?;
    // The programs demand an absolute path, too.
    Some(PathBuf::from(path)).filter(|path| path.is_absolute())
}

fn ask(operation: Operation, helper: &Path) -> Result<Secret> {
    let fail = |why: &str| {
        StoreError::new(
            ErrorKind::Config,
            operation,
            format!("the token helper {why}"),
        )
        .with_context("program", helper.display())
        .with_help("log in anew with `vault login` or `bao login`")
    };
    let answer = Command::new(helper)
        .arg("get")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|error| fail("could not be started").with_source(error))?;
    let text = Zeroizing::new(answer.stdout);
    let token = Secret::new(text.trim_ascii().to_vec());
    if !answer.status.success() {
        return Err(fail("failed"));
    }
    if token.is_empty() {
        return Err(fail("holds no token"));
    }
    Ok(token)
}
