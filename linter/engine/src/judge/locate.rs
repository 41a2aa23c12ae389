//! Places as people see them: line, column and a masked excerpt.
//!
//! The only code that copies source text into a report. Every known secret of the file is masked
//! before a line leaves, and so is every other text in it that equals one of them.

use std::cell::Cell;
use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use hcl_syntax::{ColumnUnit, LineIndex};
use memchr::memmem;
use secretlint_core::Place;
use secretlint_core::report::{Excerpt, LineColumn, Location};

/// Lines of a place that are shown.
const MAX_LINES: usize = 8;
/// Characters of a line that are shown on each side of the place.
const MAX_AROUND: usize = 160;
/// Shorter secrets are masked where they stand only: everywhere else they would hide ordinary text.
const MIN_REPEATED: usize = 4;
/// Longer secrets (keys, whole heredocs) are not looked for elsewhere.
const MAX_REPEATED: usize = 4096;

/// A file whose places are looked up.
pub(crate) struct Locator<'t> {
    path: &'t str,
    text: &'t str,
    lines: LineIndex,
    /// Sorted, not overlapping byte ranges that must not be shown.
    secrets: Vec<(usize, usize)>,
    /// The place that was counted last: the next one is often further on in the same, maybe endless
    /// line.
    last: Cell<Counted>,
}

/// An offset with the line it is in and the column it is at, both from 0.
#[derive(Clone, Copy, Default)]
struct Counted {
    offset: usize,
    line: u32,
    column: u32,
}

impl<'t> Locator<'t> {
    /// A locator for a file whose secrets stand at `secrets`.
    pub(crate) fn new(
        path: &'t str,
        text: &'t str,
        secrets: impl IntoIterator<Item = Place>,
    ) -> Self {
        let mut secrets: Vec<_> = secrets
            .into_iter()
            .map(|place| clamp(text, place))
            .collect();
        secrets.extend(copies(text, &secrets));
        Self {
            path,
            text,
            lines: LineIndex::new(text),
            secrets: merged(secrets),
            last: Cell::default(),
        }
    }

    /// The place with its line, column and masked excerpt.
    pub(crate) fn locate(&self, place: Place) -> Location {
        let (start, end) = clamp(self.text, place);
        Location {
            path: self.path.to_owned(),
            span: (start as u32, end as u32),
            start: self.line_column(start),
            end: self.line_column(end),
            excerpt: self.excerpt(start, end),
        }
    }

    fn line_column(&self, offset: usize) -> LineColumn {
        let line = self.lines.line_of(offset as u32);
        let last = self.last.get();
        let (from, before) = if last.line == line && last.offset <= offset {
            (last.offset, last.column)
        } else {
            (self.lines.start_of(line) as usize, 0)
        };
        let column = before + ColumnUnit::Scalar.count(&self.text[from..offset]) as u32;
        self.last.set(Counted {
            offset,
            line,
            column,
        });
        LineColumn {
            line: line + 1,
            column: column + 1,
        }
    }

    fn excerpt(&self, start: usize, end: usize) -> Excerpt {
        let first = self.lines.line_of(start as u32);
        let mut out = Excerpt {
            first_line: first + 1,
            ..Excerpt::default()
        };
        for count in 0..MAX_LINES {
            let Some(range) = self.lines.line_range(self.text, first + count as u32) else {
                break;
            };
            let line_start = range.start;
            let line_end = range.end - usize::from(self.text[range].ends_with('\n'));
            let (shown_start, shown_end) = self.window(line_start, line_end, start, end);
            if count > 0 {
                out.text.push('\n');
            }
            if shown_start > line_start {
                out.text.push('…');
            }
            if count == 0 {
                let visible_start = start.clamp(shown_start, shown_end);
                out.highlight.0 = out.text.len() + self.masked(shown_start, visible_start).len();
            }
            let before = out.text.len();
            let visible_end = end.clamp(shown_start, shown_end);
            out.highlight.1 = before + self.masked(shown_start, visible_end).len();
            out.text.push_str(&self.masked(shown_start, shown_end));
            if shown_end < line_end {
                out.text.push('…');
            }
            if end <= line_end || line_end == self.text.len() {
                break;
            }
        }
        out
    }

    /// The part of a line to show: all of it, or what is near the place in a long one.
    fn window(
        &self,
        line_start: usize,
        line_end: usize,
        start: usize,
        end: usize,
    ) -> (usize, usize) {
        let line_end = line_end - usize::from(self.text[line_start..line_end].ends_with('\r'));
        let near = start.clamp(line_start, line_end);
        let far = end.clamp(near, line_end);
        let mut shown_start = line_start.max(near.saturating_sub(MAX_AROUND));
        let mut shown_end = line_end.min(far.min(near + 2 * MAX_AROUND) + MAX_AROUND);
        while !self.text.is_char_boundary(shown_start) {
            shown_start += 1;
        }
        while !self.text.is_char_boundary(shown_end) {
            shown_end -= 1;
        }
        (shown_start.min(near), shown_end.max(shown_start))
    }

    /// The text of a range with one `*` for each character of a secret.
    fn masked(&self, start: usize, end: usize) -> String {
        let mut out = String::with_capacity(end - start);
        let mut at = start;
        let first = self
            .secrets
            .partition_point(|&(_, secret_end)| secret_end <= start);
        for &(secret_start, secret_end) in &self.secrets[first..] {
            if secret_start >= end {
                break;
            }
            let (from, to) = (secret_start.max(at), secret_end.min(end));
            out.push_str(&self.text[at..from]);
            out.extend(
                self.text[from..to]
                    .chars()
                    .map(|c| if c == '\n' { '\n' } else { '*' }),
            );
            at = to;
        }
        out.push_str(&self.text[at..end]);
        out
    }
}

/// Every occurrence of the secrets' texts in the whole text: known places hide a secret only where
/// somebody found it, and a cut line could show the half of a copy.
fn copies(text: &str, secrets: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let unquoted = |&(start, end): &(usize, usize)| text[start..end].trim_matches(['"', '\'']);
    let lengths = MIN_REPEATED..=MAX_REPEATED;
    let texts: BTreeSet<&str> = secrets
        .iter()
        .map(unquoted)
        .filter(|text| lengths.contains(&text.len()))
        .collect();
    // What finds several takes longer to build than a file to search.
    if texts.len() < 2 {
        let found = |only: &&str| {
            let length = only.len();
            let starts = memmem::find_iter(text.as_bytes(), only.as_bytes());
            starts.map(move |at| (at, at + length)).collect::<Vec<_>>()
        };
        return texts.first().map(found).unwrap_or_default();
    }
    // Building fails only beyond the automaton's size limits; the known places stay masked.
    // Few texts are searched once, so what is quick to build is quicker.
    let automaton = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::NoncontiguousNFA))
        .match_kind(MatchKind::LeftmostLongest)
        .build(texts);
    automaton.map_or_else(
        |_| Vec::new(),
        |automaton| {
            automaton
                .find_iter(text)
                .map(|found| (found.start(), found.end()))
                .collect()
        },
    )
}

/// Sorted ranges without overlap.
fn merged(mut ranges: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    ranges.sort_unstable();
    let mut merged: Vec<(usize, usize)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges.into_iter().filter(|(start, end)| start < end) {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// A place within the text, on character boundaries: the file may have changed on disk.
fn clamp(text: &str, place: Place) -> (usize, usize) {
    let edge = |offset: u32| {
        let mut offset = (offset as usize).min(text.len());
        while !text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    };
    let start = edge(place.start);
    (start, edge(place.end).max(start))
}

#[cfg(test)]
mod tests {
    use secretlint_core::FileId;

    use super::*;

    fn place(text: &str, part: &str) -> Place {
        let start = text.find(part).unwrap();
        Place {
            file: FileId(0),
            start: start as u32,
            end: (start + part.len()) as u32,
        }
    }

    fn excerpt(text: &str, at: &str, secrets: &[&str]) -> (String, String) {
        let locator = Locator::new(
            "main.tf",
            text,
            secrets.iter().map(|secret| place(text, secret)),
        );
        let excerpt = locator.locate(place(text, at)).excerpt;
        let highlighted = excerpt.text[excerpt.highlight.0..excerpt.highlight.1].to_owned();
        (excerpt.text, highlighted)
    }

    #[test]
    fn secrets_are_masked_wherever_they_are_repeated() {
        let text = "a = 1\npassword = \"hünter2\" # hünter2\n";
        let (shown, highlighted) = excerpt(text, "\"hünter2\"", &["\"hünter2\""]);
        assert_eq!(shown, "password = ********* # *******");
        assert_eq!(highlighted, "*********");
    }

    #[test]
    fn other_secrets_of_the_line_are_masked_too() {
        let text = "x = { a = \"first-secret\", b = \"second-secret\" }";
        let (shown, highlighted) =
            excerpt(text, "\"first-secret\"", &["first-secret", "second-secret"]);
        assert_eq!(shown, "x = { a = \"************\", b = \"*************\" }");
        assert_eq!(highlighted, "\"************\"");
    }

    #[test]
    fn long_lines_are_cut_around_the_place() {
        let text = format!("{}key{}", "ä".repeat(500), "ö".repeat(500));
        let (shown, highlighted) = excerpt(&text, "key", &[]);
        assert!(shown.starts_with('…') && shown.ends_with('…') && shown.len() < 700);
        assert_eq!(highlighted, "key");
    }

    #[test]
    fn long_places_show_their_first_lines() {
        let text = "a = <<EOT\n1\n2\n3\n4\n5\n6\n7\n8\n9\nEOT\n";
        let (shown, _) = excerpt(text, text.trim_end(), &[]);
        assert_eq!(shown.lines().count(), MAX_LINES);
    }

    #[test]
    fn places_outside_a_changed_file_do_not_panic() {
        let locator = Locator::new("main.tf", "ä", []);
        let location = locator.locate(Place {
            file: FileId(0),
            start: 1,
            end: 99,
        });
        assert_eq!(location.span, (0, 2));
    }

    #[test]
    fn columns_are_right_in_whatever_order_places_are_asked_for() {
        let text = "ä = \"é\"\nb = \"ü\" # ö x\n";
        let locator = Locator::new("main.tf", text, []);
        let lines = LineIndex::new(text);
        let offsets: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        for offset in offsets.iter().rev().chain(&offsets).copied() {
            let position = lines.position(text, offset as u32, ColumnUnit::Scalar);
            let counted = locator.line_column(offset);
            let expected = (position.line + 1, position.column + 1);
            assert_eq!((counted.line, counted.column), expected, "{offset}");
        }
    }

    proptest::proptest! {
        /// Whatever the text and the place: no excerpt shows a secret, highlights stay inside.
        #[test]
        fn excerpts_never_show_a_secret(
            before in "[ä \n\ra-c\"]{0,40}",
            between in "[ä \n\ra-c\"]{0,40}",
            after in "[ä \n\ra-c\"]{0,400}",
            from in 0_u32..500,
            length in 0_u32..200,
        ) {
            let secret = "hünter-Zwölf";
            let text = format!("{before}{secret}{between}{secret}{after}{secret}");
            let known = place(&text, secret);
            let locator = Locator::new("main.tf", &text, [known]);
            let at = Place { file: FileId(0), start: from, end: from + length };
            let excerpt = locator.locate(at).excerpt;
            proptest::prop_assert!(!excerpt.text.contains(['h', 'Z', 'w', 'l', 'f']), "not a part of it");
            proptest::prop_assert!(excerpt.text.get(excerpt.highlight.0..excerpt.highlight.1).is_some());
        }
    }
}
