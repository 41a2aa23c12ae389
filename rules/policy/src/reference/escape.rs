//! Percent-encoding: `%XX` stands for one byte of UTF-8, everywhere after `://`. Nothing else is an
//! escape (`+` is a plus sign). What must be written encoded is listed in [`must_be_encoded`].

use std::fmt::{self, Write};

use super::error::{ReferenceError, ReferenceErrorKind as Kind};
use crate::span::{Part, Span};

/// Decodes `%XX` and refuses what may not appear in a reference, encoded or not.
pub(crate) fn decode(part: Part<'_>) -> Result<String, ReferenceError> {
    if let Some(at) = part.text.find("${") {
        return Err(ReferenceError::new(
            Kind::Character,
            Span::new(part.start + at, part.start + at + 2),
            "the reference holds a template that nothing has evaluated",
            "write the finished text, or `$%7B` if the name really holds `${`",
        ));
    }
    let mut bytes = Vec::with_capacity(part.text.len());
    let mut rest = part.text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let at = part.start + (part.text.len() - rest.len());
        if byte == b'%' {
            bytes.push(escaped_byte(after).ok_or_else(|| broken_escape(at, after.len()))?);
            rest = &after[2..];
        } else {
            bytes.push(byte);
            rest = after;
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        ReferenceError::new(
            Kind::Character,
            part.span(),
            "the percent escapes do not form UTF-8 text",
            "encode the UTF-8 bytes of the character",
        )
    })?;
    if text.chars().any(is_forbidden) {
        return Err(forbidden_character(part.span()));
    }
    Ok(text)
}

fn escaped_byte(after: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let value = digit(*after.first()?)? * 16 + digit(*after.get(1)?)?;
    u8::try_from(value).ok()
}

fn broken_escape(at: usize, following: usize) -> ReferenceError {
    // The bytes after `%` may be the middle of a character, so the span covers the sign alone.
    let message = if following < 2 {
        "`%` at the end"
    } else {
        "`%` without two hexadecimal digits"
    };
    ReferenceError::new(
        Kind::Character,
        Span::new(at, at + 1),
        message,
        "write `%25` for a percent sign",
    )
}

/// The error for a character that [`is_forbidden`].
pub(crate) fn forbidden_character(span: Span) -> ReferenceError {
    ReferenceError::new(
        Kind::Character,
        span,
        "the reference holds a control or invisible character",
        "remove it; names in a store are printable text",
    )
}

/// Control characters, and characters that are invisible or reorder text on a screen: a reference
/// must be safe to print.
pub(crate) fn is_forbidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Characters with a meaning in references or in policy patterns, and blanks.
pub(crate) fn must_be_encoded(character: char) -> bool {
    matches!(character, '%' | '?' | '#' | '*' | '{') || character.is_whitespace()
}

/// Writes `text` with every character encoded for which `must` holds.
pub(crate) fn encode(
    f: &mut fmt::Formatter<'_>,
    text: &str,
    must: impl Fn(char) -> bool,
) -> fmt::Result {
    let mut buffer = [0; 4];
    for character in text.chars() {
        if must(character) {
            for byte in character.encode_utf8(&mut buffer).bytes() {
                write!(f, "%{byte:02X}")?;
            }
        } else {
            f.write_char(character)?;
        }
    }
    Ok(())
}
