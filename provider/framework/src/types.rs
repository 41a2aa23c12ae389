//! Terraform's types, and their JSON spelling on the wire.
//!
//! [`Type`] adds one thing to what the protocol knows: [`Type::Secret`] is a string whose value is held
//! in a [`secret_value::Secret`] from the first decoded byte on. On the wire it is an ordinary `"string"`;
//! [`Type::SecretDynamic`] is `"dynamic"` whose strings become secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

/// How deeply types may nest. Terraform's own configurations stay below ten.
pub const MAX_DEPTH: usize = 64;

/// The type of an attribute, a block, a function parameter or a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// `bool`
    Bool,
    /// `number`, of any size
    Number,
    /// `string`, in Unicode normal form C
    String,
    /// `string` held in a zeroed, unprintable [`secret_value::Secret`]
    Secret,
    /// any type, sent together with its value
    Dynamic,
    /// any type, sent together with its value; every string in it is held as a secret
    SecretDynamic,
    /// ordered elements of one type
    List(Box<Type>),
    /// distinct elements of one type, in no order
    Set(Box<Type>),
    /// elements of one type under text keys
    Map(Box<Type>),
    /// a fixed number of elements, each of its own type
    Tuple(Vec<Type>),
    /// named attributes, each of its own type
    Object(ObjectType),
}

/// The attributes of an object type.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectType {
    /// The attributes by name.
    pub attributes: BTreeMap<String, Type>,
    /// Names that a configuration may leave out (input only; never sent in schemas).
    pub optional: BTreeSet<String>,
}

/// Why a type's JSON cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TypeError {
    /// The text is not JSON.
    #[error("the type is not valid JSON")]
    NotJson,
    /// The JSON is not a type.
    #[error("the JSON does not describe a Terraform type: {0}")]
    NotAType(&'static str),
    /// The type nests deeper than [`MAX_DEPTH`].
    #[error("the type nests deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

impl Type {
    /// A list of `element`.
    #[must_use]
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A set of `element`.
    #[must_use]
    pub fn set(element: Type) -> Self {
        Self::Set(Box::new(element))
    }

    /// A map of `element`.
    #[must_use]
    pub fn map(element: Type) -> Self {
        Self::Map(Box::new(element))
    }

    /// An object with these attributes, all required.
    #[must_use]
    pub fn object<N: Into<String>>(attributes: impl IntoIterator<Item = (N, Type)>) -> Self {
        Self::Object(ObjectType {
            attributes: attributes
                .into_iter()
                .map(|(name, ty)| (name.into(), ty))
                .collect(),
            optional: BTreeSet::new(),
        })
    }

    /// Reads the protocol's JSON spelling.
    ///
    /// # Errors
    /// When the bytes are not JSON, not a type, or nest deeper than [`MAX_DEPTH`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, TypeError> {
        let json: Json = serde_json::from_slice(bytes).map_err(|_| TypeError::NotJson)?;
        Self::parse(&json, 0)
    }

    fn parse(json: &Json, depth: usize) -> Result<Self, TypeError> {
        if depth >= MAX_DEPTH {
            return Err(TypeError::TooDeep);
        }
        match json {
            Json::String(name) => match name.as_str() {
                "bool" => Ok(Self::Bool),
                "number" => Ok(Self::Number),
                "string" => Ok(Self::String),
                "dynamic" => Ok(Self::Dynamic),
                _ => Err(TypeError::NotAType("unknown primitive type")),
            },
            Json::Array(items) => Self::parse_compound(items, depth + 1),
            _ => Err(TypeError::NotAType("expected a string or an array")),
        }
    }

    fn parse_compound(items: &[Json], depth: usize) -> Result<Self, TypeError> {
        let (kind, inner, rest) = match items {
            [Json::String(kind), inner] => (kind.as_str(), inner, None),
            [Json::String(kind), inner, rest] if kind == "object" => ("object", inner, Some(rest)),
            _ => return Err(TypeError::NotAType("expected [kind, argument]")),
        };
        match (kind, inner) {
            ("list", inner) => Ok(Self::list(Self::parse(inner, depth)?)),
            ("set", inner) => Ok(Self::set(Self::parse(inner, depth)?)),
            ("map", inner) => Ok(Self::map(Self::parse(inner, depth)?)),
            ("tuple", Json::Array(types)) => types
                .iter()
                .map(|ty| Self::parse(ty, depth))
                .collect::<Result<_, _>>()
                .map(Self::Tuple),
            ("object", Json::Object(attributes)) => {
                let attributes = attributes
                    .iter()
                    .map(|(name, ty)| Ok((name.clone(), Self::parse(ty, depth)?)))
                    .collect::<Result<BTreeMap<_, _>, TypeError>>()?;
                let optional = rest
                    .map(|rest| optional_names(rest, &attributes))
                    .transpose()?;
                Ok(Self::Object(ObjectType {
                    attributes,
                    optional: optional.unwrap_or_default(),
                }))
            }
            _ => Err(TypeError::NotAType("unknown compound type")),
        }
    }

    /// The protocol's JSON spelling, compact, with attributes sorted by name.
    #[must_use]
    pub fn to_json(&self) -> String {
        self.json().to_string()
    }

    fn json(&self) -> Json {
        match self {
            Self::Bool => json!("bool"),
            Self::Number => json!("number"),
            Self::String | Self::Secret => json!("string"),
            Self::Dynamic | Self::SecretDynamic => json!("dynamic"),
            Self::List(element) => json!(["list", element.json()]),
            Self::Set(element) => json!(["set", element.json()]),
            Self::Map(element) => json!(["map", element.json()]),
            Self::Tuple(types) => {
                json!(["tuple", types.iter().map(Self::json).collect::<Vec<_>>()])
            }
            Self::Object(object) => {
                let attributes: serde_json::Map<_, _> = object
                    .attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.json()))
                    .collect();
                if object.optional.is_empty() {
                    json!(["object", attributes])
                } else {
                    json!(["object", attributes, object.optional])
                }
            }
        }
    }

    /// The same type with every string held as a secret.
    #[must_use]
    pub fn sealed(&self) -> Self {
        match self {
            Self::String | Self::Secret => Self::Secret,
            Self::Dynamic | Self::SecretDynamic => Self::SecretDynamic,
            Self::Bool => Self::Bool,
            Self::Number => Self::Number,
            Self::List(element) => Self::list(element.sealed()),
            Self::Set(element) => Self::set(element.sealed()),
            Self::Map(element) => Self::map(element.sealed()),
            Self::Tuple(types) => Self::Tuple(types.iter().map(Self::sealed).collect()),
            Self::Object(object) => Self::Object(ObjectType {
                attributes: object
                    .attributes
                    .iter()
                    .map(|(name, ty)| (name.clone(), ty.sealed()))
                    .collect(),
                optional: object.optional.clone(),
            }),
        }
    }

    /// True when this type or one inside it satisfies `wanted`.
    pub(crate) fn any(&self, wanted: &impl Fn(&Type) -> bool) -> bool {
        wanted(self)
            || match self {
                Self::List(inner) | Self::Set(inner) | Self::Map(inner) => inner.any(wanted),
                Self::Tuple(types) => types.iter().any(|ty| ty.any(wanted)),
                Self::Object(object) => object.attributes.values().any(|ty| ty.any(wanted)),
                _ => false,
            }
    }

    /// The name used in messages and documentation, such as `list of string`.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String | Self::Secret => "string".into(),
            Self::Dynamic | Self::SecretDynamic => "any type".into(),
            Self::List(element) => format!("list of {}", element.describe()),
            Self::Set(element) => format!("set of {}", element.describe()),
            Self::Map(element) => format!("map of {}", element.describe()),
            Self::Tuple(types) => format!("tuple of {} elements", types.len()),
            Self::Object(_) => "object".into(),
        }
    }
}

fn optional_names(
    json: &Json,
    attributes: &BTreeMap<String, Type>,
) -> Result<BTreeSet<String>, TypeError> {
    let Json::Array(names) = json else {
        return Err(TypeError::NotAType(
            "optional attributes must be an array of names",
        ));
    };
    names
        .iter()
        .map(|name| match name {
            Json::String(name) if attributes.contains_key(name) => Ok(name.clone()),
            _ => Err(TypeError::NotAType(
                "an optional attribute is not an attribute",
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) {
        assert_eq!(Type::from_json(text.as_bytes()).unwrap().to_json(), text);
    }

    #[test]
    fn json_round_trips() {
        check(r#""string""#);
        check(r#"["list","number"]"#);
        check(r#"["map",["set","bool"]]"#);
        check(r#"["tuple",["string",["list","dynamic"]]]"#);
        check(r#"["object",{"a":"number","b":["tuple",["string"]]}]"#);
        check(r#"["object",{"a":"number","b":"string"},["b"]]"#);
        check(r#"["object",{}]"#);
        check(r#"["tuple",[]]"#);
    }

    #[test]
    fn secrets_are_ordinary_strings_on_the_wire() {
        assert_eq!(Type::map(Type::Secret).to_json(), r#"["map","string"]"#);
        assert_eq!(
            Type::object([("a", Type::String)]).sealed(),
            Type::object([("a", Type::Secret)])
        );
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "1",
            "\"text\"",
            "[]",
            "[\"list\"]",
            "[\"list\",1]",
            "[\"tuple\",\"string\"]",
            "[\"capsule\",\"x\"]",
        ] {
            assert!(Type::from_json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Type::from_json(br#"["object",{"a":"string"},["b"]]"#).is_err());
        assert!(Type::from_json(br#"["list","string","x"]"#).is_err());
    }

    #[test]
    fn deep_nesting_is_refused_without_overflow() {
        let at = |depth: usize| {
            format!(
                "{}\"string\"{}",
                "[\"list\",".repeat(depth),
                "]".repeat(depth)
            )
        };
        assert!(Type::from_json(at(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert_eq!(
            Type::from_json(at(MAX_DEPTH).as_bytes()),
            Err(TypeError::TooDeep)
        );
        assert!(Type::from_json(at(100_000).as_bytes()).is_err());
    }
}
