//! Bytes to values.

use std::collections::BTreeMap;

use secret_value::Secret;

use super::reader::{Reader, Token};
use super::{MAX_REFINEMENT, REFINED_UNKNOWN};
use crate::codec::{CodecError, CodecErrorKind};
use crate::number::Number;
use crate::path::{Path, Step};
use crate::types::{ObjectType, Type};
use crate::value::{Dynamic, Refinement, Value};

/// Reads a value of type `ty`. Empty input is null, as the protocol has it.
///
/// # Errors
/// When the bytes are not exactly one value of that type.
pub fn decode(bytes: &[u8], ty: &Type) -> Result<Value, CodecError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let mut decoder = Decoder {
        reader: Reader::new(bytes),
        path: Path::root(),
    };
    let value = decoder.value(ty)?;
    if decoder.reader.remaining() > 0 {
        return Err(decoder.error(CodecErrorKind::Trailing));
    }
    Ok(value)
}

/// Recursion is bounded by the type: schemas are ours, and a dynamic type's depth is limited.
struct Decoder<'a> {
    reader: Reader<'a>,
    path: Path,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, ty: &Type) -> Result<Value, CodecError> {
        let token = self.token()?;
        match token {
            Token::Nil => return Ok(Value::Null),
            Token::Ext(kind, payload) => return Ok(Value::Unknown(refinement(kind, payload, ty))),
            _ => {}
        }
        match (ty, token) {
            (Type::Bool, Token::Bool(value)) => Ok(Value::Bool(value)),
            (Type::Number, token) => self.number(token),
            (Type::String, Token::Str(bytes)) => Ok(Value::String(self.text(bytes)?.to_owned())),
            (Type::Secret, Token::Str(bytes)) => {
                // What is not text here could not be sent back.
                self.text(bytes)?;
                Ok(Value::Secret(Secret::new(bytes.to_vec())))
            }
            (Type::Dynamic, Token::Array(2)) => self.dynamic(false),
            (Type::SecretDynamic, Token::Array(2)) => self.dynamic(true),
            (Type::List(element), Token::Array(length)) => {
                self.elements(element, length).map(Value::List)
            }
            (Type::Set(element), Token::Array(length)) => {
                self.elements(element, length).map(Value::Set)
            }
            (Type::Tuple(types), Token::Array(length)) => self.tuple(types, length),
            (Type::Map(element), Token::Map(length)) => self.map(element, length),
            (Type::Object(object), Token::Map(length)) => self.object(object, length),
            (ty, token) => Err(self.mismatch(ty.describe(), token)),
        }
    }

    fn number(&mut self, token: Token<'a>) -> Result<Value, CodecError> {
        let number = match token {
            Token::Int(value) => Some(Number::Int(value)),
            Token::UInt(value) => {
                Some(i64::try_from(value).map_or(Number::UInt(value), Number::Int))
            }
            Token::Float(value) => Number::from_f64(value),
            Token::Str(bytes) => Number::parse(self.text(bytes)?),
            token => return Err(self.mismatch(Type::Number.describe(), token)),
        };
        number
            .map(Value::Number)
            .ok_or_else(|| self.error(CodecErrorKind::NotANumber))
    }

    fn dynamic(&mut self, sealed: bool) -> Result<Value, CodecError> {
        let ty = match self.token()? {
            Token::Bin(bytes) | Token::Str(bytes) => {
                Type::from_json(bytes).map_err(|error| self.error(error))?
            }
            token => return Err(self.mismatch("a type".into(), token)),
        };
        if ty == Type::Dynamic {
            return Err(self.error(crate::types::TypeError::NotAType(
                "a known value cannot have a dynamic type",
            )));
        }
        let ty = if sealed { ty.sealed() } else { ty };
        let value = self.value(&ty)?;
        Ok(Value::Dynamic(Box::new(Dynamic { ty, value })))
    }

    fn elements(&mut self, element: &Type, length: usize) -> Result<Vec<Value>, CodecError> {
        let mut items = Vec::with_capacity(self.plausible(length));
        for position in 0..length {
            items.push(self.within(index(position), |decoder| decoder.value(element))?);
        }
        Ok(items)
    }

    fn tuple(&mut self, types: &[Type], length: usize) -> Result<Value, CodecError> {
        if types.len() != length {
            return Err(self.error(CodecErrorKind::WrongLength {
                expected: types.len(),
                found: length,
            }));
        }
        let mut items = Vec::with_capacity(self.plausible(length));
        for (position, ty) in types.iter().enumerate() {
            items.push(self.within(index(position), |decoder| decoder.value(ty))?);
        }
        Ok(Value::Tuple(items))
    }

    fn map(&mut self, element: &Type, length: usize) -> Result<Value, CodecError> {
        let mut items = BTreeMap::new();
        for _ in 0..length {
            let key = self.key()?;
            let value = self.within(Step::Key(key.clone()), |decoder| decoder.value(element))?;
            if items.insert(key, value).is_some() {
                return Err(self.error(CodecErrorKind::DuplicateKey));
            }
        }
        Ok(Value::Map(items))
    }

    fn object(&mut self, object: &ObjectType, length: usize) -> Result<Value, CodecError> {
        let mut items = BTreeMap::new();
        for _ in 0..length {
            let name = self.key()?;
            let (name, value) = self.within(Step::Attribute(name), |decoder| {
                let Some(Step::Attribute(name)) = decoder.path.steps().last().cloned() else {
                    return Err(decoder.error(CodecErrorKind::UnexpectedAttribute));
                };
                let ty = object.attributes.get(&name);
                let ty = ty.ok_or_else(|| decoder.error(CodecErrorKind::UnexpectedAttribute))?;
                Ok((name, decoder.value(ty)?))
            })?;
            if items.insert(name, value).is_some() {
                return Err(self.error(CodecErrorKind::DuplicateKey));
            }
        }
        match object
            .attributes
            .keys()
            .find(|name| !items.contains_key(*name))
        {
            Some(missing) => {
                self.path.push(Step::Attribute(missing.clone()));
                Err(self.error(CodecErrorKind::MissingAttribute))
            }
            None => Ok(Value::Object(items)),
        }
    }

    fn key(&mut self) -> Result<String, CodecError> {
        match self.token()? {
            Token::Str(bytes) => self.text(bytes).map(str::to_owned),
            token => Err(self.mismatch("a text key".into(), token)),
        }
    }

    fn text(&self, bytes: &'a [u8]) -> Result<&'a str, CodecError> {
        std::str::from_utf8(bytes).map_err(|_| self.error(CodecErrorKind::NotUtf8))
    }

    fn token(&mut self) -> Result<Token<'a>, CodecError> {
        self.reader
            .token()
            .map_err(|kind| CodecError::new(&self.path, kind))
    }

    /// An announced length, limited by what the remaining bytes can hold at one byte an element.
    fn plausible(&self, length: usize) -> usize {
        length.min(self.reader.remaining()).min(1024)
    }

    /// On failure the path keeps its steps, so the error made deeper down is not rebuilt on the way up.
    fn within<T>(
        &mut self,
        step: Step,
        read: impl FnOnce(&mut Self) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        self.path.push(step);
        let value = read(self)?;
        self.path.pop();
        Ok(value)
    }

    fn mismatch(&self, expected: String, token: Token<'_>) -> CodecError {
        self.error(CodecErrorKind::Mismatch {
            expected,
            found: token.kind(),
        })
    }

    fn error(&self, kind: impl Into<CodecErrorKind>) -> CodecError {
        CodecError::new(&self.path, kind)
    }
}

fn index(position: usize) -> Step {
    Step::Index(i64::try_from(position).unwrap_or(i64::MAX))
}

/// Reads what it understands; anything else leaves the value plainly unknown, which is always safe.
fn refinement(kind: i8, payload: &[u8], ty: &Type) -> Refinement {
    let mut refinement = Refinement::default();
    if kind != REFINED_UNKNOWN || payload.len() > MAX_REFINEMENT {
        return refinement;
    }
    let mut reader = Reader::new(payload);
    let Ok(Token::Map(length)) = reader.token() else {
        return refinement;
    };
    for _ in 0..length {
        match (reader.token(), reader.token()) {
            (Ok(Token::Int(1)), Ok(Token::Bool(null))) => refinement.not_null = !null,
            (Ok(Token::Int(2)), Ok(Token::Str(prefix))) if *ty == Type::String => {
                refinement.prefix = std::str::from_utf8(prefix).ok().map(str::to_owned);
            }
            // Bounds are `[number, inclusive]`: two more tokens.
            (Ok(_), Ok(Token::Array(2))) if reader.token().and(reader.token()).is_ok() => {}
            (Ok(_), Ok(_)) => {}
            _ => return refinement,
        }
    }
    refinement
}
