//! A run over files that are read once and let go, batch by batch.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use rustc_hash::FxHashSet;
use secretlint_core::facts::{Environments, FileKind, Module, SourceFile};
use secretlint_core::report::{Stats, Unreadable};
use secretlint_core::{Evidence, FileId, Finding, Report};

use crate::batch::{SMALL, batches};
use crate::discover::Found;
use crate::judge::{Judge, Texts};
use crate::read::{Read, read};
use crate::syntax::syntax_error;
use crate::{Input, Linter, beside, context, workspace};

/// One run: what to lint, and with what.
pub(crate) struct Run<'r> {
    linter: &'r Linter<'r>,
    input: &'r Input<'r>,
    environments: &'r dyn Environments,
    found: &'r [Found],
    /// Files that others need, numbered behind those that were found, in the order they come.
    beside: Mutex<Vec<Found>>,
}

/// What has come of a batch, or of several.
struct Outcome<'r> {
    judge: Judge<'r>,
    evidence: Vec<(u32, Evidence)>,
    stats: Stats,
    unreadable: Vec<Unreadable>,
}

impl<'r> Outcome<'r> {
    fn new(linter: &'r Linter<'r>) -> Self {
        Self {
            judge: Judge::new(linter),
            evidence: Vec::new(),
            stats: Stats::default(),
            unreadable: Vec::new(),
        }
    }

    fn absorb(&mut self, other: Self) {
        self.judge.absorb(other.judge);
        self.evidence.extend(other.evidence);
        self.unreadable.extend(other.unreadable);
        self.stats.files += other.stats.files;
        self.stats.modules += other.stats.modules;
        self.stats.bytes += other.stats.bytes;
    }
}

impl<'r> Run<'r> {
    /// A run over what was `found`.
    pub(crate) fn new(
        linter: &'r Linter<'r>,
        input: &'r Input<'r>,
        environments: &'r dyn Environments,
        found: &'r [Found],
    ) -> Self {
        Self {
            linter,
            input,
            environments,
            found,
            beside: Mutex::default(),
        }
    }

    /// The files that others needed, in the order of their numbers.
    pub(crate) fn beside(self) -> Vec<Found> {
        self.beside
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lints everything that was found: small batches beside each other, each in the cache of its
    /// processor, large ones with all threads on one.
    pub(crate) fn report(&self) -> Report {
        let (small, large): (Vec<_>, Vec<_>) = batches(self.found)
            .into_iter()
            .partition(|batch| batch.len() <= SMALL);
        let mut outcome = Outcome::new(self.linter);
        let small: Vec<_> = small.par_iter().map(|batch| self.batch(batch)).collect();
        small.into_iter().for_each(|other| outcome.absorb(other));
        for batch in &large {
            outcome.absorb(self.batch(batch));
        }
        let late = self.linter.conclude(outcome.evidence);
        let (findings, suppressed) = outcome.judge.finish(late, self);
        Report {
            findings,
            suppressed,
            stats: outcome.stats,
            unreadable: outcome.unreadable,
            ..Report::default()
        }
    }

    /// Everything from bytes to judged findings for the files that are looked at together.
    fn batch(&self, batch: &[usize]) -> Outcome<'r> {
        let mut outcome = Outcome::new(self.linter);
        let mut files = self.files(batch, &mut outcome);
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
        let workspace = workspace(&files, self.environments);
        let modules: Vec<&Module<'_>> = workspace
            .modules()
            .iter()
            .filter(|module| !elsewhere.contains(module.path))
            .collect();
        let counts = |module: &&&Module<'_>| module.files.iter().any(|file| !file.kind.is_beside());
        outcome.stats.modules += modules.iter().filter(counts).count();
        let mut findings: Vec<Finding> = files[..linted].iter().filter_map(syntax_error).collect();
        for sink in self.linter.check(&workspace, &modules) {
            findings.extend(sink.findings);
            outcome
                .judge
                .know(sink.evidence.iter().map(|(_, fact)| fact));
            outcome.evidence.extend(sink.evidence);
        }
        outcome.judge.settle(&workspace, &modules, findings);
        outcome
    }

    /// Reads and parses; files are numbered by their place in the whole list.
    fn files(&self, batch: &[usize], outcome: &mut Outcome<'_>) -> Vec<SourceFile> {
        let loaded: Vec<_> = batch
            .par_iter()
            .filter_map(|&index| self.load(index))
            .collect();
        let mut files = Vec::with_capacity(loaded.len());
        for result in loaded {
            match result {
                Ok(file) => files.push(file),
                Err(unreadable) => outcome.unreadable.push(unreadable),
            }
        }
        let bytes = files.iter().map(|file| file.text().len() as u64);
        outcome.stats.bytes += bytes.sum::<u64>();
        outcome.stats.files += files.len();
        files
    }

    fn load(&self, index: usize) -> Option<Result<SourceFile, Unreadable>> {
        let found = &self.found[index];
        if let Some(progress) = self.linter.progress {
            progress.read();
        }
        match read(self.input, found, &self.linter.config.files) {
            // Lock files are read for others, see `files_beside`.
            Read::Text(FileKind::Lock, _) => None,
            Read::Text(kind, text) => Some(Ok(SourceFile::new(
                FileId(index as u32),
                found.path.as_str(),
                kind,
                text,
            ))),
            Read::Unreadable(reason) => Some(Err(Unreadable {
                path: found.path.clone(),
                reason,
            })),
            Read::Skipped => None,
        }
    }

    /// Modules of other batches that the files of this one call.
    fn context(&self, batch: &[usize], files: &[SourceFile]) -> Vec<SourceFile> {
        if batch.len() == self.found.len() {
            return Vec::new();
        }
        context::called(files, self.found, |index| {
            let found = &self.found[index];
            match read(self.input, found, &self.linter.config.files) {
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
        let settings = &self.linter.config.files;
        let needed = beside::needed(files);
        let found = beside::present(self.input, settings, &needed, &known);
        let read = |found: Found| match read(self.input, &found, settings) {
            Read::Text(kind, text) => Some((found, kind, text)),
            Read::Skipped | Read::Unreadable(_) => None,
        };
        let texts: Vec<_> = found.into_par_iter().filter_map(read).collect();
        let first = {
            let mut all = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
            let first = self.found.len() + all.len();
            all.extend(texts.iter().map(|(found, ..)| found.clone()));
            first
        };
        let file = |(index, (found, kind, text)): (usize, (Found, FileKind, String))| {
            let id = FileId((first + index) as u32);
            SourceFile::new(id, found.path.as_str(), kind, text)
        };
        texts.into_par_iter().enumerate().map(file).collect()
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
        match read(self.input, found, &self.linter.config.files) {
            Read::Text(_, text) => Some((found.path.clone(), text)),
            Read::Skipped | Read::Unreadable(_) => None,
        }
    }
}
