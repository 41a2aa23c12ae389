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
    let mut hash = name.len() as u64;
    for chunk in name.as_bytes().chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
    // The upper bits depend on all bytes.
    (hash >> 40) as usize
}
