//! Reading models: where we are, what went wrong, and what to do with unknown values.

use std::collections::BTreeMap;

use super::{Field, Model};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::{Path, Step};
use crate::value::{Object, Value};

/// What an unknown value becomes where the field is not a [`Tristate`](super::Tristate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknowns {
    /// A diagnostic.
    Refuse,
    /// As if it were null: the provider is about to compute it.
    AsNull,
}

/// Proof that a problem has been reported to the [`Decoder`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed(());

/// Collects problems while values are read.
#[derive(Debug)]
pub struct Decoder {
    unknowns: Unknowns,
    path: Path,
    diagnostics: Diagnostics,
    met_unknown: bool,
}

impl Decoder {
    /// A decoder at the root.
    #[must_use]
    pub fn new(unknowns: Unknowns) -> Self {
        Self {
            unknowns,
            path: Path::root(),
            diagnostics: Diagnostics::new(),
            met_unknown: false,
        }
    }

    /// Reports a problem; unless it has a path, it is the place being read.
    pub fn fail(&mut self, diagnostic: Diagnostic) -> Failed {
        let diagnostic = if diagnostic.path.is_root() {
            diagnostic.at(self.path.clone())
        } else {
            diagnostic
        };
        self.diagnostics.push(diagnostic);
        Failed(())
    }

    /// Reports that `value` is not what the field holds.
    pub fn mismatch(&mut self, expected: &str, value: &Value) -> Failed {
        match value {
            Value::Null => {
                self.fail(Diagnostic::error("Missing value").detail("The value must be set."))
            }
            Value::Unknown(_) => {
                self.met_unknown = true;
                self.fail(Diagnostic::error("Value not known yet").detail(
                    "The value depends on something that is known only after apply, but it is needed now.",
                ))
            }
            other => self.fail(
                Diagnostic::error("Wrong type")
                    .detail(format!("Expected {expected}, found {}.", other.kind())),
            ),
        }
    }

    /// Reads a model from an object value.
    ///
    /// # Errors
    /// When something could not be read; it has been reported.
    pub fn model<M: Model>(&mut self, value: Value) -> Result<M, Failed> {
        self.object(value, M::decode)
    }

    /// Reads an object value field by field, for what is described at run time instead of by a model.
    ///
    /// # Errors
    /// When something could not be read; it has been reported.
    pub fn object<T>(
        &mut self,
        value: Value,
        read: impl FnOnce(&mut Fields<'_>) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        match value {
            Value::Object(values) => read(&mut Fields {
                values,
                decoder: self,
            }),
            other => Err(self.mismatch("an object", &other)),
        }
    }

    /// Reads a map, such as a block that is repeated under labels, entry by entry. Every entry is read
    /// before failing, so that all problems are reported.
    ///
    /// # Errors
    /// When something could not be read; it has been reported.
    pub fn entries<T>(
        &mut self,
        value: Value,
        mut read: impl FnMut(Value, &mut Self) -> Result<T, Failed>,
    ) -> Result<BTreeMap<String, T>, Failed> {
        let (Value::Map(items) | Value::Object(items)) = value else {
            return Err(self.mismatch("a map", &value));
        };
        let read: Vec<_> = items
            .into_iter()
            .map(|(key, item)| {
                let step = Step::Key(key.clone());
                let item = self.within(step, |decoder| read(item, decoder));
                item.map(|item| (key, item))
            })
            .collect();
        read.into_iter().collect()
    }

    /// Reads something one step further down.
    pub fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }

    /// What unknown values become.
    #[must_use]
    pub fn unknowns(&self) -> Unknowns {
        self.unknowns
    }

    /// True when reading failed because something is not known yet.
    pub(crate) fn met_unknown(&self) -> bool {
        self.met_unknown
    }

    /// The outcome of reading.
    ///
    /// # Errors
    /// All that was reported, when anything failed.
    pub fn finish<T>(self, outcome: Result<T, Failed>) -> Result<T, Diagnostics> {
        outcome.map_err(|Failed(())| self.diagnostics)
    }
}

/// The fields of one object while a model takes them.
#[derive(Debug)]
pub struct Fields<'d> {
    values: Object,
    decoder: &'d mut Decoder,
}

impl Fields<'_> {
    /// Takes one field; an attribute that is not there is null.
    ///
    /// # Errors
    /// When it could not be read; it has been reported.
    pub fn take<T: Field>(&mut self, name: &str) -> Result<T, Failed> {
        self.take_with(name, T::decode)
    }

    /// Takes one field and reads it with `read`, for what is described at run time instead of by a type.
    ///
    /// # Errors
    /// When it could not be read; it has been reported.
    pub fn take_with<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value, &mut Decoder) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let value = self.values.remove(name).unwrap_or(Value::Null);
        self.decoder
            .within(Step::Attribute(name.to_owned()), |decoder| {
                read(value, decoder)
            })
    }
}
