//! Repairs as plain data: text edits plus an honest statement of how safe they are.
//!
//! Rules state the bare change; whoever applies it calls [`apply`], which refuses edits that do not
//! fit and keeps the layout that `terraform fmt` gives.

mod align;

use crate::finding::Place;

/// How far a fix may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Applicability {
    /// Shown, never applied: needs a decision or a value we do not have.
    DisplayOnly,
    /// Changes what the configuration does; applied only on request.
    Unsafe,
    /// Meaning is preserved and comments survive.
    Safe,
}

/// Replace the bytes of `place` by `text`. Edits of one fix do not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty range = insertion.
    pub place: Place,
    /// The new text. Never a secret that was not already at `place`.
    pub text: String,
}

/// One repair: all of its edits or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What the fix does, as an imperative sentence.
    pub title: String,
    /// How far it may be trusted.
    pub applicability: Applicability,
    /// The changes, sorted by place.
    pub edits: Vec<Edit>,
}

/// A change of one text: the bytes `start..end` become `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The new text.
    pub text: String,
}

/// The changes that `edits` of one file make to its text: sorted, with the line ends of the text, and
/// completed so that arguments and comments that stood aligned still do. `None` when an edit is outside the
/// text, cuts a character, or overlaps another one: then nothing of the fix may be applied.
#[must_use]
pub fn changes(text: &str, edits: &[&Edit]) -> Option<Vec<Change>> {
    let mut changes: Vec<Change> = edits
        .iter()
        .map(|edit| Change {
            start: edit.place.start as usize,
            end: edit.place.end as usize,
            text: with_line_ends(&edit.text, text),
        })
        .collect();
    // Stable: insertions at one point stay in the order in which they were given.
    changes.sort_by_key(|change| (change.start, change.end));
    let fits = changes
        .iter()
        .all(|change| text.get(change.start..change.end).is_some());
    let apart = changes.windows(2).all(|pair| pair[0].end <= pair[1].start);
    (fits && apart).then(|| align::keep_aligned(text, changes))
}

/// The text after `changes`, which are sorted and apart.
#[must_use]
pub fn apply(text: &str, changes: &[Change]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for change in changes {
        out.push_str(&text[at..change.start]);
        out.push_str(&change.text);
        at = change.end;
    }
    out.push_str(&text[at..]);
    out
}

/// New lines end as those of the text do.
fn with_line_ends(new: &str, text: &str) -> String {
    let first = text.find('\n');
    if first.is_some_and(|at| text[..at].ends_with('\r')) {
        new.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        new.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::FileId;

    /// The text with each `(what, by)` replaced once, as a fix would.
    pub(super) fn replaced(text: &str, edits: &[(&str, &str)]) -> String {
        let edits: Vec<Edit> = edits
            .iter()
            .map(|(what, by)| {
                let start = text.find(what).unwrap() as u32;
                edit(start, start + what.len() as u32, by)
            })
            .collect();
        let changes = changes(text, &edits.iter().collect::<Vec<_>>()).unwrap();
        apply(text, &changes)
    }

    fn edit(start: u32, end: u32, text: &str) -> Edit {
        Edit {
            place: Place {
                file: FileId(0),
                start,
                end,
            },
            text: text.to_owned(),
        }
    }

    #[test]
    fn edits_that_do_not_fit_give_nothing() {
        let text = "a = \"ä\"\n";
        for edits in [
            vec![edit(0, 99, "")],
            vec![edit(6, 7, "")],
            vec![edit(3, 1, "")],
            vec![edit(0, 3, "x"), edit(2, 4, "y")],
        ] {
            assert!(changes(text, &edits.iter().collect::<Vec<_>>()).is_none());
        }
    }

    #[test]
    fn insertions_at_one_point_keep_their_order() {
        let (first, second) = (edit(1, 1, "1"), edit(1, 1, "2"));
        let made = changes("ab", &[&first, &second]).unwrap();
        assert_eq!(apply("ab", &made), "a12b");
    }

    #[test]
    fn new_lines_end_like_the_others() {
        let text = "variable \"x\" {\r\n  type = string\r\n}\r\n";
        let fixed = replaced(text, &[("string", "string\n  sensitive = true")]);
        assert_eq!(
            fixed,
            "variable \"x\" {\r\n  type      = string\r\n  sensitive = true\r\n}\r\n"
        );
    }
}
