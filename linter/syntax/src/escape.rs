//! Escape sequences of quoted strings, templates and JSON strings.

use crate::work;

/// One step of decoding: how many source bytes, and the character they stand for; `None` when the
/// bytes stand for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Escape {
    pub(crate) len: usize,
    pub(crate) value: Option<char>,
}

impl Escape {
    const fn plain(len: usize) -> Self {
        Self { len, value: None }
    }

    const fn of(len: usize, value: char) -> Self {
        Self {
            len,
            value: Some(value),
        }
    }
}

/// The first backslash of a quoted string's text that begins no known escape.
pub(crate) fn first_invalid_escape(text: &str) -> Option<usize> {
    let mut pos = 0;
    while let Some(at) = memchr::memchr(b'\\', &text.as_bytes()[pos..]) {
        pos += at;
        work::count(at);
        match backslash(&text[pos..]) {
            Escape { value: None, .. } => return Some(pos),
            escape => pos += escape.len,
        }
    }
    None
}

/// The escape at the start of `rest`, which begins with a backslash. An unknown one stands for
/// itself, one character at a time.
pub(crate) fn backslash(rest: &str) -> Escape {
    match rest.as_bytes().get(1) {
        Some(b'n') => Escape::of(2, '\n'),
        Some(b'r') => Escape::of(2, '\r'),
        Some(b't') => Escape::of(2, '\t'),
        Some(b'"') => Escape::of(2, '"'),
        Some(b'\\') => Escape::of(2, '\\'),
        Some(b'u') => unicode(rest, 4),
        Some(b'U') => unicode(rest, 8),
        _ => Escape::plain(1),
    }
}

fn unicode(rest: &str, digits: usize) -> Escape {
    rest.get(2..2 + digits)
        .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .and_then(char::from_u32)
        .map_or(Escape::plain(1), |c| Escape::of(2 + digits, c))
}

/// The escape at the start of `rest` in a JSON string. Halves of a surrogate pair that stand alone
/// become the replacement character.
pub(crate) fn json_backslash(rest: &str) -> Escape {
    match rest.as_bytes().get(1) {
        Some(b'/') => Escape::of(2, '/'),
        Some(b'b') => Escape::of(2, '\u{8}'),
        Some(b'f') => Escape::of(2, '\u{c}'),
        Some(b'u') => json_unicode(rest),
        Some(b'U') => Escape::plain(1),
        _ => backslash(rest),
    }
}

fn json_unicode(rest: &str) -> Escape {
    let unit = |from: usize| {
        rest.get(from..from + 4)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u32::from_str_radix(hex, 16).ok())
    };
    match unit(2) {
        None => Escape::plain(1),
        Some(high @ 0xd800..=0xdbff) => match rest.get(6..8).and_then(|_| unit(8)) {
            Some(low @ 0xdc00..=0xdfff) if &rest[6..8] == "\\u" => {
                let code = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                Escape::of(12, char::from_u32(code).unwrap_or('\u{fffd}'))
            }
            _ => Escape::of(6, '\u{fffd}'),
        },
        Some(code) => Escape::of(6, char::from_u32(code).unwrap_or('\u{fffd}')),
    }
}

/// Length of the doubled marker at the start of `rest` that stands for a single one: `$${`, `%%{`.
pub(crate) fn is_doubled_marker(rest: &[u8]) -> bool {
    matches!(rest, [b'$', b'$', b'{', ..] | [b'%', b'%', b'{', ..])
}
