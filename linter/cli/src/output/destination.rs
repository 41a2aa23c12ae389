//! Where a report goes. Files are written whole or not at all.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;

use super::Format;
use crate::error::CliError;

/// Where a report goes, and in which form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The form.
    pub(crate) format: Format,
    /// The file; `None` is standard output.
    pub(crate) path: Option<PathBuf>,
    /// Written besides standard output, not instead of it.
    pub(crate) is_extra: bool,
}

impl Destination {
    /// Standard output.
    pub(crate) fn standard_output(format: Format) -> Self {
        Self {
            format,
            path: None,
            is_extra: false,
        }
    }

    /// `FILE` or `FORMAT=FILE`. The folder must exist, so that a long run does not end in vain.
    pub(crate) fn parse(text: &str, format: Format) -> Result<Self, CliError> {
        let (format, path, is_extra) = match text.split_once('=') {
            Some((name, path)) if is_word(name) => {
                let format = Format::from_str(name, false).map_err(|_| unknown_format(name))?;
                (format, path, true)
            }
            _ if Format::from_str(text, false).is_ok() => {
                return Err(CliError::Usage(format!(
                    "--output {text}: names a form, not a file; did you mean `--format {text}`? \
                     A file of that name is written `./{text}`"
                )));
            }
            _ => (format, text, false),
        };
        let path = PathBuf::from(path);
        if path.file_name().is_none() || path.is_dir() {
            return Err(CliError::Usage(format!("--output {text}: names no file")));
        }
        let folder = folder_of(&path);
        if !folder.is_dir() {
            return Err(CliError::Usage(format!(
                "--output {text}: the folder {} does not exist; create it first",
                folder.display()
            )));
        }
        Ok(Self {
            format,
            path: Some(path),
            is_extra,
        })
    }
}

/// Writes a file whole or not at all: the text goes to a temporary file beside it, which takes its
/// place when complete. Devices and pipes are written to as they are.
pub(crate) fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CliError> {
    let attempt = || {
        let existing = std::fs::metadata(path).ok();
        if existing
            .as_ref()
            .is_some_and(|existing| !existing.is_file())
        {
            let device = std::fs::OpenOptions::new().write(true).open(path)?;
            let mut out = io::BufWriter::new(device);
            write(&mut out)?;
            return out.flush();
        }
        // A symbolic link stays one: what it points to is replaced.
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut builder = tempfile::Builder::new();
        builder.prefix(".secretlint-");
        #[cfg(unix)]
        {
            // As any new file: the process's mask applies.
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder_of(&target))?;
        if let Some(existing) = existing {
            file.as_file().set_permissions(existing.permissions())?;
        }
        let mut out = io::BufWriter::new(file.as_file_mut());
        write(&mut out)?;
        out.flush()?;
        drop(out);
        file.as_file().sync_all()?;
        file.persist(&target).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|source| CliError::Write {
        path: path.to_owned(),
        source,
    })
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn unknown_format(name: &str) -> CliError {
    let known: Vec<_> = Format::value_variants()
        .iter()
        .filter_map(|format| Some(format.to_possible_value()?.get_name().to_owned()))
        .collect();
    CliError::Usage(format!(
        "--output: unknown format `{name}`; known are {}; a file of that name is written `./{name}=…`",
        known.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_told_from_files() {
        let parse = |text: &str| Destination::parse(text, Format::Json).unwrap();
        let plain = parse("report.json");
        assert_eq!((plain.format, plain.is_extra), (Format::Json, false));
        let extra = parse("sarif=report.sarif");
        assert_eq!((extra.format, extra.is_extra), (Format::Sarif, true));
        assert_eq!(extra.path.unwrap(), Path::new("report.sarif"));
        assert_eq!(parse("./a=b").path.unwrap(), Path::new("./a=b"));
        assert_eq!(parse("./json").path.unwrap(), Path::new("./json"));
    }

    #[test]
    fn a_form_without_a_file_is_a_slip() {
        let error = Destination::parse("sarif", Format::Human).unwrap_err();
        assert!(error.to_string().contains("did you mean `--format sarif`?"));
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("no/such/folder/x.json", "no/such/folder"),
            ("yaml=x", "unknown format `yaml`"),
            (".", "names no file"),
            ("json=", "names no file"),
        ] {
            let error = Destination::parse(text, Format::Json).unwrap_err();
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report");
        write_atomically(&path, |out| out.write_all(b"old")).unwrap();
        let failed = write_atomically(&path, |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("full"))
        });
        assert!(failed.unwrap_err().to_string().contains("full"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
