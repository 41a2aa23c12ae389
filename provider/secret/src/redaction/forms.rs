//! The spellings of a value that are looked for.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::MIN_LEN;

/// One spelling; a boxed slice never reallocates, so no copy is left behind.
pub(super) type Form = Zeroizing<Box<[u8]>>;

/// All spellings of `value`. Base64 stands without padding, which also finds the padded text. Text is
/// looked for without surrounding white space, since printing often drops it.
pub(super) fn of(value: &[u8]) -> Vec<Form> {
    let core = match value.trim_ascii() {
        trimmed if trimmed.len() >= MIN_LEN => trimmed,
        _ => value,
    };
    let mut forms = Vec::new();
    for bytes in [value, core] {
        for spelling in encoded(bytes) {
            add(&mut forms, &spelling);
        }
    }
    add(&mut forms, core);
    if let Ok(text) = std::str::from_utf8(core) {
        for spelling in escaped(text) {
            add(&mut forms, &spelling);
        }
    }
    forms
}

fn add(forms: &mut Vec<Form>, spelling: &[u8]) {
    if spelling.len() >= MIN_LEN && !forms.iter().any(|form| form.as_ref() == spelling) {
        forms.push(Zeroizing::new(spelling.into()));
    }
}

/// Spellings that carry any bytes.
fn encoded(bytes: &[u8]) -> [Zeroizing<Vec<u8>>; 7] {
    [
        Zeroizing::new(STANDARD_NO_PAD.encode(bytes).into_bytes()),
        Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes).into_bytes()),
        spell(bytes, 2, |byte, out| hex(byte, LOWER, out)),
        spell(bytes, 2, |byte, out| hex(byte, UPPER, out)),
        spell(bytes, 3, |byte, out| percent(byte, UPPER, false, out)),
        spell(bytes, 3, |byte, out| percent(byte, LOWER, false, out)),
        spell(bytes, 3, |byte, out| percent(byte, UPPER, true, out)),
    ]
}

/// Spellings of text inside string literals: JSON, JSON safe for HTML, JSON in JSON, and Rust's `Debug`.
fn escaped(text: &str) -> [Zeroizing<Vec<u8>>; 4] {
    let bytes = text.as_bytes();
    let once = spell(bytes, 6, |byte, out| json(byte, false, out));
    let html = spell(bytes, 6, |byte, out| json(byte, true, out));
    let twice = spell(&once, 6, |byte, out| json(byte, false, out));
    [once, html, twice, debug(text)]
}

/// What `{:?}` prints between its quotes.
fn debug(text: &str) -> Zeroizing<Vec<u8>> {
    // No character needs more than six bytes for each of its own, so the buffer never grows.
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() * 6 + 2));
    #[expect(clippy::use_debug, reason = "this form is what is looked for")]
    // Writing to a vector cannot fail.
    let _ = write!(out, "{text:?}");
    out.pop();
    out.remove(0);
    out
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Spells each byte by `write`, which adds at most `widest` bytes; the buffer never grows.
fn spell(bytes: &[u8], widest: usize, write: impl Fn(u8, &mut Vec<u8>)) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() * widest));
    for byte in bytes {
        write(*byte, &mut out);
    }
    out
}

fn hex(byte: u8, digits: &[u8; 16], out: &mut Vec<u8>) {
    out.extend([
        digits[usize::from(byte >> 4)],
        digits[usize::from(byte & 15)],
    ]);
}

fn percent(byte: u8, digits: &[u8; 16], form: bool, out: &mut Vec<u8>) {
    match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(byte),
        b' ' if form => out.push(b'+'),
        _ => {
            out.push(b'%');
            hex(byte, digits, out);
        }
    }
}

fn json(byte: u8, html_safe: bool, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend(b"\\\""),
        b'\\' => out.extend(b"\\\\"),
        b'\n' => out.extend(b"\\n"),
        b'\r' => out.extend(b"\\r"),
        b'\t' => out.extend(b"\\t"),
        0x08 => out.extend(b"\\b"),
        0x0c => out.extend(b"\\f"),
        b'<' | b'>' | b'&' if html_safe => unicode_escape(byte, out),
        0..0x20 => unicode_escape(byte, out),
        _ => out.push(byte),
    }
}

fn unicode_escape(byte: u8, out: &mut Vec<u8>) {
    out.extend(b"\\u00");
    hex(byte, LOWER, out);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spellings(value: &[u8]) -> Vec<String> {
        of(value)
            .iter()
            .map(|form| String::from_utf8_lossy(form).into_owned())
            .collect()
    }

    #[test]
    fn text_is_spelled_in_every_known_way() {
        let forms = spellings(b"p<\"ss w/rd\n?\xc3\xa9");
        for expected in [
            "p<\"ss w/rd\n?é",
            "p<\\\"ss w/rd\\n?é",
            "p\\u003c\\\"ss w/rd\\n?é",
            "p%3C%22ss%20w%2Frd%0A%3F%C3%A9",
            "p%3c%22ss%20w%2frd%0a%3f%c3%a9",
            "p%3C%22ss+w%2Frd%0A%3F%C3%A9",
            "703c22737320772f72640a3fc3a9",
            "703C22737320772F72640A3FC3A9",
            "p<\\\\\\\"ss w/rd\\\\n?é",
        ] {
            assert!(
                forms.iter().any(|form| form == expected),
                "{expected} is missing in {forms:?}"
            );
        }
    }

    #[test]
    fn both_base64_alphabets_are_known_without_padding() {
        let forms = spellings(b"\xff\xfe\xfd\xfc\xfb\xfa\xff");
        assert!(forms.contains(&"//79/Pv6/w".to_owned()), "{forms:?}");
        assert!(forms.contains(&"__79_Pv6_w".to_owned()), "{forms:?}");
    }

    #[test]
    fn white_space_around_a_value_does_not_hide_it() {
        let forms = spellings(b"hunter22\n");
        assert!(forms.contains(&"hunter22".to_owned()));
        assert!(forms.contains(&STANDARD_NO_PAD.encode("hunter22")));
        assert!(forms.contains(&STANDARD_NO_PAD.encode("hunter22\n")));
    }

    #[test]
    fn plain_words_have_few_spellings() {
        assert_eq!(
            spellings(b"hunter22").len(),
            4,
            "plain, base64, hexadecimal in both cases"
        );
    }
}
