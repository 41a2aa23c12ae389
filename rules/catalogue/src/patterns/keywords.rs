//! Finds all keywords of all patterns in one pass, insensitive to ASCII case.
//!
//! A bitmap says which three bytes begin a keyword; only there are keywords compared. Against an
//! Aho-Corasick automaton of the same keywords, whose every step waits for a load from a table too
//! large for the first-level cache, this takes a third of the time on real configurations. The
//! tables of the built-in patterns are computed by the build script, so a start costs nothing;
//! the same code builds those of a user's patterns.

use std::borrow::Cow;

/// Bits of a byte's class.
const BITS: usize = 6;
/// Bits of three classes.
const MASK: usize = (1 << (3 * BITS)) - 1;
/// Words of the bitmap.
pub(super) const WORDS: usize = (MASK + 1) / 64;

/// The keywords of a catalogue.
#[derive(Clone, Debug)]
pub(super) struct Keywords {
    /// Class of each byte: 0 for bytes that no keyword has; upper and lower case share one.
    pub(super) classes: Cow<'static, [u8; 256]>,
    /// One bit for each three classes: a keyword begins so.
    pub(super) begins: Cow<'static, [u64; WORDS]>,
    /// For each word of the bitmap, the number of bits set before it.
    pub(super) ranks: Cow<'static, [u16; WORDS]>,
    /// For each bit set, where its keywords start in `entries`; one more at the end.
    pub(super) offsets: Cow<'static, [u16]>,
    /// Lower-case keyword and index of its pattern.
    pub(super) entries: Cow<'static, [(Cow<'static, str>, u16)]>,
}

impl Keywords {
    /// Builds the tables for lower-case keywords of at least three bytes, with the indices of
    /// their patterns; at most 65,535 of them.
    pub(super) fn build(entries: Vec<(Cow<'static, str>, u16)>) -> Self {
        let classes = classes(&entries);
        let key = |word: &str| {
            word.bytes()
                .take(3)
                .fold(0, |gram, byte| step(gram, byte, &classes))
        };
        let mut keyed: Vec<_> = entries
            .into_iter()
            .map(|entry| (key(&entry.0), entry))
            .collect();
        keyed.sort();
        keyed.dedup();
        let mut begins = [0_u64; WORDS];
        let mut offsets = Vec::new();
        for (at, (gram, _)) in keyed.iter().enumerate() {
            let bit = 1 << (gram % 64);
            if begins[gram / 64] & bit == 0 {
                begins[gram / 64] |= bit;
                offsets.push(u16::try_from(at).unwrap_or(u16::MAX));
            }
        }
        offsets.push(u16::try_from(keyed.len()).unwrap_or(u16::MAX));
        let mut ranks = [0_u16; WORDS];
        let mut sum = 0;
        for (rank, word) in ranks.iter_mut().zip(&begins) {
            *rank = sum;
            sum += u16::try_from(word.count_ones()).unwrap_or(0);
        }
        Self {
            classes: Cow::Owned(classes),
            begins: Cow::Owned(begins),
            ranks: Cow::Owned(ranks),
            offsets: offsets.into(),
            entries: keyed.into_iter().map(|(_, entry)| entry).collect(),
        }
    }

    /// Calls `hit` with a pattern's index and the start of its keyword, for every keyword in
    /// `text`, in order of the start.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(usize, usize)) {
        let (classes, begins) = (&*self.classes, &*self.begins);
        let mut gram = 0;
        for (at, &byte) in text.iter().enumerate() {
            gram = step(gram, byte, classes);
            if begins[gram / 64] >> (gram % 64) & 1 != 0 {
                // Class 0 begins nothing, so three bytes have been read.
                let start = at - 2;
                for (word, pattern) in self.beginning_with(gram) {
                    let found = text.get(start..start + word.len());
                    if found.is_some_and(|found| found.eq_ignore_ascii_case(word.as_bytes())) {
                        hit(usize::from(*pattern), start);
                    }
                }
            }
        }
    }

    fn beginning_with(&self, gram: usize) -> &[(Cow<'static, str>, u16)] {
        let before = self.begins[gram / 64] & ((1 << (gram % 64)) - 1);
        let index = usize::from(self.ranks[gram / 64]) + before.count_ones() as usize;
        let range = usize::from(self.offsets[index])..usize::from(self.offsets[index + 1]);
        &self.entries[range]
    }
}

fn step(gram: usize, byte: u8, classes: &[u8; 256]) -> usize {
    ((gram << BITS) | usize::from(classes[usize::from(byte)])) & MASK
}

/// More than 63 different bytes share classes, which costs comparisons and changes nothing else.
fn classes(entries: &[(Cow<'static, str>, u16)]) -> [u8; 256] {
    let mut classes = [0_u8; 256];
    let mut count = 0_u8;
    for byte in entries.iter().flat_map(|(word, _)| word.bytes()) {
        if classes[usize::from(byte)] == 0 {
            let class = count % 63 + 1;
            classes[usize::from(byte)] = class;
            classes[usize::from(byte.to_ascii_uppercase())] = class;
            count = count.wrapping_add(1);
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;

    use super::Keywords;

    fn hits(words: &[String], text: &[u8]) -> Vec<(usize, usize)> {
        let entries = (0_u16..)
            .zip(words)
            .map(|(index, word)| (word.clone().into(), index));
        let mut hits = Vec::new();
        Keywords::build(entries.collect()).find(text, |pattern, start| hits.push((start, pattern)));
        hits.sort_unstable();
        hits
    }

    #[test]
    fn keywords_are_found_in_any_case_and_inside_each_other() {
        let words = ["ghp_".to_owned(), "secret".to_owned(), "cre".to_owned()];
        assert_eq!(hits(&words, b"x GHP_ Secret"), [(2, 0), (7, 1), (9, 2)]);
        assert_eq!(hits(&words, b"gh"), []);
    }

    proptest! {
        #[test]
        fn the_same_is_found_as_by_an_automaton(
            words in proptest::collection::btree_set("[a-c_0é]{3,6}", 1..80),
            text in "[a-cA-C_0é ]{0,200}",
        ) {
            let words: Vec<String> = words.into_iter().collect();
            let oracle = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).unwrap();
            let mut expected: Vec<(usize, usize)> = oracle
                .find_overlapping_iter(&text)
                .map(|found| (found.start(), found.pattern().as_usize()))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(hits(&words, text.as_bytes()), expected);
        }
    }
}
