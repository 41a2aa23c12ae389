//! Text for XML and HTML.

use std::borrow::Cow;

/// Text without the characters that XML 1.0 does not allow; they become U+FFFD.
pub(super) fn without_controls(text: &str) -> Cow<'_, str> {
    let is_refused = |character: char| {
        matches!(character, '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
            && !matches!(character, '\n' | '\t' | '\r')
    };
    if text.contains(is_refused) {
        text.replace(is_refused, "\u{fffd}").into()
    } else {
        text.into()
    }
}

/// Escapes text for element content and quoted attributes. Characters that XML 1.0 does not allow
/// become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\r' => out.push_str("&#13;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_replaced_and_white_space_kept() {
        assert_eq!(without_controls("a\u{1}b\tc\n"), "a\u{fffd}b\tc\n");
        assert!(matches!(without_controls("ä"), Cow::Borrowed("ä")));
    }

    #[test]
    fn markup_and_controls_do_not_pass() {
        assert_eq!(
            escape("<a b=\"c\">&'\n\u{1}"),
            "&lt;a b=&quot;c&quot;&gt;&amp;&#39;&#10;\u{fffd}"
        );
    }
}
