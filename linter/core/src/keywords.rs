//! Finds many keywords in one pass, insensitive to ASCII case.
//!
//! A table of hashes says which three bytes begin a keyword and which byte can follow; only there are
//! keywords compared. The hash of each place depends on no other place, so a processor works on several at once: an
//! automaton of the same keywords waits at every byte for a load from a large table.

/// Bits of a hash: the table of what begins so fits in a first-level cache.
const BITS: u32 = 12;
/// The bit in which upper and lower case differ.
const CASE: u8 = 0x20;

/// Keywords, each with a number that says whose it is.
#[derive(Clone, Debug)]
pub struct Keywords {
    /// For each hash of three bytes: the keywords that begin so can go on with these bytes, by their
    /// last five bits.
    begins: Box<[u32; 1 << BITS]>,
    /// For each hash, where its keywords start in `entries`; one more at the end.
    offsets: Vec<u16>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// At most the first eight bytes.
    head: u64,
    /// Which bits of eight bytes of text must be those of `head`: not the case of letters.
    mask: u64,
    /// What follows the first eight bytes.
    rest: Box<[u8]>,
    number: u16,
}

impl Entry {
    fn new(word: &[u8], number: u16) -> Self {
        let mut mask = [0; 8];
        for (mask, byte) in mask.iter_mut().zip(word) {
            *mask = if byte.is_ascii_alphabetic() {
                !CASE
            } else {
                !0
            };
        }
        let mask = u64::from_le_bytes(mask);
        Self {
            head: eight(word) & mask,
            mask,
            rest: word.get(8..).unwrap_or_default().into(),
            number,
        }
    }

    /// Whether the word begins `text`, whose first eight bytes are `head`.
    fn begins(&self, text: &[u8], head: u64) -> bool {
        head & self.mask == self.head
            && (self.rest.is_empty()
                || text
                    .get(8..8 + self.rest.len())
                    .is_some_and(|rest| rest.eq_ignore_ascii_case(&self.rest)))
    }
}

impl Keywords {
    /// Builds the tables for keywords of at least three bytes, none of them zero; at most 65,535.
    #[must_use]
    pub fn build<'w>(entries: impl IntoIterator<Item = (&'w str, u16)>) -> Self {
        let mut keyed: Vec<(usize, &[u8], u16)> = entries
            .into_iter()
            .map(|(word, number)| {
                let word = word.as_bytes();
                (gram(eight(word) as u32), word, number)
            })
            .collect();
        keyed.sort_unstable();
        let mut begins = Box::new([0; 1 << BITS]);
        let mut offsets = vec![0; (1 << BITS) + 1];
        for (gram, word, _) in &keyed {
            begins[*gram] |= word.get(3).map_or(u32::MAX, |fourth| 1 << (fourth & 31));
            offsets[gram + 1] += 1;
        }
        let mut sum = 0;
        for offset in &mut offsets {
            sum += *offset;
            *offset = sum;
        }
        let entry = |(_, word, number)| Entry::new(word, number);
        Self {
            begins,
            offsets,
            entries: keyed.into_iter().map(entry).collect(),
        }
    }

    /// Calls `hit` with a keyword's number and its start, for every keyword in `text`, in order of the
    /// start.
    pub fn find(&self, text: &[u8], mut hit: impl FnMut(usize, usize)) {
        let mut from = 0;
        while let Some((distance, gram)) = self.next(&text[from..]) {
            let at = from + distance;
            let found = &text[at..];
            let head = eight(found);
            let range = usize::from(self.offsets[gram])..usize::from(self.offsets[gram + 1]);
            for entry in &self.entries[range] {
                if entry.begins(found, head) {
                    hit(usize::from(entry.number), at);
                }
            }
            from = at + 1;
        }
    }

    /// The next place at which a keyword may begin, with the hash there. A function of its own, so that
    /// the loop keeps what it needs in registers.
    #[inline(never)]
    fn next(&self, text: &[u8]) -> Option<(usize, usize)> {
        // Four places are one load.
        let mut at = 0;
        while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk()) {
            let eight = u64::from_le_bytes(*eight);
            for place in 0..4 {
                if let Some(gram) = self.begins((eight >> (8 * place)) as u32) {
                    return Some((at + place, gram));
                }
            }
            at += 4;
        }
        (at..text.len().saturating_sub(2)).find_map(|at| {
            let gram = self.begins(eight(&text[at..]) as u32)?;
            Some((at, gram))
        })
    }

    /// The hash of four bytes, if a keyword may begin so.
    #[inline]
    fn begins(&self, bytes: u32) -> Option<usize> {
        let gram = gram(bytes);
        (self.begins[gram] >> (bytes >> 24 & 31) & 1 != 0).then_some(gram)
    }
}

/// The first eight bytes, as far as there are any.
#[inline]
fn eight(text: &[u8]) -> u64 {
    if let Some(bytes) = text.first_chunk() {
        return u64::from_le_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    bytes[..text.len()].copy_from_slice(text);
    u64::from_le_bytes(bytes)
}

/// The hash of the first three of four bytes, the same for upper and lower case: the multiplier ends
/// in eight zeros, so the fourth byte is lost.
#[inline]
fn gram(bytes: u32) -> usize {
    let folded = bytes | 0x0020_2020;
    (folded.wrapping_mul(0x9E37_79B1 << 8) >> (u32::BITS - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use aho_corasick::AhoCorasick;
    use proptest::prelude::*;

    use super::Keywords;

    fn hits(words: &[String], text: &[u8]) -> Vec<(usize, usize)> {
        let entries = (0..).zip(words).map(|(index, word)| (word.as_str(), index));
        let mut hits = Vec::new();
        Keywords::build(entries).find(text, |number, start| hits.push((start, number)));
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
            words in proptest::collection::btree_set("[a-c_0é*]{3,12}", 1..80),
            text in "[a-cA-C_0é *\n\x7f]{0,200}",
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
