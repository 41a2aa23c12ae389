//! Which Rust types a model's fields may have.

use std::collections::BTreeMap;

use secret_value::Secret;

use super::{Decoder, Failed, Unknowns};
use crate::diagnostic::Diagnostic;
use crate::number::Number;
use crate::path::Step;
use crate::schema::{Block, Nesting};
use crate::types::Type;
use crate::value::{Dynamic, Value};

/// A type that can be a field of a model.
pub trait Field: Sized {
    /// True when null can be read, as `None` or the like.
    const NULLABLE: bool;

    /// What Terraform sees.
    fn shape() -> Shape;

    /// Reads a value.
    ///
    /// # Errors
    /// When the value does not fit; it has been reported to `decoder`.
    fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed>;

    /// Writes the value.
    fn encode(self) -> Value;
}

/// What Terraform sees of a Rust type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A value of this type.
    Type(Type),
    /// Objects that are described attribute by attribute.
    Nested(Nesting, Block),
    /// Nothing that Terraform has; the text says why.
    Unsupported(&'static str),
}

/// Distinct elements without order: Terraform's set. The order in the vector has no meaning.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetOf<T>(pub Vec<T>);

macro_rules! leaf {
    ($rust:ty, $ty:expr, $name:literal, $($pattern:pat => $read:expr),+; $encode:expr) => {
        impl Field for $rust {
            const NULLABLE: bool = false;

            fn shape() -> Shape {
                Shape::Type($ty)
            }

            fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
                match value {
                    $($pattern => Ok($read),)+
                    other => Err(decoder.mismatch($name, &other)),
                }
            }

            fn encode(self) -> Value {
                let encode: fn($rust) -> Value = $encode;
                encode(self)
            }
        }
    };
}

leaf!(bool, Type::Bool, "a bool", Value::Bool(value) => value; Value::Bool);
leaf!(String, Type::String, "a string", Value::String(text) => text; Value::String);
leaf!(
    Secret, Type::Secret, "a string",
    Value::Secret(secret) => secret, Value::String(text) => Secret::from_text(text);
    Value::Secret
);
leaf!(Number, Type::Number, "a number", Value::Number(number) => number; Value::Number);
leaf!(f64, Type::Number, "a number", Value::Number(number) => number.to_f64();
    |value| Number::from_f64(value).map_or(Value::Null, Value::Number));
leaf!(Dynamic, Type::Dynamic, "a value", Value::Dynamic(inner) => *inner; |inner| Value::Dynamic(Box::new(inner)));

macro_rules! wide {
    (as_i64) => {
        i64
    };
    (as_u64) => {
        u64
    };
}
macro_rules! integer {
    ($($rust:ty: $get:ident),+) => {$(
        impl Field for $rust {
            const NULLABLE: bool = false;

            fn shape() -> Shape {
                Shape::Type(Type::Number)
            }

            fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
                let Value::Number(number) = value else {
                    return Err(decoder.mismatch("a whole number", &value));
                };
                number.$get().and_then(|wide| Self::try_from(wide).ok()).ok_or_else(|| {
                    decoder.fail(Diagnostic::error("Number out of range").detail(format!(
                        "Expected a whole number between {} and {}.", Self::MIN, Self::MAX
                    )))
                })
            }

            fn encode(self) -> Value {
                Value::Number(Number::from(<wide!($get)>::from(self)))
            }
        }
    )+};
}
integer!(i64: as_i64, i32: as_i64, u64: as_u64, u32: as_u64, u16: as_u64, u8: as_u64);

impl<T: Field> Field for Option<T> {
    const NULLABLE: bool = true;

    fn shape() -> Shape {
        T::shape()
    }

    fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
        match value {
            Value::Null => Ok(None),
            Value::Unknown(_) if decoder.unknowns() == Unknowns::AsNull => Ok(None),
            known => T::decode(known, decoder).map(Some),
        }
    }

    fn encode(self) -> Value {
        self.map_or(Value::Null, Field::encode)
    }
}

impl<T: Field> Field for Vec<T> {
    const NULLABLE: bool = false;

    fn shape() -> Shape {
        collection::<T>(Nesting::List)
    }

    fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
        match value {
            Value::List(items) | Value::Tuple(items) => elements(items, decoder, true),
            other => Err(decoder.mismatch("a list", &other)),
        }
    }

    fn encode(self) -> Value {
        Value::List(self.into_iter().map(Field::encode).collect())
    }
}

impl<T: Field> Field for SetOf<T> {
    const NULLABLE: bool = false;

    fn shape() -> Shape {
        collection::<T>(Nesting::Set)
    }

    fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
        match value {
            Value::Set(items) => elements(items, decoder, false).map(Self),
            other => Err(decoder.mismatch("a set", &other)),
        }
    }

    fn encode(self) -> Value {
        Value::Set(self.0.into_iter().map(Field::encode).collect())
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    const NULLABLE: bool = false;

    fn shape() -> Shape {
        collection::<T>(Nesting::Map)
    }

    fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
        decoder.entries(value, T::decode)
    }

    fn encode(self) -> Value {
        Value::Map(
            self.into_iter()
                .map(|(key, item)| (key, item.encode()))
                .collect(),
        )
    }
}

/// Reads every element before failing, so that all problems are reported. Elements of a set have no path.
fn elements<T: Field>(
    items: Vec<Value>,
    decoder: &mut Decoder,
    indexed: bool,
) -> Result<Vec<T>, Failed> {
    let mut read = Vec::with_capacity(items.len());
    for (position, item) in items.into_iter().enumerate() {
        let index = Step::Index(i64::try_from(position).unwrap_or(i64::MAX));
        read.push(if indexed {
            decoder.within(index, |decoder| T::decode(item, decoder))
        } else {
            T::decode(item, decoder)
        });
    }
    read.into_iter().collect()
}

fn collection<T: Field>(nesting: Nesting) -> Shape {
    match T::shape() {
        Shape::Type(ty) => Shape::Type(nesting.of(ty)),
        Shape::Nested(Nesting::Single, block) => Shape::Nested(nesting, block),
        Shape::Nested(..) => {
            Shape::Unsupported("collections of collections of models have no schema")
        }
        unsupported @ Shape::Unsupported(_) => unsupported,
    }
}
