//! From text to matches: one pass for keywords, then each candidate's regular expression in a
//! window. Windows of one pattern that touch are searched as one, so the work is linear in the
//! text however dense its keywords are.

use std::ops::Range;

use super::compiled::{Compiled, Hit};
use super::verify::{Verdict, verdict};
use super::{Catalogue, Class, Match, Pattern, dummy, entropy};

impl Catalogue {
    /// All matches in `text`, sorted by span and pattern id. Where two patterns match the same
    /// place, the one that declares to overlap the other is left out.
    #[must_use]
    pub fn scan(&self, text: &str) -> Vec<Match<'_>> {
        let mut open: Vec<Range<usize>> = Vec::new();
        let mut matches = Vec::new();
        self.automaton.find(text.as_bytes(), |index, end| {
            let index = usize::from(index);
            if open.is_empty() {
                open.resize(self.patterns.len(), 0..0);
            }
            let window = self.compiled(index).window;
            let around = end.saturating_sub(window)..(end + window).min(text.len());
            let pending = &mut open[index];
            if around.start <= pending.end && pending.end > 0 {
                pending.end = around.end;
            } else {
                let ready = std::mem::replace(pending, around);
                self.search(index, text, ready, &mut matches);
            }
        });
        for (index, window) in open.into_iter().enumerate() {
            self.search(index, text, window, &mut matches);
        }
        settle(matches)
    }

    #[expect(
        clippy::expect_used,
        reason = "a test compiles every shipped pattern; a user's are compiled when loaded"
    )]
    pub(super) fn compiled(&self, index: usize) -> &Compiled {
        self.compiled[index]
            .get_or_init(|| Compiled::new(&self.patterns[index]).expect("tested pattern"))
    }

    fn search<'c>(
        &'c self,
        index: usize,
        text: &str,
        window: Range<usize>,
        matches: &mut Vec<Match<'c>>,
    ) {
        if window.is_empty() {
            return;
        }
        let pattern = &self.patterns[index];
        self.compiled(index).find(text, window, |hit| {
            let start = text.floor_char_boundary(hit.secret.start);
            let end = text.ceil_char_boundary(hit.secret.end);
            if let Some(class) = judge(pattern, &text[start..end], &hit) {
                matches.push(Match {
                    pattern,
                    index,
                    span: start..end,
                    class,
                });
            }
        });
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
