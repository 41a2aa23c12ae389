//! The linter's one pipeline: discover, read, parse, facts, rules, judgement -> [`Report`].
//!
//! The command line and the language server both call [`lint`]; they differ in their [`Input`].
//! Work is parallel, the report does not depend on it: files are numbered by path, modules checked
//! one by one, and everything is sorted before it is shown. Memory is bounded by the batch of files
//! that is looked at together, see `batch`.

pub mod baseline;
mod batch;
mod beside;
mod check;
pub mod config;
mod context;
mod discover;
mod input;
mod judge;
mod names;
mod own;
pub mod project;
mod read;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use secretlint_core::facts::{
    Environments, FileKind, Module, ModuleId, SourceFile, Workspace, by_folder,
};
use secretlint_core::report::{Stats, Unreadable};
use secretlint_core::{Evidence, FileId, Finding, Hooks, Place, Report, Rule, RuleMeta, Sink};

pub use hcl_syntax::{ColumnUnit, LineIndex, Position};

pub use baseline::{Baseline, BaselineError};
pub use config::{Config, Level, Mistakes, Trouble, json_schema};
pub use input::{Input, TextInput};
pub use names::RuleNames;

use batch::batches;
use check::Registry;
use discover::{Found, discover};
use judge::{Judge, Texts};
use read::{Read, read};

/// What the engine itself reports: trouble with syntax, configuration and suppressions.
#[must_use]
pub fn own_rules() -> &'static [RuleMeta] {
    own::metas()
}

/// Lints `input` with `rules` as `config` says. Never fails: what cannot be read is in the report.
#[must_use]
pub fn lint(input: &Input<'_>, rules: &[&dyn Rule], config: &Config) -> Report {
    let (found, unreadable) = discover(input, &config.files);
    let names = RuleNames::new(rules);
    let run = Run {
        input,
        config,
        rules,
        environments: &config.environments(),
        registry: Registry::new(rules, |rule| {
            rule.metas().iter().any(|meta| config.is_on(meta))
        }),
        found: &found,
        beside: Mutex::new(Vec::new()),
    };
    let mut outcome = Outcome {
        report: Report {
            unreadable,
            ..Report::default()
        },
        evidence: Vec::new(),
    };
    let mut judge = Judge::new(config, &names);
    for batch in batches(&found) {
        run.batch(&batch, &mut judge, &mut outcome);
    }
    let late = run.conclude(outcome.evidence);
    let mut report = outcome.report;
    (report.findings, report.suppressed) = judge.finish(late, &run);
    if let Some(only) = input.only {
        let wanted = |path: &str| only.iter().any(|wanted| wanted == path);
        report
            .findings
            .retain(|finding| wanted(&finding.location.path));
        report
            .suppressed
            .retain(|finding| wanted(&finding.location.path));
    }
    report.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
    let beside = run.beside.into_inner().unwrap_or_default();
    report.paths = found
        .into_iter()
        .chain(beside)
        .map(|file| file.path)
        .collect();
    report
}

struct Run<'r> {
    input: &'r Input<'r>,
    config: &'r Config,
    rules: &'r [&'r dyn Rule],
    environments: &'r dyn Environments,
    registry: Registry<'r>,
    found: &'r [Found],
    /// Files that others need, numbered behind those that were found.
    beside: Mutex<Vec<Found>>,
}

/// What has come of the batches so far.
struct Outcome {
    report: Report,
    evidence: Vec<(u32, Evidence)>,
}

impl Run<'_> {
    /// Everything from bytes to judged findings for the files that are looked at together.
    fn batch(&self, batch: &[usize], judge: &mut Judge<'_>, outcome: &mut Outcome) {
        let mut files = self.files(batch, outcome);
        let beside = self.files_beside(&files);
        let context = self.context(batch, &files);
        let elsewhere: FxHashSet<String> = context
            .iter()
            .map(|file| file.folder().to_owned())
            .collect();
        files.extend(beside);
        // What is only looked at is reported with its own batch.
        let linted = files.len();
        files.extend(context);
        let folders: Vec<_> = by_folder(&files).into_iter().enumerate().collect();
        let build = |(index, (path, members))| Module::build(ModuleId(index as u32), path, members);
        let modules = folders.into_par_iter().map(build).collect();
        let workspace = Workspace::link(modules, self.environments);
        let is_linted = |module: &Module<'_>| !elsewhere.contains(module.path);
        let counts = |module: &&Module<'_>| {
            is_linted(module) && module.files.iter().any(|file| !file.kind.is_beside())
        };
        outcome.report.stats.modules += workspace.modules().iter().filter(counts).count();
        let mut findings: Vec<Finding> = files[..linted].iter().filter_map(syntax_error).collect();
        let mut secrets: Vec<Place> = Vec::new();
        for sink in self.registry.check(&workspace, &self.config.key, is_linted) {
            findings.extend(sink.findings);
            secrets.extend(
                sink.evidence
                    .iter()
                    .filter(|(_, fact)| fact.secret)
                    .map(|(_, fact)| fact.place),
            );
            outcome.evidence.extend(sink.evidence);
        }
        judge.settle(&workspace, findings, &secrets);
    }

    /// Reads and parses; files are numbered by their place in the whole list.
    fn files(&self, batch: &[usize], outcome: &mut Outcome) -> Vec<SourceFile> {
        let load = |&index: &usize| match read(self.input, &self.found[index], &self.config.files) {
            Read::Text(FileKind::Lock, _) => None,
            Read::Text(kind, text) => Some(Ok(SourceFile::new(
                FileId(index as u32),
                self.found[index].path.as_str(),
                kind,
                text,
            ))),
            Read::Unreadable(reason) => Some(Err(Unreadable {
                path: self.found[index].path.clone(),
                reason,
            })),
            // Lock files are read for others, see `files_beside`.
            Read::Skipped => None,
        };
        let loaded: Vec<_> = batch.par_iter().filter_map(load).collect();
        let mut files = Vec::with_capacity(loaded.len());
        for result in loaded {
            match result {
                Ok(file) => files.push(file),
                Err(unreadable) => outcome.report.unreadable.push(unreadable),
            }
        }
        let stats: &mut Stats = &mut outcome.report.stats;
        stats.files += files.len();
        stats.bytes += files
            .iter()
            .map(|file| file.text().len() as u64)
            .sum::<u64>();
        files
    }

    /// Modules of other batches that the files of this one call.
    fn context(&self, batch: &[usize], files: &[SourceFile]) -> Vec<SourceFile> {
        if batch.len() == self.found.len() {
            return Vec::new();
        }
        context::called(files, self.found, |index| {
            let found = &self.found[index];
            match read(self.input, found, &self.config.files) {
                Read::Text(FileKind::Lock, _) | Read::Skipped | Read::Unreadable(_) => None,
                Read::Text(kind, text) => {
                    let (id, path) = (FileId(index as u32), found.path.as_str());
                    Some(SourceFile::new(id, path, kind, text))
                }
            }
        })
    }

    /// Reads what the files of a batch need. What cannot be read is not there.
    fn files_beside(&self, files: &[SourceFile]) -> Vec<SourceFile> {
        let known = |path: &str| {
            let same = |found: &Found| found.path.as_str().cmp(path);
            self.found.binary_search_by(same).is_ok()
        };
        let found = beside::beside(self.input, &self.config.files, files, &known);
        let mut all = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let mut read = Vec::with_capacity(found.len());
        for found in found {
            let index = self.found.len() + all.len();
            if let Read::Text(kind, text) = read::read(self.input, &found, &self.config.files) {
                let (id, path) = (FileId(index as u32), found.path.as_str());
                read.push(SourceFile::new(id, path, kind, text));
                all.push(found);
            }
        }
        read
    }

    /// Lets each rule compare what it has seen across the run.
    fn conclude(&self, evidence: Vec<(u32, Evidence)>) -> Vec<Finding> {
        let mut by_rule: BTreeMap<u32, Vec<Evidence>> = BTreeMap::new();
        for (rule, fact) in evidence {
            by_rule.entry(rule).or_default().push(fact);
        }
        let mut sink = Sink::new();
        for (index, mut facts) in by_rule {
            let rule = self.rules[index as usize];
            if rule.hooks().contains(Hooks::CONCLUDE) {
                facts.sort_by(|a, b| (a.key, &a.path, a.place).cmp(&(b.key, &b.path, b.place)));
                sink.enter(index as usize);
                rule.conclude(&facts, &mut sink);
            }
        }
        sink.findings
    }
}

impl Texts for Run<'_> {
    fn get(&self, file: FileId) -> Option<(String, String)> {
        let index = file.0 as usize;
        let beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
        let found = match self.found.get(index) {
            Some(found) => found,
            None => beside.get(index - self.found.len())?,
        };
        match read(self.input, found, &self.config.files) {
            Read::Text(_, text) => Some((found.path.clone(), text)),
            Read::Skipped | Read::Unreadable(_) => None,
        }
    }
}

/// One finding a file: the first error, because the others often follow from it.
fn syntax_error(file: &SourceFile) -> Option<Finding> {
    if file.kind.is_beside() {
        return None;
    }
    let (first, rest) = file.parsed.errors().split_first()?;
    let message = match rest.len() {
        0 => first.message().to_owned(),
        more => format!("{} ({more} more below)", first.message()),
    };
    let place = file.place(first.span);
    Some(Finding {
        help: first.help().into(),
        ..Finding::new(own::syntax_error(), place, String::new(), message)
    })
}

#[cfg(test)]
mod tests;
