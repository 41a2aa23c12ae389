//! A text with stars: `*` stands for any run of characters. The only wildcard inside a name, for
//! references and identity claims alike.

/// A text in which `*` stands for any run of characters, also none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TextGlob {
    /// What is between the stars; one piece means no star.
    pieces: Vec<String>,
}

impl TextGlob {
    pub(crate) fn new(text: &str) -> Self {
        Self {
            pieces: text.split('*').map(str::to_owned).collect(),
        }
    }

    /// From pieces between stars that were decoded one by one.
    pub(crate) fn from_pieces(pieces: Vec<String>) -> Self {
        Self { pieces }
    }

    pub(crate) fn to_lowercase(&self) -> Self {
        Self {
            pieces: self
                .pieces
                .iter()
                .map(|piece| piece.to_lowercase())
                .collect(),
        }
    }

    /// Takes the first place for each middle piece, which is right for `*` and needs no backtracking.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = &self.pieces[..] else {
            return self.pieces.first().is_some_and(|only| only == text);
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        for piece in middle {
            let Some(at) = rest.find(piece.as_str()) else {
                return false;
            };
            rest = &rest[at + piece.len()..];
        }
        rest.ends_with(last.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_any_run() {
        for (glob, text, expected) in [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "ac", true),
            ("ab*ba", "aba", false),
            ("*b*b", "abb", true),
            ("refs/heads/*", "refs/heads/a/b", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(TextGlob::new(glob).matches(text), expected, "{glob} {text}");
        }
    }
}
