//! Which fixes are applied together.

use secretlint_core::Report;
use secretlint_core::fix::{Applicability, Edit, Fix};
use secretlint_core::report::ReportedFinding;

use super::Text;

/// A fix with the finding it belongs to.
pub(super) struct Chosen<'r> {
    pub(super) finding: &'r ReportedFinding,
    pub(super) fix: &'r Fix,
}

impl Chosen<'_> {
    /// True when the literal that the finding is about is not in the text afterwards.
    pub(super) fn removes_value(&self) -> bool {
        let (start, end) = self.finding.location.span;
        let over = |edit: &Edit| {
            let place = edit.place;
            place.file == self.finding.file && place.start < end && start < place.end
        };
        self.finding.digest.is_some() && self.fix.edits.iter().any(over)
    }

    /// Where the value was before anything was fixed, and what to do with it.
    pub(super) fn instruction(&self, text: &Text) -> String {
        let location = &self.finding.location;
        let (start, end) = (location.span.0 as usize, location.span.1 as usize);
        let literal = text.after.get(start..end);
        let at = literal.and_then(|literal| text.before.find(literal));
        let line = at.map_or(location.start.line as usize, |at| {
            text.before[..at].matches('\n').count() + 1
        });
        format!("{}:{line}: {}", location.path, self.fix.title)
    }
}

/// The best fix of each finding that may be applied, without those that touch another's places.
pub(super) fn chosen(
    report: &Report,
    least: Applicability,
    wanted: impl Fn(&ReportedFinding) -> bool + Copy,
) -> Vec<Chosen<'_>> {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut fixes = Vec::new();
    for finding in report.findings.iter().filter(|finding| wanted(finding)) {
        let Some(fix) = finding.fixes.iter().find(|fix| fix.applicability >= least) else {
            continue;
        };
        let overlaps = |edit: &Edit| taken.iter().any(|other| clash(edit, other));
        if fix.edits.is_empty() || fix.edits.iter().any(overlaps) {
            continue;
        }
        taken.extend(&fix.edits);
        fixes.push(Chosen { finding, fix });
    }
    fixes
}

/// True when two edits share bytes or a point of insertion. Equal edits are one, and blocks of their
/// own can stand behind each other.
fn clash(one: &Edit, other: &Edit) -> bool {
    let (a, b) = (one.place, other.place);
    let touch = a.file == b.file && a.start <= b.end && b.start <= a.end;
    touch && one != other && !(a == b && is_own_block(one) && is_own_block(other))
}

/// A top-level block that is inserted: `variable "x" { … }`.
fn is_own_block(edit: &Edit) -> bool {
    let text = edit.text.trim_start_matches(['\r', '\n']);
    edit.place.start == edit.place.end
        && text.len() < edit.text.len()
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.trim_end().ends_with('}')
}

/// The display path of the file that an edit changes.
pub(super) fn path_of<'r>(edit: &Edit, report: &'r Report) -> Option<&'r str> {
    report
        .paths
        .get(edit.place.file.0 as usize)
        .map(String::as_str)
}

#[cfg(test)]
pub(super) mod tests {
    use secretlint_core::{FileId, Place};

    use super::*;
    use crate::output::tests::report;

    pub(in crate::fix) fn fix(applicability: Applicability, edits: &[(u32, u32, &str)]) -> Fix {
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

    pub(in crate::fix) fn with_fixes(fixes: &[Fix]) -> Report {
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
    fn blocks_can_stand_behind_each_other_and_lines_cannot() {
        let block = |name: &str| format!("\n\nvariable \"{name}\" {{\n}}");
        let at_end = |text: &str| fix(Applicability::Safe, &[(9, 9, text)]);
        let blocks = with_fixes(&[at_end(&block("a")), at_end(&block("b"))]);
        assert_eq!(chosen(&blocks, Applicability::Safe, |_| true).len(), 2);
        let lines = with_fixes(&[at_end("\n  a = {}"), at_end("\n  b = {}")]);
        assert_eq!(chosen(&lines, Applicability::Safe, |_| true).len(), 1);
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
}
