//! Finds all keywords of all patterns in one pass: an Aho-Corasick automaton as a dense table,
//! insensitive to ASCII case.
//!
//! The table of the built-in patterns is computed by the build script, so a start costs nothing;
//! the same code builds the table of a user's patterns.

use std::borrow::Cow;
use std::collections::VecDeque;

/// The automaton. States are numbered so that those that end a keyword come last.
#[derive(Clone, Debug)]
pub(super) struct Automaton {
    /// Equivalence class of each byte; upper and lower case share one.
    pub(super) classes: Cow<'static, [u8]>,
    /// log2 of the width of a row.
    pub(super) shift: u32,
    /// Row of a state, indexed by class: the next state.
    pub(super) next: Cow<'static, [u16]>,
    /// The first state that ends a keyword.
    pub(super) first_ending: u16,
    /// For each ending state, where its patterns start in `patterns`; one more entry at the end.
    pub(super) offsets: Cow<'static, [u32]>,
    /// Indices of patterns.
    pub(super) patterns: Cow<'static, [u16]>,
}

/// The keywords together are too long for one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyKeywords;

struct State {
    next: Vec<Option<usize>>,
    patterns: Vec<u16>,
}

impl Automaton {
    /// Builds the table for `keywords`: lower-case text and index of its pattern.
    ///
    /// # Errors
    /// When the table would need more than 65,535 states.
    pub(super) fn build<'a>(
        keywords: impl Iterator<Item = (&'a str, u16)> + Clone,
    ) -> Result<Self, TooManyKeywords> {
        let (classes, count) = classes(keywords.clone());
        let mut states = trie(keywords, &classes, count)?;
        complete(&mut states, count);
        Ok(table(&states, classes, count))
    }

    /// Calls `hit` with a pattern's index and the end of its keyword, for every keyword in `text`,
    /// in order of the end.
    pub(super) fn find(&self, text: &[u8], mut hit: impl FnMut(u16, usize)) {
        let mut state = 0_u16;
        for (at, &byte) in text.iter().enumerate() {
            let class = usize::from(self.classes[usize::from(byte)]);
            state = self.next[(usize::from(state) << self.shift) | class];
            if state >= self.first_ending {
                let index = usize::from(state - self.first_ending);
                let range = self.offsets[index] as usize..self.offsets[index + 1] as usize;
                for &pattern in &self.patterns[range] {
                    hit(pattern, at + 1);
                }
            }
        }
    }
}

/// Class 0 is every byte that no keyword has.
fn classes<'a>(keywords: impl Iterator<Item = (&'a str, u16)>) -> (Vec<u8>, usize) {
    let mut used = [false; 256];
    for byte in keywords.flat_map(|(word, _)| word.bytes()) {
        used[usize::from(byte)] = true;
    }
    let mut classes = vec![0_u8; 256];
    let mut count = 1_usize;
    for byte in 0..=255_u8 {
        if used[usize::from(byte)] {
            let class = u8::try_from(count).unwrap_or(u8::MAX);
            classes[usize::from(byte)] = class;
            classes[usize::from(byte.to_ascii_uppercase())] = class;
            count += 1;
        }
    }
    (classes, count)
}

fn trie<'a>(
    keywords: impl Iterator<Item = (&'a str, u16)>,
    classes: &[u8],
    count: usize,
) -> Result<Vec<State>, TooManyKeywords> {
    let new = || State {
        next: vec![None; count],
        patterns: Vec::new(),
    };
    let mut states = vec![new()];
    for (word, pattern) in keywords {
        let mut at = 0;
        for byte in word.bytes() {
            let class = usize::from(classes[usize::from(byte)]);
            at = match states[at].next[class] {
                Some(next) => next,
                None => {
                    let id = states.len();
                    states.push(new());
                    states[at].next[class] = Some(id);
                    id
                }
            };
        }
        if !states[at].patterns.contains(&pattern) {
            states[at].patterns.push(pattern);
        }
        if states.len() > usize::from(u16::MAX) {
            return Err(TooManyKeywords);
        }
    }
    Ok(states)
}

/// Turns the trie into an automaton: every missing step goes where the longest proper suffix
/// goes, and a state also ends the keywords that its suffix ends.
fn complete(states: &mut [State], count: usize) {
    let mut suffix = vec![0_usize; states.len()];
    let mut queue = VecDeque::new();
    for class in 0..count {
        match states[0].next[class] {
            Some(child) => queue.push_back(child),
            None => states[0].next[class] = Some(0),
        }
    }
    while let Some(at) = queue.pop_front() {
        let shorter = suffix[at];
        let inherited = states[shorter].patterns.clone();
        for pattern in inherited {
            if !states[at].patterns.contains(&pattern) {
                states[at].patterns.push(pattern);
            }
        }
        for class in 0..count {
            let fallback = states[shorter].next[class];
            match states[at].next[class] {
                Some(child) => {
                    suffix[child] = fallback.unwrap_or(0);
                    queue.push_back(child);
                }
                None => states[at].next[class] = fallback,
            }
        }
    }
}

/// Renumbers the states, those that end a keyword last, and writes the dense table. A trie numbers
/// parents before children, and state 0 never ends a keyword, so it stays 0.
fn table(states: &[State], classes: Vec<u8>, count: usize) -> Automaton {
    let plain = (0..states.len()).filter(|&id| states[id].patterns.is_empty());
    let ending = (0..states.len()).filter(|&id| !states[id].patterns.is_empty());
    let order: Vec<usize> = plain.chain(ending).collect();
    let first_ending = order
        .iter()
        .filter(|&&id| states[id].patterns.is_empty())
        .count();
    let mut renumbered = vec![0_u16; states.len()];
    for (new, &old) in order.iter().enumerate() {
        renumbered[old] = u16::try_from(new).unwrap_or(u16::MAX);
    }
    let shift = count.next_power_of_two().trailing_zeros();
    let mut next = vec![0_u16; states.len() << shift];
    let (mut offsets, mut patterns) = (vec![0_u32], Vec::new());
    for (new, &old) in order.iter().enumerate() {
        for class in 0..count {
            next[(new << shift) | class] = renumbered[states[old].next[class].unwrap_or(0)];
        }
        if new >= first_ending {
            patterns.extend_from_slice(&states[old].patterns);
            offsets.push(u32::try_from(patterns.len()).unwrap_or(u32::MAX));
        }
    }
    Automaton {
        classes: classes.into(),
        shift,
        next: next.into(),
        first_ending: u16::try_from(first_ending).unwrap_or(u16::MAX),
        offsets: offsets.into(),
        patterns: patterns.into(),
    }
}
