//! Character classes of the native syntax.

/// Whether an identifier may begin with this byte; bytes of non-ASCII characters are decided by
/// [`is_ident_start`].
pub(crate) const fn is_ascii_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// A set of bytes.
pub(crate) type Class = [bool; 256];

/// What ASCII identifiers go on with.
static IDENT_BYTE: Class = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 128 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        i += 1;
    }
    table
};

/// First position at or after `pos` whose byte is, or is not, of a class; else the end.
#[inline]
pub(crate) fn find(class: &Class, is: bool, bytes: &[u8], mut pos: usize) -> usize {
    let found = |byte: &u8| class[*byte as usize] == is;
    // Steps of a known length need no look at the end for each byte.
    for eight in bytes.get(pos..).unwrap_or_default().as_chunks::<8>().0 {
        if let Some(at) = eight.iter().position(found) {
            return pos + at;
        }
        pos += 8;
    }
    while bytes.get(pos).is_some_and(|byte| !found(byte)) {
        pos += 1;
    }
    pos
}

/// Whether an identifier may begin with this character. Close to Unicode's `ID_Start`: the standard
/// library's alphabetic characters, a slightly larger set.
pub(crate) fn is_ident_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn is_ident_continue(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(
            c,
            '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}' | '\u{2040}'
        )
}

/// End of the identifier that continues at `pos`.
#[inline]
pub(crate) fn ident_end(text: &str, pos: usize) -> usize {
    let end = find(&IDENT_BYTE, false, text.as_bytes(), pos);
    match text.as_bytes().get(end) {
        Some(byte) if !byte.is_ascii() => wide_ident_end(text, end),
        _ => end,
    }
}

/// The same, at a character that is not ASCII.
#[cold]
fn wide_ident_end(text: &str, mut pos: usize) -> usize {
    while let Some(c) = text[pos..].chars().next() {
        if c.is_ascii() {
            let end = find(&IDENT_BYTE, false, text.as_bytes(), pos);
            if end == pos {
                break;
            }
            pos = end;
        } else if is_ident_continue(c) {
            pos += c.len_utf8();
        } else {
            break;
        }
    }
    pos
}

/// The identifier that ends `text`; empty when there is none.
pub(crate) fn trailing_ident(text: &str) -> &str {
    // Nearly always a dot and a name.
    if let [_, name @ ..] = text.as_bytes()
        && name.iter().all(|&byte| IDENT_BYTE[byte as usize])
    {
        return text.get(1..).unwrap_or_default();
    }
    let outside = |c: char| {
        if c.is_ascii() {
            !IDENT_BYTE[c as usize]
        } else {
            !is_ident_continue(c)
        }
    };
    let start = text
        .char_indices()
        .rfind(|&(_, c)| outside(c))
        .map_or(0, |(at, c)| at + c.len_utf8());
    &text[start..]
}

/// First position at or after `pos` that is neither a space nor a tab.
#[inline]
pub(crate) fn skip_blanks(bytes: &[u8], mut pos: usize) -> usize {
    let blank = |at: usize| matches!(bytes.get(at), Some(b' ' | b'\t'));
    // Nearly always none or one, or the indentation of a line, where eight spaces are one number.
    if !blank(pos) {
        return pos;
    }
    pos += 1;
    if !blank(pos) {
        return pos;
    }
    while let Some(eight) = bytes.get(pos..).and_then(|rest| rest.first_chunk()) {
        let others = u64::from_le_bytes(*eight) ^ 0x2020_2020_2020_2020;
        let spaces = others.trailing_zeros() as usize / 8;
        pos += spaces;
        if spaces < 8 {
            break;
        }
    }
    while blank(pos) {
        pos += 1;
    }
    pos
}
