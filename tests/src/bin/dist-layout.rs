//! `cargo dist-layout [FOLDER [PLATFORM=PROGRAM]...]`: lays out a release of the provider.
//!
//! Without programs, the provider is built for this platform. The folder is `target/dist` unless given.
//! See [`e2e::release`].

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use e2e::binaries::{provider_program, target_dir};
use e2e::release::Release;
use e2e::sandbox::platform;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be gone; there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = match arguments.next() {
        Some(folder) => PathBuf::from(folder),
        None => target_dir()?.join("dist"),
    };
    let mut programs = arguments
        .map(|argument| named_program(&argument))
        .collect::<Result<Vec<_>>>()?;
    if programs.is_empty() {
        programs.push((platform(), provider_program()?));
    }
    let release = Release::lay_out(&programs, &folder)?;
    let mut out = std::io::stdout().lock();
    for file in release
        .archives
        .iter()
        .chain([&release.manifest, &release.checksums])
    {
        writeln!(out, "{}", file.display())?;
    }
    Ok(())
}

fn named_program(argument: &str) -> Result<(String, PathBuf)> {
    let (platform, program) = argument.split_once('=').with_context(|| {
        format!("`{argument}` is not PLATFORM=PROGRAM, such as linux_amd64=target/provider")
    })?;
    Ok((platform.to_owned(), program.into()))
}
