//! Splits names such as `db_admin-Password`, `APIKey` and `DB_PASSWORD2` into words, without
//! allocating.

/// Longer names are cut; nobody writes 24 words.
const MAX_TOKENS: usize = 24;

/// The words of a name, in order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'n> {
    words: [&'n str; MAX_TOKENS],
    len: usize,
}

impl<'n> Tokens<'n> {
    /// Splits at everything that is neither letter nor digit, between lower and upper case
    /// (`secretKey`), before the last capital of a run (`APIKey`), and drops trailing digits
    /// (`key2`). Words of digits alone are dropped.
    pub(crate) fn of(name: &'n str) -> Self {
        let mut tokens = Self {
            words: [""; MAX_TOKENS],
            len: 0,
        };
        let bytes = name.as_bytes();
        let mut start = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            if byte.is_ascii_lowercase() {
                continue;
            }
            if !byte.is_ascii_alphanumeric() && byte.is_ascii() {
                tokens.push(&name[start..at]);
                start = at + 1;
            } else if at > start && begins_word(bytes, at) {
                tokens.push(&name[start..at]);
                start = at;
            }
        }
        tokens.push(&name[start..]);
        tokens
    }

    fn push(&mut self, word: &'n str) {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        if !word.is_empty() && self.len < MAX_TOKENS {
            self.words[self.len] = word;
            self.len += 1;
        }
    }

    /// The words.
    pub(crate) fn words(&self) -> &[&'n str] {
        &self.words[..self.len]
    }
}

fn begins_word(bytes: &[u8], at: usize) -> bool {
    let (before, here) = (bytes[at - 1], bytes[at]);
    let next_is_lower = bytes.get(at + 1).is_some_and(u8::is_ascii_lowercase);
    here.is_ascii_uppercase()
        && (before.is_ascii_lowercase() || (before.is_ascii_uppercase() && next_is_lower))
}

/// True when `word` equals one of the words of a list of lower-case words.
pub(crate) fn is_one_of(word: &str, list: &[&str]) -> bool {
    list.iter()
        .any(|candidate| word.eq_ignore_ascii_case(candidate))
}

/// True when `word` ends with a lower-case ending.
pub(crate) fn ends_with(word: &str, ending: &str) -> bool {
    let (word, ending) = (word.as_bytes(), ending.as_bytes());
    word.len() >= ending.len() && word[word.len() - ending.len()..].eq_ignore_ascii_case(ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_into_words() {
        let cases: &[(&str, &[&str])] = &[
            ("db_admin-password", &["db", "admin", "password"]),
            ("secretKey", &["secret", "Key"]),
            ("APIKey", &["API", "Key"]),
            ("DB_PASSWORD2", &["DB", "PASSWORD"]),
            (
                "rds.dev.master_password",
                &["rds", "dev", "master", "password"],
            ),
            ("/app/prod/token", &["app", "prod", "token"]),
            ("", &[]),
            ("__1__", &[]),
            ("größe_token", &["größe", "token"]),
        ];
        for (name, expected) in cases {
            assert_eq!(Tokens::of(name).words(), *expected, "{name}");
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(Tokens::of(&"a_".repeat(1000)).words().len(), MAX_TOKENS);
    }
}
