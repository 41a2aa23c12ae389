//! Between the engine's vocabulary (paths, byte ranges) and the protocol's (URIs, lines and columns
//! in the negotiated unit). The only place that sees both.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use lsp_types::{InitializeParams, PositionEncodingKind, Range, Uri};
use secretlint_engine::{ColumnUnit, LineIndex, Position};

/// UTF-8 when the client can, because that is what we have; else UTF-16, which every client can.
pub(crate) fn negotiate(client: &InitializeParams) -> ColumnUnit {
    let general = client.capabilities.general.as_ref();
    let offered = general.and_then(|general| general.position_encodings.as_ref());
    match offered {
        Some(kinds) if kinds.contains(&PositionEncodingKind::UTF8) => ColumnUnit::Utf8,
        _ => ColumnUnit::Utf16,
    }
}

pub(crate) fn encoding(unit: ColumnUnit) -> PositionEncodingKind {
    match unit {
        ColumnUnit::Utf8 => PositionEncodingKind::UTF8,
        ColumnUnit::Utf16 => PositionEncodingKind::UTF16,
        ColumnUnit::Scalar => PositionEncodingKind::UTF32,
    }
}

/// A text whose places are converted.
pub(crate) struct Lines<'t> {
    text: &'t str,
    index: LineIndex,
    unit: ColumnUnit,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str, unit: ColumnUnit) -> Self {
        let index = LineIndex::new(text);
        Self { text, index, unit }
    }

    pub(crate) fn position(&self, offset: u32) -> lsp_types::Position {
        let at = self.index.position(self.text, offset, self.unit);
        lsp_types::Position::new(at.line, at.column)
    }

    pub(crate) fn range(&self, span: (u32, u32)) -> Range {
        Range::new(self.position(span.0), self.position(span.1))
    }

    pub(crate) fn offset(&self, at: lsp_types::Position) -> u32 {
        let position = Position {
            line: at.line,
            column: at.character,
        };
        self.index.offset(self.text, position, self.unit)
    }
}

/// The path of a `file:` URI.
pub(crate) fn path_of(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.as_str().strip_prefix("file://")?;
    let path = &rest[rest.find('/')?..];
    let text = String::from_utf8(decode(path)?).ok()?;
    // `/c:/x` is `c:/x` where drives exist.
    if cfg!(windows) {
        return Some(PathBuf::from(text.trim_start_matches('/')));
    }
    Some(PathBuf::from(text))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
        let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
        out.push((high * 16 + low) as u8);
    }
    Some(out)
}

/// The `file:` URI of an absolute path.
pub(crate) fn uri_of(path: &Path) -> Option<Uri> {
    let mut text = String::from("file://");
    let path = path.to_string_lossy().replace('\\', "/");
    if !path.starts_with('/') {
        text.push('/');
    }
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    Uri::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_the_way_to_uris_and_back() {
        for path in ["/a b/ü#1.tf", "/live/prod/main.tf", "/100%/x.tf"] {
            let uri = uri_of(Path::new(path)).unwrap();
            assert_eq!(path_of(&uri).unwrap(), Path::new(path), "{}", uri.as_str());
        }
        assert!(path_of(&Uri::from_str("untitled:x").unwrap()).is_none());
        assert!(decode("%4").is_none());
    }

    #[test]
    fn columns_count_in_the_negotiated_unit() {
        let text = "a\n\"😀é\" = x";
        let at = text.find('=').unwrap() as u32;
        for (unit, column) in [(ColumnUnit::Utf8, 9), (ColumnUnit::Utf16, 6)] {
            let lines = Lines::new(text, unit);
            let position = lines.position(at);
            assert_eq!((position.line, position.character), (1, column));
            assert_eq!(lines.offset(position), at);
        }
    }
}
