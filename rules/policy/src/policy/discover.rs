//! Finding the policy: the only place of this crate that reads files.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::FILE_NAME;
use super::read::MAX_BYTES;

/// A policy file that was found; [`super::Policy::parse`] reads its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// The file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

/// The `secretref.toml` in `folder` or the closest one above it; `None` when there is none. The
/// folder should be absolute, otherwise the search ends at its first component.
///
/// # Errors
/// A file of that name exists and cannot be read, is larger than 1 MiB, or is not UTF-8. It is not
/// passed over: a policy that cannot be read must not count as no policy.
pub fn discover(folder: &Path) -> io::Result<Option<Discovered>> {
    for folder in folder.ancestors() {
        let path = folder.join(FILE_NAME);
        match read(&path) {
            Ok(text) => return Ok(Some(Discovered { path, text })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            // A folder below a plain file has no policy, but its parents may have one.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {}
            Err(error) => {
                return Err(io::Error::new(
                    error.kind(),
                    format!("{}: {error}", path.display()),
                ));
            }
        }
    }
    Ok(None)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(MAX_BYTES as u64 + 1).read_to_string(&mut text)?;
    if text.len() > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "a policy has at most 1 MiB",
        ));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_file_above_is_found() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("live/prod/db");
        std::fs::create_dir_all(&deep).unwrap();
        std::fs::write(root.path().join(FILE_NAME), "# root").unwrap();
        let found = discover(&deep).unwrap().unwrap();
        assert_eq!(
            found,
            Discovered {
                path: root.path().join(FILE_NAME),
                text: "# root".to_owned()
            }
        );

        std::fs::write(root.path().join("live").join(FILE_NAME), "# live").unwrap();
        assert_eq!(discover(&deep).unwrap().unwrap().text, "# live");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join(FILE_NAME);
        std::fs::write(&path, [0xff]).unwrap();
        let error = discover(root.path()).unwrap_err();
        assert!(error.to_string().contains(FILE_NAME), "{error}");
        std::fs::write(&path, "#".repeat(MAX_BYTES + 1)).unwrap();
        assert_eq!(
            discover(root.path()).unwrap_err().kind(),
            io::ErrorKind::FileTooLarge
        );
    }
}
