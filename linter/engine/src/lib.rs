//! The linter's one pipeline: discover, read, parse, facts, rules, judgement -> [`Report`].
//!
//! The command line calls [`Linter::lint`] with an [`Input`]; the language server keeps the tree in
//! memory in a [`Live`] and takes the same steps on the parts that changed. Work is parallel, the
//! report does not depend on it: files are numbered by path, modules checked one by one, and
//! everything is sorted before it is shown. Memory is bounded by the batch of files that is looked
//! at together, see `batch`.

pub mod baseline;
mod batch;
mod beside;
mod check;
pub mod config;
mod context;
mod discover;
mod input;
mod judge;
mod live;
mod names;
mod own;
pub mod project;
mod read;
mod run;
mod syntax;
mod words;

use std::collections::BTreeMap;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use secretlint_core::facts::{Environments, Module, ModuleId, SourceFile, Workspace, by_folder};
use secretlint_core::{Evidence, Finding, Hooks, Rank, Report, Rule, RuleId, RuleMeta, Sink};

pub use hcl_syntax::{ColumnUnit, LineIndex, Position};

pub use baseline::{Baseline, BaselineError};
pub use config::{Config, Level, Mistakes, Trouble, json_schema};
pub use discover::{is_entered, is_lintable};
pub use input::{Input, TextInput};
pub use live::{Extent, Live};
pub use names::RuleNames;
pub use read::to_text;

use check::Registry;
use discover::discover;
use run::Run;

/// What the engine itself reports: trouble with syntax, configuration and suppressions.
#[must_use]
pub fn own_rules() -> &'static [RuleMeta] {
    own::metas()
}

/// Lints `input` with `rules` as `config` says. Never fails: what cannot be read is in the report.
#[must_use]
pub fn lint(input: &Input<'_>, rules: &[&dyn Rule], config: &Config) -> Report {
    Linter::new(rules, config).lint(input)
}

/// Hears how far a run is. Called from many threads.
pub trait Progress: Sync {
    /// The run will read this many files.
    fn found(&self, files: usize);
    /// One more file was read.
    fn read(&self);
}

/// Rules and configuration, prepared once for any number of runs.
pub struct Linter<'r> {
    config: &'r Config,
    rules: &'r [&'r dyn Rule],
    registry: Registry<'r>,
    names: RuleNames<'r>,
    ranks: FxHashMap<RuleId, Rank>,
    progress: Option<&'r dyn Progress>,
}

impl<'r> Linter<'r> {
    /// A linter with these rules, judged as `config` says.
    #[must_use]
    pub fn new(rules: &'r [&'r dyn Rule], config: &'r Config) -> Self {
        let names = RuleNames::new(rules);
        let is_on = |rule: &dyn Rule| rule.metas().iter().any(|meta| config.is_on(meta));
        Self {
            config,
            rules,
            registry: Registry::new(rules, is_on),
            ranks: names.ranks(),
            names,
            progress: None,
        }
    }

    /// Tells `progress` how far the runs are.
    #[must_use]
    pub fn with_progress(mut self, progress: Option<&'r dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Lints `input`. Never fails: what cannot be read is in the report.
    #[must_use]
    pub fn lint(&self, input: &Input<'_>) -> Report {
        let (found, unreadable) = discover(input, &self.config.files);
        if let Some(progress) = self.progress {
            progress.found(found.len());
        }
        let environments = self.config.environments();
        let run = Run::new(self, input, &environments, &found);
        let mut report = run.report();
        report.unreadable.extend(unreadable);
        report.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
        if let Some(only) = input.only {
            report.keep_only(only);
        }
        let beside = run.beside();
        report.paths = found
            .into_iter()
            .chain(beside)
            .map(|file| file.path)
            .collect();
        report
    }

    /// What the rules say about some or all modules of a workspace.
    fn check<'a>(&self, workspace: &Workspace<'a>, modules: &[&Module<'a>]) -> Vec<Sink> {
        self.registry.check(workspace, modules, &self.config.key)
    }

    /// Lets each rule compare what it has seen across the run.
    fn conclude(&self, evidence: impl IntoIterator<Item = (u32, Evidence)>) -> Vec<Finding> {
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

/// The modules of `files`, which lie in any order, built in parallel and linked.
fn workspace<'a>(
    files: impl IntoIterator<Item = &'a SourceFile>,
    environments: &'a dyn Environments,
) -> Workspace<'a> {
    let folders: Vec<_> = by_folder(files).into_iter().enumerate().collect();
    let build = |(index, (path, members))| Module::build(ModuleId(index as u32), path, members);
    Workspace::link(folders.into_par_iter().map(build).collect(), environments)
}

#[cfg(test)]
mod tests;
