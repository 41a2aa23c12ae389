//! `secretlint.toml`: read strictly, every mistake a finding with its place.
//!
//! [`Config::parse`] never fails. What is wrong is in [`Config::mistakes`] and becomes
//! `invalid-config` findings; what is right is in force. Read [`Config`] first.

mod form;
mod shape;

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::civil::Date;
use secret_policy::{Policy, PolicyDiagnostic, environments, nearest};
use secretlint_core::facts::{Environment, Environments};
use secretlint_core::{DigestKey, Lifecycle, RuleMeta, Severity};
use secretlint_rules::patterns::{Catalogue, Pattern};
use toml::Spanned;

pub use form::{Level, json_schema};

use crate::baseline::Baseline;
use crate::names::RuleNames;
use form::Form;

/// Name of the configuration file.
pub const FILE_NAME: &str = "secretlint.toml";
/// Larger files are reported as unreadable unless configured otherwise.
pub const DEFAULT_MAX_BYTES: u64 = 128 << 20;
/// Offsets are 32 bits wide.
const HIGHEST_MAX_BYTES: u64 = 4_000_000_000;
const SHORTEST_KEY: usize = 16;

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
    pub policy: Option<Policy>,
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

/// Where display paths are seen from the configuration file.
#[derive(Clone, Debug, Default)]
struct Base {
    /// Put before display paths: the run started below the configuration file's folder.
    before: String,
    /// Cut from display paths: the configuration file's folder is below where the run started.
    cut: String,
}

impl Base {
    fn new(root: &Path, config_folder: &Path) -> Self {
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

    fn project_path<'p>(&self, path: &'p str) -> Option<std::borrow::Cow<'p, str>> {
        if !self.before.is_empty() {
            return Some(format!("{}{path}", self.before).into());
        }
        path.strip_prefix(self.cut.as_str())
            .map(std::borrow::Cow::Borrowed)
    }
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
        let mut troubles = Vec::new();
        if let Some(form) = read_form(text, &mut troubles) {
            Filling {
                config: &mut config,
                names,
                troubles: &mut troubles,
                own: Vec::new(),
            }
            .fill(form);
        }
        config.add_mistakes(crate::discover::display(root, path), text, troubles);
        config
    }

    /// Takes a policy file: where environments are, what they may share. Its mistakes become
    /// findings.
    pub fn read_policy(&mut self, path: &Path, text: &str, root: &Path) {
        let shown = crate::discover::display(root, path);
        self.policy_base = Base::new(root, path.parent().unwrap_or(path));
        match Policy::parse(&shown, text) {
            Ok(policy) => self.policy = Some(policy),
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

    /// The severity of a rule's findings in a file; `None` when they are not reported.
    #[must_use]
    pub fn severity(&self, meta: &RuleMeta, path: &str, own: Severity) -> Option<Severity> {
        let path = self.base.project_path(path);
        let overridden = path.and_then(|path| {
            self.overrides.iter().rev().find_map(|(globs, levels)| {
                if globs.is_match(&*path) {
                    levels.get(meta)
                } else {
                    None
                }
            })
        });
        applied(overridden.or_else(|| self.levels.get(meta)), meta, own)
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

struct Known<'c> {
    config: &'c Config,
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

    fn of_word(&self, word: &str) -> Option<Environment> {
        let name = environments::canonical(word)?;
        Some(Environment {
            name: name.into(),
            from: format!("the value \"{word}\"").into(),
        })
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

/// Text -> form, with every mistake of shape reported. Without a readable form nothing is in force.
fn read_form(text: &str, troubles: &mut Vec<Trouble>) -> Option<Form> {
    let value = match toml_span::parse(text) {
        Ok(value) => value,
        Err(error) => {
            let help = "the file is TOML, see https://toml.io".to_owned();
            troubles.push(Trouble::new(
                error.span,
                format!("not readable: {error}"),
                help,
            ));
            return None;
        }
    };
    let schema = json_schema();
    shape::check(&value, &schema, &schema, troubles);
    if !troubles.is_empty() {
        return None;
    }
    match toml::from_str(text) {
        Ok(form) => Some(form),
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            troubles.push(Trouble::new(
                span,
                error.message().to_owned(),
                "correct the value".to_owned(),
            ));
            None
        }
    }
}

/// Form -> configuration: globs are compiled, names and dates checked.
struct Filling<'f, 'n> {
    config: &'f mut Config,
    names: &'f RuleNames<'n>,
    troubles: &'f mut Vec<Trouble>,
    /// Ids of the user's patterns.
    own: Vec<String>,
}

impl Filling<'_, '_> {
    fn fill(&mut self, form: Form) {
        self.own = form
            .patterns
            .iter()
            .map(|pattern| pattern.get_ref().id.to_string())
            .collect();
        self.config.files.hidden = form.files.hidden;
        self.config.files.ignore_files = form.files.ignore_files;
        self.config.files.max_bytes = form.files.max_bytes.min(HIGHEST_MAX_BYTES);
        self.config.files.exclude = self.globs(&form.files.exclude, Depth::Folders);
        self.config.levels = self.levels(form.rules);
        for entry in form.overrides {
            let globs = self.globs(&entry.paths, Depth::Folders);
            let levels = self.levels(entry.rules);
            self.config.overrides.push((globs, levels));
        }
        for entry in form.allow {
            let allow = self.allow(entry);
            self.config.allow.extend(allow);
        }
        self.config.require_reason = form.suppressions.require_reason;
        self.config.ignore_suppressions = form.suppressions.disabled;
        self.config.baseline_path = form.baseline;
        if let Some(key) = form.digest_key {
            self.key(&key);
        }
        for (name, globs) in form.environments {
            let globs = self.globs(&globs, Depth::Folders);
            self.config.environments.push((name, globs));
        }
        self.patterns(form.patterns);
    }

    fn patterns(&mut self, patterns: Vec<Spanned<Pattern>>) {
        if patterns.is_empty() {
            return;
        }
        let places: Vec<_> = patterns
            .iter()
            .map(|pattern| (pattern.get_ref().id.clone(), pattern.span()))
            .collect();
        match Catalogue::from_user(patterns.into_iter().map(Spanned::into_inner).collect()) {
            Ok(catalogue) => self.config.patterns = Some(catalogue),
            Err(errors) => self.troubles.extend(errors.into_iter().map(|error| {
                let place = places
                    .iter()
                    .find(|(id, _)| *id == error.id)
                    .or(places.first());
                let span = place.map_or(0..0, |(_, span)| span.clone());
                Trouble::new(span, error.what, error.help)
            })),
        }
    }

    fn key(&mut self, key: &Spanned<String>) {
        if key.get_ref().chars().count() < SHORTEST_KEY {
            let message = format!("the key is shorter than {SHORTEST_KEY} characters");
            return self.trouble(key, message, "write a long random text".to_owned());
        }
        self.config.key = DigestKey::of_text(key.get_ref());
    }

    fn levels(&mut self, rules: std::collections::BTreeMap<Spanned<String>, Level>) -> Levels {
        let mut levels = Levels::default();
        for (name, level) in rules {
            self.check_rule(&name);
            levels.0.push((name.into_inner(), level));
        }
        levels
    }

    fn check_rule(&mut self, name: &Spanned<String>) {
        if self.names.is_known(name.get_ref()) || self.own.contains(name.get_ref()) {
            return;
        }
        let help = match nearest(name.get_ref(), self.names.all()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "`secretlint rules` lists all rules".to_owned(),
        };
        self.trouble(
            name,
            format!("unknown rule or family `{}`", name.get_ref()),
            help,
        );
    }

    fn allow(&mut self, entry: form::AllowForm) -> Option<Allow> {
        for rule in &entry.rules {
            self.check_rule(rule);
        }
        if entry.reason.get_ref().trim().is_empty() {
            let help = "say why these findings are accepted".to_owned();
            self.trouble(&entry.reason, "the reason is empty".to_owned(), help);
        }
        let nothing = entry.rules.is_empty()
            && entry.paths.is_empty()
            && entry.addresses.is_empty()
            && entry.fingerprints.is_empty();
        if nothing {
            let help = "add `rules`, `paths`, `addresses` or `fingerprints`".to_owned();
            self.trouble(
                &entry.reason,
                "the entry would accept every finding".to_owned(),
                help,
            );
            return None;
        }
        let until = entry
            .until
            .as_ref()
            .map(|until| (until, until.get_ref().parse::<Date>()));
        if let Some((until, Err(_))) = &until {
            let help = "write it as \"2027-01-31\"".to_owned();
            self.trouble(until, format!("\"{}\" is no date", until.get_ref()), help);
            return None;
        }
        let paths = (!entry.paths.is_empty()).then(|| self.globs(&entry.paths, Depth::Folders));
        let addresses =
            (!entry.addresses.is_empty()).then(|| self.globs(&entry.addresses, Depth::Text));
        Some(Allow {
            rules: entry.rules.into_iter().map(Spanned::into_inner).collect(),
            paths,
            addresses,
            fingerprints: entry
                .fingerprints
                .into_iter()
                .map(|text| text.into_inner().to_lowercase())
                .collect(),
            reason: entry.reason.into_inner(),
            until: until.and_then(|(_, date)| date.ok()),
        })
    }

    fn globs(&mut self, globs: &[Spanned<String>], depth: Depth) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for glob in globs {
            for variant in depth.variants(glob.get_ref()) {
                match GlobBuilder::new(&variant)
                    .literal_separator(depth == Depth::Folders)
                    .build()
                {
                    Ok(compiled) => {
                        set.add(compiled);
                    }
                    Err(error) => {
                        let help = "write a path with `*`, `**`, `?`, `[…]` or `{a,b}`".to_owned();
                        self.trouble(glob, format!("bad glob: {}", error.kind()), help);
                        break;
                    }
                }
            }
        }
        set.build().unwrap_or_else(|error| {
            let help = "use fewer or simpler globs".to_owned();
            let span = globs.first().map_or(0..0, Spanned::span);
            self.troubles.push(Trouble::new(
                span,
                format!("the globs are too large together: {error}"),
                help,
            ));
            GlobSet::empty()
        })
    }

    fn trouble(&mut self, at: &Spanned<String>, message: String, help: String) {
        self.troubles.push(Trouble::new(at.span(), message, help));
    }
}

/// What a glob is compared with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Paths: `*` stays in one folder, and a folder stands for everything in it.
    Folders,
    /// Addresses: `*` is any text.
    Text,
}

impl Depth {
    fn variants(self, glob: &str) -> Vec<String> {
        let glob = glob.trim_start_matches("./");
        match self {
            Self::Text => vec![glob.to_owned()],
            Self::Folders => {
                let folder = glob.trim_end_matches('/');
                vec![folder.to_owned(), format!("{folder}/**")]
            }
        }
    }
}

#[cfg(test)]
mod tests;
