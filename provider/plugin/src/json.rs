//! A secret that is JSON, as a Terraform value: numbers keep every digit, all text stays secret.

use std::collections::BTreeMap;
use std::str::FromStr as _;

use secret_value::Secret;
use serde::Serialize;
use serde_json::value::RawValue;
use tf_framework::number::Number;
use tf_framework::types::Type;
use tf_framework::value::{Dynamic, Value};
use zeroize::Zeroizing;

/// Deeper documents are not decoded. Each level reads its text once more, so this bounds the work too.
const MAX_DEPTH: usize = 32;

/// The value of a secret that is a JSON object or array; `None` for everything else, numbers and quoted
/// text included: a password of digits is no document.
pub(crate) fn document(secret: &Secret) -> Option<Dynamic> {
    #[expect(
        clippy::disallowed_methods,
        reason = "value codec: the decoded text is secret again"
    )]
    let text = std::str::from_utf8(secret.expose()).ok()?;
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    value(raw, MAX_DEPTH)
}

fn value(raw: &RawValue, depth: usize) -> Option<Dynamic> {
    let depth = depth.checked_sub(1)?;
    let text = raw.get();
    let (ty, value) = match text.as_bytes().first()? {
        b'{' => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).ok()?;
            let mut types = Vec::with_capacity(members.len());
            let mut values = BTreeMap::new();
            for (name, member) in members {
                let Dynamic { ty, value } = self::value(member, depth)?;
                types.push((name.clone(), ty));
                values.insert(name, value);
            }
            (Type::object(types), Value::Object(values))
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let decoded: Vec<Dynamic> = elements
                .into_iter()
                .map(|element| self::value(element, depth))
                .collect::<Option<_>>()?;
            let (types, values) = decoded
                .into_iter()
                .map(|element| (element.ty, element.value))
                .unzip();
            (Type::Tuple(types), Value::Tuple(values))
        }
        b'"' => {
            let text: String = serde_json::from_str(text).ok()?;
            (Type::Secret, Value::Secret(Secret::from_text(text)))
        }
        b'n' => (Type::Dynamic, Value::Null),
        b't' | b'f' => (Type::Bool, Value::Bool(bool::from_str(text).ok()?)),
        _ => (Type::Number, Value::Number(Number::parse(text)?)),
    };
    Some(Dynamic { ty, value })
}

/// The JSON text of a known value, such as arguments that a store wants as JSON. `None` for what JSON cannot say.
pub(crate) fn text(value: &Dynamic) -> Option<Secret> {
    let mut out = Zeroizing::new(Vec::new());
    write(&value.value, &mut out, MAX_DEPTH)?;
    Some(Secret::new(std::mem::take(&mut *out)))
}

fn write(value: &Value, out: &mut Vec<u8>, depth: usize) -> Option<()> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Unknown(_) => return None,
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Number(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) => quote(text, out)?,
        Value::Secret(secret) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "value codec: the text is secret again, as part of the JSON text"
            )]
            let text = std::str::from_utf8(secret.expose()).ok()?;
            quote(text, out)?;
        }
        Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
            out.push(b'[');
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write(item, out, depth)?;
            }
            out.push(b']');
        }
        Value::Map(members) | Value::Object(members) => {
            out.push(b'{');
            for (place, (name, member)) in members.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                quote(name, out)?;
                out.push(b':');
                write(member, out, depth)?;
            }
            out.push(b'}');
        }
        Value::Dynamic(inner) => write(&inner.value, out, depth)?,
    }
    Some(())
}

fn quote(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let quoted = Zeroizing::new(serde_json::to_vec(text).ok()?);
    out.extend_from_slice(&quoted);
    Some(())
}

/// A secret as text in JSON that is sent to whom it is for.
pub(crate) struct Shown<'a>(pub(crate) &'a Secret);

impl Serialize for Shown<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the JSON goes to whom the secret is for"
        )]
        let bytes = self.0.expose();
        let text = std::str::from_utf8(bytes).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(text: &str) -> Option<Dynamic> {
        document(&Secret::from_text(text.to_owned()))
    }

    #[test]
    fn documents_keep_their_shape() {
        let found = decoded(
            r#" {"user":"app","port":5432,"tags":["a",true],"ratio":0.12345678901234567890} "#,
        )
        .unwrap();
        assert_eq!(
            found.ty,
            Type::object([
                ("port", Type::Number),
                ("ratio", Type::Number),
                ("tags", Type::Tuple(vec![Type::Secret, Type::Bool])),
                ("user", Type::Secret),
            ])
        );
        let values = found.value.as_object().unwrap();
        assert_eq!(
            values["port"],
            Value::Number(Number::parse("5432").unwrap())
        );
        assert_eq!(
            values["ratio"],
            Value::Number(Number::parse("0.12345678901234567890").unwrap())
        );
    }

    #[test]
    fn what_is_no_document_is_left_as_it_is() {
        for text in [
            "hunter2",
            "12345678",
            "\"quoted\"",
            "{broken",
            "",
            "[1,]",
            "null",
        ] {
            assert!(decoded(text).is_none(), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(decoded(&deep(MAX_DEPTH - 1)).is_some());
        assert!(decoded(&deep(MAX_DEPTH + 1)).is_none());
        assert!(decoded(&deep(100_000)).is_none());
    }

    #[test]
    fn what_was_read_is_written_back() {
        for plain in [
            r#"{"a":"\"x\\\u0001é","b":[1,0.1234567890123456789,true,null],"c":{}}"#,
            "[]",
        ] {
            let value = decoded(plain).unwrap();
            assert_eq!(
                text(&value),
                Some(Secret::from_text(plain.to_owned())),
                "{plain}"
            );
        }
        let unknown = Dynamic {
            ty: Type::Dynamic,
            value: Value::unknown(),
        };
        assert_eq!(text(&unknown), None);
    }

    #[test]
    fn nothing_of_the_text_is_shown() {
        assert!(!format!("{:?}", decoded(r#"{"a":"hunter2"}"#)).contains("hunter2"));
    }
}
