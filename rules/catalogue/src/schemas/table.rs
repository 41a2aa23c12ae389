//! A static table from names to values, made by the build: sorted entries, and an index by hash,
//! because tables are asked for the values of every block.

/// Entries by name.
pub(super) struct Table<V: 'static> {
    /// Sorted by name.
    pub(super) entries: &'static [(&'static str, V)],
    /// For each hash the number of its entry from 1, or 0 where there is none; entries whose place is
    /// taken are in the next free one. Its length is a power of two.
    pub(super) index: &'static [u16],
}

impl<V: Copy> Table<V> {
    /// The value of a name.
    pub(super) fn find(&self, name: &str) -> Option<V> {
        let mut place = hash(name);
        loop {
            let number = usize::from(self.index[place & (self.index.len() - 1)]);
            let (known, value) = self.entries.get(number.checked_sub(1)?)?;
            if *known == name {
                return Some(*value);
            }
            place += 1;
        }
    }
}

/// Where the search for a name begins, of which the lower bits count.
pub(super) fn hash(name: &str) -> usize {
    let mix =
        |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    let (words, rest) = name.as_bytes().as_chunks();
    let words = words.iter().map(|word| u64::from_le_bytes(*word));
    let rest = rest
        .iter()
        .fold(0, |word, byte| word << 8 | u64::from(*byte));
    let hash = mix(words.fold(name.len() as u64, mix), rest);
    // The upper bits depend on all bytes.
    (hash >> 40) as usize
}
