//! From the fetched value to the part that the reference means: the one place that knows selectors.
//!
//! | reference | stored value | result |
//! |---|---|---|
//! | no selector | text or bytes | the value as stored |
//! | no selector | a JSON object | an error that lists the keys |
//! | no selector | named fields, of which `value` is the only one | that field: how plain text is written to stores of fields |
//! | `#key` or `#/a/b` | JSON | that member: a string's text, the JSON text of numbers, booleans and lists |
//! | `#/` or `#/a/` | JSON | the whole document, or the whole object at `a`, as JSON text |
//! | any selector | anything but JSON | an error |
//!
//! `encoding` is undone last. Names of keys are shown in errors; values never are.

mod insert;
mod json;

pub use insert::insert;
pub(crate) use insert::push_quoted;

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use secret_policy::{Encoding, SecretRef, Selector};
use secret_value::Secret;
use serde_json::value::RawValue;
use unicode_normalization::{IsNormalized, is_nfc_quick};
use zeroize::Zeroizing;

use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload, Shape};
use crate::{hex, suggest};

/// Steps of a pointer followed at most: each step reads what is left of the document once.
const MAX_STEPS: usize = 32;

/// The part of a secret that a reference means.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The value.
    pub value: Secret,
    /// What the store told about the secret.
    pub metadata: Metadata,
}

/// Selects from what a store answered. `None` when the reference is optional and the secret, its version
/// or the selected member does not exist.
///
/// # Errors
/// The store's own; those of [`select`].
pub fn resolve(
    reference: &SecretRef,
    answer: Result<Leased<SecretPayload>>,
) -> Result<Option<Leased<Selected>>> {
    let selected = answer.and_then(|leased| {
        let value = select(reference, &leased.value)?;
        Ok(leased.map(|payload| Selected {
            value,
            metadata: payload.metadata,
        }))
    });
    match selected {
        Err(error) if error.kind() == ErrorKind::NotFound && reference.optional() => Ok(None),
        Err(error) => Err(error.with_reference(reference)),
        Ok(leased) => Ok(Some(leased)),
    }
}

/// The part of `payload` that `reference` means.
///
/// # Errors
/// `not_found` for a member that does not exist, naming the nearest; `invalid_reference` when the selector
/// does not fit the shape of the value, or the value is not encoded as the reference says.
pub fn select(reference: &SecretRef, payload: &SecretPayload) -> Result<Secret> {
    let selected = match reference.selector() {
        None => whole(payload)?,
        Some(selector) => member(selector, payload)?,
    };
    decode(reference.encoding(), selected)
}

/// Checks that `value` is text that survives every consumer unchanged: UTF-8 in normal form C.
///
/// # Errors
/// `invalid_reference`, pointing to base64.
pub fn require_text(reference: &SecretRef, value: &Secret) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "codec: the text is only checked")]
    let text = std::str::from_utf8(value.expose());
    let why = match text {
        Err(_) => "the value is not UTF-8 text",
        Ok(text) if !is_nfc(text) => {
            "the value is text that is not in Unicode normal form C, so it would be changed on the way"
        }
        Ok(_) => return Ok(()),
    };
    Err(wrong(why)
        .with_reference(reference)
        .with_help("read it as base64 instead, which keeps every byte"))
}

fn is_nfc(text: &str) -> bool {
    match is_nfc_quick(text.chars()) {
        IsNormalized::Yes => true,
        IsNormalized::No => false,
        IsNormalized::Maybe => unicode_normalization::is_nfc(text),
    }
}

fn wrong(message: impl Into<String>) -> StoreError {
    StoreError::new(ErrorKind::InvalidReference, Operation::Open, message)
}

#[expect(
    clippy::disallowed_methods,
    reason = "codec: selection turns one secret into another"
)]
fn bytes(secret: &Secret) -> &[u8] {
    secret.expose()
}

fn whole(payload: &SecretPayload) -> Result<Secret> {
    match json::parse(bytes(&payload.body)).and_then(json::members) {
        Some(members) if payload.shape == Shape::Fields && is_plain(&members) => {
            scalar(members[0].1, "/value")
        }
        Some(members) => Err(structured(&members, "")),
        None if payload.shape == Shape::Fields => Err(StoreError::new(
            ErrorKind::Integrity,
            Operation::Open,
            "the store promised named fields and sent something else",
        )),
        None => Ok(payload.body.clone()),
    }
}

/// Whether the fields are a plain text that was written to a store of named fields.
fn is_plain(members: &[(String, &RawValue)]) -> bool {
    matches!(members, [(name, value)] if name == "value" && value.get().starts_with('"'))
}

/// The error for an object where one value is wanted. `place` is the pointer to the object.
fn structured(members: &[(String, &RawValue)], place: &str) -> StoreError {
    let keys = members.iter().map(|(key, _)| key.as_str());
    let object = if place.is_empty() {
        "the secret".to_owned()
    } else {
        format!("`#{place}`")
    };
    let Some(names) = suggest::list(keys) else {
        return wrong(format!("{object} is an empty object"))
            .with_help(format!("write `#{place}/` for the object itself"));
    };
    let example = match (place, members.first()) {
        ("", Some((key, _))) if !key.contains(['/', '~', '%', '#']) && !key.is_empty() => {
            format!("`#{key}`")
        }
        _ => format!("`#{place}/<key>`"),
    };
    wrong(format!(
        "{object} has several values, and the reference does not say which: {names}"
    ))
    .with_help(format!(
        "select one, for instance {example}, or write `#{place}/` for the whole as JSON"
    ))
}

fn member(selector: &Selector, payload: &SecretPayload) -> Result<Secret> {
    let steps = selector.steps();
    if steps.len() > MAX_STEPS {
        return Err(wrong(format!(
            "the selector has more than {MAX_STEPS} steps"
        )));
    }
    let mut value = json::parse(bytes(&payload.body)).ok_or_else(|| {
        wrong(format!(
            "the secret is not JSON, so `#{selector}` selects nothing in it"
        ))
        .with_help("remove the selector to get the whole value")
    })?;
    let mut place = String::new();
    let is_pointer = matches!(selector, Selector::Pointer(_));
    for (index, step) in steps.iter().enumerate() {
        if is_pointer && step.is_empty() && index + 1 == steps.len() && !has_member(value, "") {
            return Ok(Secret::new(value.get().as_bytes().to_vec()));
        }
        value = child(value, step, &place)?;
        place.push('/');
        place.push_str(&step.replace('~', "~0").replace('/', "~1"));
    }
    scalar(value, &place)
}

fn has_member(value: &RawValue, key: &str) -> bool {
    json::members(value).is_some_and(|members| members.iter().any(|(name, _)| name == key))
}

fn child<'a>(value: &'a RawValue, step: &str, place: &str) -> Result<&'a RawValue> {
    let here = if place.is_empty() {
        "the secret".to_owned()
    } else {
        format!("`#{place}`")
    };
    let missing = |message: String| StoreError::new(ErrorKind::NotFound, Operation::Open, message);
    if let Some(members) = json::members(value) {
        // The last of equal keys counts, as in most readers of JSON.
        if let Some((_, found)) = members.iter().rev().find(|(key, _)| key == step) {
            return Ok(found);
        }
        let error = missing(format!("{here} has no key `{step}`"));
        return Err(
            match suggest::hint(step, members.iter().map(|(key, _)| key.as_str())) {
                Some(hint) => error.with_help(hint),
                None => error.with_help("the object is empty"),
            },
        );
    }
    let Some(items) = json::items(value) else {
        return Err(wrong(format!(
            "{here} is a single value, so `{step}` selects nothing in it"
        )));
    };
    let canonical = step == "0" || !step.starts_with('0');
    let place = step
        .parse::<usize>()
        .ok()
        .filter(|_| canonical && step.bytes().all(|byte| byte.is_ascii_digit()));
    let Some(place) = place else {
        return Err(wrong(format!(
            "{here} is a list, and `{step}` is not a place in a list"
        ))
        .with_help("places are numbers from 0"));
    };
    let count = items.len();
    items.into_iter().nth(place).ok_or_else(|| {
        missing(format!(
            "{here} is a list of {count}, so it has no place {place}"
        ))
    })
}

fn scalar(value: &RawValue, place: &str) -> Result<Secret> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => json::unescape(text).ok_or_else(|| {
            wrong(format!(
                "`#{place}` holds a character that no text can hold (a lone surrogate)"
            ))
        }),
        Some(b'n') => Err(StoreError::new(
            ErrorKind::NotFound,
            Operation::Open,
            format!("`#{place}` is null"),
        )),
        Some(b'{') => {
            let members = json::members(value).unwrap_or_default();
            Err(structured(&members, place))
        }
        _ => Ok(Secret::new(text.as_bytes().to_vec())),
    }
}

/// URL-safe base64 is written with and without padding.
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

fn decode(encoding: Encoding, value: Secret) -> Result<Secret> {
    // A newline at the end is what command-line tools add; it is no part of the encoding.
    let encoded = bytes(&value).trim_ascii_end();
    let decoded = match encoding {
        Encoding::Text => return Ok(value),
        Encoding::Base64 => {
            // Wrapped text, as `base64` prints it, has line breaks inside.
            let mut joined = Zeroizing::new(Vec::with_capacity(encoded.len()));
            joined.extend(encoded.iter().filter(|byte| !matches!(byte, b'\r' | b'\n')));
            STANDARD.decode(&*joined).ok()
        }
        Encoding::Base64Url => URL_SAFE.decode(encoded).ok(),
        Encoding::Hex => hex::decode(encoded),
        _ => None,
    };
    decoded.map(Secret::new).ok_or_else(|| {
        wrong(format!(
            "the value is not {} text, as the reference says",
            encoding.name()
        ))
        .with_help("remove `encoding` from the reference, or name the encoding that was used")
    })
}

#[cfg(test)]
mod tests;
