//! `secretlint fix`: applies the fixes that findings carry.
//!
//! All work happens on texts in memory: lint, apply what does not overlap, lint again, until nothing
//! is left to do. Then every changed file is replaced whole, and only if it is still the file that
//! was read. Nothing is written with `--diff`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use secretlint_core::fix::{Applicability, Edit, Fix};
use secretlint_core::report::ReportedFinding;
use secretlint_core::{Report, Severity};
use secretlint_engine::{RuleNames, TextInput};
use similar::TextDiff;

use crate::args::FixArgs;
use crate::check::Ending;
use crate::error::CliError;
use crate::output::write_atomically;
use crate::settings::{BaselineUse, Scope, unknown_rule};

/// More rounds than fixes can depend on each other; a pair of rules that undo each other ends here.
const MAX_ROUNDS: usize = 10;
/// Shorter secrets are not searched for in the rest of a diff: they would hide ordinary text.
const MIN_MASKED: usize = 4;

/// A file as it was and as it becomes.
struct Text {
    before: String,
    after: String,
}

/// What is done so far.
#[derive(Default)]
struct Repair {
    texts: BTreeMap<String, Text>,
    /// Literals that no diff may show.
    secrets: Vec<String>,
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
    let mut repair = Repair::default();
    let report = repair.settle(&mut scope, least, wanted)?;
    repair.texts.retain(|_, text| text.before != text.after);
    if args.diff {
        print_diff(&repair.texts, &repair.secrets)?;
    } else {
        write(&repair.texts, &scope.root)?;
        let (applied, files) = (repair.applied, repair.texts.len());
        writeln!(
            std::io::stdout(),
            "{applied} fixes applied in {files} files"
        )?;
    }
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
        least: Applicability,
        wanted: impl Fn(&ReportedFinding) -> bool + Copy,
    ) -> Result<Report, CliError> {
        let mut report = scope.lint(None)?;
        for _ in 0..MAX_ROUNDS {
            let fixes = chosen(&report, least, wanted);
            if fixes.is_empty() {
                break;
            }
            // The report may be about texts we do not hold yet: read them and look again.
            if !read_missing(&fixes, &report, &scope.root, &mut self.texts)? {
                remember_secrets(&report, &self.texts, &mut self.secrets);
                self.applied += apply(&fixes, &report, &mut self.texts);
            }
            report = relint(scope, &self.texts)?;
        }
        remember_secrets(&report, &self.texts, &mut self.secrets);
        Ok(report)
    }
}

/// The best fix of each finding that may be applied, without those that touch another's places.
fn chosen(
    report: &Report,
    least: Applicability,
    wanted: impl Fn(&ReportedFinding) -> bool + Copy,
) -> Vec<&Fix> {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut fixes = Vec::new();
    for finding in report.findings.iter().filter(|finding| wanted(finding)) {
        let Some(fix) = finding.fixes.iter().find(|fix| fix.applicability >= least) else {
            continue;
        };
        let overlaps = |edit: &Edit| taken.iter().any(|other| touch(edit, other));
        if fix.edits.is_empty() || fix.edits.iter().any(overlaps) {
            continue;
        }
        taken.extend(&fix.edits);
        fixes.push(fix);
    }
    fixes
}

/// True when two edits share bytes or a point of insertion.
fn touch(a: &Edit, b: &Edit) -> bool {
    let (a, b) = (a.place, b.place);
    a.file == b.file && a.start <= b.end && b.start <= a.end
}

fn path_of<'r>(edit: &Edit, report: &'r Report) -> Option<&'r str> {
    report
        .paths
        .get(edit.place.file.0 as usize)
        .map(String::as_str)
}

/// Reads the files that fixes change; true when one was new.
fn read_missing(
    fixes: &[&Fix],
    report: &Report,
    root: &Path,
    texts: &mut BTreeMap<String, Text>,
) -> Result<bool, CliError> {
    let mut found = false;
    for path in fixes
        .iter()
        .flat_map(|fix| &fix.edits)
        .filter_map(|edit| path_of(edit, report))
    {
        if texts.contains_key(path) {
            continue;
        }
        let before = read(&root.join(path))?;
        let after = before.clone();
        texts.insert(path.to_owned(), Text { before, after });
        found = true;
    }
    Ok(found)
}

fn read(path: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(path).map_err(|source| CliError::Read {
        path: path.to_owned(),
        source,
    })
}

fn relint(scope: &mut Scope, texts: &BTreeMap<String, Text>) -> Result<Report, CliError> {
    let text = |(path, text): (&String, &Text)| TextInput {
        path: path.clone(),
        text: text.after.clone(),
    };
    scope.texts = texts.iter().map(text).collect();
    scope.lint(None)
}

/// Applies fixes whose places do not overlap; returns how many.
fn apply(fixes: &[&Fix], report: &Report, texts: &mut BTreeMap<String, Text>) -> usize {
    let mut edits: Vec<&Edit> = fixes.iter().flat_map(|fix| &fix.edits).collect();
    // From the end, so that earlier places stay where they are.
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.place));
    for edit in edits {
        let text = path_of(edit, report).and_then(|path| texts.get_mut(path));
        let range = edit.place.start as usize..edit.place.end as usize;
        if let Some(text) = text.filter(|text| text.after.get(range.clone()).is_some()) {
            text.after.replace_range(range, &edit.text);
        }
    }
    fixes.len()
}

fn write(texts: &BTreeMap<String, Text>, root: &Path) -> Result<(), CliError> {
    let paths: Vec<(PathBuf, &Text)> = texts
        .iter()
        .map(|(path, text)| (root.join(path), text))
        .collect();
    for (path, text) in &paths {
        if read(path)? != text.before {
            return Err(CliError::Usage(format!(
                "{} changed while it was fixed; nothing was written, run fix again",
                path.display()
            )));
        }
    }
    for (path, text) in paths {
        write_atomically(&path, |out| out.write_all(text.after.as_bytes()))?;
    }
    Ok(())
}

/// The text of every literal that a finding is about, so that no diff shows it.
fn remember_secrets(report: &Report, texts: &BTreeMap<String, Text>, secrets: &mut Vec<String>) {
    for finding in report.findings.iter().chain(&report.suppressed) {
        let (start, end) = finding.location.span;
        let text = texts.get(&finding.location.path);
        let text = text.and_then(|text| text.after.get(start as usize..end as usize));
        if finding.digest.is_none() {
            continue;
        }
        for line in text.into_iter().flat_map(str::lines) {
            // A finding may sit on a whole argument: what is quoted is the literal.
            let quoted: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
            let parts = if quoted.is_empty() {
                vec![line.trim()]
            } else {
                quoted
            };
            secrets.extend(
                parts
                    .into_iter()
                    .filter(|part| part.len() >= MIN_MASKED)
                    .map(str::to_owned),
            );
        }
    }
    // Longest first: a secret inside another one must not break its masking.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
}

fn print_diff(texts: &BTreeMap<String, Text>, secrets: &[String]) -> Result<(), CliError> {
    let mut all = String::new();
    for (path, text) in texts {
        let diff = TextDiff::from_lines(&text.before, &text.after);
        let mut unified = diff.unified_diff();
        let header = unified.header(path, path).to_string();
        let _ = write!(all, "{header}");
    }
    for secret in secrets {
        all = all.replace(secret, "********");
    }
    Ok(std::io::stdout().lock().write_all(all.as_bytes())?)
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
    use secretlint_core::{FileId, Place};

    use super::*;
    use crate::output::tests::report;

    fn fix(applicability: Applicability, edits: &[(u32, u32, &str)]) -> Fix {
        let edits = edits.iter().map(|&(start, end, text)| Edit {
            place: Place {
                file: FileId(0),
                start,
                end,
            },
            text: text.to_owned(),
        });
        Fix {
            title: "Change it".to_owned(),
            applicability,
            edits: edits.collect(),
        }
    }

    fn with_fixes(fixes: &[Fix]) -> Report {
        let mut report = report();
        report.paths = vec!["a.tf".to_owned()];
        let one = report.findings.remove(0);
        report.findings = fixes
            .iter()
            .map(|fix| ReportedFinding {
                fixes: vec![fix.clone()],
                ..one.clone()
            })
            .collect();
        report
    }

    #[test]
    fn overlapping_fixes_wait_for_the_next_round() {
        let report = with_fixes(&[
            fix(Applicability::Safe, &[(0, 4, "x")]),
            fix(Applicability::Safe, &[(3, 6, "y")]),
            fix(Applicability::Safe, &[(7, 7, "z")]),
        ]);
        assert_eq!(chosen(&report, Applicability::Safe, |_| true).len(), 2);
    }

    #[test]
    fn unsafe_fixes_need_to_be_asked_for() {
        let report = with_fixes(&[
            fix(Applicability::Unsafe, &[(0, 1, "x")]),
            fix(Applicability::DisplayOnly, &[(5, 6, "x")]),
        ]);
        assert_eq!(chosen(&report, Applicability::Safe, |_| true).len(), 0);
        assert_eq!(chosen(&report, Applicability::Unsafe, |_| true).len(), 1);
    }

    #[test]
    fn edits_are_applied_from_the_end() {
        let report = with_fixes(&[
            fix(Applicability::Safe, &[(0, 1, "long"), (4, 5, "E")]),
            fix(Applicability::Safe, &[(2, 2, "+")]),
        ]);
        let text = || "abcde".to_owned();
        let mut texts = BTreeMap::from([(
            "a.tf".to_owned(),
            Text {
                before: text(),
                after: text(),
            },
        )]);
        let fixes = chosen(&report, Applicability::Safe, |_| true);
        apply(&fixes, &report, &mut texts);
        assert_eq!(texts["a.tf"].after, "longb+cdE");
    }
}
