//! The two programs under test, built from this workspace.
//!
//! `SECRETREF_TEST_PROGRAMS` names a folder with both already built, for instance to test a release.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

/// Paths of the built programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// `secretlint`.
    pub linter: PathBuf,
    /// `terraform-provider-secretref`.
    pub provider: PathBuf,
}

impl Binaries {
    /// Builds both programs once per process, unless they are given, and says where they are.
    ///
    /// # Errors
    /// When cargo cannot build them; its own messages go to standard error.
    pub fn build() -> Result<Self> {
        static BUILT: OnceLock<Result<Binaries, String>> = OnceLock::new();
        BUILT
            .get_or_init(|| build().map_err(|error| format!("{error:#}")))
            .clone()
            .map_err(anyhow::Error::msg)
    }
}

/// Root of the workspace: the folder that holds `Cargo.toml`, `examples/` and `rules/`.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The target directory this very program was built into.
///
/// # Errors
/// When the program was moved out of a cargo target directory.
pub fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    // target/<profile>/demo or target/<profile>/deps/<suite>-<hash>
    let profile = profile_dir(&program)
        .with_context(|| format!("{} is not in a cargo target directory", program.display()))?;
    Ok(profile.parent().unwrap_or(profile).to_path_buf())
}

fn profile_dir(program: &Path) -> Option<&Path> {
    let folder = program.parent()?;
    if folder.file_name()? == "deps" {
        folder.parent()
    } else {
        Some(folder)
    }
}

fn build() -> Result<Binaries> {
    let folder = match std::env::var_os("SECRETREF_TEST_PROGRAMS") {
        Some(folder) => PathBuf::from(folder),
        None => cargo_build()?,
    };
    Ok(Binaries {
        linter: folder.join(format!("secretlint{}", std::env::consts::EXE_SUFFIX)),
        provider: folder.join(format!(
            "terraform-provider-secretref{}",
            std::env::consts::EXE_SUFFIX
        )),
    })
}

/// Builds the provider that the framework's conformance tests drive, once per process.
///
/// # Errors
/// When cargo cannot build it; its own messages go to standard error.
pub fn echo_provider() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let build = || {
        let folder = cargo_build()?;
        Ok(folder
            .join("examples")
            .join(format!("echo{}", std::env::consts::EXE_SUFFIX)))
    };
    BUILT
        .get_or_init(|| build().map_err(|error: anyhow::Error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

/// Builds the provider that has the schemas of others, once per process.
///
/// # Errors
/// When cargo cannot build it; its own messages go to standard error.
pub fn stand_in_provider() -> Result<PathBuf> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let build = || {
        let folder = cargo_build()?;
        let name = format!("stand_in{}", std::env::consts::EXE_SUFFIX);
        Ok(folder.join("examples").join(name))
    };
    BUILT
        .get_or_init(|| build().map_err(|error: anyhow::Error| format!("{error:#}")))
        .clone()
        .map_err(anyhow::Error::msg)
}

/// Builds the provider alone.
///
/// # Errors
/// When cargo cannot build it; its own messages go to standard error.
pub fn provider_program() -> Result<PathBuf> {
    let name = "terraform-provider-secretref";
    let folder = cargo_build()?;
    Ok(folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)))
}

/// Builds the programs in the profile of this very program; returns the folder with the results.
///
/// A test selects the same packages and kinds of targets as `cargo test --workspace` did, so that cargo finds
/// every dependency built with the same features and nothing is compiled twice.
fn cargo_build() -> Result<PathBuf> {
    let target = target_dir()?;
    let release = !cfg!(debug_assertions);
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo
        .current_dir(workspace_root())
        .args(["build", "--quiet", "--target-dir"])
        .arg(&target)
        .args(["--workspace", "--bins"]);
    // Cargo tells a test about its own package; build scripts that look at these variables, such as that of ring,
    // would run again, and everything above them would be compiled again, now and at the next build from outside.
    for (name, _) in std::env::vars_os() {
        let told = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        });
        if told {
            cargo.env_remove(name);
        }
    }
    if is_test()? {
        cargo.arg("--examples");
    }
    if release {
        cargo.arg("--release");
    }
    // What cargo tells the program that it runs would look to build scripts like a change of their own: they, and
    // all that stands on them, would be compiled anew in every run of the tests and again after it.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ["CARGO_MANIFEST_", "CARGO_PKG_"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            cargo.env_remove(&*name);
        }
    }
    let status = cargo.status().context("cannot run cargo")?;
    if !status.success() {
        bail!("cargo could not build the programs: {status}");
    }
    Ok(target.join(if release { "release" } else { "debug" }))
}

/// Whether this program is a test, which cargo keeps in the folder `deps`.
fn is_test() -> Result<bool> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let folder = program.parent().and_then(Path::file_name);
    Ok(folder.is_some_and(|folder| folder == "deps"))
}
