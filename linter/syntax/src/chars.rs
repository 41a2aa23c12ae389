//! Character classes of the native syntax.

/// Whether an identifier may begin with this byte; bytes of non-ASCII characters are decided by
/// [`is_ident_start`].
pub(crate) const fn is_ascii_ident_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

const IDENT_BYTE: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 128 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        i += 1;
    }
    table
};

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
pub(crate) fn ident_end(text: &str, mut pos: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        while pos < bytes.len() && IDENT_BYTE[bytes[pos] as usize] {
            pos += 1;
        }
        match bytes.get(pos) {
            Some(b) if !b.is_ascii() => {}
            _ => return pos,
        }
        match text[pos..].chars().next() {
            Some(c) if is_ident_continue(c) => pos += c.len_utf8(),
            _ => return pos,
        }
    }
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
pub(crate) fn skip_blanks(bytes: &[u8], mut pos: usize) -> usize {
    // Most blanks are indentation: eight spaces are one number.
    while let Some(eight) = bytes.get(pos..).and_then(|rest| rest.first_chunk()) {
        let others = u64::from_le_bytes(*eight) ^ 0x2020_2020_2020_2020;
        let spaces = others.trailing_zeros() as usize / 8;
        pos += spaces;
        if spaces < 8 {
            break;
        }
    }
    while matches!(bytes.get(pos), Some(b' ' | b'\t')) {
        pos += 1;
    }
    pos
}
