//! Masks every secret opened in this process wherever text leaves it.
//!
//! This is the last line of defence, not the first: code does not put secrets into text. Where a
//! foreign error message or a dependency's log line would carry one all the same, [`redact`] replaces
//! it. Known forms: plain, base64 (standard and URL alphabet, with and without padding), hexadecimal,
//! percent-encoded and JSON-escaped ([`forms`]). Values shorter than [`MIN_LEN`] bytes are not registered,
//! because masking them would destroy ordinary text.
//!
//! Registered values live in zeroed memory alone. They are found by the hash of their last bytes, so a
//! search costs one pass over the text however many values there are, and registering one costs no
//! rebuild of the others.

mod forms;
mod index;
mod masker;

use std::borrow::Cow;
use std::sync::{LazyLock, PoisonError, RwLock};

pub use masker::Masker;

use crate::Secret;
use index::Index;

/// Shortest value, in bytes, that is masked.
pub const MIN_LEN: usize = 6;

/// What a masked value is replaced by.
pub const MASK: &str = "(secret)";

static OPENED: LazyLock<RwLock<Index>> = LazyLock::new(RwLock::default);

/// Remembers `secret` for the rest of the process. Values shorter than [`MIN_LEN`] bytes are ignored, and
/// one that is known already costs nothing.
pub fn register(secret: &Secret) {
    if secret.len() < MIN_LEN || is_registered(secret) {
        return;
    }
    let forms = forms::of(&secret.bytes);
    OPENED
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(&secret.bytes, forms);
}

fn is_registered(secret: &Secret) -> bool {
    OPENED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&secret.bytes)
}

/// Replaces every registered value in `text`, in any of its known forms, by [`MASK`].
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    OPENED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .redact(text)
}

/// Forgets every registered value and overwrites its memory. For the very end of the process.
pub fn clear() {
    *OPENED.write().unwrap_or_else(PoisonError::into_inner) = Index::default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    #[test]
    fn short_values_are_left_alone() {
        register(&Secret::from_text("abcde".into()));
        assert_eq!(redact("abcde"), "abcde");
        register(&Secret::from_text(String::new()));
        assert_eq!(redact(""), "");
    }

    #[test]
    fn many_values_are_all_masked() {
        let values: Vec<String> = (0..2_000)
            .map(|n| format!("eyJhbGciOiJIUzI1NiJ9.{n:06}"))
            .collect();
        for value in &values {
            register(&Secret::from_text(value.clone()));
        }
        let masked = redact(&values.join(" ")).into_owned();
        assert_eq!(masked, vec![MASK; values.len()].join(" "));
    }

    /// How others spell `bytes`, independent of `forms`.
    fn spellings(bytes: &[u8]) -> Vec<String> {
        let percent: String = bytes
            .iter()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    char::from(*byte).to_string()
                }
                _ => format!("%{byte:02X}"),
            })
            .collect();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
        let mut all: Vec<String> = engines
            .iter()
            .map(|engine| engine.encode(bytes).replace('=', ""))
            .collect();
        all.extend([percent, hex]);
        all
    }

    proptest! {
        #[test]
        fn no_spelling_of_bytes_survives(value in prop::collection::vec(any::<u8>(), MIN_LEN..80)) {
            register(&Secret::new(value.clone()));
            for spelling in spellings(&value) {
                let masked = redact(&format!("<{spelling}>")).into_owned();
                prop_assert_eq!(masked, format!("<{MASK}>"), "{}", spelling);
            }
        }

        #[test]
        fn no_spelling_of_text_survives(value in "[^ \\s]\\PC{4,40}[^ \\s]|[a-z]{3}[\\x00-\\x1f\"\\\\<>&]{3}[a-z]{3}") {
            register(&Secret::from_text(value.clone()));
            let json = serde_json::to_string(&value).unwrap();
            let twice = serde_json::to_string(&json).unwrap();
            for text in [value.clone(), json, twice, format!("{value:?}"), format!("{:?}", Some(&value))] {
                let masked = redact(&text).into_owned();
                prop_assert!(masked.contains(MASK), "{}", text);
                prop_assert!(!masked.contains(&value), "{}", masked);
            }
        }

        #[test]
        fn other_text_is_untouched(text in "[0-5 ]{0,200}") {
            // No value registered by these tests consists of these characters alone.
            prop_assert_eq!(redact(&text), text.as_str());
        }
    }
}
