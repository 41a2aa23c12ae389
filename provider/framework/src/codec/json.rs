//! The JSON form of stored state, for upgrades and moves.
//!
//! Read by the schema of whoever wrote it: missing attributes are null, attributes that the type does not
//! know are skipped, numbers keep every digit. One pass over the text.

use std::collections::BTreeMap;
use std::fmt;

use secret_value::Secret;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::value::RawValue;

use super::{CodecError, CodecErrorKind};
use crate::number::Number;
use crate::path::Path;
use crate::types::{ObjectType, Type};
use crate::value::{Dynamic, Value};

/// Reads a value of type `ty`.
///
/// # Errors
/// When the bytes are not JSON or not of that type; the message names no value.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Seed(ty)
        .deserialize(&mut deserializer)
        .map_err(|error| failure(&error, ty))?;
    deserializer
        .end()
        .map_err(|_| CodecError::new(&Path::root(), CodecErrorKind::Trailing))?;
    Ok(value)
}

/// serde_json's own messages quote the input, so only their category is kept.
fn failure(error: &serde_json::Error, ty: &Type) -> CodecError {
    let kind = match error.classify() {
        serde_json::error::Category::Data => CodecErrorKind::Mismatch {
            expected: ty.describe(),
            found: "JSON of another shape",
        },
        serde_json::error::Category::Eof => CodecErrorKind::Truncated,
        _ => CodecErrorKind::NotJson,
    };
    CodecError::new(&Path::root(), kind)
}

/// Recursion is bounded by the type and by serde_json's own limit.
#[derive(Clone, Copy)]
struct Seed<'t>(&'t Type);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0 {
            Type::Number => number(deserializer),
            Type::Dynamic | Type::SecretDynamic => deserializer.deserialize_option(self),
            _ => deserializer.deserialize_any(self),
        }
    }
}

/// The raw text, because a parsed JSON number would have lost digits.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    let raw: &RawValue = serde::Deserialize::deserialize(deserializer)?;
    let text = raw.get().trim();
    if text == "null" {
        return Ok(Value::Null);
    }
    // Infinities are stored as text.
    let text = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or(text);
    Number::parse(text)
        .map(Value::Number)
        .ok_or_else(|| D::Error::custom("not a number"))
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.describe())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Value, E> {
        match self.0 {
            Type::Bool => Ok(Value::Bool(value)),
            _ => Err(E::custom("unexpected bool")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        match self.0 {
            Type::String => Ok(Value::String(text.to_owned())),
            Type::Secret => Ok(Value::Secret(Secret::from_text(text.to_owned()))),
            _ => Err(E::custom("unexpected string")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        match self.0 {
            Type::List(element) => elements(&mut seq, element).map(Value::List),
            Type::Set(element) => elements(&mut seq, element).map(Value::Set),
            Type::Tuple(types) => {
                let mut items = Vec::with_capacity(types.len());
                for ty in types {
                    items.push(
                        seq.next_element_seed(Seed(ty))?
                            .ok_or_else(|| A::Error::custom("too few elements"))?,
                    );
                }
                match seq.next_element::<IgnoredAny>()? {
                    Some(_) => Err(A::Error::custom("too many elements")),
                    None => Ok(Value::Tuple(items)),
                }
            }
            _ => Err(A::Error::custom("unexpected array")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        match self.0 {
            Type::Map(element) => {
                let mut items = BTreeMap::new();
                while let Some(key) = map.next_key::<String>()? {
                    items.insert(key, map.next_value_seed(Seed(element))?);
                }
                Ok(Value::Map(items))
            }
            Type::Object(object) => attributes(map, object),
            Type::Dynamic => dynamic(map, false),
            Type::SecretDynamic => dynamic(map, true),
            _ => Err(A::Error::custom("unexpected object")),
        }
    }
}

fn elements<'de, A: SeqAccess<'de>>(seq: &mut A, element: &Type) -> Result<Vec<Value>, A::Error> {
    let mut items = Vec::new();
    while let Some(item) = seq.next_element_seed(Seed(element))? {
        items.push(item);
    }
    Ok(items)
}

fn attributes<'de, A: MapAccess<'de>>(mut map: A, object: &ObjectType) -> Result<Value, A::Error> {
    let mut items: BTreeMap<_, _> = object
        .attributes
        .keys()
        .map(|name| (name.clone(), Value::Null))
        .collect();
    while let Some(name) = map.next_key::<String>()? {
        match object.attributes.get(&name) {
            Some(ty) => {
                let value = map.next_value_seed(Seed(ty))?;
                items.insert(name, value);
            }
            None => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(Value::Object(items))
}

/// `{"value": …, "type": …}` in either order.
fn dynamic<'de, A: MapAccess<'de>>(mut map: A, sealed: bool) -> Result<Value, A::Error> {
    let (mut value, mut ty) = (None, None);
    while let Some(name) = map.next_key::<String>()? {
        match name.as_str() {
            "value" => value = Some(map.next_value::<&RawValue>()?),
            "type" => ty = Some(map.next_value::<&RawValue>()?),
            _ => return Err(A::Error::custom("unexpected member beside value and type")),
        }
    }
    let (Some(value), Some(ty)) = (value, ty) else {
        return Err(A::Error::custom("a value of any type needs value and type"));
    };
    let ty = Type::from_json(ty.get().as_bytes()).map_err(A::Error::custom)?;
    let ty = if sealed { ty.sealed() } else { ty };
    let value = decode(value.get().as_bytes(), &ty).map_err(A::Error::custom)?;
    Ok(if value.is_null() {
        Value::Null
    } else {
        Value::Dynamic(Box::new(Dynamic { ty, value }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, ty: &Type) -> Value {
        decode(json.as_bytes(), ty).unwrap()
    }

    #[test]
    fn numbers_keep_every_digit() {
        for text in [
            "0.10",
            "123456789012345678901234567890.5",
            "1e400",
            "-7",
            "18446744073709551615",
        ] {
            let Value::Number(number) = check(text, &Type::Number) else {
                panic!("number")
            };
            assert_eq!(number, Number::parse(text).unwrap());
        }
        let ty = Type::object([("n", Type::list(Type::Number))]);
        let value = check(r#"{"n": [ 1.000000000000000000000000000001 , null ]}"#, &ty);
        let exact = Value::Number(Number::parse("1.000000000000000000000000000001").unwrap());
        assert_eq!(
            value.as_object().unwrap()["n"],
            Value::List(vec![exact, Value::Null])
        );
    }

    #[test]
    fn missing_attributes_are_null_and_others_skipped() {
        let ty = Type::object([("a", Type::String), ("b", Type::Bool)]);
        let value = check(r#"{"a":"x","old":{"deep":[1,2]}}"#, &ty);
        assert_eq!(value.as_object().unwrap()["a"], "x".into());
        assert_eq!(value.as_object().unwrap()["b"], Value::Null);
        assert_eq!(value.as_object().unwrap().len(), 2);
    }

    #[test]
    fn dynamic_values_bring_their_type() {
        let value = check(
            r#"{"value":{"a":1.50},"type":["object",{"a":"number"}]}"#,
            &Type::Dynamic,
        );
        let Value::Dynamic(inner) = value else {
            panic!("dynamic")
        };
        assert_eq!(inner.ty, Type::object([("a", Type::Number)]));
        assert_eq!(check("null", &Type::Dynamic), Value::Null);
        assert_eq!(
            check(r#"{"type":"string","value":null}"#, &Type::Dynamic),
            Value::Null
        );
    }

    #[test]
    fn text_of_secrets_becomes_a_secret_and_stays_out_of_errors() {
        let value = check(r#""hunter2""#, &Type::Secret);
        assert_eq!(value, Value::Secret(Secret::from_text("hunter2".into())));
        let error = decode(br#""hunter2""#, &Type::Number)
            .unwrap_err()
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
        let error = decode(br#"["hunter2"]"#, &Type::list(Type::Bool))
            .unwrap_err()
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn nonsense_is_refused() {
        for json in ["", "{", "nul", "[1]", "{}", "\"x\" 1", &"[".repeat(100_000)] {
            assert!(decode(json.as_bytes(), &Type::String).is_err());
        }
        assert!(decode(br#"["a","b"]"#, &Type::Tuple(vec![Type::String])).is_err());
        assert!(decode(br#"[]"#, &Type::Tuple(vec![Type::String])).is_err());
        assert!(decode(br#"{"value":1}"#, &Type::Dynamic).is_err());
    }

    proptest::proptest! {
        #[test]
        fn reading_is_total(text in "[\\[\\]{}\",:a-z0-9. -]{0,60}") {
            let ty = Type::object([("a", Type::Dynamic), ("b", Type::list(Type::Number))]);
            let _ = decode(text.as_bytes(), &ty);
        }
    }
}
