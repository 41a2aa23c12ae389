//! Text -> configuration: shape checked, globs compiled, names and dates looked up. Every mistake is
//! kept with its place, and what is right is in force.

use std::collections::BTreeMap;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::civil::Date;
use secret_policy::nearest;
use secretlint_core::DigestKey;
use secretlint_rules::patterns::{Catalogue, Pattern};
use toml::Spanned;

use super::form::{self, Form, json_schema};
use super::{Allow, Config, Level, Levels, Trouble, shape};
use crate::names::RuleNames;

/// Offsets are 32 bits wide.
const HIGHEST_MAX_BYTES: u64 = 4_000_000_000;
const SHORTEST_KEY: usize = 16;

/// Fills `config` with what `text` says; returns what is wrong with it.
pub(super) fn fill(config: &mut Config, text: &str, names: &RuleNames<'_>) -> Vec<Trouble> {
    let mut troubles = Vec::new();
    if let Some(form) = read_form(text, &mut troubles) {
        let mut filling = Filling {
            config,
            names,
            troubles: &mut troubles,
            own: Vec::new(),
        };
        filling.fill(form);
    }
    troubles
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

    fn levels(&mut self, rules: BTreeMap<Spanned<String>, Level>) -> Levels {
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
