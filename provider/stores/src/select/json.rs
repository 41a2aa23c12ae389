//! Reading JSON that is a secret: values are borrowed from the document, not copied.
//!
//! Numbers keep the text they were written with. Nothing here is recursive, so nesting costs no stack.

use std::fmt;

use secret_value::Secret;
use serde::Deserializer;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

/// The document, when `bytes` are JSON text.
pub(super) fn parse(bytes: &[u8]) -> Option<&RawValue> {
    serde_json::from_slice::<&RawValue>(bytes).ok()
}

/// The members of an object in their order; `None` for anything else.
pub(super) fn members(value: &RawValue) -> Option<Vec<(String, &RawValue)>> {
    read(value, b'{')
}

/// The items of a list; `None` for anything else.
pub(super) fn items(value: &RawValue) -> Option<Vec<&RawValue>> {
    read(value, b'[').map(|parts| parts.into_iter().map(|(_, item)| item).collect())
}

fn read(value: &RawValue, start: u8) -> Option<Vec<(String, &RawValue)>> {
    let text = value.get();
    if text.as_bytes().first() != Some(&start) {
        return None;
    }
    serde_json::Deserializer::from_str(text)
        .deserialize_any(Parts)
        .ok()
}

struct Parts;

impl<'de> Visitor<'de> for Parts {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = map.next_entry()? {
            parts.push(part);
        }
        Ok(parts)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut parts = Vec::new();
        while let Some(item) = list.next_element()? {
            parts.push((String::new(), item));
        }
        Ok(parts)
    }
}

/// The text of a JSON string with its quotes. Written here because a general reader leaves copies of the
/// value in memory. `None` for a lone surrogate, which no text can hold, and for anything but a string.
pub(super) fn unescape(quoted: &str) -> Option<Secret> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    // Unescaped text is never longer, so the buffer does not grow.
    let mut plain = Zeroizing::new(Vec::with_capacity(inner.len()));
    let mut rest = inner;
    while let Some(place) = rest.find('\\') {
        plain.extend_from_slice(&rest.as_bytes()[..place]);
        let escape = rest[place + 1..].chars().next()?;
        rest = &rest[place + 1 + escape.len_utf8()..];
        let character = match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unescape_unicode(&mut rest)?,
            _ => return None,
        };
        plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    plain.extend_from_slice(rest.as_bytes());
    Some(Secret::new(std::mem::take(&mut *plain)))
}

/// Reads the digits after `\u`, and the second half of a pair.
fn unescape_unicode(rest: &mut &str) -> Option<char> {
    let first = code_unit(rest)?;
    let mut units = vec![first];
    if (0xd800..0xdc00).contains(&first) {
        *rest = rest.strip_prefix("\\u")?;
        units.push(code_unit(rest)?);
    }
    char::decode_utf16(units).next()?.ok()
}

fn code_unit(rest: &mut &str) -> Option<u16> {
    let digits = rest.get(..4)?;
    *rest = &rest[4..];
    u16::from_str_radix(digits, 16).ok()
}
