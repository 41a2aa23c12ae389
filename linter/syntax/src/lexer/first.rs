//! What the first byte of a token tells about it, where code is read: mostly all.

use crate::chars::is_ascii_ident_start;
use crate::token::{Punctuation as P, TokenKind};

/// See the module.
#[derive(Clone, Copy)]
pub(super) struct First {
    pub(super) shape: Shape,
    /// What the byte alone is.
    pub(super) kind: TokenKind,
    /// See [`Shape::Unless`].
    pub(super) longer: [u8; 2],
}

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Ident,
    /// The byte is the whole token.
    Alone,
    /// The same, unless one of `longer` follows.
    Unless,
    /// The same, but where a sequence may end.
    Outside,
    Quote,
    /// Unknown.
    Other,
}

/// For each byte.
pub(super) static FIRST: [First; 256] = {
    let mut table = [First::new(Shape::Other, TokenKind::Invalid); 256];
    let mut byte = 0;
    while byte < 128 {
        table[byte] = First::of(byte as u8);
        byte += 1;
    }
    table
};

impl First {
    const fn new(shape: Shape, kind: TokenKind) -> Self {
        let longer = [0; 2];
        Self {
            shape,
            kind,
            longer,
        }
    }

    const fn alone(kind: P) -> Self {
        Self::new(Shape::Alone, TokenKind::Punctuation(kind))
    }

    const fn unless(longer: [u8; 2], kind: P) -> Self {
        Self {
            shape: Shape::Unless,
            kind: TokenKind::Punctuation(kind),
            longer,
        }
    }

    const fn of(byte: u8) -> Self {
        match byte {
            b'[' => Self::alone(P::OpenBracket),
            b']' => Self::alone(P::CloseBracket),
            b'(' => Self::alone(P::OpenParen),
            b')' => Self::alone(P::CloseParen),
            b',' => Self::alone(P::Comma),
            b'?' => Self::alone(P::Question),
            b'+' => Self::alone(P::Plus),
            b'-' => Self::alone(P::Minus),
            b'*' => Self::alone(P::Star),
            b'%' => Self::alone(P::Percent),
            b'=' => Self::unless(*b"=>", P::Assign),
            b'!' => Self::unless(*b"==", P::Not),
            b'<' => Self::unless(*b"<=", P::Less),
            b'>' => Self::unless(*b"==", P::Greater),
            b':' => Self::unless(*b"::", P::Colon),
            b'.' => Self::unless(*b"..", P::Dot),
            b'{' => Self::new(Shape::Outside, TokenKind::Punctuation(P::OpenBrace)),
            b'}' => Self::new(Shape::Outside, TokenKind::Punctuation(P::CloseBrace)),
            b'\n' => Self::new(Shape::Outside, TokenKind::Newline),
            b'"' => Self::new(Shape::Quote, TokenKind::OpenQuote),
            _ if is_ascii_ident_start(byte) => Self::new(Shape::Ident, TokenKind::Ident),
            _ => Self::new(Shape::Other, TokenKind::Invalid),
        }
    }
}
