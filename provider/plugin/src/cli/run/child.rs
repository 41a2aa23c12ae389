//! The command: started, told of signals, its output masked, and waited for.

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context as _, bail};
use secret_value::Secret;
use secret_value::redaction::Masker;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

use super::super::arguments::Masking;
use super::signals::Signals;
use super::{NOT_EXECUTABLE, NOT_FOUND};
use crate::cli::{fail, warn};

/// Bytes read at once.
const CHUNK: usize = 16 * 1024;

/// What to run.
pub(super) struct Program<'a> {
    pub(super) words: &'a [OsString],
    /// Variables to set, or to take away.
    pub(super) variables: Vec<(String, Option<Secret>)>,
    pub(super) masking: Masking,
    pub(super) no_masking: bool,
}

impl Program<'_> {
    fn masks(&self, terminal: bool) -> bool {
        match self.masking {
            _ if self.no_masking => false,
            Masking::Auto => !terminal,
            Masking::Always => true,
            Masking::Never => false,
        }
    }

    fn command(&self) -> anyhow::Result<Command> {
        let Some((name, arguments)) = self.words.split_first() else {
            bail!("there is no command");
        };
        let mut command = Command::new(name);
        command.args(arguments);
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, variable(name, value)?),
                None => command.env_remove(name),
            };
        }
        let stream = |terminal: bool| {
            if self.masks(terminal) {
                Stdio::piped()
            } else {
                Stdio::inherit()
            }
        };
        command
            .stdout(stream(io::stdout().is_terminal()))
            .stderr(stream(io::stderr().is_terminal()));
        Ok(command)
    }
}

/// Runs the program to its end and says its exit code.
///
/// # Errors
/// When a value does not fit into a variable, or the system fails. A command that cannot be started is told
/// and answered with the code that shells have for it.
pub(super) async fn run(program: Program<'_>, signals: &mut Signals) -> anyhow::Result<u8> {
    let mut command = program.command()?;
    let spawned = command.spawn();
    // The copies of the values are the child's now.
    drop(command);
    let name = program.words[0].to_string_lossy().into_owned();
    drop(program);
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let _ = fail(&format_args!("there is no command `{name}`"));
            return Ok(NOT_FOUND);
        }
        Err(error) if error.kind() == io::ErrorKind::ArgumentListTooLong => {
            bail!(
                "the system takes no variables or arguments of this size; use `--env` for smaller values"
            )
        }
        Err(error) => {
            let _ = fail(&format_args!("cannot start `{name}`: {error}"));
            return Ok(NOT_EXECUTABLE);
        }
    };
    let out = child.stdout.take();
    let out = out.map(|pipe| tokio::spawn(pump(pipe, tokio::io::stdout())));
    let err = child.stderr.take();
    let err = err.map(|pipe| tokio::spawn(pump(pipe, tokio::io::stderr())));
    let status = loop {
        tokio::select! {
            status = child.wait() => break status.context("cannot wait for the command")?,
            signal = signals.next() => if let Some(process) = child.id() {
                signal.pass_on(process);
            },
        }
    };
    // What it left running in the background may hold the pipes for as long as it likes, but not against a signal.
    for stream in [out, err].into_iter().flatten() {
        tokio::select! {
            written = stream => match written {
                Ok(Err(error)) if error.kind() != io::ErrorKind::BrokenPipe => {
                    warn(&format_args!("output of the command was lost: {error}"));
                }
                _ => {}
            },
            _ = signals.next() => break,
        }
    }
    Ok(code(status))
}

/// The value as the system passes it on.
fn variable(name: &str, value: &Secret) -> anyhow::Result<OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "`run` exists to hand the value to the command"
    )]
    let bytes = value.expose();
    if bytes.contains(&0) {
        bail!("{name}: the value has a zero byte, which no variable can hold; store it in base64");
    }
    #[cfg(unix)]
    let text = std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec());
    #[cfg(not(unix))]
    let text = String::from_utf8(bytes.to_vec())
        .map(OsString::from)
        .map_err(|_| anyhow::anyhow!("{name}: the value is not text; store it in base64"))?;
    Ok(text)
}

/// Passes output on as it comes, masked.
async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut masker = Masker::new();
    let mut chunk = Zeroizing::new(vec![0; CHUNK]);
    loop {
        let length = from.read(&mut chunk).await?;
        if length == 0 {
            break;
        }
        to.write_all(&masker.push(&chunk[..length])).await?;
        to.flush().await?;
    }
    to.write_all(&masker.finish()).await?;
    to.flush().await
}

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status
        .code()
        .map_or(1, |code| u8::try_from(code).unwrap_or(1))
}
