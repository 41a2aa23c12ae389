//! Masks a stream of bytes that comes in pieces, such as the output of a program.
//!
//! A value may be torn apart by the pieces, so what could be the beginning of one is held back until it is
//! known. Everything else leaves at once: a prompt without a line end is not delayed.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::PoisonError;

use zeroize::Zeroizing;

use super::index::Index;
use super::{MASK, MIN_LEN, OPENED};

/// The masking end of one stream. Knows the values that were registered when it was made.
pub struct Masker {
    beginnings: Beginnings,
    /// What was held back.
    held: Zeroizing<Vec<u8>>,
    /// How many bytes at the start of `held` belong to a value that was masked already.
    masked: usize,
}

impl Masker {
    /// A masker for the values that are registered now.
    #[must_use]
    pub fn new() -> Self {
        let opened = OPENED.read().unwrap_or_else(PoisonError::into_inner);
        Self {
            beginnings: Beginnings::of(&opened),
            held: Zeroizing::default(),
            masked: 0,
        }
    }

    /// Takes the next piece, and returns what can be shown of everything taken so far. Of a value that ends
    /// where another begins, each has a mask of its own.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        // A new buffer, filled once: growing the old one could leave a copy behind.
        let mut text = Zeroizing::new(Vec::with_capacity(self.held.len() + piece.len()));
        text.extend_from_slice(&self.held);
        text.extend_from_slice(piece);
        let opened = OPENED.read().unwrap_or_else(PoisonError::into_inner);
        let known = self.beginnings.first_open(&opened, &text);
        let out = self.show(&opened, &text, known);
        self.held = Zeroizing::new(text[known..].to_vec());
        out
    }

    /// Returns what is left at the end of the stream.
    pub fn finish(mut self) -> Vec<u8> {
        let text = std::mem::take(&mut self.held);
        let opened = OPENED.read().unwrap_or_else(PoisonError::into_inner);
        self.show(&opened, &text, text.len())
    }

    /// `text` up to `known`, masked; remembers how much of the rest is masked already.
    fn show(&mut self, opened: &Index, text: &[u8], known: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(known);
        // Up to where everything was shown, or is covered by a mask that was.
        let mut shown = self.masked;
        for range in opened.find(text) {
            if range.start >= known {
                break;
            }
            // What overlaps a mask that was shown belongs to it.
            if range.start >= shown {
                out.extend_from_slice(&text[shown..range.start]);
                out.extend_from_slice(MASK.as_bytes());
            }
            shown = shown.max(range.end);
        }
        if shown < known {
            out.extend_from_slice(&text[shown..known]);
        }
        self.masked = shown.saturating_sub(known);
        out
    }
}

impl Default for Masker {
    fn default() -> Self {
        Self::new()
    }
}

/// What the registered spellings begin with.
struct Beginnings {
    hasher: RandomState,
    /// Hashes of the beginnings shorter than [`MIN_LEN`].
    short: HashSet<u64>,
    /// Positions of spellings, by hash of their first [`MIN_LEN`] bytes.
    long: HashMap<u64, Vec<usize>>,
    /// Length of the longest spelling.
    longest: usize,
}

impl Beginnings {
    fn of(opened: &Index) -> Self {
        let mut all = Self {
            hasher: RandomState::new(),
            short: HashSet::new(),
            long: HashMap::new(),
            longest: 0,
        };
        for (position, form) in opened.forms().iter().enumerate() {
            for length in 1..MIN_LEN {
                all.short.insert(all.hasher.hash_one(&form[..length]));
            }
            let head = all.hasher.hash_one(&form[..MIN_LEN]);
            all.long.entry(head).or_default().push(position);
            all.longest = all.longest.max(form.len());
        }
        all
    }

    /// Where the first spelling begins that `text` ends inside of; the length of `text` when it ends in none.
    fn first_open(&self, opened: &Index, text: &[u8]) -> usize {
        let from = (text.len() + 1).saturating_sub(self.longest);
        (from..text.len())
            .find(|&start| {
                let rest = &text[start..];
                match rest.get(..MIN_LEN) {
                    None => self.short.contains(&self.hasher.hash_one(rest)),
                    Some(head) => {
                        let positions = self.long.get(&self.hasher.hash_one(head));
                        positions.into_iter().flatten().any(|&position| {
                            let form = opened.forms().get(position);
                            form.is_some_and(|form| {
                                form.len() > rest.len() && form.starts_with(rest)
                            })
                        })
                    }
                }
            })
            .unwrap_or(text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Secret;
    use crate::redaction::{redact, register};
    use proptest::prelude::*;

    /// The masks of touching values count as one.
    fn joined(bytes: Vec<u8>) -> String {
        let mut text = String::from_utf8(bytes).unwrap();
        let twice = MASK.repeat(2);
        while text.contains(&twice) {
            text = text.replace(&twice, MASK);
        }
        text
    }

    fn masked(pieces: &[&str]) -> String {
        let mut masker = Masker::new();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend(masker.push(piece.as_bytes()));
        }
        out.extend(masker.finish());
        joined(out)
    }

    #[test]
    fn a_torn_value_is_masked() {
        register(&Secret::from_text("plum-Anchor-4471".into()));
        for pieces in [
            &["a plum-Anchor-4471 b"][..],
            &["a plum-", "Anchor-4471 b"],
            &["a p", "lum-Anchor-447", "1", " b"],
        ] {
            assert_eq!(masked(pieces), format!("a {MASK} b"), "{pieces:?}");
        }
        assert_eq!(masked(&["plum-", "Anchor-9"]), "plum-Anchor-9");
        assert_eq!(masked(&["plum-Anchor"]), "plum-Anchor");
    }

    #[test]
    fn what_begins_no_value_is_not_delayed() {
        register(&Secret::from_text("gravel-Tunic-8203".into()));
        let mut masker = Masker::new();
        assert_eq!(masker.push(b"Password: "), b"Password: ");
        assert_eq!(masker.push(b"gravel-Tu"), b"");
        assert_eq!(masker.push(b"lip\n"), b"gravel-Tulip\n");
        assert_eq!(masker.push(b"gravel-Tunic-8203"), MASK.as_bytes());
    }

    #[test]
    fn long_streams_of_beginnings_are_not_kept() {
        register(&Secret::from_text("zzzzzzzz".into()));
        let mut masker = Masker::new();
        let mut out = masker.push(&[b'z'; 100_000]);
        assert!(masker.held.len() < 8);
        out.extend(masker.push(&[b'z'; 100_000]));
        out.extend(masker.push(b"-"));
        assert_eq!(joined(out), format!("{MASK}-"));
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            values in prop::collection::vec("[AB]{6,10}", 1..4),
            pieces in prop::collection::vec("[ABC]{0,9}", 0..20),
        ) {
            for value in &values {
                register(&Secret::from_text(value.clone()));
            }
            let pieces: Vec<_> = pieces.iter().map(String::as_str).collect();
            // Other tests register values at the same time, of other letters.
            let whole = joined(redact(&pieces.concat()).into_owned().into_bytes());
            let several = masked(&pieces);
            for value in &values {
                prop_assert!(!several.contains(value.as_str()), "{}", several);
            }
            prop_assert_eq!(several, whole);
        }
    }
}
