//! Which environment a file of the tree belongs to, by the globs of the policy.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use globset::{GlobBuilder, GlobMatcher};

use super::toml::{Mistakes, Section};
use super::{Environment, Policy, RuleLine};
use crate::span::Span;

/// A glob over paths relative to the policy's folder. `*` stays inside a folder, `**` does not.
#[derive(Clone, Debug)]
pub(super) struct PathGlob {
    matcher: GlobMatcher,
    span: Span,
    /// Literal characters: the glob with more of them says more about a path.
    weight: usize,
}

/// Two environments with the same glob would both own the same files.
pub(super) fn check_unique<'e>(
    mistakes: &mut Mistakes<'_>,
    environments: impl Iterator<Item = &'e Environment>,
) {
    let mut seen: HashMap<&str, &Environment> = HashMap::new();
    for environment in environments {
        for glob in &environment.paths {
            match seen.entry(glob.matcher.glob().glob()) {
                Entry::Vacant(entry) => {
                    entry.insert(environment);
                }
                Entry::Occupied(entry) if entry.get().name != environment.name => {
                    let message = format!(
                        "`{}` also belongs to environment `{}`",
                        entry.key(),
                        entry.get().name
                    );
                    mistakes.add(glob.span, message, "give each environment globs of its own");
                }
                Entry::Occupied(_) => {}
            }
        }
    }
}

/// The environment of a path and the line that says so.
#[derive(Clone, Debug)]
pub struct EnvironmentMatch<'p> {
    /// The environment.
    pub environment: &'p Environment,
    /// The line of the glob.
    pub rule: RuleLine,
}

impl Policy {
    /// The environment whose `paths` match; `path` is relative to the policy's folder and uses `/`.
    /// Of several, the glob with the most literal characters wins, then the first in the file.
    pub fn environment_of(&self, path: &str) -> Option<EnvironmentMatch<'_>> {
        let path = path.trim_start_matches("./");
        let globs = self.environments.iter().flat_map(|environment| {
            environment
                .paths
                .iter()
                .map(move |glob| (environment, glob))
        });
        let mut best: Option<(&Environment, &PathGlob)> = None;
        for (environment, glob) in globs.filter(|(_, glob)| glob.matcher.is_match(path)) {
            if best.is_none_or(|(_, other)| glob.weight > other.weight) {
                best = Some((environment, glob));
            }
        }
        best.map(|(environment, glob)| EnvironmentMatch {
            environment,
            rule: self.line(glob.span),
        })
    }
}

pub(super) fn read(mistakes: &mut Mistakes<'_>, section: &Section<'_>) -> Vec<PathGlob> {
    let globs = section.strings(mistakes, "paths");
    globs
        .into_iter()
        .filter_map(|(text, span)| read_glob(mistakes, text, span))
        .collect()
}

fn read_glob(mistakes: &mut Mistakes<'_>, text: &str, span: Span) -> Option<PathGlob> {
    if text.starts_with('/') || text.contains('\\') || text.split('/').any(|part| part == "..") {
        mistakes.add(
            span,
            "this glob leaves the folder of the policy",
            "write it relative to that folder, with `/` and without `..`",
        );
        return None;
    }
    match GlobBuilder::new(text.trim_start_matches("./"))
        .literal_separator(true)
        .backslash_escape(false)
        .build()
    {
        Ok(glob) if !text.is_empty() => {
            let weight = text
                .chars()
                .filter(|c| !matches!(c, '*' | '?' | '/'))
                .count();
            Some(PathGlob {
                matcher: glob.compile_matcher(),
                span,
                weight,
            })
        }
        Ok(_) => {
            mistakes.add(
                span,
                "the glob is empty",
                "name a folder or file, for example live/prod/**",
            );
            None
        }
        Err(error) => {
            mistakes.add(
                span,
                format!("this is not a glob: {}", error.kind()),
                "use *, **, ?, [abc] and {a,b}",
            );
            None
        }
    }
}
