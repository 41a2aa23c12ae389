//! One literal, one finding: where several rules call the same literal a secret, the most specific
//! statement stays.

use rustc_hash::FxHashMap;
use secretlint_core::{Finding, Place, Rank, RuleId};

/// Removes the findings that a more specific one makes superfluous; their fixes of the same literal go
/// to the one that stays. `findings` are all of one file.
pub(crate) fn keep_most_specific(findings: &mut Vec<Finding>, ranks: &FxHashMap<RuleId, Rank>) {
    let rank = |finding: &Finding| ranks.get(&finding.rule).copied().unwrap_or(Rank::Apart);
    let mut order: Vec<usize> = (0..findings.len())
        .filter(|&index| rank(&findings[index]) != Rank::Apart)
        .collect();
    order.sort_by_key(|&index| {
        let finding = &findings[index];
        let place = literal(finding);
        let surer = std::cmp::Reverse((rank(finding), finding.confidence));
        (surer, place.end - place.start, place, finding.rule.clone())
    });
    // Kept literals by start; they never overlap, so one look to each side is enough.
    let mut kept: std::collections::BTreeMap<u32, (u32, usize)> = std::collections::BTreeMap::new();
    let mut superfluous = vec![false; findings.len()];
    for index in order {
        let place = literal(&findings[index]);
        let before = kept.range(..place.end.max(place.start + 1)).next_back();
        match before {
            Some((_, &(end, stays))) if end > place.start => {
                superfluous[index] = true;
                if findings[stays].fixes.is_empty() {
                    findings[stays].fixes = std::mem::take(&mut findings[index].fixes);
                }
            }
            _ => {
                kept.insert(place.start, (place.end, index));
            }
        }
    }
    let mut flags = superfluous.into_iter();
    findings.retain(|_| !flags.next().unwrap_or(false));
}

/// The literal a finding is about.
fn literal(finding: &Finding) -> Place {
    finding.secrets.first().copied().unwrap_or(finding.place)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use secretlint_core::{Confidence, FileId, Severity};

    use super::*;

    fn finding(rule: &'static str, start: u32, end: u32) -> Finding {
        let place = Place {
            file: FileId(0),
            start,
            end,
        };
        Finding {
            rule: Cow::Borrowed(rule),
            severity: Severity::Error,
            confidence: Confidence::High,
            place,
            secrets: vec![place],
            message: String::new(),
            why: Cow::Borrowed(""),
            help: Cow::Borrowed(""),
            address: String::new(),
            digest: None,
            related: Vec::new(),
            fixes: Vec::new(),
        }
    }

    fn kept(findings: &[(&'static str, u32, u32)]) -> Vec<String> {
        let ranks = [
            ("vendor", Rank::Vendor),
            ("argument", Rank::Argument),
            ("generic", Rank::Generic),
            ("state", Rank::Apart),
        ];
        let ranks = ranks
            .into_iter()
            .map(|(id, rank)| (Cow::Borrowed(id), rank))
            .collect();
        let mut findings = findings
            .iter()
            .map(|&(rule, start, end)| finding(rule, start, end))
            .collect();
        keep_most_specific(&mut findings, &ranks);
        findings
            .iter()
            .map(|finding| format!("{} {}", finding.rule, finding.place.start))
            .collect()
    }

    #[test]
    fn the_most_specific_statement_about_a_literal_stays() {
        assert_eq!(
            kept(&[
                ("generic", 10, 20),
                ("vendor", 11, 19),
                ("argument", 10, 20)
            ]),
            ["vendor 11"]
        );
        assert_eq!(
            kept(&[("generic", 10, 20), ("generic", 20, 30)]),
            ["generic 10", "generic 20"]
        );
        assert_eq!(
            kept(&[("generic", 0, 100), ("vendor", 10, 20), ("vendor", 30, 40)]),
            ["vendor 10", "vendor 30"]
        );
    }

    #[test]
    fn statements_of_another_kind_stay() {
        assert_eq!(
            kept(&[("state", 10, 20), ("vendor", 11, 19)]),
            ["state 10", "vendor 11"]
        );
    }
}
