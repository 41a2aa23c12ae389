//! `secretlint.toml`: read strictly, every mistake a finding with its place.
//!
//! [`Config::parse`] never fails. What is wrong is in [`Config::mistakes`] and becomes
//! `invalid-config` findings; what is right is in force. Read [`Config`] first.

mod example;
mod fill;
mod form;
mod place;
mod shape;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::GlobSet;
use jiff::civil::Date;
use secret_policy::{Policy, PolicyDiagnostic};
use secretlint_core::facts::Environments;
use secretlint_core::{DigestKey, Lifecycle, RuleMeta, Severity};
use secretlint_rules::patterns::Catalogue;

pub use form::{Level, json_schema};

use crate::baseline::Baseline;
use crate::names::RuleNames;
use place::{Base, Known};

/// Name of the configuration file.
pub const FILE_NAME: &str = "secretlint.toml";
/// Larger files are reported as unreadable unless configured otherwise.
pub const DEFAULT_MAX_BYTES: u64 = 128 << 20;

/// Everything that decides how a run judges, validated once.
#[derive(Debug)]
pub struct Config {
    /// Which files are read.
    pub files: Files,
    /// Key of the digests of this project.
    pub key: DigestKey,
    /// Findings accepted for now.
    pub baseline: Option<Baseline>,
    /// The baseline's path as configured, relative to the configuration file.
    pub baseline_path: Option<String>,
    /// Comments without a reason are findings and silence nothing.
    pub require_reason: bool,
    /// Suppression comments, allow lists and the baseline silence nothing: for audits.
    pub ignore_suppressions: bool,
    /// The day of the run: suppressions that ended before it are expired.
    pub today: Date,
    /// Files with mistakes: configuration, policy, baseline.
    pub mistakes: Vec<Mistakes>,
    /// The user's credential patterns, compiled.
    pub patterns: Option<Catalogue>,
    /// The policy file, when it has no mistakes.
    pub policy: Option<Arc<Policy>>,
    environments: Vec<(String, GlobSet)>,
    policy_base: Base,
    levels: Levels,
    overrides: Vec<(GlobSet, Levels)>,
    allow: Vec<Allow>,
    base: Base,
}

/// A configuration file with mistakes in it.
#[derive(Clone, Debug)]
pub struct Mistakes {
    /// Display path.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What is wrong, in the order of the text; at least one.
    pub troubles: Vec<Trouble>,
}

/// Which files are read.
#[derive(Clone, Debug)]
pub struct Files {
    /// Look at hidden files and folders.
    pub hidden: bool,
    /// Obey ignore files.
    pub ignore_files: bool,
    /// Larger files are unreadable.
    pub max_bytes: u64,
    exclude: GlobSet,
    base: Base,
}

impl Files {
    pub(crate) fn is_excluded(&self, path: &str) -> bool {
        !self.exclude.is_empty()
            && self
                .base
                .project_path(path)
                .is_some_and(|path| self.exclude.is_match(&*path))
    }
}

/// A mistake in a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Byte range in the file.
    pub span: (u32, u32),
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Trouble {
    fn new(span: impl Into<std::ops::Range<usize>>, message: String, help: String) -> Self {
        let span = span.into();
        Self {
            span: (span.start as u32, span.end as u32),
            message,
            help,
        }
    }
}

/// Levels by rule id or family.
#[derive(Clone, Debug, Default)]
struct Levels(Vec<(String, Level)>);

impl Levels {
    fn get(&self, meta: &RuleMeta) -> Option<Level> {
        let of = |name: &str| {
            self.0
                .iter()
                .find(|(known, _)| known == name)
                .map(|&(_, level)| level)
        };
        let aliases = || meta.aliases.iter().find_map(|alias| of(alias));
        of(&meta.id)
            .or_else(aliases)
            .or_else(|| of(meta.family.name()))
    }
}

/// An entry of the allow list.
#[derive(Clone, Debug)]
pub(crate) struct Allow {
    rules: Vec<String>,
    paths: Option<GlobSet>,
    addresses: Option<GlobSet>,
    fingerprints: Vec<String>,
    pub(crate) reason: String,
    until: Option<Date>,
}

/// What an allow entry is asked about.
pub(crate) struct Candidate<'c> {
    pub(crate) meta: Option<&'c RuleMeta>,
    pub(crate) path: &'c str,
    pub(crate) address: &'c str,
    pub(crate) fingerprint: &'c str,
    pub(crate) digest: Option<String>,
}

impl Config {
    /// The configuration of a project without a file.
    #[must_use]
    pub fn new(today: Date) -> Self {
        Self {
            files: Files {
                hidden: false,
                ignore_files: true,
                max_bytes: DEFAULT_MAX_BYTES,
                exclude: GlobSet::empty(),
                base: Base::default(),
            },
            key: DigestKey::default(),
            baseline: None,
            baseline_path: None,
            require_reason: false,
            ignore_suppressions: false,
            today,
            mistakes: Vec::new(),
            patterns: None,
            policy: None,
            environments: Vec::new(),
            policy_base: Base::default(),
            levels: Levels::default(),
            overrides: Vec::new(),
            allow: Vec::new(),
            base: Base::default(),
        }
    }

    /// Reads a configuration. `path` is the file's absolute path and `root` the folder the run
    /// starts in, absolute: globs are relative to the file, findings to the root.
    #[must_use]
    pub fn parse(path: &Path, text: &str, root: &Path, names: &RuleNames<'_>, today: Date) -> Self {
        let mut config = Self::new(today);
        let folder = path.parent().unwrap_or(path);
        config.base = Base::new(root, folder);
        config.files.base = config.base.clone();
        let troubles = fill::fill(&mut config, text, names);
        config.add_mistakes(crate::discover::display(root, path), text, troubles);
        config
    }

    /// Takes a policy file: where environments are, what they may share. Its mistakes become
    /// findings.
    pub fn read_policy(&mut self, path: &Path, text: &str, root: &Path) {
        let shown = crate::discover::display(root, path);
        self.policy_base = Base::new(root, path.parent().unwrap_or(path));
        match Policy::parse(&shown, text) {
            Ok(policy) => self.policy = Some(Arc::new(policy)),
            Err(error) => {
                let trouble = |wrong: PolicyDiagnostic| {
                    Trouble::new(wrong.span.start..wrong.span.end, wrong.message, wrong.help)
                };
                self.add_mistakes(shown, text, error.0.into_iter().map(trouble).collect());
            }
        }
    }

    /// Takes the baseline file that the configuration or the command line names. What is wrong
    /// with it becomes a finding, and the baseline is empty.
    pub fn read_baseline(&mut self, path: &Path, text: &str, root: &Path) {
        match Baseline::parse(text) {
            Ok(baseline) => {
                if !self.key.is_private() {
                    self.key = baseline.key().clone();
                }
                self.baseline = Some(baseline);
            }
            Err(error) => {
                let help = "write it anew with `secretlint baseline update`".to_owned();
                let trouble = Trouble::new(0..0, error.to_string(), help);
                self.add_mistakes(crate::discover::display(root, path), text, vec![trouble]);
            }
        }
    }

    fn add_mistakes(&mut self, path: String, text: &str, mut troubles: Vec<Trouble>) {
        if !troubles.is_empty() {
            // Parsers point past the end when something is missing there.
            let length = text.len() as u32;
            for trouble in &mut troubles {
                trouble.span = (trouble.span.0.min(length), trouble.span.1.min(length));
            }
            troubles.sort_by_key(|trouble| trouble.span);
            self.mistakes.push(Mistakes {
                path,
                text: text.to_owned(),
                troubles,
            });
        }
    }

    /// The environments of a run: globs of the configuration, then the policy, then usual names.
    #[must_use]
    pub fn environments(&self) -> impl Environments + '_ {
        Known { config: self }
    }

    /// The configuration file of a folder: its own or the nearest one above.
    #[must_use]
    pub fn find(folder: &Path) -> Option<PathBuf> {
        folder
            .ancestors()
            .map(|folder| folder.join(FILE_NAME))
            .find(|path| path.is_file())
    }

    /// A display path as seen from the configuration file: what globs, fingerprints and baselines
    /// use. Paths outside the project stay as they are.
    #[must_use]
    pub fn project_path<'p>(&self, path: &'p str) -> std::borrow::Cow<'p, str> {
        self.base
            .project_path(path)
            .unwrap_or(std::borrow::Cow::Borrowed(path))
    }

    /// Sets the level of a rule or family, over what the file says: for command-line options.
    pub fn set_level(&mut self, name: &str, level: Level) {
        self.levels.0.insert(0, (name.to_owned(), level));
        for (_, levels) in &mut self.overrides {
            levels.0.retain(|(known, _)| known != name);
        }
    }

    /// The fingerprint of the n-th further finding that has this one.
    #[must_use]
    pub fn numbered_fingerprint(&self, fingerprint: &str, number: u32) -> String {
        let parts = [fingerprint.as_bytes(), &number.to_le_bytes()];
        crate::baseline::hex(self.key.digest_parts(&parts))
    }

    /// The severity of a rule's findings in a file; `None` when they are not reported.
    #[must_use]
    pub fn severity(&self, meta: &RuleMeta, path: &str, own: Severity) -> Option<Severity> {
        let path = self.base.project_path(path);
        let overridden = path.as_ref().and_then(|path| {
            self.overrides.iter().rev().find_map(|(globs, levels)| {
                if globs.is_match(&**path) {
                    levels.get(meta)
                } else {
                    None
                }
            })
        });
        let level = overridden.or_else(|| self.levels.get(meta));
        let own = match (&path, level) {
            (Some(path), None | Some(Level::On)) => example::severity(meta, path, own),
            _ => own,
        };
        applied(level, meta, own)
    }

    /// True when a rule can report anywhere.
    #[must_use]
    pub fn is_on(&self, meta: &RuleMeta) -> bool {
        let anywhere = |levels: &Levels| applied(levels.get(meta), meta, meta.severity).is_some();
        anywhere(&self.levels)
            || self
                .overrides
                .iter()
                .any(|(_, levels)| levels.get(meta).is_some_and(|level| level != Level::Off))
    }

    /// The allow entry that accepts a finding.
    pub(crate) fn allowed(&self, candidate: &Candidate<'_>) -> Option<&Allow> {
        self.allow
            .iter()
            .find(|allow| allow.accepts(candidate, &self.project_path(candidate.path), self.today))
    }
}

/// What a level makes of a finding's severity.
fn applied(level: Option<Level>, meta: &RuleMeta, own: Severity) -> Option<Severity> {
    match level {
        Some(Level::Off) => None,
        Some(Level::On) => Some(own),
        Some(Level::Note) => Some(Severity::Note),
        // An override says how bad the rule's findings are at most; notes stay notes, because a
        // dummy is no error whatever the rule's level is.
        Some(Level::Warning) => Some(if own == Severity::Note {
            own
        } else {
            Severity::Warning
        }),
        Some(Level::Error) => Some(if own == Severity::Note && meta.severity != own {
            own
        } else {
            Severity::Error
        }),
        None if meta.lifecycle == Lifecycle::Preview => None,
        None => Some(own),
    }
}

impl Allow {
    fn accepts(&self, candidate: &Candidate<'_>, project_path: &str, today: Date) -> bool {
        let named = |name: &String| {
            candidate.meta.is_some_and(|meta| {
                *name == *meta.id
                    || name == meta.family.name()
                    || meta.aliases.contains(&name.as_str())
            })
        };
        let printed = |text: &String| {
            text == candidate.fingerprint
                || candidate
                    .digest
                    .as_deref()
                    .is_some_and(|digest| digest == text)
        };
        self.until.is_none_or(|until| today <= until)
            && (self.rules.is_empty() || self.rules.iter().any(named))
            && self
                .paths
                .as_ref()
                .is_none_or(|globs| globs.is_match(project_path))
            && self
                .addresses
                .as_ref()
                .is_none_or(|globs| globs.is_match(candidate.address))
            && (self.fingerprints.is_empty() || self.fingerprints.iter().any(printed))
    }
}

#[cfg(test)]
mod tests;
