//! A documented struct is the schema: [`model!`](crate::model!) turns it into schema, decoder and encoder.
//!
//! ```
//! use secret_value::Secret;
//! use tf_framework::model::Model;
//!
//! tf_framework::model! {
//!     /// Opens one secret for the duration of a run.
//!     pub struct ValueModel {
//!         /// Where the secret is, such as `local://dev/db#password`.
//!         pub r#ref: String = required(),
//!         /// Version to open; the newest when left out.
//!         pub version: Option<i64> = optional().or_computed(),
//!         /// The secret as text.
//!         pub value: Option<Secret> = computed().sensitive(),
//!         /// Extra headers.
//!         pub header: Vec<HeaderModel> = block(),
//!     }
//! }
//!
//! tf_framework::model! {
//!     /// One header.
//!     pub struct HeaderModel {
//!         /// Its name.
//!         pub name: String = required(),
//!     }
//! }
//!
//! let block = ValueModel::block();
//! assert_eq!(block.attributes[0].name, "ref");
//! assert_eq!(block.attributes[0].description, "Where the secret is, such as `local://dev/db#password`.");
//! assert!(tf_framework::schema::Schema::new(block).validate().is_empty());
//! ```
//!
//! The expression after `=` starts with who sets the attribute ([`required`], [`optional`], [`computed`])
//! or with [`block`], and goes on with [`Flags`] methods. The Rust type decides the Terraform type:
//!
//! | Rust | Terraform |
//! |---|---|
//! | `String`, `bool`, integers, `f64`, [`Number`](crate::number::Number) | string, bool, number |
//! | [`Secret`](secret_value::Secret) | string; must be `.sensitive()` or `.write_only()` |
//! | `Option<T>` | `T` that may be null; needed unless `required()` |
//! | [`Tristate<T>`] | `T` that may be null or unknown |
//! | `Vec<T>`, [`SetOf<T>`], `BTreeMap<String, T>` | list, set, map |
//! | [`Dynamic`](crate::value::Dynamic) | any type |
//! | another model | nested attributes, or with `block()` a nested block |
//!
//! As blocks, a model is required once, `Option` makes it optional, `Vec` and [`SetOf`] repeat it, and
//! `BTreeMap` repeats it under one label.
//!
//! A type of your own takes part by implementing [`Field`]; report what is wrong with the text through
//! [`Decoder::fail`], and Terraform underlines the attribute.

mod decoder;
mod field;
mod flags;
mod tristate;

pub use decoder::{Decoder, Failed, Fields, Unknowns};
pub use field::{Field, SetOf, Shape};
pub use flags::{Flags, block, computed, optional, required};
pub use tristate::Tristate;

use crate::diagnostic::Diagnostics;
use crate::schema::Block;
use crate::value::{Object, Value};

/// A struct that describes a block. Made by [`model!`](crate::model!).
pub trait Model: Sized + Send + 'static {
    /// What it accepts and returns.
    fn block() -> Block;

    /// Reads the fields; every problem is reported through the decoder of `fields`, not only the first.
    ///
    /// # Errors
    /// When a field could not be read; the reason has been reported.
    fn decode(fields: &mut Fields<'_>) -> Result<Self, Failed>;

    /// Writes the fields.
    fn encode(self) -> Object;
}

/// Reads a model from an object value.
///
/// # Errors
/// One diagnostic for each attribute that cannot be read, with its path.
pub fn from_value<M: Model>(value: Value, unknowns: Unknowns) -> Result<M, Diagnostics> {
    let mut decoder = Decoder::new(unknowns);
    let model = decoder.model(value);
    decoder.finish(model)
}

/// Writes a model as an object value.
#[must_use]
pub fn to_value<M: Model>(model: M) -> Value {
    Value::Object(model.encode())
}

/// Joins the lines of a doc comment into Markdown.
#[doc(hidden)]
#[must_use]
pub fn join_doc(lines: &[&str]) -> String {
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end())
        .collect();
    lines.join("\n").trim().to_owned()
}

/// The attribute name of a field.
#[doc(hidden)]
#[must_use]
pub fn field_name(identifier: &'static str) -> &'static str {
    identifier.strip_prefix("r#").unwrap_or(identifier)
}

/// Declares a struct and its schema in one go; see the [module documentation](mod@crate::model).
#[macro_export]
macro_rules! model {
    (
        $(#[doc = $doc:literal])*
        $(#[derive($($derive:path),* $(,)?)])?
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $field_doc:literal])*
                $field_vis:vis $field:ident : $ty:ty = $flags:expr
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone $(, $($derive),*)?)]
        $vis struct $name {
            $(
                $(#[doc = $field_doc])*
                $field_vis $field: $ty,
            )*
        }

        impl $crate::model::Model for $name {
            fn block() -> $crate::schema::Block {
                #[allow(unused_imports, clippy::allow_attributes, reason = "a model may use only some of the words that start a field")]
                use $crate::model::{block, computed, optional, required};
                $crate::schema::Block::new($crate::model::join_doc(&[$($doc),*]))
                    $(
                        .field::<$ty>(
                            $crate::model::field_name(stringify!($field)),
                            $flags,
                            &$crate::model::join_doc(&[$($field_doc),*]),
                        )
                    )*
            }

            fn decode(
                fields: &mut $crate::model::Fields<'_>,
            ) -> ::std::result::Result<Self, $crate::model::Failed> {
                let _ = &fields;
                $(
                    let $field = fields.take::<$ty>($crate::model::field_name(stringify!($field)));
                )*
                ::std::result::Result::Ok(Self { $($field: $field?,)* })
            }

            fn encode(self) -> $crate::value::Object {
                ::std::iter::IntoIterator::into_iter([
                    $(
                        (
                            $crate::model::field_name(stringify!($field)).to_owned(),
                            $crate::model::Field::encode(self.$field),
                        ),
                    )*
                ])
                .collect()
            }
        }

        impl $crate::model::Field for $name {
            const NULLABLE: bool = false;

            fn shape() -> $crate::model::Shape {
                $crate::model::Shape::Nested(
                    $crate::schema::Nesting::Single,
                    <Self as $crate::model::Model>::block(),
                )
            }

            fn decode(
                value: $crate::value::Value,
                decoder: &mut $crate::model::Decoder,
            ) -> ::std::result::Result<Self, $crate::model::Failed> {
                decoder.model(value)
            }

            fn encode(self) -> $crate::value::Value {
                $crate::model::to_value(self)
            }
        }
    };
}

#[cfg(test)]
mod tests;
