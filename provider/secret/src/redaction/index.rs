//! Finds many values in a text in one pass.
//!
//! Every spelling is filed under a keyed hash of its last [`MIN_LEN`] bytes. The search slides a window of
//! that size over the text; where its hash is known, the spellings filed there are compared in full. The
//! last bytes are used because secrets often share their first ones (token prefixes, JSON web tokens).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::ops::Range;

use super::forms::Form;
use super::{MASK, MIN_LEN};

/// Bits of the first, cheap test of a window.
const FILTER_BITS: usize = 1 << 16;

/// The registered values.
#[derive(Default)]
pub(super) struct Index {
    hasher: RandomState,
    forms: Vec<Form>,
    /// Positions in `forms`, by hash of their last bytes.
    by_tail: HashMap<u64, Vec<usize>>,
    /// A set bit says that some spelling may end with this window; empty until the first value.
    filter: Vec<u64>,
    /// Hashes of the values themselves, to know what is registered already.
    values: HashSet<u64>,
}

impl Index {
    pub(super) fn contains(&self, value: &[u8]) -> bool {
        self.values.contains(&self.hasher.hash_one(value))
    }

    pub(super) fn insert(&mut self, value: &[u8], forms: Vec<Form>) {
        if !self.values.insert(self.hasher.hash_one(value)) {
            return;
        }
        self.filter.resize(FILTER_BITS / 64, 0);
        for form in forms {
            let tail = window(&form[form.len() - MIN_LEN..]);
            let (word, bit) = filter_place(tail);
            self.filter[word] |= bit;
            self.by_tail
                .entry(self.hasher.hash_one(tail))
                .or_default()
                .push(self.forms.len());
            self.forms.push(form);
        }
    }

    /// Every spelling.
    pub(super) fn forms(&self) -> &[Form] {
        &self.forms
    }

    pub(super) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let found = self.find(text.as_bytes());
        if found.is_empty() {
            return Cow::Borrowed(text);
        }
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for range in found {
            out.push_str(&text[end..text.floor_char_boundary(range.start).max(end)]);
            out.push_str(MASK);
            end = text.ceil_char_boundary(range.end);
        }
        out.push_str(&text[end..]);
        Cow::Owned(out)
    }

    /// The parts of `text` that belong to values: sorted, and apart from each other.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> = Vec::new();
        if self.filter.is_empty() {
            return found;
        }
        for end in MIN_LEN..=text.len() {
            let tail = window(&text[end - MIN_LEN..end]);
            let (word, bit) = filter_place(tail);
            if self.filter[word] & bit != 0
                && let Some(start) = self.longest_ending(&text[..end], tail)
            {
                push_merged(&mut found, start..end);
            }
        }
        found
    }

    /// Start of the longest value that `text` ends with.
    fn longest_ending(&self, text: &[u8], tail: u64) -> Option<usize> {
        let candidates = self.by_tail.get(&self.hasher.hash_one(tail))?;
        candidates
            .iter()
            .map(|&position| &self.forms[position])
            .filter(|form| text.ends_with(form))
            .map(|form| text.len() - form.len())
            .min()
    }
}

/// Adds a range that ends after all others, joining those it touches.
fn push_merged(found: &mut Vec<Range<usize>>, mut range: Range<usize>) {
    while let Some(last) = found.pop_if(|last| last.end >= range.start) {
        range.start = range.start.min(last.start);
    }
    found.push(range);
}

fn window(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |window, byte| window << 8 | u64::from(*byte))
}

fn filter_place(window: u64) -> (usize, u64) {
    // Fibonacci hashing: the high bits of the product depend on all bytes of the window.
    let hash = window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48;
    let place = usize::try_from(hash).unwrap_or_default();
    (place / 64, 1 << (place % 64))
}

#[cfg(test)]
mod tests {
    use super::super::forms;
    use super::*;
    use proptest::prelude::*;

    fn index(values: &[&str]) -> Index {
        let mut index = Index::default();
        for value in values {
            index.insert(value.as_bytes(), forms::of(value.as_bytes()));
        }
        index
    }

    #[track_caller]
    fn check(values: &[&str], text: &str, expected: &str) {
        assert_eq!(index(values).redact(text), expected);
    }

    #[test]
    fn values_are_masked_wherever_they_stand() {
        check(&["hunter22"], "hunter22", "(secret)");
        check(&["hunter22"], "a hunter22, b", "a (secret), b");
        check(&["hunter22"], "é hunter22 é", "é (secret) é");
        check(&["hunter22"], "hunter2", "hunter2");
        check(
            &["hunter22", "swordfish"],
            "swordfish!hunter22",
            "(secret)!(secret)",
        );
        check(&[], "hunter22", "hunter22");
    }

    #[test]
    fn overlapping_values_become_one_mask() {
        check(&["abcdefgh", "efghijkl"], "abcdefghijkl", "(secret)");
        check(&["abcdef", "xxabcdefyy"], "-xxabcdefyy-", "-(secret)-");
        check(&["ababab"], "abababab", "(secret)");
        check(&["hunter22"], "hunter22hunter22", "(secret)");
    }

    #[test]
    fn values_with_the_same_ending_are_told_apart() {
        check(
            &["one-tail-of-it", "two-tail-of-it"],
            "six-tail-of-it two-tail-of-it",
            "six-tail-of-it (secret)",
        );
    }

    #[test]
    fn nothing_is_copied_when_nothing_is_masked() {
        assert!(matches!(
            index(&["hunter22"]).redact("harmless"),
            Cow::Borrowed(_)
        ));
    }

    #[test]
    fn the_same_value_is_filed_once() {
        let index = index(&["hunter22", "hunter22"]);
        assert_eq!(index.values.len(), 1);
        assert_eq!(index.forms.len(), 4);
    }

    /// All occurrences of all values, joined where they touch: the slow, obvious way.
    fn expected(values: &[Vec<u8>], text: &[u8]) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = values
            .iter()
            .flat_map(|value| {
                let found = text.windows(value.len()).enumerate();
                found
                    .filter(move |(_, part)| part == value)
                    .map(|(start, part)| start..start + part.len())
            })
            .collect();
        ranges.sort_by_key(|range| (range.end, range.start));
        let mut joined = Vec::new();
        for range in ranges {
            push_merged(&mut joined, range);
        }
        joined
    }

    proptest! {
        #[test]
        fn every_occurrence_is_found_and_nothing_else(
            values in prop::collection::vec("[ab]{6,9}", 1..6),
            text in "[ab]{0,60}",
        ) {
            let values: Vec<Vec<u8>> = values.into_iter().map(String::into_bytes).collect();
            let mut index = Index::default();
            for value in &values {
                index.insert(value, vec![Form::new(value.as_slice().into())]);
            }
            prop_assert_eq!(index.find(text.as_bytes()), expected(&values, text.as_bytes()));
        }

        #[test]
        fn binary_values_never_split_a_character(
            value in prop::collection::vec(any::<u8>(), 6..9),
            cut in 0_usize..6,
            text in "[éß€a]{4,20}",
        ) {
            let mut index = Index::default();
            index.insert(&value, forms::of(&value));
            let inside = &text.as_bytes()[cut.min(text.len() - MIN_LEN.min(text.len()))..];
            if inside.len() >= MIN_LEN {
                index.insert(inside, vec![Form::new(inside[..MIN_LEN].into())]);
                prop_assert!(index.redact(&text).contains(MASK));
            }
        }
    }
}
