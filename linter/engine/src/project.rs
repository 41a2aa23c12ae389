//! The files that decide a run, read from disk: configuration, policy, baseline.
//!
//! Mistakes in them are findings, see [`Config::mistakes`]; a file that was named and cannot be
//! read is an error, because nobody wants a run that ignores it. Read [`load`] first.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use secretlint_rules::patterns::CredentialPatterns;

use crate::config::Config;
use crate::names::RuleNames;

/// Where a file comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source<'s> {
    /// Where it usually is: found upward from the root, or named by the configuration.
    #[default]
    Usual,
    /// This file, absolute or relative to the root.
    Named(&'s Path),
    /// Nowhere: a run without it.
    Off,
}

/// Which files decide a run.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'s> {
    /// Folder the run starts in, absolute.
    pub root: &'s Path,
    /// `secretlint.toml`.
    pub config: Source<'s>,
    /// `secretref.toml`.
    pub policy: Source<'s>,
    /// The baseline; [`Source::Usual`] is the one that the configuration names.
    pub baseline: Source<'s>,
    /// The day of the run.
    pub today: Date,
}

/// A file that was asked for cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the {what} {path} cannot be read: {source}")]
pub struct ProjectError {
    what: &'static str,
    path: String,
    source: std::io::Error,
}

/// A validated configuration and where it came from.
#[derive(Debug)]
pub struct Project {
    /// What decides the run.
    pub config: Config,
    /// The configuration file, when there is one.
    pub config_path: Option<PathBuf>,
}

impl Project {
    /// Folder that paths in the configuration are relative to.
    #[must_use]
    pub fn folder<'p>(&'p self, root: &'p Path) -> &'p Path {
        let folder = self.config_path.as_deref().and_then(Path::parent);
        folder.unwrap_or(root)
    }
}

/// The rule that stands for the patterns of a configuration.
#[must_use]
pub fn own_patterns(config: &Config) -> Option<CredentialPatterns<'_>> {
    config.patterns.as_ref().and_then(CredentialPatterns::new)
}

/// The documentation page of a shipped rule.
#[must_use]
pub fn rule_page(id: &str) -> String {
    format!(
        "{}/blob/main/docs/rules/{id}.md",
        env!("CARGO_PKG_REPOSITORY")
    )
}

/// Reads the configuration and what it names.
///
/// # Errors
/// When a file that was named, or found, cannot be read.
pub fn load(sources: &Sources<'_>, names: &RuleNames<'_>) -> Result<Project, ProjectError> {
    let root = sources.root;
    let config_path = match sources.config {
        Source::Usual => Config::find(root),
        Source::Named(path) => Some(root.join(path)),
        Source::Off => None,
    };
    let config = match &config_path {
        Some(path) => {
            let text = read("configuration", path)?;
            Config::parse(path, &text, root, names, sources.today)
        }
        None => Config::new(sources.today),
    };
    let mut project = Project {
        config,
        config_path,
    };
    let policy = match sources.policy {
        Source::Usual => secret_policy::policy::discover(root)
            .map_err(|source| error("policy", root, source))?
            .map(|found| (found.path, found.text)),
        Source::Named(path) => {
            let path = root.join(path);
            let text = read("policy", &path)?;
            Some((path, text))
        }
        Source::Off => None,
    };
    if let Some((path, text)) = policy {
        project.config.read_policy(&path, &text, root);
    }
    let configured = project.config.baseline_path.as_deref().map(Path::new);
    let baseline = match sources.baseline {
        Source::Usual => configured.map(|path| project.folder(root).join(path)),
        Source::Named(path) => Some(root.join(path)),
        Source::Off => None,
    };
    if let Some(path) = baseline {
        let text = read("baseline", &path)?;
        project.config.read_baseline(&path, &text, root);
    }
    Ok(project)
}

fn read(what: &'static str, path: &Path) -> Result<String, ProjectError> {
    std::fs::read_to_string(path).map_err(|source| error(what, path, source))
}

fn error(what: &'static str, path: &Path, source: std::io::Error) -> ProjectError {
    ProjectError {
        what,
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(root: &Path) -> Sources<'_> {
        Sources {
            root,
            config: Source::Usual,
            policy: Source::Usual,
            baseline: Source::Usual,
            today: jiff::civil::date(2026, 6, 1),
        }
    }

    fn load(sources: &Sources<'_>) -> Result<Project, ProjectError> {
        super::load(sources, &RuleNames::new(&[]))
    }

    #[test]
    fn files_are_found_upward_and_the_baseline_beside_the_configuration() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("live/prod");
        std::fs::create_dir_all(&root).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
        };
        write("secretlint.toml", "baseline = \"accepted.json\"\n");
        write("secretref.toml", "[environments.prod]\n");
        let baseline = crate::Baseline::new("0123456789abcdef".to_owned()).unwrap();
        write("accepted.json", &baseline.to_json().unwrap());
        let project = load(&sources(&root)).unwrap();
        assert_eq!(project.folder(&root), folder.path());
        assert!(project.config.policy.is_some());
        assert!(project.config.baseline.is_some());
        assert!(project.config.mistakes.is_empty());
        let off = Sources {
            config: Source::Off,
            policy: Source::Off,
            ..sources(&root)
        };
        let project = load(&off).unwrap();
        assert!(project.config.policy.is_none() && project.config.baseline.is_none());
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Source::Named(Path::new("no-such.toml"));
        let usual = sources(folder.path());
        for (what, sources) in [
            (
                "configuration",
                Sources {
                    config: missing,
                    ..usual
                },
            ),
            (
                "policy",
                Sources {
                    policy: missing,
                    ..usual
                },
            ),
            (
                "baseline",
                Sources {
                    baseline: missing,
                    ..usual
                },
            ),
        ] {
            let error = load(&sources).unwrap_err().to_string();
            assert!(
                error.contains(what) && error.contains("no-such.toml"),
                "{error}"
            );
        }
    }
}
