//! The reverse of selecting: a JSON object with one member set anew. The other members keep their text.

use secret_policy::SecretRef;
use secret_value::Secret;
use zeroize::Zeroizing;

use super::{bytes, json, require_text};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::payload::SecretPayload;

/// The JSON object that `current` becomes when the member that `reference` selects gets the text `value`;
/// a new object without `current`. With `only_if_absent` a member that exists is not replaced.
///
/// # Errors
/// `invalid_reference` when `current` is no JSON object, `value` is no text, or the selector goes deeper
/// than one member; `conflict` for a member that exists.
pub fn insert(
    reference: &SecretRef,
    current: Option<&SecretPayload>,
    value: &Secret,
    only_if_absent: bool,
) -> Result<Secret> {
    let wrong = |kind, message: String| {
        StoreError::new(kind, Operation::Write, message).with_reference(reference)
    };
    let steps = reference
        .selector()
        .map(secret_policy::Selector::steps)
        .unwrap_or_default();
    let [key] = steps else {
        return Err(wrong(
            ErrorKind::InvalidReference,
            "only one member of the object can be set".to_owned(),
        )
        .with_help("select one key, or store the whole object as JSON"));
    };
    require_text(reference, value).map_err(|error| error.during(Operation::Write))?;
    let members = match current {
        None => Vec::new(),
        Some(payload) => json::parse(bytes(&payload.body))
            .and_then(json::members)
            .ok_or_else(|| {
                wrong(
                    ErrorKind::InvalidReference,
                    "the stored value is no JSON object, so no member of it can be set".to_owned(),
                )
                .with_help("remove the selector to replace the whole value")
            })?,
    };
    if only_if_absent && members.iter().any(|(name, _)| name == key) {
        return Err(wrong(
            ErrorKind::Conflict,
            format!("the member `{key}` exists already"),
        ));
    }
    let text = std::str::from_utf8(bytes(value)).unwrap_or_default();
    // Room for the worst escaping, so that the buffer never moves and leaves a copy behind.
    let others: usize = members
        .iter()
        .map(|(name, raw)| 6 * name.len() + raw.get().len() + 4)
        .sum();
    let mut object = Zeroizing::new(String::with_capacity(
        others + 6 * (key.len() + text.len()) + 8,
    ));
    object.push('{');
    for (name, raw) in members.iter().filter(|(name, _)| name != key) {
        push_quoted(&mut object, name);
        object.push(':');
        object.push_str(raw.get());
        object.push(',');
    }
    push_quoted(&mut object, key);
    object.push(':');
    push_quoted(&mut object, text);
    object.push('}');
    Ok(Secret::new(std::mem::take(&mut *object).into_bytes()))
}

/// Appends a JSON string. Written here because a general writer leaves copies of the value in memory.
pub(crate) fn push_quoted(text: &mut String, plain: &str) {
    text.push('"');
    for character in plain.chars() {
        match character {
            '"' | '\\' => {
                text.push('\\');
                text.push(character);
            }
            '\0'..='\u{1f}' => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                let code = character as usize;
                text.push_str("\\u00");
                text.push(char::from(DIGITS[code >> 4]));
                text.push(char::from(DIGITS[code & 15]));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Metadata;

    fn inserted(reference: &str, current: Option<&str>, value: &str, only: bool) -> Result<String> {
        let reference = SecretRef::parse(reference).unwrap().reference;
        let payload = current
            .map(|text| SecretPayload::opaque(Secret::from_text(text.into()), Metadata::default()));
        let value = Secret::from_text(value.into());
        insert(&reference, payload.as_ref(), &value, only)
            .map(|secret| String::from_utf8(bytes(&secret).to_vec()).unwrap())
    }

    #[test]
    fn one_member_changes_and_the_others_keep_their_text() {
        let cases = [
            (None, r#"{"b":"v"}"#),
            (Some(r#"{"a": 1.50, "b":"old"}"#), r#"{"a":1.50,"b":"v"}"#),
            (Some("{}"), r#"{"b":"v"}"#),
        ];
        for (current, expected) in cases {
            assert_eq!(
                inserted("local://x#b", current, "v", false).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn every_text_comes_back_as_it_was() {
        for value in ["\"\\/\u{1}\n\u{1f}", "ü€😀", ""] {
            let object = inserted("local://x#k\u{fc}", None, value, false).unwrap();
            let parsed: serde_json::Value = serde_json::from_str(&object).unwrap();
            assert_eq!(parsed["kü"], value);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (reference, current, only, kind) in [
            (
                "local://x#b",
                Some("plain"),
                false,
                ErrorKind::InvalidReference,
            ),
            (
                "local://x#b",
                Some("[1]"),
                false,
                ErrorKind::InvalidReference,
            ),
            ("local://x#/a/b", None, false, ErrorKind::InvalidReference),
            ("local://x", None, false, ErrorKind::InvalidReference),
            ("local://x#b", Some(r#"{"b":1}"#), true, ErrorKind::Conflict),
        ] {
            assert_eq!(
                inserted(reference, current, "v", only).unwrap_err().kind(),
                kind,
                "{reference}"
            );
        }
    }
}
