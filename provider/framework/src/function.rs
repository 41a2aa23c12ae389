//! Provider-defined functions: pure, and called without any provider configuration.

use async_trait::async_trait;

use crate::diagnostic::Diagnostics;
use crate::model::{Decoder, Field, Shape, Unknowns};
use crate::types::Type;
use crate::value::Value;

/// A function. Its result may depend on its arguments only: Terraform compares plan and apply.
#[async_trait]
pub trait Function: Send + Sync + 'static {
    /// Name after `provider::<provider>::`.
    fn name(&self) -> &'static str;

    /// Parameters, result and documentation.
    fn signature(&self) -> Signature;

    /// Computes the result.
    ///
    /// # Errors
    /// What is wrong, and with which argument.
    async fn call(&self, arguments: Arguments) -> Result<Value, FunctionError>;
}

/// Parameters, result and documentation of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// One line.
    pub summary: String,
    /// Markdown.
    pub description: String,
    /// In order.
    pub parameters: Vec<Parameter>,
    /// Takes all further arguments.
    pub variadic: Option<Parameter>,
    /// Type of the result.
    pub result: Type,
}

/// One parameter of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name in messages and documentation.
    pub name: String,
    /// Type of the argument.
    pub ty: Type,
    /// Markdown.
    pub description: String,
    /// Null is passed on instead of being refused by Terraform.
    pub allow_null: bool,
    /// Unknown values are passed on instead of making the result unknown.
    pub allow_unknown: bool,
}

impl Signature {
    /// A function without parameters whose result is read from `R`.
    #[must_use]
    pub fn returning<R: Field>(summary: impl Into<String>) -> Self {
        Self {
            summary: summary.into(),
            description: String::new(),
            parameters: Vec::new(),
            variadic: None,
            result: type_of::<R>(),
        }
    }

    /// Sets the Markdown description.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Adds a parameter; `Option<T>` allows null.
    #[must_use]
    pub fn parameter<T: Field>(mut self, name: &str, description: &str) -> Self {
        self.parameters.push(Parameter::new::<T>(name, description));
        self
    }

    /// Takes all further arguments as elements of one list.
    #[must_use]
    pub fn variadic<T: Field>(mut self, name: &str, description: &str) -> Self {
        self.variadic = Some(Parameter::new::<T>(name, description));
        self
    }

    /// Every rule that this signature breaks; empty when Terraform will accept it.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        for parameter in self.parameters.iter().chain(&self.variadic) {
            let name = parameter.name.as_str();
            let start = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
            let rest = |next: char| next.is_ascii_alphanumeric() || next == '_' || next == '-';
            if !start || !name.chars().all(rest) {
                problems.push(format!("parameter {name}: the name is not an identifier"));
            }
            if !names.insert(name) {
                problems.push(format!("parameter {name}: the name is used twice"));
            }
            if parameter.description.trim().is_empty() {
                problems.push(format!("parameter {name}: it has no description"));
            }
        }
        if self.summary.trim().is_empty() {
            problems.push("it has no summary".to_owned());
        }
        problems
    }

    /// The parameter at a position, the variadic one included.
    #[must_use]
    pub fn parameter_at(&self, position: usize) -> Option<&Parameter> {
        self.parameters.get(position).or(self.variadic.as_ref())
    }
}

impl Parameter {
    fn new<T: Field>(name: &str, description: &str) -> Self {
        Self {
            name: name.to_owned(),
            ty: type_of::<T>(),
            description: description.to_owned(),
            allow_null: T::NULLABLE,
            allow_unknown: false,
        }
    }
}

/// The Terraform type of a field type.
fn type_of<T: Field>() -> Type {
    match T::shape() {
        Shape::Type(ty) => ty,
        Shape::Nested(nesting, block) => nesting.of(block.ty()),
        Shape::Unsupported(_) => Type::Dynamic,
    }
}

/// The arguments of one call.
#[derive(Debug)]
pub struct Arguments {
    values: std::vec::IntoIter<Value>,
    position: i64,
}

impl Arguments {
    /// These arguments, in order.
    #[must_use]
    pub fn new(values: Vec<Value>) -> Self {
        Self {
            values: values.into_iter(),
            position: 0,
        }
    }

    /// Takes the next argument.
    ///
    /// # Errors
    /// When it is not a `T`; the error names the argument.
    pub fn take<T: Field>(&mut self) -> Result<T, FunctionError> {
        let value = self.values.next().unwrap_or(Value::Null);
        let position = self.position;
        self.position += 1;
        let mut decoder = Decoder::new(Unknowns::Refuse);
        let read = T::decode(value, &mut decoder);
        decoder
            .finish(read)
            .map_err(|problems| FunctionError::from(problems).at(position))
    }

    /// Takes all further arguments.
    ///
    /// # Errors
    /// When one is not a `T`; the error names it.
    pub fn rest<T: Field>(&mut self) -> Result<Vec<T>, FunctionError> {
        let mut rest = Vec::new();
        while !self.values.as_slice().is_empty() {
            rest.push(self.take()?);
        }
        Ok(rest)
    }
}

/// Why a function has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
#[non_exhaustive]
pub struct FunctionError {
    /// What is wrong and what to do.
    pub text: String,
    /// The argument at fault, counted from 0.
    pub argument: Option<i64>,
}

impl FunctionError {
    /// An error of the whole call.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            argument: None,
        }
    }

    /// Blames the argument at this position, counted from 0.
    #[must_use]
    pub fn at(mut self, argument: i64) -> Self {
        self.argument = Some(argument);
        self
    }
}

impl From<Diagnostics> for FunctionError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::new(diagnostics.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_typed_and_errors_name_them() {
        let mut arguments = Arguments::new(vec!["a".into(), true.into(), 1.into(), 2.into()]);
        assert_eq!(arguments.take::<String>().unwrap(), "a");
        assert_eq!(arguments.take::<String>().unwrap_err().argument, Some(1));
        assert_eq!(arguments.rest::<i64>().unwrap(), [1, 2]);
        assert_eq!(arguments.take::<Option<i64>>().unwrap(), None);
    }

    #[test]
    fn signatures_follow_the_types() {
        let signature = Signature::returning::<Vec<String>>("s")
            .parameter::<Option<bool>>("a", "A.")
            .variadic::<i64>("n", "N.");
        assert_eq!(signature.result, Type::list(Type::String));
        assert!(signature.parameters[0].allow_null);
        assert_eq!(signature.validate(), Vec::<String>::new());
        assert_eq!(signature.parameter::<bool>("n", "").validate().len(), 2);
    }

    #[test]
    fn the_variadic_parameter_takes_all_further_positions() {
        let signature = Signature::returning::<bool>("s").variadic::<i64>("n", "N.");
        assert_eq!(signature.parameter_at(5).unwrap().ty, Type::Number);
    }
}
