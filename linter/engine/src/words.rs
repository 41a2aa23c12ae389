//! Which rules have a word where: one search for the words of all rules a file.

use hcl_syntax::Span;
use secretlint_core::facts::SourceFile;
use secretlint_core::{Keywords, Occurrence, Rule, Word};

const ENCODED: usize = Word::ENCODED;

/// The words of all rules.
pub(crate) struct Words {
    keywords: Keywords,
    words: Vec<Known>,
    /// Rules that look for base64.
    encoded: u64,
}

/// A word that stands in a text has the number of one of these.
struct Known {
    length: usize,
    /// Not followed by a lower-case letter.
    ends: bool,
    /// The rule as a bit, if it looks at positions.
    position: u64,
    /// The place of the rule among those that look at texts.
    text: Option<u8>,
    /// The index among the words of the rule.
    index: u32,
}

/// A rule with the place it has among those that look at texts, and among those that look at positions.
pub(crate) struct Place<'r> {
    pub(crate) rule: &'r dyn Rule,
    pub(crate) text: Option<usize>,
    pub(crate) position: Option<usize>,
}

/// Where words stand in a file, by their start.
pub(crate) struct Mentions {
    found: Vec<Mention>,
    /// For each rule that looks at texts.
    texts: Vec<Vec<Occurrence>>,
}

struct Mention {
    start: u32,
    end: u32,
    rules: u64,
}

impl Words {
    /// The words of these rules.
    pub(crate) fn new<'r>(rules: impl Iterator<Item = Place<'r>>) -> Self {
        let places: Vec<(Place<'r>, Vec<Word<'r>>)> = rules
            .map(|place| {
                let words = place.rule.words();
                (place, words)
            })
            .collect();
        let mut entries = Vec::new();
        let mut words = Vec::new();
        let mut encoded = 0;
        for (place, own) in &places {
            let position = place.position.map_or(0, |index| 1 << index);
            for (index, word) in (0..).zip(own) {
                let (text, ends) = match word {
                    Word::Part(text) => (*text, false),
                    Word::End(text) => (*text, true),
                    Word::Encoded => {
                        encoded |= position;
                        continue;
                    }
                };
                entries.push((text, words.len() as u16));
                words.push(Known {
                    length: text.len(),
                    ends,
                    position,
                    text: place.text.map(|text| text as u8),
                    index,
                });
            }
        }
        Self {
            keywords: Keywords::build(entries),
            words,
            encoded,
        }
    }

    /// Searches a file.
    pub(crate) fn search(&self, file: &SourceFile, mentions: &mut Mentions) {
        let Mentions { found, texts } = mentions;
        found.clear();
        texts.iter_mut().for_each(Vec::clear);
        let text = file.text().as_bytes();
        self.keywords.find(text, |number, start| {
            let word = &self.words[number];
            let end = start + word.length;
            if word.ends && text.get(end).is_some_and(u8::is_ascii_lowercase) {
                return;
            }
            let start = start as u32;
            if let Some(text) = word.text {
                texts[usize::from(text)].push(Occurrence {
                    word: word.index,
                    start,
                });
            }
            if word.position != 0 {
                found.push(Mention {
                    start,
                    end: end as u32,
                    rules: word.position,
                });
            }
        });
        if self.encoded != 0 {
            let before = found.len();
            each_run(text, |start| {
                found.push(Mention {
                    start: start as u32,
                    end: (start + ENCODED) as u32,
                    rules: self.encoded,
                });
            });
            if found.len() > before {
                found.sort_unstable_by_key(|mention| mention.start);
            }
        }
    }
}

impl Mentions {
    /// Room for the words of that many rules that look at texts.
    pub(crate) fn new(texts: usize) -> Self {
        Self {
            found: Vec::new(),
            texts: vec![Vec::new(); texts],
        }
    }

    /// Where the words of a rule that looks at texts stand.
    pub(crate) fn of_text(&self, rule: usize) -> &[Occurrence] {
        &self.texts[rule]
    }

    /// The rules that have a word inside a span.
    pub(crate) fn inside(&self, span: Span) -> u64 {
        let first = self
            .found
            .partition_point(|mention| mention.start < span.start);
        let inside = self.found[first..].iter();
        inside
            .take_while(|mention| mention.start < span.end)
            .filter(|mention| mention.end <= span.end)
            .fold(0, |rules, mention| rules | mention.rules)
    }
}

/// Calls `hit` with the start of everything that can be base64, see [`Word::Encoded`].
fn each_run(text: &[u8], mut hit: impl FnMut(usize)) {
    // Each run that is long enough has one of these places in it, and most have no such character.
    let mut at = ENCODED - 1;
    while at < text.len() {
        if !Word::is_encoded(text[at]) {
            at += ENCODED;
            continue;
        }
        let before = text[..at]
            .iter()
            .rev()
            .take_while(|byte| Word::is_encoded(**byte));
        let start = at - before.take(ENCODED - 1).count();
        let after = text[at..]
            .iter()
            .take_while(|byte| Word::is_encoded(**byte));
        let end = at + after.count();
        let before = start.checked_sub(1).map(|at| text[at]);
        if Word::is_encoded_run(before, &text[start..end]) {
            hit(start);
        }
        at = end + ENCODED;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secretlint_core::{
        FileId, Word,
        facts::{FileKind, SourceFile},
    };

    use super::{Mentions, Place, Words};
    use crate::tests::WordRule;

    static RULES: [WordRule; 4] = [
        WordRule(&[Word::Part("abc"), Word::Part("b-a")]),
        WordRule(&[Word::End("abc")]),
        WordRule(&[Word::Encoded]),
        WordRule(&[]),
    ];

    proptest! {
        #[test]
        fn words_are_found_wherever_they_stand(
            text in "([abcABC-]{1,30}|\"?[aB1]{20,40}\n?|[ .\"\n]){0,12}",
            cut in 0..40_usize,
        ) {
            let file = SourceFile::new(FileId(0), "a.tf", FileKind::Text, text.as_str());
            let places = RULES.iter().enumerate().map(|(index, rule)| Place {
                rule,
                text: None,
                position: Some(index),
            });
            let words = Words::new(places);
            let mut mentions = Mentions::new(0);
            words.search(&file, &mut mentions);
            let start = cut.min(text.len());
            let span = hcl_syntax::Span { start: start as u32, end: text.len() as u32 };
            let found = mentions.inside(span);
            for (bit, rule) in RULES.iter().enumerate() {
                let expected = rule.0.iter().any(|word| word.is_in(&text[start..]));
                // A run that begins before the span is no part of it.
                let before = bit == 2 && start > 0;
                prop_assert!((found >> bit & 1 != 0) == expected || before, "rule {bit}");
            }
        }
    }
}
