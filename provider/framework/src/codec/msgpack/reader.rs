//! Tokens of MessagePack over a byte slice, with every length checked against what is left.

use rmp::Marker;

use crate::codec::CodecErrorKind;

/// One token; containers announce their length and their content follows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    /// Not checked to be UTF-8.
    Str(&'a [u8]),
    Bin(&'a [u8]),
    Array(usize),
    Map(usize),
    Ext(i8, &'a [u8]),
}

impl Token<'_> {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "null",
            Self::Bool(_) => "a bool",
            Self::Int(_) | Self::UInt(_) | Self::Float(_) => "a number",
            Self::Str(_) => "a string",
            Self::Bin(_) => "bytes",
            Self::Array(_) => "a list",
            Self::Map(_) => "a map",
            Self::Ext(..) => "an unknown value",
        }
    }
}

pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn token(&mut self) -> Result<Token<'a>, CodecErrorKind> {
        let [first] = self.array::<1>()?;
        Ok(match Marker::from_u8(first) {
            Marker::Null => Token::Nil,
            Marker::True => Token::Bool(true),
            Marker::False => Token::Bool(false),
            Marker::FixPos(value) => Token::Int(value.into()),
            Marker::FixNeg(value) => Token::Int(value.into()),
            Marker::U8 => Token::UInt(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Token::UInt(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Token::UInt(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => Token::UInt(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Token::Int(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Token::Int(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Token::Int(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Token::Int(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Token::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(length) => Token::Str(self.bytes(length.into())?),
            Marker::Str8 => self
                .length8()
                .and_then(|length| self.bytes(length))
                .map(Token::Str)?,
            Marker::Str16 => self
                .length16()
                .and_then(|length| self.bytes(length))
                .map(Token::Str)?,
            Marker::Str32 => self
                .length32()
                .and_then(|length| self.bytes(length))
                .map(Token::Str)?,
            Marker::Bin8 => self
                .length8()
                .and_then(|length| self.bytes(length))
                .map(Token::Bin)?,
            Marker::Bin16 => self
                .length16()
                .and_then(|length| self.bytes(length))
                .map(Token::Bin)?,
            Marker::Bin32 => self
                .length32()
                .and_then(|length| self.bytes(length))
                .map(Token::Bin)?,
            Marker::FixArray(length) => Token::Array(length.into()),
            Marker::Array16 => Token::Array(self.length16()?),
            Marker::Array32 => Token::Array(self.length32()?),
            Marker::FixMap(length) => Token::Map(length.into()),
            Marker::Map16 => Token::Map(self.length16()?),
            Marker::Map32 => Token::Map(self.length32()?),
            Marker::FixExt1 => self.ext(1)?,
            Marker::FixExt2 => self.ext(2)?,
            Marker::FixExt4 => self.ext(4)?,
            Marker::FixExt8 => self.ext(8)?,
            Marker::FixExt16 => self.ext(16)?,
            Marker::Ext8 => self.length8().and_then(|length| self.ext(length))?,
            Marker::Ext16 => self.length16().and_then(|length| self.ext(length))?,
            Marker::Ext32 => self.length32().and_then(|length| self.ext(length))?,
            Marker::Reserved => {
                return Err(CodecErrorKind::Mismatch {
                    expected: "a value".into(),
                    found: "a reserved byte",
                });
            }
        })
    }

    fn ext(&mut self, length: usize) -> Result<Token<'a>, CodecErrorKind> {
        let kind = i8::from_be_bytes(self.array()?);
        Ok(Token::Ext(kind, self.bytes(length)?))
    }

    fn length8(&mut self) -> Result<usize, CodecErrorKind> {
        Ok(u8::from_be_bytes(self.array()?).into())
    }

    fn length16(&mut self) -> Result<usize, CodecErrorKind> {
        Ok(u16::from_be_bytes(self.array()?).into())
    }

    fn length32(&mut self) -> Result<usize, CodecErrorKind> {
        usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| CodecErrorKind::Truncated)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecErrorKind> {
        let (head, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(CodecErrorKind::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], CodecErrorKind> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CodecErrorKind::Truncated)?;
        self.rest = rest;
        Ok(head)
    }
}
