//! Where a word stands in a text: looked for once, so that most of a tree need not be looked into.

use hcl_syntax::Span;
use memchr::memmem::Finder;

/// Places of one text, in order.
#[derive(Debug, Default)]
pub(crate) struct Places(Vec<u32>);

impl Places {
    /// Those where what is searched for stands before something that `goes_on`.
    pub(crate) fn search(&mut self, text: &str, word: &Finder<'_>, goes_on: impl Fn(&str) -> bool) {
        let found = word.find_iter(text.as_bytes());
        let found = found.filter(|at| goes_on(&text[at + word.needle().len()..]));
        self.0.clear();
        self.0.extend(found.map(|at| at as u32));
    }

    /// True when there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// True when one of them is inside.
    pub(crate) fn any_in(&self, span: Span) -> bool {
        let first = self.0.partition_point(|place| *place < span.start);
        self.0.get(first).is_some_and(|place| *place < span.end)
    }
}
