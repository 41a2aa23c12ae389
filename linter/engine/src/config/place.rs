//! Paths as a configuration file sees them, and the environments they belong to.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use secret_policy::{Policy, environments};
use secretlint_core::facts::{Environment, Environments};

use super::{Config, FILE_NAME};

/// Where display paths are seen from the configuration file.
#[derive(Clone, Debug, Default)]
pub(super) struct Base {
    /// Put before display paths: the run started below the configuration file's folder.
    before: String,
    /// Cut from display paths: the configuration file's folder is below where the run started.
    cut: String,
}

impl Base {
    pub(super) fn new(root: &Path, config_folder: &Path) -> Self {
        let slashed = |path: &Path| match path.to_string_lossy().replace('\\', "/") {
            path if path.is_empty() => path,
            path => path + "/",
        };
        if let Ok(below) = root.strip_prefix(config_folder) {
            return Self {
                before: slashed(below),
                cut: String::new(),
            };
        }
        let below = config_folder
            .strip_prefix(root)
            .map(slashed)
            .unwrap_or_default();
        Self {
            before: String::new(),
            cut: below,
        }
    }

    pub(super) fn project_path<'p>(&self, path: &'p str) -> Option<Cow<'p, str>> {
        if !self.before.is_empty() {
            return Some(format!("{}{path}", self.before).into());
        }
        path.strip_prefix(self.cut.as_str()).map(Cow::Borrowed)
    }
}

/// The environments of a run: globs of the configuration, then the policy, then usual names.
pub(super) struct Known<'c> {
    pub(super) config: &'c Config,
}

impl Environments for Known<'_> {
    fn of_path(&self, path: &str) -> Option<Environment> {
        let config = self.config;
        let project = config.base.project_path(path);
        let configured = project.as_ref().and_then(|path| {
            let mut globs = config.environments.iter();
            globs
                .find(|(_, globs)| globs.is_match(&**path))
                .map(|(name, _)| (name.clone(), FILE_NAME.to_owned()))
        });
        let by_policy = || {
            let path = config.policy_base.project_path(path)?;
            let found = config.policy.as_ref()?.environment_of(&path)?;
            Some((
                found.environment.name().to_owned(),
                format!("{}:{}", found.rule.file, found.rule.line),
            ))
        };
        let inferred = || {
            let path = project.as_deref().unwrap_or(path);
            let found = environments::infer(path)?;
            Some((
                found.environment.to_owned(),
                format!("`{}` in its path", found.segment),
            ))
        };
        let (name, from) = configured.or_else(by_policy).or_else(inferred)?;
        Some(Environment {
            name: name.into(),
            from: from.into(),
        })
    }

    fn policy(&self) -> Option<Arc<Policy>> {
        self.config.policy.clone()
    }

    fn of_word(&self, word: &str) -> Option<Environment> {
        let name = environments::canonical(word)?;
        Some(Environment {
            name: name.into(),
            from: format!("the value \"{word}\"").into(),
        })
    }
}
