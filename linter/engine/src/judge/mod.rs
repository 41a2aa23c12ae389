//! Findings -> report: levels, ranks, suppressions, places, masks, fingerprints.
//!
//! Rules know none of this. [`Judge::settle`] handles the findings of one batch while its texts are
//! in memory; [`Judge::finish`] what was compared across the run, and everything that needs all
//! findings.

mod locate;
mod rank;
mod suppression;

use std::cell::LazyCell;

use jiff::civil::Date;
use rustc_hash::{FxHashMap, FxHashSet};
use secretlint_core::facts::{Module, SourceFile, Workspace};
use secretlint_core::report::{Location, RelatedLocation, ReportedFinding, Suppression};
use secretlint_core::{Evidence, FileId, Finding, Place, Rank, RuleId, RuleMeta};

use crate::Linter;
use crate::baseline::hex;
use crate::config::{Candidate, Config, Mistakes};
use crate::names::RuleNames;
use crate::own;
use locate::Locator;
use suppression::{Comment, Directive};

/// Judges the findings of a run.
pub(crate) struct Judge<'c> {
    config: &'c Config,
    names: &'c RuleNames<'c>,
    ranks: &'c FxHashMap<RuleId, Rank>,
    reported: Vec<ReportedFinding>,
    /// Findings with places in files of other batches, whose secrets are not known yet.
    late: Vec<Finding>,
    files: FxHashMap<FileId, Kept>,
}

/// What is kept of a file when its text is gone.
#[derive(Default)]
struct Kept {
    comments: Vec<(Comment, Location)>,
    /// Secrets of findings and evidence, so that later excerpts are masked as well.
    secrets: Vec<Place>,
}

/// Texts of files that were let go.
pub(crate) trait Texts {
    /// Display path and text of a file.
    fn get(&self, file: FileId) -> Option<(String, String)>;
}

impl<'c> Judge<'c> {
    pub(crate) fn new(linter: &'c Linter<'c>) -> Self {
        Self {
            config: linter.config,
            names: &linter.names,
            ranks: &linter.ranks,
            reported: Vec::new(),
            late: Vec::new(),
            files: FxHashMap::default(),
        }
    }

    /// Takes over what another has judged in the same run.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.reported.extend(other.reported);
        self.late.extend(other.late);
        // In any order: a file is judged in one batch, and its secrets are a set.
        other.files.into_iter().for_each(|(file, kept)| {
            let own = self.files.entry(file).or_default();
            own.comments.extend(kept.comments);
            own.secrets.extend(kept.secrets);
        });
    }

    /// Remembers the secret places of evidence, so that no excerpt shows them.
    pub(crate) fn know<'e>(&mut self, evidence: impl IntoIterator<Item = &'e Evidence>) {
        for fact in evidence.into_iter().filter(|fact| fact.secret) {
            let kept = self.files.entry(fact.place.file).or_default();
            kept.secrets.push(fact.place);
        }
    }

    /// Takes the findings in `modules`, which are some or all of `workspace`.
    pub(crate) fn settle(
        &mut self,
        workspace: &Workspace<'_>,
        modules: &[&Module<'_>],
        findings: Vec<Finding>,
    ) {
        let mut by_file: FxHashMap<FileId, Vec<Finding>> = FxHashMap::default();
        for finding in findings {
            by_file.entry(finding.place.file).or_default().push(finding);
        }
        let mut leveled = Vec::new();
        for module in modules {
            for file in &module.files {
                self.read_comments(file);
                let mut findings = by_file.remove(&file.id).unwrap_or_default();
                // Also of findings that are dropped below: a rule that is off still knows a secret.
                for place in findings.iter().flat_map(|finding| &finding.secrets) {
                    self.files
                        .entry(place.file)
                        .or_default()
                        .secrets
                        .push(*place);
                }
                self.level(&file.path, &mut findings);
                rank::keep_most_specific(&mut findings, self.ranks);
                if !findings.is_empty() {
                    leveled.push((*file, findings));
                }
            }
        }
        // Places after all secrets of the batch are known: related places are in other files.
        let mut locators = Locators {
            files: &self.files,
            known: FxHashMap::default(),
        };
        let here = LazyCell::new(|| -> FxHashSet<FileId> {
            let files = modules.iter().flat_map(|module| &module.files);
            files.map(|file| file.id).collect()
        });
        for (file, findings) in leveled {
            for finding in findings {
                let mut related = finding.related.iter().map(|related| related.place.file);
                if related.any(|other| other != file.id && !here.contains(&other)) {
                    self.late.push(finding);
                    continue;
                }
                let find = |id: FileId| workspace.file(id).map(|file| (&*file.path, file.text()));
                self.reported
                    .extend(locators.report(self.config, finding, file.id, &find));
            }
        }
    }

    /// Takes the findings that came of comparing across the run, and everything else that is
    /// wrong, and gives all findings: active, then suppressed.
    pub(crate) fn finish(
        mut self,
        mut findings: Vec<Finding>,
        texts: &dyn Texts,
    ) -> (Vec<ReportedFinding>, Vec<ReportedFinding>) {
        findings.append(&mut self.late);
        self.settle_late(findings, texts);
        let mut reported = std::mem::take(&mut self.reported);
        reported.sort_by(|a, b| order(a).cmp(&order(b)));
        self.fingerprint(&mut reported);
        self.suppress(&mut reported);
        self.report_comments(&mut reported);
        for mistakes in &self.config.mistakes {
            self.report_mistakes(mistakes, &mut reported);
        }
        reported.sort_by(|a, b| order(a).cmp(&order(b)));
        reported
            .into_iter()
            .partition(|finding| finding.suppression.is_none())
    }

    /// Applies configured levels and drops what is off.
    fn level(&self, path: &str, findings: &mut Vec<Finding>) {
        findings.retain_mut(|finding| {
            let Some(meta) = self.names.meta(&finding.rule) else {
                return true;
            };
            let severity = self.config.severity(meta, path, finding.severity);
            finding.severity = severity.unwrap_or(finding.severity);
            severity.is_some()
        });
    }

    fn read_comments(&mut self, file: &SourceFile) {
        let comments = suppression::comments(file);
        if comments.is_empty() {
            return;
        }
        let locator = Locator::new(&file.path, file.text(), []);
        let place = |comment: &Comment| locator.locate(file.place(comment.span));
        let located = comments.into_iter().map(|comment| {
            let location = place(&comment);
            (comment, location)
        });
        self.files.entry(file.id).or_default().comments = located.collect();
    }

    fn settle_late(&mut self, mut findings: Vec<Finding>, texts: &dyn Texts) {
        let mut loaded: FxHashMap<FileId, (String, String)> = FxHashMap::default();
        let places = |finding: &Finding| -> Vec<FileId> {
            let related = finding.related.iter().map(|related| related.place.file);
            std::iter::once(finding.place.file).chain(related).collect()
        };
        for finding in &findings {
            for secret in &finding.secrets {
                self.files
                    .entry(secret.file)
                    .or_default()
                    .secrets
                    .push(*secret);
            }
            for file in places(finding) {
                if !loaded.contains_key(&file)
                    && let Some(text) = texts.get(file)
                {
                    loaded.insert(file, text);
                }
            }
        }
        findings.sort_by_key(|finding| (finding.place, finding.rule.clone()));
        let mut locators = Locators {
            files: &self.files,
            known: FxHashMap::default(),
        };
        for finding in findings {
            let file = finding.place.file;
            let Some((path, _)) = loaded.get(&file) else {
                continue;
            };
            let mut one = vec![finding];
            self.level(path, &mut one);
            let find = |id: FileId| {
                loaded
                    .get(&id)
                    .map(|(path, text)| (path.as_str(), text.as_str()))
            };
            for finding in one {
                self.reported
                    .extend(locators.report(self.config, finding, file, &find));
            }
        }
    }

    /// Rule, path, address and, with a private key, value; the n-th of equal ones has its number.
    fn fingerprint(&self, reported: &mut [ReportedFinding]) {
        let key = &self.config.key;
        let mut seen: FxHashMap<[u8; 16], u32> = FxHashMap::default();
        for finding in reported {
            let value = finding
                .digest
                .filter(|_| key.is_private())
                .map_or([0; 16], |digest| digest.0);
            let parts = [
                finding.rule.as_bytes(),
                finding.project_path.as_bytes(),
                finding.address.as_bytes(),
                &value,
            ];
            let count = seen.entry(key.digest_parts(&parts).0).or_default();
            let number = count.to_le_bytes();
            *count += 1;
            let [rule, path, address, value] = parts;
            finding.fingerprint = hex(key.digest_parts(&[rule, path, address, value, &number]));
        }
    }

    fn suppress(&mut self, reported: &mut [ReportedFinding]) {
        if self.config.ignore_suppressions {
            return;
        }
        for finding in reported {
            finding.suppression = self.by_comment(finding).or_else(|| self.by_config(finding));
        }
    }

    fn by_comment(&mut self, finding: &ReportedFinding) -> Option<Suppression> {
        let (config, names) = (self.config, self.names);
        let start = finding.location.span.0;
        let comments = &mut self.files.get_mut(&finding.file)?.comments;
        let mut reason = None;
        for (comment, _) in comments {
            let covers = comment.covers.start <= start
                && start < comment.covers.end.max(comment.covers.start + 1);
            let Ok(directive) = &comment.directive else {
                continue;
            };
            if covers
                && directive
                    .rules
                    .iter()
                    .any(|name| names.covers(name, &finding.rule))
                && holds(directive, config)
            {
                comment.used = true;
                reason.get_or_insert_with(|| directive.reason.clone());
            }
        }
        reason.map(|reason| Suppression {
            kind: "comment",
            reason,
        })
    }

    fn by_config(&self, finding: &ReportedFinding) -> Option<Suppression> {
        let candidate = Candidate {
            meta: self.names.meta(&finding.rule),
            path: &finding.location.path,
            address: &finding.address,
            fingerprint: &finding.fingerprint,
            digest: finding.digest.map(hex),
        };
        if let Some(allow) = self.config.allowed(&candidate) {
            return Some(Suppression {
                kind: "config",
                reason: Some(allow.reason.clone()),
            });
        }
        let accepted = self
            .config
            .baseline
            .as_ref()
            .is_some_and(|baseline| baseline.accepts(finding));
        accepted.then_some(Suppression {
            kind: "baseline",
            reason: None,
        })
    }

    /// Comments that do not hold, and comments that silenced nothing.
    fn report_comments(&self, reported: &mut Vec<ReportedFinding>) {
        if self.config.ignore_suppressions {
            return;
        }
        for (&file, kept) in sorted(&self.files) {
            for (comment, location) in &kept.comments {
                let wrong = self.wrong_with(comment);
                let found = match (wrong, comment.used) {
                    (Some(message), _) => Some((own::invalid_suppression(), message)),
                    (None, false) if self.could_be_used(comment) => Some((
                        own::unused_suppression(),
                        "the comment silences nothing here".to_owned(),
                    )),
                    _ => None,
                };
                if let Some((meta, message)) = found {
                    reported.extend(self.own_finding(meta, file, location.clone(), message));
                }
            }
        }
    }

    fn wrong_with(&self, comment: &Comment) -> Option<String> {
        let directive = match &comment.directive {
            Ok(directive) => directive,
            Err(message) => return Some(message.clone()),
        };
        if let Some(unknown) = directive
            .rules
            .iter()
            .find(|name| !self.names.is_known(name))
        {
            let near = secret_policy::nearest(unknown, self.names.all());
            let near = near.map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            return Some(format!("`{unknown}` is no rule{near}"));
        }
        if let Some(until) = directive.until.filter(|until| *until < self.config.today) {
            return Some(format!("the comment held until {until} and is expired"));
        }
        let demanded = self.config.require_reason && directive.reason.is_none();
        demanded.then(|| {
            "the comment gives no reason, and this project demands one: add `reason=\"…\"`"
                .to_owned()
        })
    }

    /// False when every named rule is off: then the comment may be for another run.
    fn could_be_used(&self, comment: &Comment) -> bool {
        let Ok(directive) = &comment.directive else {
            return false;
        };
        directive.rules.iter().any(|name| {
            self.names
                .meta(name)
                .is_none_or(|meta| self.config.is_on(meta))
        })
    }

    fn report_mistakes(&self, mistakes: &Mistakes, reported: &mut Vec<ReportedFinding>) {
        let locator = Locator::new(&mistakes.path, &mistakes.text, []);
        for trouble in &mistakes.troubles {
            let place = Place {
                file: NO_FILE,
                start: trouble.span.0,
                end: trouble.span.1,
            };
            let found = self.own_finding(
                own::invalid_config(),
                NO_FILE,
                locator.locate(place),
                trouble.message.clone(),
            );
            reported.extend(found.map(|finding| ReportedFinding {
                help: trouble.help.clone().into(),
                ..finding
            }));
        }
    }

    fn own_finding(
        &self,
        meta: &'static RuleMeta,
        file: FileId,
        location: Location,
        message: String,
    ) -> Option<ReportedFinding> {
        let severity = self.config.severity(meta, &location.path, meta.severity)?;
        let project_path = self.config.project_path(&location.path).into_owned();
        let mut finding = ReportedFinding {
            rule: meta.id.clone(),
            severity,
            confidence: meta.confidence,
            file,
            project_path,
            location,
            message,
            why: meta.why.clone(),
            help: meta.help.clone(),
            address: String::new(),
            fingerprint: String::new(),
            digest: None,
            related: Vec::new(),
            fixes: Vec::new(),
            suppression: None,
            commit: None,
        };
        // By message: these have no address, and their line moves.
        let parts = [
            finding.rule.as_bytes(),
            finding.project_path.as_bytes(),
            finding.message.as_bytes(),
        ];
        finding.fingerprint = hex(self.config.key.digest_parts(&parts));
        Some(finding)
    }
}

/// The configuration files are not in the run's file table.
const NO_FILE: FileId = FileId(u32::MAX);

/// True when a comment that names the right rule silences it today.
fn holds(directive: &Directive, config: &Config) -> bool {
    let holds_today = |until: Date| config.today <= until;
    directive.until.is_none_or(holds_today)
        && (directive.reason.is_some() || !config.require_reason)
}

fn order(finding: &ReportedFinding) -> (&str, (u32, u32), &str, &str, &str) {
    (
        &finding.location.path,
        finding.location.span,
        &finding.rule,
        &finding.address,
        &finding.message,
    )
}

fn sorted(files: &FxHashMap<FileId, Kept>) -> Vec<(&FileId, &Kept)> {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort_unstable_by_key(|(id, _)| **id);
    sorted
}

/// Locators of the files that findings and related places are in, made on first use.
struct Locators<'f, 't> {
    files: &'f FxHashMap<FileId, Kept>,
    known: FxHashMap<FileId, Locator<'t>>,
}

type Find<'f, 't> = &'f dyn Fn(FileId) -> Option<(&'t str, &'t str)>;

impl<'t> Locators<'_, 't> {
    fn get(&mut self, file: FileId, find: Find<'_, 't>) -> Option<&Locator<'t>> {
        if !self.known.contains_key(&file) {
            let (path, text) = find(file)?;
            let secrets = self
                .files
                .get(&file)
                .map(|kept| kept.secrets.clone())
                .unwrap_or_default();
            self.known.insert(file, Locator::new(path, text, secrets));
        }
        self.known.get(&file)
    }

    fn report(
        &mut self,
        config: &Config,
        finding: Finding,
        file: FileId,
        find: Find<'_, 't>,
    ) -> Option<ReportedFinding> {
        let location = self.get(file, find)?.locate(finding.place);
        let mut related = Vec::with_capacity(finding.related.len());
        for other in finding.related {
            if let Some(locator) = self.get(other.place.file, find) {
                related.push(RelatedLocation {
                    location: locator.locate(other.place),
                    message: other.message,
                });
            }
        }
        Some(ReportedFinding {
            rule: finding.rule,
            severity: finding.severity,
            confidence: finding.confidence,
            file,
            project_path: config.project_path(&location.path).into_owned(),
            location,
            message: finding.message,
            why: finding.why,
            help: finding.help,
            address: finding.address,
            fingerprint: String::new(),
            digest: finding.digest,
            related,
            fixes: finding.fixes,
            suppression: None,
            commit: None,
        })
    }
}
