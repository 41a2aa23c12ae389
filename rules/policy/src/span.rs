//! Byte ranges of a text and the line they are on.

/// A byte range. `start <= end`, both on character boundaries of the text it belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

impl Span {
    /// The range from `start` to `end`.
    pub const fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }

    /// The part of the range that lies inside the text, widened to character boundaries.
    pub(crate) fn within(self, text: &str) -> Self {
        let start = text.floor_char_boundary(self.start);
        Self {
            start,
            end: text.ceil_char_boundary(self.end).max(start),
        }
    }

    /// Line and column of the start, both counted from 1; columns count characters.
    /// A start beyond the text is taken as its end.
    pub fn line_column(self, text: &str) -> (u32, u32) {
        let before = &text[..text.floor_char_boundary(self.start)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before[line_start..].chars().count() + 1;
        (small(line), small(column))
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A piece of a text that knows where it starts, so that every sub-piece has its span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part<'a> {
    pub(crate) text: &'a str,
    pub(crate) start: usize,
}

impl<'a> Part<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, start: 0 }
    }

    pub(crate) fn span(self) -> Span {
        Span::new(self.start, self.start + self.text.len())
    }

    /// What is before and after the byte at `at`, which is left out.
    pub(crate) fn cut(self, at: usize, width: usize) -> (Self, Self) {
        let after = at + width;
        (
            Self {
                text: &self.text[..at],
                start: self.start,
            },
            Self {
                text: &self.text[after..],
                start: self.start + after,
            },
        )
    }

    /// Like `str::split_once`, keeping positions.
    pub(crate) fn split_once(self, separator: char) -> Option<(Self, Self)> {
        self.text
            .find(separator)
            .map(|at| self.cut(at, separator.len_utf8()))
    }

    /// Like `str::split`, keeping positions.
    pub(crate) fn split(self, separators: &'static [char]) -> impl Iterator<Item = Self> {
        let whole = self;
        whole.text.split(separators).map(move |piece| Self {
            text: piece,
            start: whole.start + (piece.as_ptr() as usize - whole.text.as_ptr() as usize),
        })
    }
}
