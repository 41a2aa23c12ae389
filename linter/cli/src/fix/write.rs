//! Replaces files, all or none as far as a file system allows: every new text is on disk beside its
//! file before the first one takes its place.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::{Text, Texts, read};
use crate::error::CliError;

/// Writes every text, if all files are still those that were read.
pub(super) fn all(texts: &Texts, root: &Path) -> Result<(), CliError> {
    let mut staged = Vec::with_capacity(texts.len());
    for (path, text) in texts {
        staged.push(stage(&root.join(path), text)?);
    }
    for (path, text) in texts {
        let path = root.join(path);
        if read(&path)? != text.before {
            return Err(CliError::Usage(format!(
                "{} changed while it was fixed; nothing was written, run fix again",
                path.display()
            )));
        }
    }
    for (target, file) in staged {
        file.persist(&target).map_err(|error| CliError::Write {
            path: target,
            source: error.error,
        })?;
    }
    Ok(())
}

/// The new text in a temporary file beside the one it replaces. A symbolic link stays one.
fn stage(path: &Path, text: &Text) -> Result<(PathBuf, NamedTempFile), CliError> {
    let attempt = || {
        let target = std::fs::canonicalize(path)?;
        let permissions = std::fs::metadata(&target)?.permissions();
        if permissions.readonly() {
            return Err(std::io::Error::other("the file is read-only"));
        }
        let folder = target.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new()
            .prefix(".secretlint-")
            .tempfile_in(folder)?;
        file.as_file().set_permissions(permissions)?;
        file.write_all(text.after.as_bytes())?;
        file.as_file().sync_all()?;
        Ok((target, file))
    };
    attempt().map_err(|source| CliError::Write {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(entries: &[(&str, &str, &str)]) -> Texts {
        let text = |before: &str, after: &str| Text {
            before: before.to_owned(),
            after: after.to_owned(),
        };
        let entries = entries.iter();
        entries
            .map(|(path, before, after)| ((*path).to_owned(), text(before, after)))
            .collect()
    }

    #[test]
    fn one_file_that_changed_keeps_all_from_being_written() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::write(root.join("a.tf"), "old").unwrap();
        std::fs::write(root.join("b.tf"), "somebody was here").unwrap();
        let wanted = texts(&[("a.tf", "old", "new"), ("b.tf", "old", "new")]);
        let error = all(&wanted, root).unwrap_err().to_string();
        assert!(error.contains("b.tf changed while it was fixed"), "{error}");
        assert_eq!(std::fs::read_to_string(root.join("a.tf")).unwrap(), "old");
        assert_eq!(
            std::fs::read_dir(root).unwrap().count(),
            2,
            "nothing is left behind"
        );
        std::fs::write(root.join("b.tf"), "old").unwrap();
        all(&wanted, root).unwrap();
        assert_eq!(std::fs::read_to_string(root.join("b.tf")).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn links_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let real = root.join("real.tf");
        std::fs::write(&real, "old").unwrap();
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real.tf", root.join("link.tf")).unwrap();
        all(&texts(&[("link.tf", "old", "new")]), root).unwrap();
        assert!(root.join("link.tf").is_symlink());
        assert_eq!(std::fs::read_to_string(&real).unwrap(), "new");
        let mode = std::fs::metadata(&real).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
