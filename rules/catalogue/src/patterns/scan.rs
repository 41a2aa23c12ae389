//! From text to matches: one pass for keywords, then each candidate's regular expression in a
//! window, or, where its matches begin with the keyword, exactly there. Windows of one pattern that
//! touch are searched as one, so the work is linear in the text however dense its keywords are.

use std::ops::Range;

use secretlint_core::Keywords;

use super::compiled::{Compiled, Hit};
use super::verify::{Verdict, verdict};
use super::{Catalogue, Class, Match, Pattern, dummy, entropy};

/// Where to run a regular expression.
enum Candidate {
    /// At the start of these ranges; the first match counts.
    Starts([Option<Range<usize>>; 2]),
    /// Anywhere in this range.
    Window(Range<usize>),
}

impl Catalogue {
    /// All matches in `text`, sorted by span and pattern id. Where two patterns match the same
    /// place, the one that declares to overlap the other is left out.
    #[must_use]
    pub fn scan(&self, text: &str) -> Vec<Match<'_>> {
        self.scan_at(text, self.places(text))
    }

    /// All matches in `text`, as [`Catalogue::scan`] finds them. `places` are the starts of all keywords
    /// in the text, in order, each with the index of its pattern.
    #[must_use]
    pub fn scan_at(
        &self,
        text: &str,
        places: impl IntoIterator<Item = (usize, usize)>,
    ) -> Vec<Match<'_>> {
        let mut matches = Vec::new();
        self.candidates(text, places, |index, candidate| {
            let compiled = self.compiled(index);
            let matched = |hit| self.matched(index, text, &hit);
            match candidate {
                Candidate::Starts(ranges) => {
                    let hit = ranges
                        .into_iter()
                        .flatten()
                        .find_map(|range| compiled.find_at(text, range));
                    matches.extend(hit.and_then(matched));
                }
                Candidate::Window(range) => {
                    compiled.find(text, range, |hit| matches.extend(matched(hit)));
                }
            }
        });
        settle(matches)
    }

    pub(super) fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let keywords = self
            .keywords
            .get_or_init(|| Keywords::build(self.keywords()));
        let mut places = Vec::new();
        keywords.find(text.as_bytes(), |index, start| places.push((index, start)));
        places
    }

    /// Calls `look` with a pattern's index for every place that has one of its keywords.
    fn candidates(
        &self,
        text: &str,
        places: impl IntoIterator<Item = (usize, usize)>,
        mut look: impl FnMut(usize, Candidate),
    ) {
        let mut open: Vec<Range<usize>> = Vec::new();
        for (index, start) in places {
            let compiled = self.compiled(index);
            let end = (start + compiled.window).min(text.len());
            if let Some(anchor) = compiled.anchor {
                let before = start.checked_sub(1).filter(|_| anchor.before);
                let at = anchor.at.then_some(start);
                let from = |start: Option<usize>| Some(start?..end);
                look(index, Candidate::Starts([from(before), from(at)]));
                continue;
            }
            if open.is_empty() {
                open.resize(self.patterns.len(), 0..0);
            }
            let around = start.saturating_sub(compiled.window)..end;
            let pending = &mut open[index];
            if around.start <= pending.end && pending.end > 0 {
                pending.end = end;
            } else {
                let ready = std::mem::replace(pending, around);
                if ready.end > 0 {
                    look(index, Candidate::Window(ready));
                }
            }
        }
        let last = open
            .into_iter()
            .enumerate()
            .filter(|(_, window)| window.end > 0);
        last.for_each(|(index, window)| look(index, Candidate::Window(window)));
    }

    #[expect(
        clippy::expect_used,
        reason = "a test compiles every shipped pattern; a user's are compiled when loaded"
    )]
    pub(super) fn compiled(&self, index: usize) -> &Compiled {
        self.compiled[index]
            .get_or_init(|| Compiled::new(&self.patterns[index]).expect("tested pattern"))
    }

    fn matched<'c>(&'c self, index: usize, text: &str, hit: &Hit) -> Option<Match<'c>> {
        let pattern = &self.patterns[index];
        let start = text.floor_char_boundary(hit.secret.start);
        let end = text.ceil_char_boundary(hit.secret.end);
        let class = judge(pattern, &text[start..end], hit)?;
        Some(Match {
            pattern,
            index,
            span: start..end,
            class,
        })
    }
}

/// What the matched text is worth; `None` when it is no secret at all.
fn judge(pattern: &Pattern, secret: &str, hit: &Hit) -> Option<Class> {
    if secret.is_empty() || dummy::is_template(secret) {
        return None;
    }
    match pattern
        .verify
        .map_or(Verdict::Unknown, |verify| verdict(verify, secret))
    {
        Verdict::Reject => return None,
        Verdict::Dummy => return Some(Class::Placeholder),
        Verdict::Valid => {}
        Verdict::Unknown if dummy::is_dummy_token(secret) => return Some(Class::Placeholder),
        Verdict::Unknown => {}
    }
    if pattern
        .entropy
        .is_some_and(|least| entropy::shannon_bits(secret) < least)
    {
        return None;
    }
    Some(if hit.test { Class::Test } else { Class::Real })
}

/// Sorts, and leaves out what a more specific pattern says better.
fn settle(mut matches: Vec<Match<'_>>) -> Vec<Match<'_>> {
    matches.sort_by(|a, b| {
        (a.span.start, a.span.end, &a.pattern.id).cmp(&(b.span.start, b.span.end, &b.pattern.id))
    });
    // Two keywords can lead to one match.
    matches.dedup_by(|a, b| a.index == b.index && a.span == b.span);
    if matches
        .iter()
        .all(|found| found.pattern.overlaps.is_empty())
    {
        return matches;
    }
    let mut keep = vec![true; matches.len()];
    for (at, one) in matches.iter().enumerate() {
        let touching = matches[at + 1..]
            .iter()
            .take_while(|other| other.span.start < one.span.end);
        for (distance, other) in touching.enumerate() {
            let (first, second) = (one.pattern, other.pattern);
            if first.overlaps.contains(&second.id) {
                keep[at] = false;
            }
            if second.overlaps.contains(&first.id) {
                keep[at + 1 + distance] = false;
            }
        }
    }
    let mut keep = keep.into_iter();
    matches.retain(|_| keep.next().unwrap_or(true));
    matches
}

#[cfg(test)]
mod tests {
    use super::Candidate;
    use crate::patterns::builtin;

    /// Bytes that regular expressions may look at.
    fn work(text: &str) -> usize {
        let mut bytes = 0;
        builtin().candidates(text, builtin().places(text), |_, candidate| {
            bytes += match candidate {
                Candidate::Starts(ranges) => {
                    ranges.into_iter().flatten().map(|range| range.len()).sum()
                }
                Candidate::Window(range) => range.len(),
            }
        });
        bytes
    }

    #[test]
    fn work_grows_with_the_length_of_hostile_texts() {
        // Each begins a pattern everywhere and finishes it nowhere.
        let units = [
            "://a:",
            "eyJ",
            "-----BEGIN PRIVATE KEY-----",
            "ghp_",
            "datadog_api_key",
            "secret_key = \"",
            "Server=a;Password=",
            "private_key_id",
            "LS0tLS1CRUdJTiBSU0EgUFJJVkFURS",
            "bearer ",
            "AKIA",
        ];
        for unit in units {
            let (short, long) = (work(&unit.repeat(1_000)), work(&unit.repeat(10_000)));
            assert!(short > 0, "{unit}");
            assert!(long < 12 * short, "{unit}: {short}, then {long}");
        }
    }
}
