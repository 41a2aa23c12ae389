//! Byte offsets to lines and columns, and back.

/// A line and a column, both from 0. The unit of the column is named by the function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Lines before this one.
    pub line: u32,
    /// Units before this place in its line.
    pub column: u32,
}

/// What columns count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ColumnUnit {
    /// Bytes of UTF-8.
    Utf8,
    /// Units of UTF-16, as editors count by default.
    Utf16,
    /// Unicode scalar values, as people count.
    Scalar,
}

impl ColumnUnit {
    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Scalar => 1,
        }
    }

    /// Units in a text.
    #[must_use]
    pub fn count(self, text: &str) -> usize {
        if self == Self::Utf8 || text.is_ascii() {
            return text.len();
        }
        text.chars().map(|c| self.width(c)).sum()
    }
}

/// Where the lines of a text begin. Lines end with `\n`; a `\r` before it belongs to the line.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Finds the lines of `text`, which must be smaller than 4 GiB.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let after = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at as u32 + 1);
        Self {
            starts: std::iter::once(0).chain(after).collect(),
        }
    }

    /// Number of lines; a newline at the end begins another, empty one.
    #[must_use]
    pub fn line_count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// The line that a byte offset is in.
    #[must_use]
    pub fn line_of(&self, offset: u32) -> u32 {
        self.starts.partition_point(|&at| at <= offset) as u32 - 1
    }

    /// Where a line begins; past the last one, where that begins.
    #[must_use]
    pub fn start_of(&self, line: u32) -> u32 {
        let last = self.starts.len() - 1;
        self.starts[(line as usize).min(last)]
    }

    /// The byte range of a line with its newline, `None` past the last line.
    #[must_use]
    pub fn line_range(&self, text: &str, line: u32) -> Option<std::ops::Range<usize>> {
        let start = *self.starts.get(line as usize)? as usize;
        let next = self.starts.get(line as usize + 1);
        Some(start..next.map_or(text.len(), |&at| at as usize))
    }

    /// The place of a byte offset; `text` is the text of [`LineIndex::new`]. An offset inside a
    /// character counts as its start, one past the end as the end.
    #[must_use]
    pub fn position(&self, text: &str, offset: u32, unit: ColumnUnit) -> Position {
        let offset = text.floor_char_boundary(offset as usize);
        let line = self.line_of(offset as u32);
        let column = unit.count(&text[self.start_of(line) as usize..offset]);
        Position {
            line,
            column: column as u32,
        }
    }

    /// The byte offset of a place. A column past the line's end counts as its end, before the
    /// newline; a line past the last one as the end of the text.
    #[must_use]
    pub fn offset(&self, text: &str, position: Position, unit: ColumnUnit) -> u32 {
        let Some(range) = self.line_range(text, position.line) else {
            return text.len() as u32;
        };
        let line = text[range.clone()].trim_end_matches(['\r', '\n']);
        let mut left = position.column as usize;
        for (at, c) in line.char_indices() {
            let width = unit.width(c);
            if left < width {
                return (range.start + at) as u32;
            }
            left -= width;
        }
        (range.start + line.len()) as u32
    }
}
