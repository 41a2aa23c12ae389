//! `secretlint fix`: applies the fixes that findings carry.
//!
//! All work happens on texts in memory: lint, apply what does not overlap, lint again, until nothing
//! is left to do. A fix is applied with all of its edits or not at all. Then every changed file is
//! replaced whole, and only if all of them are still the files that were read. Nothing is written with
//! `--diff`. What git could not give back is not touched, see `tracked`.

mod choose;
mod diff;
mod tracked;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;

use secretlint_core::fix::{self, Applicability, Edit};
use secretlint_core::report::ReportedFinding;
use secretlint_core::{Report, Severity};
use secretlint_engine::{RuleNames, TextInput};

use crate::args::FixArgs;
use crate::check::Ending;
use crate::error::CliError;
use crate::settings::{BaselineUse, Scope, unknown_rule};
use choose::{Chosen, chosen, path_of};
use diff::Secrets;
use tracked::Tracked;

/// More rounds than fixes can depend on each other; a pair of rules that undo each other ends here.
const MAX_ROUNDS: usize = 20;

/// A file as it was and as it becomes.
struct Text {
    before: String,
    after: String,
}

type Texts = BTreeMap<String, Text>;

/// What is done so far.
#[derive(Default)]
struct Repair {
    texts: Texts,
    /// Files that are no text.
    no_text: BTreeSet<String>,
    /// Literals that no diff may show.
    secrets: Secrets,
    /// Fixes that took a value out of the text, with its place before and what to do with it.
    moved: Vec<String>,
    /// Fixes that were left out, with the reason.
    refused: Vec<String>,
    applied: usize,
}

/// Fixes and reports what was done.
pub(crate) fn run(args: &FixArgs) -> Result<Ending, CliError> {
    let mut scope = Scope::new(&args.scope, BaselineUse::Apply)?;
    if !scope.texts.is_empty() {
        return Err(CliError::Usage(
            "fix works on files, not on standard input".into(),
        ));
    }
    let rules = scope.rules.clone();
    let names = RuleNames::new(&rules);
    if let Some(name) = args.rule.iter().find(|name| !names.is_known(name)) {
        return Err(unknown_rule(name, &names));
    }
    let wanted = |finding: &ReportedFinding| {
        let mut rules = args.rule.iter();
        args.rule.is_empty() || rules.any(|name| names.covers(name, &finding.rule))
    };
    let least = if args.unsafe_fixes {
        Applicability::Unsafe
    } else {
        Applicability::Safe
    };
    // Nothing is written with `--diff`, so nothing can be lost.
    let tracked = if args.diff || args.allow_dirty {
        Tracked::everything()
    } else {
        Tracked::around(&scope.root)
    };
    let mut repair = Repair::default();
    let report = repair.settle(&mut scope, (least, &tracked), wanted)?;
    repair.texts.retain(|_, text| text.before != text.after);
    if args.diff {
        repair.secrets.print_diff(&repair.texts)?;
    } else {
        write::all(&repair.texts, &scope.root)?;
        let (applied, files) = (repair.applied, repair.texts.len());
        writeln!(
            std::io::stdout(),
            "{applied} fixes applied in {files} files"
        )?;
    }
    repair.say_what_to_do()?;
    say_what_is_left(&report, args)?;
    let fails = |finding: &ReportedFinding| finding.severity != Severity::Note;
    Ok(if report.findings.iter().any(fails) {
        Ending::Findings
    } else {
        Ending::Clean
    })
}

impl Repair {
    /// Applies and lints until nothing is chosen any more; returns the last report.
    fn settle(
        &mut self,
        scope: &mut Scope,
        (least, tracked): (Applicability, &Tracked),
        wanted: impl Fn(&ReportedFinding) -> bool + Copy,
    ) -> Result<Report, CliError> {
        let mut report = scope.lint(None, None)?;
        for _ in 0..MAX_ROUNDS {
            let fixes = chosen(&report, least, wanted);
            if fixes.is_empty() {
                break;
            }
            // The report may be about texts we do not hold yet: read them and look again.
            if !self.read_missing(&fixes, &report, &scope.root)? {
                self.secrets.remember(&report, &self.texts);
                if self.apply(&fixes, &report, tracked) == 0 {
                    break;
                }
            }
            report = relint(scope, &self.texts)?;
        }
        self.secrets.remember(&report, &self.texts);
        self.refused.sort();
        self.refused.dedup();
        Ok(report)
    }

    /// Reads the files that fixes change; true when one was new.
    fn read_missing(
        &mut self,
        fixes: &[Chosen<'_>],
        report: &Report,
        root: &Path,
    ) -> Result<bool, CliError> {
        let mut found = false;
        for path in fixes
            .iter()
            .flat_map(|chosen| &chosen.fix.edits)
            .filter_map(|edit| path_of(edit, report))
        {
            if self.texts.contains_key(path) || self.no_text.contains(path) {
                continue;
            }
            let path = path.to_owned();
            match read(&root.join(&path)) {
                Ok(before) => {
                    let after = before.clone();
                    self.texts.insert(path, Text { before, after });
                    found = true;
                }
                // The linter reads such files with replacements, which must not be written back.
                Err(CliError::Read { source, .. })
                    if source.kind() == std::io::ErrorKind::InvalidData =>
                {
                    self.refused.push(format!("{path} is not UTF-8 text"));
                    self.no_text.insert(path);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Applies fixes whose places do not overlap; returns how many.
    fn apply(&mut self, fixes: &[Chosen<'_>], report: &Report, tracked: &Tracked) -> usize {
        let mut by_file: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
        let mut applied = 0;
        for chosen in fixes {
            let Some(edits) = self.acceptable(chosen, report, tracked) else {
                continue;
            };
            for (path, edit) in edits {
                let edits = by_file.entry(path).or_default();
                // Two fixes may need one and the same line.
                if !edits.contains(&edit) {
                    edits.push(edit);
                }
            }
            if let Some(text) = self.texts.get(&chosen.finding.location.path)
                && chosen.removes_value()
            {
                self.moved.push(chosen.instruction(text));
            }
            applied += 1;
        }
        for (path, edits) in by_file {
            let text = self.texts.get_mut(path);
            // Each fix fits and none touches another, so all of them fit together.
            if let Some(text) = text
                && let Some(changes) = fix::changes(&text.after, &edits)
            {
                text.after = fix::apply(&text.after, &changes);
            }
        }
        self.applied += applied;
        applied
    }

    /// The edits of a fix with their files, when all of them can be made.
    fn acceptable<'f, 'r>(
        &mut self,
        chosen: &Chosen<'f>,
        report: &'r Report,
        tracked: &Tracked,
    ) -> Option<Vec<(&'r str, &'f Edit)>> {
        let mut by_file: BTreeMap<&str, Vec<&Edit>> = BTreeMap::new();
        for edit in &chosen.fix.edits {
            by_file
                .entry(path_of(edit, report)?)
                .or_default()
                .push(edit);
        }
        for (path, edits) in &by_file {
            let text = self.texts.get(*path)?;
            fix::changes(&text.after, edits)?;
            if let Err(why) = tracked.may_change(path, text, edits) {
                self.refused.push(why);
                return None;
            }
            if chosen.removes_value()
                && *path == chosen.finding.location.path
                && let Err(why) = tracked.may_forget(path)
            {
                self.refused.push(format!("{why} ({})", chosen.fix.title));
                return None;
            }
        }
        let edits = by_file.into_iter();
        Some(
            edits
                .flat_map(|(path, edits)| edits.into_iter().map(move |edit| (path, edit)))
                .collect(),
        )
    }

    fn say_what_to_do(&self) -> std::io::Result<()> {
        let mut err = std::io::stderr().lock();
        if !self.moved.is_empty() {
            writeln!(
                err,
                "Values that are no longer in the text; git has them, so treat them as known and rotate them:"
            )?;
            for moved in &self.moved {
                writeln!(err, "  {moved}")?;
            }
        }
        for refused in &self.refused {
            writeln!(err, "left out: {refused}")?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|source| CliError::Read {
        path: path.to_owned(),
        source,
    })
}

fn relint(scope: &mut Scope, texts: &Texts) -> Result<Report, CliError> {
    let text = |(path, text): (&String, &Text)| TextInput {
        path: path.clone(),
        text: text.after.clone(),
    };
    scope.texts = texts.iter().map(text).collect();
    scope.lint(None, None)
}

fn say_what_is_left(report: &Report, args: &FixArgs) -> std::io::Result<()> {
    let unsafe_left = report
        .findings
        .iter()
        .filter(|finding| {
            let mut fixes = finding.fixes.iter();
            fixes.any(|fix| fix.applicability == Applicability::Unsafe)
        })
        .count();
    let mut err = std::io::stderr().lock();
    if !report.findings.is_empty() {
        writeln!(
            err,
            "{} findings are left; `secretlint` shows them",
            report.findings.len()
        )?;
    }
    if unsafe_left > 0 && !args.unsafe_fixes {
        writeln!(
            err,
            "{unsafe_left} of them have a fix that changes what the configuration does: --unsafe applies it"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::choose::tests::{fix, with_fixes};
    use super::*;

    fn repair(text: &str) -> Repair {
        let text = Text {
            before: text.to_owned(),
            after: text.to_owned(),
        };
        Repair {
            texts: BTreeMap::from([("a.tf".to_owned(), text)]),
            ..Repair::default()
        }
    }

    fn applied(text: &str, report: &Report) -> (usize, String) {
        let mut repair = repair(text);
        let fixes = chosen(report, Applicability::Safe, |_| true);
        let count = repair.apply(&fixes, report, &Tracked::everything());
        (count, repair.texts["a.tf"].after.clone())
    }

    #[test]
    fn edits_are_applied_from_the_end() {
        let report = with_fixes(&[
            fix(Applicability::Safe, &[(0, 1, "long"), (4, 5, "E")]),
            fix(Applicability::Safe, &[(2, 2, "+")]),
        ]);
        assert_eq!(applied("abcde", &report), (2, "longb+cdE".to_owned()));
    }

    #[test]
    fn a_fix_is_applied_with_all_of_its_edits_or_not_at_all() {
        let report = with_fixes(&[
            fix(Applicability::Safe, &[(0, 1, "x"), (90, 91, "y")]),
            fix(Applicability::Safe, &[(2, 3, "z")]),
        ]);
        assert_eq!(applied("abcde", &report), (1, "abzde".to_owned()));
    }

    #[test]
    fn a_line_that_two_fixes_need_is_written_once() {
        let same = &[(2, 2, "\nneeded = 1"), (0, 1, "x")];
        let other = &[(2, 2, "\nneeded = 1"), (4, 5, "z")];
        let report = with_fixes(&[
            fix(Applicability::Safe, same),
            fix(Applicability::Safe, other),
        ]);
        let expected = "xb\nneeded = 1cdzf".to_owned();
        assert_eq!(applied("abcdef", &report), (2, expected));
    }
}
