//! Finds all keywords of all patterns in one pass, insensitive to ASCII case.
//!
//! A bitmap of hashes says which three bytes begin a keyword; only there are keywords compared. The
//! hash of each place depends on no other place, so a processor works on several at once: an
//! automaton of the same keywords waits at every byte for a load from a large table. The tables of
//! the built-in patterns are computed by the build script, so a start costs nothing; the same code
//! builds those of a user's patterns.

use std::borrow::Cow;

/// Bits of a hash: few places are looked at in vain, and the bitmap is small beside a first-level cache.
const BITS: u32 = 15;
/// Words of the bitmap.
pub(super) const WORDS: usize = (1 << BITS) / 64;

/// The keywords of a catalogue.
#[derive(Clone, Debug)]
pub(super) struct Keywords {
    /// One bit for each hash of three bytes: a keyword begins so.
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
        let key = |word: &str| match word.as_bytes() {
            [first, second, third, ..] => gram(u32::from_le_bytes([*first, *second, *third, 0])),
            _ => 0,
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
            begins: Cow::Owned(begins),
            ranks: Cow::Owned(ranks),
            offsets: offsets.into(),
            entries: keyed.into_iter().map(|(_, entry)| entry).collect(),
        }
    }

    /// Calls `hit` with a pattern's index and the start of its keyword, for every keyword in
    /// `text`, in order of the start.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(usize, usize)) {
        let begins = &*self.begins;
        let mut look = |at: usize, gram: usize| {
            if begins[gram / 64] >> (gram % 64) & 1 != 0 {
                self.at(gram, &text[at..], |pattern| hit(pattern, at));
            }
        };
        // Four bytes are one load, three are none.
        for (at, bytes) in text.array_windows().enumerate() {
            look(at, gram(u32::from_le_bytes(*bytes)));
        }
        if let [.., first, second, third] = *text {
            let bytes = [first, second, third, 0];
            look(text.len() - 3, gram(u32::from_le_bytes(bytes)));
        }
    }

    /// Calls `hit` with the pattern of every keyword at the start of `text`. Apart from the search,
    /// which stays small.
    #[inline(never)]
    fn at(&self, gram: usize, text: &[u8], mut hit: impl FnMut(usize)) {
        for (word, pattern) in self.beginning_with(gram) {
            let (word, Some(found)) = (word.as_bytes(), text.get(..word.len())) else {
                continue;
            };
            // Most places differ in the last byte; upper and lower case differ in one bit.
            let (Some(expected), Some(last)) = (word.last(), found.last()) else {
                continue;
            };
            if (expected ^ last) & !0x20 == 0 && found.eq_ignore_ascii_case(word) {
                hit(usize::from(*pattern));
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

/// The hash of the first three of four bytes, the same for upper and lower case.
#[inline]
fn gram(bytes: u32) -> usize {
    let folded = (bytes & 0x00FF_FFFF) | 0x0020_2020;
    (folded.wrapping_mul(0x9E37_79B1) >> (32 - BITS)) as usize
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
