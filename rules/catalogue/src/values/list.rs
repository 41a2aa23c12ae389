//! Lists of words that are asked for every value of every file: words are found by their first letter.

/// Words, insensitive to ASCII case. Made by [`list!`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    /// Grouped by [`bucket`].
    words: &'static [&'static str],
    /// Where each group starts; one more at the end.
    starts: &'static [u16; BUCKETS + 1],
}

const BUCKETS: usize = 32;

/// A group of first bytes, the same for both cases of a letter.
const fn bucket(first: u8) -> usize {
    first as usize % BUCKETS
}

/// A [`List`] of lower-case words, none empty, in any order, grouped when it is compiled.
macro_rules! list {
    ($($word:literal),* $(,)?) => {{
        const GROUPED: $crate::values::list::Grouped<{ [$($word),*].len() }> =
            $crate::values::list::Grouped::new([$($word),*]);
        GROUPED.list()
    }};
}
pub(crate) use list;

/// The words of a [`List`] with their groups.
pub(crate) struct Grouped<const N: usize> {
    words: [&'static str; N],
    starts: [u16; BUCKETS + 1],
}

impl<const N: usize> Grouped<N> {
    /// Sorts by group.
    pub(crate) const fn new(words: [&'static str; N]) -> Self {
        let mut grouped = [""; N];
        let mut starts = [0; BUCKETS + 1];
        let mut group = 0;
        let mut at = 0;
        while group < BUCKETS {
            starts[group] = at as u16;
            let mut index = 0;
            while index < N {
                if bucket(words[index].as_bytes()[0]) == group {
                    grouped[at] = words[index];
                    at += 1;
                }
                index += 1;
            }
            group += 1;
        }
        starts[BUCKETS] = at as u16;
        Self {
            words: grouped,
            starts,
        }
    }

    /// The list.
    pub(crate) const fn list(&'static self) -> List {
        List {
            words: &self.words,
            starts: &self.starts,
        }
    }
}

impl List {
    /// True when `word` is one of the words.
    pub(crate) fn contains(&self, word: &str) -> bool {
        self.is(word.as_bytes())
    }

    /// True when these bytes are one of the words.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        let same = |known: &&str| known.len() == bytes.len() && begins(bytes, known);
        self.group(bytes).iter().any(same)
    }

    /// The words that `text` begins with.
    pub(crate) fn leading(&self, text: &[u8]) -> impl Iterator<Item = &'static str> {
        let group = self.group(text).iter().copied();
        group.filter(move |word| begins(text, word))
    }

    /// True when one of the words stands in `text`.
    pub(crate) fn is_inside(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        (0..bytes.len()).any(|at| self.leading(&bytes[at..]).next().is_some())
    }

    fn group(&self, text: &[u8]) -> &'static [&'static str] {
        let Some(first) = text.first() else {
            return &[];
        };
        let group = bucket(*first);
        &self.words[usize::from(self.starts[group])..usize::from(self.starts[group + 1])]
    }
}

/// True when `text` begins with `word`, in any case.
pub(crate) fn begins(text: &[u8], word: &str) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

/// Words of three or more characters that are searched for in long texts, in any case.
pub(crate) struct Search<const N: usize> {
    words: [&'static str; N],
    /// One bit for each three letters that a word begins with. Other characters share bits with
    /// letters, which costs a closer look and changes nothing else.
    bits: [u64; 512],
}

impl<const N: usize> Search<N> {
    /// Of lower-case words.
    pub(crate) const fn new(words: [&'static str; N]) -> Self {
        let mut bits = [0; 512];
        let mut at = 0;
        while at < N {
            let word = words[at].as_bytes();
            let gram = after(after(after(0, word[0]), word[1]), word[2]);
            bits[gram / 64] |= 1 << (gram % 64);
            at += 1;
        }
        Self { words, bits }
    }

    /// The words.
    #[cfg(test)]
    pub(crate) fn words(&self) -> &[&'static str] {
        &self.words
    }

    /// Where the words stand, with their index; a place can have several.
    pub(crate) fn each(&self, text: &str) -> impl Iterator<Item = (usize, usize)> {
        let bytes = text.as_bytes();
        let starts = self.starts(bytes);
        starts.flat_map(move |at| self.at(&bytes[at..]).map(move |index| (at, index)))
    }

    /// True when one of the words stands in a text.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        self.starts(bytes)
            .any(|at| self.at(&bytes[at..]).next().is_some())
    }

    /// False when none of the words stands in a text; true where something looks like the first three
    /// characters of one.
    pub(crate) fn may_be_in(&self, text: &str) -> bool {
        self.starts(text.as_bytes()).next().is_some()
    }

    /// Where a word may begin.
    fn starts(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let (mut at, mut gram) = match text {
            [first, second, ..] => (2, after(after(0, *first), *second)),
            _ => (text.len(), 0),
        };
        std::iter::from_fn(move || {
            while let Some(byte) = text.get(at) {
                gram = after(gram, *byte);
                at += 1;
                if (self.bits[gram / 64] >> (gram % 64)) & 1 == 1 {
                    return Some(at - 3);
                }
            }
            None
        })
    }

    /// The words that a text begins with.
    fn at(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let words = self.words.iter().enumerate();
        let found = words.filter(move |(_, word)| begins(text, word));
        found.map(|(index, _)| index)
    }
}

/// Three characters as a number, of which `last` has the two before.
const fn after(last: usize, byte: u8) -> usize {
    ((last << 5) & 0x7FFF) | (byte & 31) as usize
}

#[cfg(test)]
mod tests {
    use super::{List, Search};

    #[test]
    fn words_are_found_in_texts() {
        static WORDS: Search<3> = Search::new(["pass", "-u ", "password"]);
        let found: Vec<_> = WORDS.each("a -u PASSWORD").collect();
        assert_eq!(found, [(2, 1), (5, 0), (5, 2)]);
        assert!(!WORDS.is_in("pa-ss-u"));
    }

    static WORDS: List = list!["pass", "password", "token", ".pem", "n/a"];

    #[test]
    fn words_are_found_in_any_case() {
        for word in ["pass", "PASSWORD", "Token", ".pem", "N/A"] {
            assert!(WORDS.contains(word), "{word}");
        }
        for word in ["", "passw", "tokens", "npem", ".pe", "größe"] {
            assert!(!WORDS.contains(word), "{word}");
        }
        let leading: Vec<_> = WORDS.leading(b"Passwords").collect();
        assert_eq!(leading, ["pass", "password"]);
        assert!(WORDS.is_inside("key.PEM"));
        assert!(!WORDS.is_inside("key.pe"));
    }
}
