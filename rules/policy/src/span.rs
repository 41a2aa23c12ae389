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

    /// Line and column of the start, both counted from 1; columns count characters. A start beyond
    /// the text is taken as its end. Reads the whole text up to there.
    pub fn line_column(self, text: &str) -> (u32, u32) {
        Lines::new(&text[..text.floor_char_boundary(self.start)]).line_column(text, self)
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Where the lines of a text start, so that many places are found in one pass over the text.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn new(text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            starts: std::iter::once(0)
                .chain(newlines.map(|(at, _)| at + 1))
                .collect(),
        }
    }

    /// Line and column of the start of `span`, both counted from 1; columns count characters.
    /// `text` is the one given to [`Lines::new`]; a start beyond it is taken as its end.
    pub(crate) fn line_column(&self, text: &str, span: Span) -> (u32, u32) {
        let at = text.floor_char_boundary(span.start);
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line - 1];
        (small(line), small(text[start..at].chars().count() + 1))
    }

    /// The text of a line counted from 1, without its end.
    pub(crate) fn line<'t>(&self, text: &'t str, line: u32) -> &'t str {
        let index = line.saturating_sub(1) as usize;
        let start = self.starts.get(index).copied().unwrap_or(text.len());
        let end = self.starts.get(index + 1).copied().unwrap_or(text.len());
        text[start..end].trim_end_matches(['\n', '\r'])
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns() {
        let text = "aé\r\nb\n\nc";
        let lines = Lines::new(text);
        for (start, expected, line) in [
            (0, (1, 1), "aé"),
            (2, (1, 2), "aé"),
            (3, (1, 3), "aé"),
            (5, (2, 1), "b"),
            (7, (3, 1), ""),
            (8, (4, 1), "c"),
            (99, (4, 2), "c"),
        ] {
            let span = Span::new(start, start);
            assert_eq!(lines.line_column(text, span), expected, "{start}");
            assert_eq!(span.line_column(text), expected, "{start}");
            assert_eq!(lines.line(text, expected.0), line, "{start}");
        }
        assert_eq!(lines.line(text, 9), "");
    }
}
