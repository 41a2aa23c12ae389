//! `--history`: secrets that commits hold, whether they are still in the tree or not.
//!
//! Each blob is linted once, together with what else is new in its commit, and each secret is
//! reported once: at the oldest commit that has it. Reported are secrets themselves; what could
//! only be repaired in the tree is left to a run over the tree.

mod walk;

use std::collections::HashMap;

use gix::{ObjectId, Repository};
use rayon::prelude::*;
use secretlint_core::report::{Commit, ReportedFinding, Unreadable};
use secretlint_core::{Digest, Family, Report, Rule};
use secretlint_engine::{Config, Input, Linter, Progress, RuleNames, TextInput, project, to_text};

use crate::error::CliError;
use crate::settings::Scope;
use walk::{Step, Walk, git, open};

/// Searches the history around the folder the run started in; with `since`, only what that revision
/// does not reach.
pub(crate) fn report(
    scope: &Scope,
    since: Option<&str>,
    progress: Option<&dyn Progress>,
) -> Result<Report, CliError> {
    if !scope.texts.is_empty() {
        return Err(CliError::Usage(
            "--history reads commits, not standard input".into(),
        ));
    }
    let config = &scope.project.config;
    let repository = open(&scope.root)?;
    let places = (scope.root.as_path(), scope.paths.as_slice());
    let walk = Walk::new(&repository, places, since, &config.files)?.with_progress(progress);
    let commits = walk.commits_left();
    let own = project::own_patterns(config);
    let rules = scope.all_rules(own.as_ref().map(|own| own as &dyn Rule));
    let names = RuleNames::new(&rules);
    let search = Search {
        scope,
        linter: Linter::new(&rules, config),
    };
    let mut looked: Vec<(usize, Looked)> = walk
        .enumerate()
        .par_bridge()
        .map_init(
            || repository.to_thread_local(),
            |repository, (index, step)| Ok((index, search.look(repository, &step?)?)),
        )
        .collect::<Result<_, CliError>>()?;
    looked.sort_unstable_by_key(|(index, _)| *index);
    let mut gathered = Gathered::default();
    for (_, looked) in looked {
        gathered.take(looked, &names);
    }
    let mut report = gathered.report(config);
    report.stats.commits = commits;
    Ok(report)
}

/// True when older commits were left out of the clone.
pub(crate) fn is_shallow(scope: &Scope) -> bool {
    open(&scope.root).is_ok_and(|repository| {
        repository
            .to_thread_local()
            .is_shallow()
            .is_ok_and(|shallow| shallow)
    })
}

/// What linting one step needs.
struct Search<'s> {
    scope: &'s Scope,
    linter: Linter<'s>,
}

/// What came of a step.
struct Looked {
    report: Report,
    commit: Option<Commit>,
}

impl Search<'_> {
    fn look(&self, repository: &Repository, step: &Step) -> Result<Looked, CliError> {
        let max_bytes = self.scope.project.config.files.max_bytes;
        let mut texts = Vec::with_capacity(step.files.len());
        let mut unreadable = Vec::new();
        for (path, id) in &step.files {
            match blob(repository, *id, max_bytes) {
                Ok(text) => texts.push(TextInput {
                    path: path.clone(),
                    text,
                }),
                Err(reason) => unreadable.push(Unreadable {
                    path: path.clone(),
                    reason: format!("{reason} (in commit {})", short(&step.commit.to_string())),
                }),
            }
        }
        let mut report = self.linter.lint(&Input {
            root: &self.scope.root,
            paths: &[],
            texts: &texts,
            only: None,
        });
        report.unreadable.extend(unreadable);
        let is_empty = report.findings.is_empty() && report.suppressed.is_empty();
        let commit = (!is_empty)
            .then(|| commit(repository, step.commit))
            .transpose()?;
        Ok(Looked { report, commit })
    }
}

fn blob(repository: &Repository, id: ObjectId, max_bytes: u64) -> Result<String, String> {
    let missing = |error: &dyn std::fmt::Display| {
        format!("cannot be read: {error}; in a partial clone, fetch the missing objects first")
    };
    let header = repository
        .find_header(id)
        .map_err(|error| missing(&error))?;
    if header.size() > max_bytes {
        return Err(format!(
            "has {} bytes, more than the limit of {max_bytes}; raise `files.max-bytes` in secretlint.toml to lint it",
            header.size()
        ));
    }
    let mut blob = repository.find_blob(id).map_err(|error| missing(&error))?;
    to_text(blob.take_data()).map_err(str::to_owned)
}

fn commit(repository: &Repository, id: ObjectId) -> Result<Commit, CliError> {
    let failed = |error: &dyn std::fmt::Display| git(&format!("commit {id}"), error);
    let commit = repository.find_commit(id).map_err(|error| failed(&error))?;
    let author = commit.author().map_err(|error| failed(&error))?;
    let seconds = commit.time().map_err(|error| failed(&error))?.seconds;
    let time = jiff::Timestamp::from_second(seconds).map_err(|error| failed(&error))?;
    Ok(Commit {
        id: id.to_string(),
        author: author.name.to_string(),
        time: time.to_string(),
    })
}

fn short(id: &str) -> &str {
    id.get(..10).unwrap_or(id)
}

/// Secrets of all commits, each once.
#[derive(Default)]
struct Gathered {
    report: Report,
    findings: Vec<ReportedFinding>,
    by_identity: HashMap<(String, Option<Digest>), usize>,
}

impl Gathered {
    fn take(&mut self, looked: Looked, names: &RuleNames<'_>) {
        let Looked { report, commit } = looked;
        self.report.stats.files += report.stats.files;
        self.report.stats.bytes += report.stats.bytes;
        self.report.stats.modules += report.stats.modules;
        self.report.unreadable.extend(report.unreadable);
        // Suppressed or not, in the order of the file: the younger occurrence decides.
        for finding in report.findings.into_iter().chain(report.suppressed) {
            let family = names.meta(&finding.rule).map(|meta| meta.family);
            if finding.digest.is_none() || family == Some(Family::Environments) {
                continue;
            }
            let identity = (finding.fingerprint.clone(), finding.digest);
            match self.by_identity.get(&identity) {
                // The comment that accepts it may have come later, or gone.
                Some(&known) => self.findings[known].suppression = finding.suppression,
                None => {
                    self.by_identity.insert(identity, self.findings.len());
                    self.findings.push(ReportedFinding {
                        commit: commit.clone(),
                        fixes: Vec::new(),
                        ..finding
                    });
                }
            }
        }
    }

    fn report(mut self, config: &Config) -> Report {
        self.tell_apart(config);
        for finding in &mut self.findings {
            tell(finding);
        }
        // Equal places stay in the order of the commits.
        self.findings.sort_by(|a, b| order(a).cmp(&order(b)));
        let mut report = self.report;
        (report.findings, report.suppressed) = self
            .findings
            .into_iter()
            .partition(|finding| finding.suppression.is_none());
        report
            .unreadable
            .sort_by(|a, b| (&a.path, &a.reason).cmp(&(&b.path, &b.reason)));
        report
    }

    /// Without a private key, fingerprints do not depend on the value: earlier values of the same
    /// argument get their own, in the order of the commits.
    fn tell_apart(&mut self, config: &Config) {
        let mut seen: HashMap<String, u32> = HashMap::new();
        for finding in &mut self.findings {
            let count = seen.entry(finding.fingerprint.clone()).or_default();
            if *count > 0 {
                finding.fingerprint = config.numbered_fingerprint(&finding.fingerprint, *count);
            }
            *count += 1;
        }
    }
}

/// Says in the finding itself where in the history it is, so that every format does.
fn tell(finding: &mut ReportedFinding) {
    let Some(commit) = &finding.commit else {
        return;
    };
    let day = commit.time.get(..10).unwrap_or(&commit.time);
    let text = format!("; in the history since {} of {day}", short(&commit.id));
    finding.message.push_str(&text);
    let help = format!("Rotate it: whoever has a clone has it. {}", finding.help);
    finding.help = help.into();
}

fn order(finding: &ReportedFinding) -> (&str, (u32, u32), &str, &str) {
    (
        &finding.location.path,
        finding.location.span,
        &finding.rule,
        &finding.address,
    )
}
