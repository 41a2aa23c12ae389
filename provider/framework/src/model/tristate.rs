//! The three states of a value, where a model has to tell them apart.

use super::{Decoder, Failed, Field, Shape};
use crate::value::Value;

/// A value that is known, null or unknown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tristate<T> {
    /// Set, and known.
    Known(T),
    /// Not set.
    #[default]
    Null,
    /// Known only after apply.
    Unknown,
}

impl<T> Tristate<T> {
    /// The value, when known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// A reference to the value, when known.
    pub fn as_known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Null | Self::Unknown => None,
        }
    }

    /// True when the practitioner has set it, even if the value is not known yet.
    pub fn is_set(&self) -> bool {
        !matches!(self, Self::Null)
    }

    /// True when the value is known only after apply.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown)
    }
}

impl<T: Field> Field for Tristate<T> {
    const NULLABLE: bool = true;

    fn shape() -> Shape {
        T::shape()
    }

    fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::Unknown(_) => Ok(Self::Unknown),
            known => T::decode(known, decoder).map(Self::Known),
        }
    }

    fn encode(self) -> Value {
        match self {
            Self::Known(value) => value.encode(),
            Self::Null => Value::Null,
            Self::Unknown => Value::unknown(),
        }
    }
}
