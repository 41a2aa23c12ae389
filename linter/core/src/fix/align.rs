//! Keeps the columns that `terraform fmt` gives: the `=` of neighbouring arguments and the comments
//! behind neighbouring lines stand below each other. Only groups that a change touches and whose other
//! lines were aligned are looked at; everything else stays as it was written.

use hcl_syntax::{Punctuation, Token, TokenKind};

use super::{Change, apply};

/// `changes` (sorted, apart) completed by changes of blanks.
pub(super) fn keep_aligned(text: &str, changes: Vec<Change>) -> Vec<Change> {
    if changes.is_empty() {
        return changes;
    }
    let parsed = hcl_syntax::parse(apply(text, &changes));
    let after = parsed.text();
    let touched = touched(&changes);
    let mut lines = lines(after, parsed.tokens(), &touched);
    let mut blanks = Vec::new();
    align(&mut lines, Cell::Assign, &mut blanks);
    align(&mut lines, Cell::Comment, &mut blanks);
    blanks.retain(|blank| after[blank.start..blank.end] != blank.text);
    blanks.sort_by_key(|blank| blank.start);
    composed(changes, &blanks)
}

/// The ranges of the new text that changes wrote, sorted.
fn touched(changes: &[Change]) -> Vec<(usize, usize)> {
    let (mut shift, mut ranges) = (0isize, Vec::with_capacity(changes.len()));
    for change in changes {
        let start = change.start.saturating_add_signed(shift);
        ranges.push((start, start + change.text.len()));
        shift += change.text.len() as isize - (change.end - change.start) as isize;
    }
    ranges
}

/// A line of the text; a heredoc belongs to the line it starts in.
#[derive(Default)]
struct Line {
    /// Characters before the blanks in front of `=`.
    lead: usize,
    /// The blanks in front of `=`, when all of the value is on this line.
    assign: Option<(usize, usize)>,
    /// Characters between those blanks and the ones in front of the comment.
    rest: usize,
    /// The blanks in front of a comment behind something else.
    comment: Option<(usize, usize)>,
    touched: bool,
    /// Characters by which `=` moves.
    moved: isize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    Assign,
    Comment,
}

impl Line {
    fn cell(&self, cell: Cell) -> Option<(usize, usize)> {
        match cell {
            Cell::Assign => self.assign,
            Cell::Comment => self.comment,
        }
    }

    /// Characters before the blanks of a cell.
    fn width(&self, cell: Cell) -> usize {
        match (cell, self.assign) {
            (Cell::Assign, _) | (Cell::Comment, None) => self.lead,
            (Cell::Comment, Some((start, end))) => {
                (self.lead + end - start + self.rest).saturating_add_signed(self.moved)
            }
        }
    }

    /// The column of a cell as it was written.
    fn column(&self, cell: Cell) -> Option<usize> {
        let (start, end) = self.cell(cell)?;
        let width = self.width(cell).saturating_add_signed(match cell {
            Cell::Assign => 0,
            Cell::Comment => -self.moved,
        });
        Some(width + end - start)
    }
}

fn lines(text: &str, tokens: impl Iterator<Item = Token>, touched: &[(usize, usize)]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut tokens_of_line: Vec<Token> = Vec::new();
    let (mut start, mut next) = (0, 0);
    let mut close = |tokens: &mut Vec<Token>, start: &mut usize, end: usize| {
        let mut line = line(text, tokens, *start);
        while touched.get(next).is_some_and(|range| range.1 < *start) {
            next += 1;
        }
        line.touched = touched.get(next).is_some_and(|range| range.0 <= end);
        lines.push(line);
        tokens.clear();
        *start = end;
    };
    for token in tokens {
        let end = token.span.end as usize;
        match token.kind {
            TokenKind::Newline => close(&mut tokens_of_line, &mut start, end),
            TokenKind::Blank => {}
            _ => tokens_of_line.push(token),
        }
    }
    close(&mut tokens_of_line, &mut start, text.len());
    lines
}

fn line(text: &str, tokens: &[Token], start: usize) -> Line {
    let mut line = Line::default();
    let mut tokens = tokens;
    let characters = |from: usize, to: usize| text[from..to].chars().count();
    let mut comment = None;
    if let [rest @ .., before, last] = tokens
        && last.kind == TokenKind::Comment
    {
        comment = Some((before.span.end as usize, last.span.start as usize));
        tokens = &tokens[..=rest.len()];
    }
    line.comment = comment;
    let assign = tokens
        .iter()
        .position(|token| token.kind == TokenKind::Punctuation(Punctuation::Assign))
        .filter(|&at| at > 0 && tokens[at..].iter().map(depth).sum::<i32>() == 0);
    let end = tokens.last().map_or(start, |token| token.span.end as usize);
    match assign {
        Some(at) => {
            let (from, to) = (
                tokens[at - 1].span.end as usize,
                tokens[at].span.start as usize,
            );
            line.lead = characters(start, from);
            line.assign = Some((from, to));
            line.rest = characters(to, end);
        }
        None => line.lead = characters(start, end),
    }
    line
}

fn depth(token: &Token) -> i32 {
    use Punctuation::{CloseBrace, CloseBracket, CloseParen, OpenBrace, OpenBracket, OpenParen};
    match token.kind {
        TokenKind::OpenInterpolation
        | TokenKind::OpenDirective
        | TokenKind::Punctuation(OpenBrace | OpenBracket | OpenParen) => 1,
        TokenKind::CloseTemplate
        | TokenKind::Punctuation(CloseBrace | CloseBracket | CloseParen) => -1,
        _ => 0,
    }
}

/// Aligns each run of lines that have the cell, when a change touched it.
fn align(lines: &mut [Line], cell: Cell, blanks: &mut Vec<Change>) {
    for group in lines.chunk_by_mut(|a, b| a.cell(cell).is_some() == b.cell(cell).is_some()) {
        let concerned = group.iter().any(|line| line.touched || line.moved != 0);
        if !concerned || !were_aligned(group, cell) {
            continue;
        }
        let widest = group.iter().map(|line| line.width(cell)).max().unwrap_or(0);
        for line in group {
            let Some((start, end)) = line.cell(cell) else {
                break;
            };
            let spaces = widest - line.width(cell) + 1;
            if cell == Cell::Assign {
                line.moved = spaces as isize - (end - start) as isize;
            }
            blanks.push(Change {
                start,
                end,
                text: " ".repeat(spaces),
            });
        }
    }
}

/// True when the lines that no change touched agree on a column, with a blank before it.
fn were_aligned(group: &[Line], cell: Cell) -> bool {
    let mut kept = group.iter().filter(|line| !line.touched);
    let Some(first) = kept.next().and_then(|line| line.column(cell)) else {
        return group.iter().all(|line| line.cell(cell).is_some());
    };
    group.iter().filter(|line| !line.touched).all(|line| {
        line.column(cell) == Some(first) && line.cell(cell).is_some_and(|(start, end)| end > start)
    })
}

/// `changes` of the old text followed by `blanks` of the new one, as changes of the old text.
fn composed(changes: Vec<Change>, blanks: &[Change]) -> Vec<Change> {
    let mut out: Vec<Change> = Vec::with_capacity(changes.len() + blanks.len());
    let mut blanks = blanks.iter().peekable();
    let mut shift = 0isize;
    for change in changes {
        let start = change.start.saturating_add_signed(shift);
        let end = start + change.text.len();
        while let Some(blank) =
            blanks.next_if(|blank| blank.end < start || blank.end == start && blank.start < start)
        {
            out.push(moved(blank, -shift));
        }
        let mut own = change.clone();
        let mut grown = 0isize;
        while let Some(blank) = blanks.next_if(|blank| blank.start >= start && blank.end <= end) {
            let from = (blank.start - start).saturating_add_signed(grown);
            let to = (blank.end - start).saturating_add_signed(grown);
            own.text.replace_range(from..to, &blank.text);
            grown += blank.text.len() as isize - (blank.end - blank.start) as isize;
        }
        // Blanks half inside a change are left as they are.
        while blanks.next_if(|blank| blank.start < end).is_some() {}
        shift += change.text.len() as isize - (change.end - change.start) as isize;
        out.push(own);
    }
    out.extend(blanks.map(|blank| moved(blank, -shift)));
    out
}

fn moved(blank: &Change, by: isize) -> Change {
    Change {
        start: blank.start.saturating_add_signed(by),
        end: blank.end.saturating_add_signed(by),
        text: blank.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::replaced;

    #[test]
    fn renamed_and_new_arguments_align_their_group() {
        let before = "resource \"x\" \"y\" {\n  name     = 1\n  password = 2\n\n  other = 3\n}\n";
        let after = "resource \"x\" \"y\" {\n  name                = 1\n  password_wo         = 2\n  password_wo_version = 1\n\n  other = 3\n}\n";
        let edits = [
            ("password", "password_wo"),
            ("= 2", "= 2\n  password_wo_version = 1"),
        ];
        assert_eq!(replaced(before, &edits), after);
    }

    #[test]
    fn groups_end_at_blank_lines_blocks_and_values_of_several_lines() {
        let before = "a {\n  x = 1\n  tags = {\n    k = 1\n  }\n  y = 2\n}\n";
        let after = "a {\n  longer = 1\n  tags = {\n    k = 1\n  }\n  y = 2\n}\n";
        assert_eq!(replaced(before, &[("x", "longer")]), after);
    }

    #[test]
    fn comments_move_with_their_lines() {
        let before = "a {\n  x  = 1 # one\n  yy = 22 # two\n  z  = 3\n}\n";
        let formatted = "a {\n  x  = 1  # one\n  yy = 22 # two\n  z  = 3\n}\n";
        let after = "a {\n  xxxx = 1  # one\n  yy   = 22 # two\n  z    = 3\n}\n";
        assert_eq!(replaced(formatted, &[("x", "xxxx")]), after);
        let kept = "a {\n  xxxx = 1 # one\n  yy   = 22 # two\n  z    = 3\n}\n";
        assert_eq!(
            replaced(before, &[("x", "xxxx")]),
            after,
            "the changed line's comment follows the others, not {kept}"
        );
    }

    #[test]
    fn heredocs_and_wide_characters() {
        let before = "a {\n  x = <<EOT\ntext = 1\nEOT\n  yy = \"ä\"\n}\n";
        let formatted = "a {\n  x  = <<EOT\ntext = 1\nEOT\n  yy = \"ä\"\n}\n";
        assert_eq!(
            replaced(formatted, &[("yy", "yyyy")]),
            "a {\n  x    = <<EOT\ntext = 1\nEOT\n  yyyy = \"ä\"\n}\n"
        );
        assert_eq!(
            replaced(before, &[("\"ä\"", "\"öö\"")]),
            "a {\n  x  = <<EOT\ntext = 1\nEOT\n  yy = \"öö\"\n}\n"
        );
    }

    #[test]
    fn other_styles_are_left_alone() {
        let before = "a {\n  x=1\n  yy = 2\n  z = 3\n}\n";
        let after = "a {\n  xxxx=1\n  yy = 2\n  z = 3\n}\n";
        assert_eq!(replaced(before, &[("x", "xxxx")]), after);
        let tabs = "a {\n\tx = 1\n}\n";
        assert_eq!(
            replaced(tabs, &[("= 1", "= 1\n\tlonger = 2")]),
            "a {\n\tx      = 1\n\tlonger = 2\n}\n"
        );
    }
}
