//! Terraform's values: known, null or unknown.
//!
//! A [`Value`] carries no type of its own; the schema's [`Type`] directs the codec. Text of sensitive and
//! write-only attributes is [`Value::Secret`] from the first decoded byte on.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use secret_value::Secret;

use crate::number::Number;
use crate::types::Type;

/// Attributes of an object, by name.
pub type Object = BTreeMap<String, Value>;

/// A value as Terraform knows it.
#[derive(Debug, Clone)]
pub enum Value {
    /// Not set.
    Null,
    /// Not known yet; what is known about it is in the refinement.
    Unknown(Refinement),
    /// `true` or `false`
    Bool(bool),
    /// A number of any size.
    Number(Number),
    /// Ordinary text.
    String(String),
    /// Text of a sensitive or write-only attribute.
    Secret(Secret),
    /// Ordered elements.
    List(Vec<Value>),
    /// Distinct elements in no order.
    Set(Vec<Value>),
    /// Elements by key.
    Map(BTreeMap<String, Value>),
    /// Elements of different types.
    Tuple(Vec<Value>),
    /// Named attributes; also blocks.
    Object(Object),
    /// A known value of an attribute of any type.
    Dynamic(Box<Dynamic>),
}

/// A value together with its type.
#[derive(Debug, Clone, PartialEq)]
pub struct Dynamic {
    /// The type of `value`; never dynamic itself.
    pub ty: Type,
    /// The value.
    pub value: Value,
}

/// What is known about an unknown value. Ignoring it is always safe; it is never sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refinement {
    /// The value will not be null.
    pub not_null: bool,
    /// The text will start with this. Not kept for secrets.
    pub prefix: Option<String>,
}

impl Value {
    /// A value that is not known yet, with nothing known about it.
    #[must_use]
    pub fn unknown() -> Self {
        Self::Unknown(Refinement::default())
    }

    /// True for null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// True when the value itself is unknown; elements inside are not looked at.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(_))
    }

    /// True when neither the value nor anything inside it is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Self::Unknown(_) => false,
            Self::List(items) | Self::Set(items) | Self::Tuple(items) => {
                items.iter().all(Self::is_wholly_known)
            }
            Self::Map(items) | Self::Object(items) => items.values().all(Self::is_wholly_known),
            Self::Dynamic(inner) => inner.value.is_wholly_known(),
            _ => true,
        }
    }

    /// The attributes, when this is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// A word for messages: `a string`, `a list` …
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Unknown(_) => "unknown",
            Self::Bool(_) => "a bool",
            Self::Number(_) => "a number",
            Self::String(_) | Self::Secret(_) => "a string",
            Self::List(_) => "a list",
            Self::Set(_) => "a set",
            Self::Map(_) => "a map",
            Self::Tuple(_) => "a tuple",
            Self::Object(_) => "an object",
            Self::Dynamic(_) => "a value of any type",
        }
    }
}

/// Sets are compared without regard to order; secrets in constant time; refinements not at all.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) | (Self::Unknown(_), Self::Unknown(_)) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Number(a), Self::Number(b)) => a == b,
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Secret(a), Self::Secret(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Tuple(a), Self::Tuple(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => same_elements(a, b),
            (Self::Map(a), Self::Map(b)) | (Self::Object(a), Self::Object(b)) => a == b,
            (Self::Dynamic(a), Self::Dynamic(b)) => a == b,
            _ => false,
        }
    }
}

/// Same order is the common case. Otherwise elements are crossed off, looked up by their digest.
fn same_elements(a: &[Value], b: &[Value]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    if a == b {
        return true;
    }
    let mut rest: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
    for value in b {
        rest.entry(digest(value)).or_default().push(value);
    }
    a.iter().all(|wanted| {
        let Some(candidates) = rest.get_mut(&digest(wanted)) else {
            return false;
        };
        let found = candidates.iter().position(|candidate| *candidate == wanted);
        found.map(|found| candidates.swap_remove(found)).is_some()
    })
}

/// Equal values have equal digests. Of secrets only the length counts.
fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    std::mem::discriminant(value).hash(&mut hasher);
    match value {
        Value::Null | Value::Unknown(_) => {}
        Value::Bool(value) => value.hash(&mut hasher),
        // Adding zero turns -0 into 0.
        Value::Number(number) => (number.to_f64() + 0.0).to_bits().hash(&mut hasher),
        Value::String(text) => text.hash(&mut hasher),
        Value::Secret(secret) => secret.len().hash(&mut hasher),
        Value::List(items) | Value::Tuple(items) => {
            items.iter().for_each(|item| digest(item).hash(&mut hasher));
        }
        Value::Set(items) => items
            .iter()
            .fold(0u64, |sum, item| sum.wrapping_add(digest(item)))
            .hash(&mut hasher),
        Value::Map(items) | Value::Object(items) => {
            items
                .iter()
                .for_each(|(key, item)| (key, digest(item)).hash(&mut hasher));
        }
        Value::Dynamic(inner) => digest(&inner.value).hash(&mut hasher),
    }
    hasher.finish()
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::Int(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value)
    }
}

impl From<Secret> for Value {
    fn from(value: Secret) -> Self {
        Self::Secret(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_compare_without_order() {
        let set = |items: &[i64]| Value::Set(items.iter().map(|item| Value::from(*item)).collect());
        assert_eq!(set(&[1, 2, 3]), set(&[3, 1, 2]));
        assert_ne!(set(&[1, 2, 2]), set(&[1, 1, 2]));
        assert_ne!(set(&[1]), set(&[1, 2]));
        let spelled = Value::Set(vec![
            Value::from(7),
            Value::Number(Number::parse("10e-1").unwrap()),
        ]);
        assert_eq!(spelled, set(&[1, 7]));
        let many: Vec<_> = (0..100_000).collect();
        let reversed: Vec<_> = many.iter().rev().copied().collect();
        assert_eq!(
            set(&many),
            set(&reversed),
            "and in no more than linear time"
        );
    }

    #[test]
    fn knowledge_is_looked_up_inside() {
        let hidden = Value::List(vec![Value::Map(
            [("k".to_owned(), Value::unknown())].into(),
        )]);
        assert!(!hidden.is_unknown());
        assert!(!hidden.is_wholly_known());
        assert!(Value::Null.is_wholly_known());
    }

    #[test]
    fn debug_prints_no_secret() {
        let value = Value::Map(
            [(
                "k".to_owned(),
                Value::Secret(Secret::from_text("hunter2".into())),
            )]
            .into(),
        );
        assert!(!format!("{value:?}").contains("hunter2"));
    }
}
