//! Values to bytes.

use rmp::encode as write;
use rmp::encode::ByteBuf;
use secret_value::Secret;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc, is_nfc_quick};

use crate::codec::{CodecError, CodecErrorKind};
use crate::number::Number;
use crate::path::{Path, Step};
use crate::types::{ObjectType, Type};
use crate::value::{Dynamic, Value};

/// Writes `value` as type `ty`. Attributes that an object value lacks are written as null; text is
/// brought into normal form C; secrets are written as they are or not at all.
///
/// # Errors
/// When the value does not have that type, or when a secret is not normalised UTF-8 text.
pub fn encode(value: &Value, ty: &Type) -> Result<Vec<u8>, CodecError> {
    let mut encoder = Encoder {
        out: ByteBuf::with_capacity(size_hint(value)),
        path: Path::root(),
        siblings: None,
    };
    encoder.value(value, ty)?;
    Ok(encoder.out.into_vec())
}

/// An upper bound for values without dynamic types, so that a buffer holding secrets is not reallocated.
fn size_hint(value: &Value) -> usize {
    const HEADER: usize = 9;
    HEADER
        + match value {
            Value::String(text) => text.len(),
            Value::Secret(secret) => secret.len(),
            Value::Number(Number::Text(text)) => text.as_str().len(),
            Value::List(items) | Value::Set(items) | Value::Tuple(items) => {
                items.iter().map(size_hint).sum()
            }
            Value::Map(items) | Value::Object(items) => items
                .iter()
                .map(|(key, item)| HEADER + key.len() + size_hint(item))
                .sum(),
            Value::Dynamic(inner) => inner.ty.to_json().len() + HEADER + size_hint(&inner.value),
            _ => 0,
        }
}

/// Writing into memory cannot fail, so the results of the writers below are empty.
struct Encoder<'t> {
    out: ByteBuf,
    path: Path,
    /// The object whose attribute is being written: where a base64 sibling would be.
    siblings: Option<&'t ObjectType>,
}

impl<'t> Encoder<'t> {
    fn value(&mut self, value: &Value, ty: &'t Type) -> Result<(), CodecError> {
        match (value, ty) {
            (Value::Null, _) => infallible(&write::write_nil(&mut self.out)),
            (Value::Unknown(_), _) => {
                infallible(&write::write_ext_meta(&mut self.out, 1, 0));
                self.out.as_mut_vec().push(0);
            }
            (Value::Bool(value), Type::Bool) => {
                infallible(&write::write_bool(&mut self.out, *value));
            }
            (Value::Number(number), Type::Number) => self.number(number),
            (Value::String(text), Type::String) => self.text(text),
            (Value::Secret(secret), Type::Secret) => self.secret(secret)?,
            (Value::List(items), Type::List(element)) | (Value::Set(items), Type::Set(element)) => {
                self.elements(items, element)?;
            }
            (Value::Tuple(items), Type::Tuple(types)) => self.tuple(items, types)?,
            (Value::Map(items), Type::Map(element)) => {
                infallible(&write::write_map_len(&mut self.out, length(items.len())));
                for (key, item) in items {
                    self.text(key);
                    self.within(Step::Key(key.clone()), |encoder| {
                        encoder.value(item, element)
                    })?;
                }
            }
            (Value::Object(items), Type::Object(object)) => self.object(items, object)?,
            (Value::Dynamic(inner), Type::Dynamic | Type::SecretDynamic) => self.dynamic(inner)?,
            (value, ty) => {
                return Err(self.error(CodecErrorKind::Mismatch {
                    expected: ty.describe(),
                    found: value.kind(),
                }));
            }
        }
        Ok(())
    }

    /// Integers that fit, then floats that are no integers, then decimal text: as Terraform writes them.
    fn number(&mut self, number: &Number) {
        match (number.integer(), number) {
            (Some(Number::Int(value)), _) => {
                infallible(&write::write_sint(&mut self.out, value));
            }
            (None, Number::Float(value)) if value.is_infinite() || value.fract() != 0.0 => {
                infallible(&write::write_f64(&mut self.out, *value));
            }
            _ => self.text(&number.to_string()),
        }
    }

    fn text(&mut self, text: &str) {
        if is_nfc_quick(text.chars()) == IsNormalized::Yes {
            infallible(&write::write_str(&mut self.out, text));
        } else {
            infallible(&write::write_str(
                &mut self.out,
                &text.nfc().collect::<String>(),
            ));
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the codec hands the value to Terraform, which is its purpose"
    )]
    fn secret(&mut self, secret: &Secret) -> Result<(), CodecError> {
        let text = std::str::from_utf8(secret.expose()).map_err(|_| self.unsafe_text(false))?;
        if !is_nfc(text) {
            return Err(self.unsafe_text(true));
        }
        infallible(&write::write_str(&mut self.out, text));
        Ok(())
    }

    fn elements(&mut self, items: &[Value], element: &'t Type) -> Result<(), CodecError> {
        infallible(&write::write_array_len(&mut self.out, length(items.len())));
        for (position, item) in items.iter().enumerate() {
            self.within(index(position), |encoder| encoder.value(item, element))?;
        }
        Ok(())
    }

    fn tuple(&mut self, items: &[Value], types: &'t [Type]) -> Result<(), CodecError> {
        if items.len() != types.len() {
            return Err(self.error(CodecErrorKind::WrongLength {
                expected: types.len(),
                found: items.len(),
            }));
        }
        infallible(&write::write_array_len(&mut self.out, length(items.len())));
        for (position, (item, ty)) in items.iter().zip(types).enumerate() {
            self.within(index(position), |encoder| encoder.value(item, ty))?;
        }
        Ok(())
    }

    fn object(
        &mut self,
        items: &crate::value::Object,
        object: &'t ObjectType,
    ) -> Result<(), CodecError> {
        if let Some(unexpected) = items
            .keys()
            .find(|name| !object.attributes.contains_key(*name))
        {
            self.path.push(Step::Attribute(unexpected.clone()));
            return Err(self.error(CodecErrorKind::UnexpectedAttribute));
        }
        infallible(&write::write_map_len(
            &mut self.out,
            length(object.attributes.len()),
        ));
        let outer = self.siblings.replace(object);
        for (name, ty) in &object.attributes {
            self.text(name);
            let item = items.get(name).unwrap_or(&Value::Null);
            self.within(Step::Attribute(name.clone()), |encoder| {
                encoder.value(item, ty)
            })?;
        }
        self.siblings = outer;
        Ok(())
    }

    fn dynamic(&mut self, inner: &Dynamic) -> Result<(), CodecError> {
        infallible(&write::write_array_len(&mut self.out, 2));
        infallible(&write::write_bin(
            &mut self.out,
            inner.ty.to_json().as_bytes(),
        ));
        // The inner type lives in the value, not in the schema, so it has no siblings to offer.
        let mut encoder = Encoder {
            out: std::mem::take(&mut self.out),
            path: std::mem::take(&mut self.path),
            siblings: None,
        };
        encoder.value(&inner.value, &inner.ty)?;
        self.out = encoder.out;
        self.path = encoder.path;
        Ok(())
    }

    fn unsafe_text(&self, utf8: bool) -> CodecError {
        let name = self.path.steps().iter().rev().find_map(|step| match step {
            Step::Attribute(name) => Some(format!("{name}_base64")),
            _ => None,
        });
        let sibling = name.filter(|name| {
            self.siblings
                .is_some_and(|object| object.attributes.contains_key(name))
        });
        let alternative = sibling.map_or("a base64 attribute or encoding".to_owned(), |name| {
            format!("`{name}`")
        });
        self.error(CodecErrorKind::UnsafeText { utf8, alternative })
    }

    fn within(
        &mut self,
        step: Step,
        put: impl FnOnce(&mut Self) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        self.path.push(step);
        put(self)?;
        self.path.pop();
        Ok(())
    }

    fn error(&self, kind: CodecErrorKind) -> CodecError {
        CodecError::new(&self.path, kind)
    }
}

fn index(position: usize) -> Step {
    Step::Index(i64::try_from(position).unwrap_or(i64::MAX))
}

/// Lengths above `u32::MAX` would need more memory than a message may have.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn infallible<T, E>(result: &Result<T, E>) {
    debug_assert!(result.is_ok(), "writing into memory cannot fail");
}
