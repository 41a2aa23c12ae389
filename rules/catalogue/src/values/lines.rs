//! Lines of a text around a place.

/// As much of a line as is looked at: nobody writes longer ones, and each place of a text is to cost the
/// same.
const LONGEST_LINE: usize = 1000;

/// The line up to a place.
pub(crate) fn line_before(text: &str, at: usize) -> &str {
    let before = &text[text.ceil_char_boundary(at.saturating_sub(LONGEST_LINE))..at];
    before.rsplit('\n').next().unwrap_or(before)
}

/// The line from a place on.
pub(crate) fn line_after(text: &str, at: usize) -> &str {
    let after = &text[at..text.floor_char_boundary((at + LONGEST_LINE).min(text.len()))];
    after.split('\n').next().unwrap_or(after)
}

/// True in a comment of a script or a file of settings.
pub(crate) fn is_commented(text: &str, at: usize) -> bool {
    line_before(text, at).trim_start().starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::{is_commented, line_after, line_before};

    #[test]
    fn lines_are_cut_at_their_ends_and_at_characters() {
        let text = "a\n# bcd\ne";
        assert_eq!((line_before(text, 5), line_after(text, 5)), ("# b", "cd"));
        assert!(is_commented(text, 5) && !is_commented(text, 1));
        let long = "é".repeat(5_000);
        let (before, after) = (line_before(&long, 5_000), line_after(&long, 5_000));
        assert!(before.len() <= 1_000 && after.len() <= 1_000 && !before.is_empty());
    }
}
