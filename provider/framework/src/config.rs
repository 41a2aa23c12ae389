//! A configuration while parts of it may still be unknown: what validation works on.

use crate::model::{Decoder, Field, Model, Tristate, Unknowns, from_value};
use crate::path::Step;
use crate::value::{Object, Value};

/// The content of a block as the practitioner wrote it. Terraform has already checked the types.
#[derive(Debug, Clone)]
pub struct Config {
    values: Object,
}

impl Config {
    /// Wraps an object value; anything else counts as an empty block.
    #[must_use]
    pub fn new(value: Value) -> Self {
        match value {
            Value::Object(values) => Self { values },
            _ => Self {
                values: Object::new(),
            },
        }
    }

    /// The attribute or block in its three states. What cannot be read as `T` counts as unknown: a later
    /// phase reads it again and reports it.
    #[must_use]
    pub fn get<T: Field>(&self, name: &str) -> Tristate<T> {
        let value = self.values.get(name).cloned().unwrap_or(Value::Null);
        let mut decoder = Decoder::new(Unknowns::Refuse);
        let read = decoder.within(Step::Attribute(name.to_owned()), |decoder| {
            Tristate::decode(value, decoder)
        });
        read.unwrap_or(Tristate::Unknown)
    }

    /// The attribute, when it is set and known.
    #[must_use]
    pub fn known<T: Field>(&self, name: &str) -> Option<T> {
        self.get(name).known()
    }

    /// True when the practitioner has set it, even to something not known yet.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_null())
    }

    /// The whole block, when everything in it is known and readable.
    #[must_use]
    pub fn whole<M: Model>(&self) -> Option<M> {
        from_value(Value::Object(self.values.clone()), Unknowns::Refuse).ok()
    }

    /// The values as they are.
    #[must_use]
    pub fn values(&self) -> &Object {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_have_three_states() {
        let object = [
            ("a".to_owned(), Value::from("x")),
            ("b".to_owned(), Value::unknown()),
        ]
        .into();
        let config = Config::new(Value::Object(object));
        assert_eq!(config.known::<String>("a").as_deref(), Some("x"));
        assert_eq!(config.get::<String>("b"), Tristate::Unknown);
        assert_eq!(config.get::<String>("c"), Tristate::Null);
        assert_eq!(config.get::<bool>("a"), Tristate::Unknown);
        assert!(config.is_set("b") && !config.is_set("c"));
    }
}
