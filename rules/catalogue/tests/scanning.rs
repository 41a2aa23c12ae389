//! What holds for every text: no panic, spans inside the text, surroundings that do not matter.

use proptest::prelude::*;
use secretlint_rules::patterns::{builtin, expand_example};

/// Pieces that patterns care about, so that random texts reach the regular expressions.
fn piece() -> impl Strategy<Value = String> {
    let keywords: Vec<String> = builtin()
        .patterns()
        .iter()
        .flat_map(|pattern| pattern.keywords.iter().map(ToString::to_string))
        .collect();
    prop_oneof![
        prop::sample::select(keywords),
        "[A-Za-z0-9+/=_.-]{1,60}",
        "[ \"':={}$@<>\\\\\n]{1,4}",
        "\\PC{0,8}",
        Just("-----BEGIN PRIVATE KEY-----".to_owned()),
        Just("eyJhbGciOiJub25lIn0.e30.".to_owned()),
    ]
}

proptest! {
    #[test]
    fn any_text_is_scanned_without_panic(pieces in prop::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        for found in builtin().scan(&text) {
            prop_assert!(text.get(found.span.clone()).is_some_and(|secret| !secret.is_empty()));
        }
    }

    #[test]
    fn where_a_secret_stands_does_not_matter(before in "[ -~\n]{0,80}", after in "[ -~\n]{0,80}") {
        let line = expand_example("token = \"ghp_{{base62 30}}{{crc32}}\"").unwrap();
        let text = format!("{before}\n{line}\n{after}");
        let found = builtin().scan(&text);
        prop_assert!(found.iter().any(|found| found.pattern.id == "github-personal-access-token"));
    }
}
