//! Which rules have a word in which block: one search for the words of all rules a file.

use aho_corasick::AhoCorasick;
use secretlint_core::facts::{Block, SourceFile};
use secretlint_core::{FileId, Rule};

/// The words of some rules; a rule is a bit, by its place among them.
pub(crate) struct Words {
    /// `None` when no rule has words.
    automaton: Option<AhoCorasick>,
    /// For each word the rule it belongs to.
    rules: Vec<u64>,
    /// Rules without words.
    always: u64,
}

/// Where the words of a file end, in order, each with its rule.
#[derive(Default)]
pub(crate) struct Found {
    file: Option<FileId>,
    words: Vec<(u32, u64)>,
}

impl Words {
    /// The words of `rules`, of which at most 64 are told apart; further ones count as without words.
    pub(crate) fn new<'r>(rules: impl Iterator<Item = &'r dyn Rule>) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut bits = Vec::new();
        let mut always = u64::MAX;
        for (index, rule) in rules.enumerate().take(64) {
            let own = rule.words();
            if !own.is_empty() {
                always &= !(1 << index);
            }
            words.extend(own);
            bits.extend(own.iter().map(|_| 1 << index));
        }
        // Building fails for more words than there can be; then every rule sees every block.
        let automaton = AhoCorasick::new(&words).ok().filter(|_| !words.is_empty());
        Self {
            always: if automaton.is_some() {
                always
            } else {
                u64::MAX
            },
            automaton,
            rules: bits,
        }
    }

    /// The rules that may have something to say about a block. `found` is kept from block to block.
    pub(crate) fn rules_of(&self, block: &Block<'_>, found: &mut Found) -> u64 {
        if block.file.kind.is_json() {
            return u64::MAX;
        }
        if found.file != Some(block.file.id) {
            self.search(block.file, found);
        }
        let first = found
            .words
            .partition_point(|(end, _)| *end <= block.span.start);
        let inside = found.words[first..].iter();
        let inside = inside.take_while(|(end, _)| *end <= block.span.end);
        inside.fold(self.always, |rules, (_, rule)| rules | rule)
    }

    fn search(&self, file: &SourceFile, found: &mut Found) {
        found.file = Some(file.id);
        found.words.clear();
        if let Some(automaton) = &self.automaton {
            let words = automaton.find_overlapping_iter(file.text());
            let rule = |index: usize| self.rules[index];
            found
                .words
                .extend(words.map(|word| (word.end() as u32, rule(word.pattern().as_usize()))));
        }
    }
}
