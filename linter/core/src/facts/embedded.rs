//! Text inside text: heredocs, JSON and scripts in strings, base64, with the way back to the file.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use hcl_syntax::{Expr, ExprKind};

use crate::facts::block::peel;
use crate::facts::file::SourceFile;
use crate::finding::Place;

/// Longer literals are not decoded.
const MAX_BASE64: usize = 1 << 20;

/// A text that stands inside an expression.
#[derive(Debug)]
pub struct Embedded<'a> {
    /// The text. Heredocs and strings as written in the file, so interpolations stay visible as
    /// `${…}`; base64 decoded.
    pub text: Cow<'a, str>,
    whole: Place,
    /// `text` is a slice of the file at this offset.
    offset: Option<u32>,
}

impl<'a> Embedded<'a> {
    /// The content of a string or heredoc, between its quotes or markers.
    #[must_use]
    pub fn of(file: &'a SourceFile, expr: Expr<'a>) -> Option<Self> {
        let ExprKind::Template(template) = peel(expr).kind() else {
            return None;
        };
        let span = template.content_span();
        let text = file.text().get(span.start as usize..span.end as usize)?;
        Some(Self {
            text: Cow::Borrowed(text),
            whole: file.place(expr.span()),
            offset: Some(span.start),
        })
    }

    /// The text behind a base64 literal; `None` when it is none or no text comes out.
    #[must_use]
    pub fn base64(file: &SourceFile, expr: Expr<'a>) -> Option<Embedded<'a>> {
        let ExprKind::Template(template) = peel(expr).kind() else {
            return None;
        };
        let text = decode_base64(&template.as_literal()?)?;
        Some(Embedded {
            text: Cow::Owned(text),
            whole: file.place(expr.span()),
            offset: None,
        })
    }

    /// Where a byte range of the text stands in the file: exactly for slices, the whole literal
    /// for decoded text.
    #[must_use]
    pub fn place(&self, start: usize, end: usize) -> Place {
        match self.offset {
            Some(offset) => Place {
                file: self.whole.file,
                start: offset + start as u32,
                end: offset + end as u32,
            },
            None => self.whole,
        }
    }

    /// The key-value pairs of the text; see [`pairs`].
    pub fn pairs(&self) -> impl Iterator<Item = TextPair<'_>> {
        pairs(&self.text)
    }
}

/// Decodes standard and URL-safe base64, padded or not, when the result is readable text.
#[must_use]
pub fn decode_base64(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() < 16 || text.len() > MAX_BASE64 {
        return None;
    }
    let compact: Cow<'_, str> = if text.contains(['\n', '\r', ' ']) {
        Cow::Owned(text.split_ascii_whitespace().collect())
    } else {
        Cow::Borrowed(text)
    };
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let url = compact.contains(['-', '_']);
    let alphabet = if url {
        base64::alphabet::URL_SAFE
    } else {
        base64::alphabet::STANDARD
    };
    let bytes = GeneralPurpose::new(&alphabet, config)
        .decode(compact.as_bytes())
        .ok()?;
    let decoded = String::from_utf8(bytes).ok()?;
    let readable = decoded
        .chars()
        .all(|c| !c.is_control() || matches!(c, '\n' | '\r' | '\t'));
    (readable && !decoded.is_empty()).then_some(decoded)
}

/// A `key = value` found in plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPair<'t> {
    /// The key, without quotes.
    pub key: &'t str,
    /// The value, without quotes.
    pub value: &'t str,
    /// Byte offset of the value.
    pub start: usize,
}

/// The `KEY=value`, `key: value`, `"key": "value"`, `--key=value` and `key=value;` pairs of a text
/// in scripts, env files, INI, YAML, JSON and connection strings. One pass; a value ends at its
/// closing quote, or unquoted at white space or one of `,;&"'<>|)}]`.
///
/// A `value` beside a `name` (`{ "name": "DB_PASSWORD", "value": "…" }`, in either order) has that name as
/// its key.
pub fn pairs(text: &str) -> impl Iterator<Item = TextPair<'_>> {
    Named {
        pairs: Pairs { text, at: 0 },
        before: None,
    }
}

/// Joins the values of names with them.
struct Named<'t> {
    pairs: Pairs<'t>,
    /// The name or value that the next pair may belong to.
    before: Option<TextPair<'t>>,
}

impl<'t> Iterator for Named<'t> {
    type Item = TextPair<'t>;

    fn next(&mut self) -> Option<TextPair<'t>> {
        let pair = self.pairs.next()?;
        let before = self.before.take();
        let (name, value) = match (part_of(pair.key), before) {
            (Part::Value, Some(name)) if part_of(name.key) == Part::Name => (name, pair),
            (Part::Name, Some(value)) if part_of(value.key) == Part::Value => (pair, value),
            (Part::Neither, _) => return Some(pair),
            _ => {
                self.before = Some(pair);
                return Some(pair);
            }
        };
        if name.value.is_empty() {
            return Some(pair);
        }
        Some(TextPair {
            key: name.value,
            ..value
        })
    }
}

/// What a pair is to the pair beside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Name,
    Value,
    Neither,
}

fn part_of(key: &str) -> Part {
    match key {
        "name" | "Name" | "key" | "Key" | "parameterKey" | "ParameterKey" => Part::Name,
        "value" | "Value" | "parameterValue" | "ParameterValue" => Part::Value,
        _ => Part::Neither,
    }
}

struct Pairs<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Pairs<'t> {
    type Item = TextPair<'t>;

    fn next(&mut self) -> Option<TextPair<'t>> {
        let bytes = self.text.as_bytes();
        while let Some(found) = memchr::memchr2(b'=', b':', &bytes[self.at..]) {
            let sign = self.at + found;
            self.at = sign + 1;
            if matches!(bytes.get(sign + 1), Some(b'=' | b':' | b'~'))
                || (sign > 0 && b"=!<>:".contains(&bytes[sign - 1]))
            {
                continue;
            }
            if bytes[sign] == b':' && bytes[sign + 1..].starts_with(b"//") {
                continue;
            }
            let Some(key) = key_before(self.text, sign) else {
                continue;
            };
            let (start, end, next) = value_after(bytes, sign);
            self.at = next.max(sign + 1);
            // All three are ASCII boundaries or ends of the text.
            return Some(TextPair {
                key,
                value: &self.text[start..end],
                start,
            });
        }
        None
    }
}

/// The word before a sign, spaces and quotes left out.
fn key_before(text: &str, sign: usize) -> Option<&str> {
    let bytes = text.as_bytes();
    let is_gap = |byte: u8| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'\\');
    let mut end = sign;
    // A sign is at most a few bytes from its key in aligned files; bounded so that long blanks stay linear.
    while end > 0 && is_gap(bytes[end - 1]) && sign - end < 64 {
        end -= 1;
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let mut start = end;
    while start > 0 && is_word(bytes[start - 1]) && end - start < 128 {
        start -= 1;
    }
    // `\nexport KEY=…` in a quoted string: the escape is no part of the key.
    if start > 0 && start < end && is_escape(bytes, start - 1) {
        start += 1;
    }
    let key = text.get(start..end)?.trim_start_matches('-');
    (!key.is_empty()).then_some(key)
}

/// True where a quoted string has an end of line, a tab or a quote.
fn is_escape(bytes: &[u8], at: usize) -> bool {
    bytes[at] == b'\\' && matches!(bytes.get(at + 1), Some(b'n' | b'r' | b't' | b'"'))
}

/// Start and end of the value after a sign, and where to go on.
fn value_after(bytes: &[u8], sign: usize) -> (usize, usize, usize) {
    let mut start = sign + 1;
    while matches!(bytes.get(start), Some(b' ' | b'\t')) {
        start += 1;
    }
    // Quotes may be escaped when the text is itself inside a string.
    let escaped = bytes.get(start) == Some(&b'\\') && matches!(bytes.get(start + 1), Some(b'"'));
    let quote_at = if escaped { start + 1 } else { start };
    match bytes.get(quote_at) {
        Some(&quote @ (b'"' | b'\'')) => {
            let open = quote_at + 1;
            let mut end = open;
            while end < bytes.len() && bytes[end] != b'\n' {
                if bytes[end] == b'\\' {
                    if escaped && bytes.get(end + 1) == Some(&quote) {
                        return (open, end, end + 2);
                    }
                    end = (end + 2).min(bytes.len());
                    continue;
                }
                if bytes[end] == quote {
                    return (open, end, end + 1);
                }
                end += 1;
            }
            (open, boundary(bytes, end), boundary(bytes, end))
        }
        // `{"a": {"b": …}}`: the pairs inside are looked at one by one. `{{ … }}` is one value.
        Some(b'{') if bytes.get(quote_at + 1) != Some(&b'{') => (start, start, start + 1),
        _ => {
            let mut end = start;
            let mut depth = 0_u32;
            while let Some(&byte) = bytes.get(end) {
                // Interpolations belong to the value as a whole: `${var.x}`.
                match byte {
                    b'{' if depth > 0 || begins_template(bytes, start, end) => depth += 1,
                    b'\\' if depth == 0 && is_escape(bytes, end) => break,
                    b'}' if depth > 0 => depth -= 1,
                    b' ' | b'\t' | b'\r' | b'\n' | b',' | b';' | b'&' | b'"' | b'\'' | b'<'
                    | b'>' | b'|' | b')' | b'}' | b']'
                        if depth == 0 =>
                    {
                        break;
                    }
                    b'\n' => break,
                    _ => {}
                }
                end += 1;
            }
            (start, end, end)
        }
    }
}

/// True for the brace of `${`, `%{`, `#{` and for the first of `{{`.
fn begins_template(bytes: &[u8], start: usize, brace: usize) -> bool {
    let before = (brace > start).then(|| bytes[brace - 1]);
    matches!(before, Some(b'$' | b'%' | b'#')) || bytes.get(brace + 1) == Some(&b'{')
}

/// The nearest character boundary at or before `at`: an escape may have skipped into a character.
fn boundary(bytes: &[u8], mut at: usize) -> usize {
    while at > 0 && at < bytes.len() && (bytes[at] & 0xC0) == 0x80 {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, &str)> {
        pairs(text).map(|pair| (pair.key, pair.value)).collect()
    }

    #[test]
    fn pairs_of_scripts_json_yaml_and_connection_strings() {
        assert_eq!(
            found("export DB_PASSWORD=hunter2\n"),
            [("DB_PASSWORD", "hunter2")]
        );
        assert_eq!(found("A='x y' B=\"z\""), [("A", "x y"), ("B", "z")]);
        assert_eq!(
            found("{\"user\": \"bob\", \"password\": \"p,1\"}"),
            [("user", "bob"), ("password", "p,1")]
        );
        assert_eq!(
            found("db:\n  password: s3cr3t # x\n"),
            [("db", ""), ("password", "s3cr3t")].map(|(k, v)| (k, v))
        );
        assert_eq!(
            found("Server=db;Password=abc;"),
            [("Server", "db"), ("Password", "abc")]
        );
        assert_eq!(found("psql --password=abc"), [("password", "abc")]);
        assert_eq!(found("token = ${var.token} x"), [("token", "${var.token}")]);
        assert_eq!(found(r#"{\"password\": \"abc\"}"#), [("password", "abc")]);
    }

    #[test]
    fn values_belong_to_the_names_beside_them() {
        let json =
            r#"[{ "name": "DB_PASSWORD", "value": "zebra" }, { "name": "A", "valueFrom": "b" }]"#;
        assert_eq!(
            found(json),
            [
                ("name", "DB_PASSWORD"),
                ("DB_PASSWORD", "zebra"),
                ("name", "A"),
                ("valueFrom", "b")
            ]
        );
        let yaml = "env:\n- value: zebra\n  name: DB_PASSWORD\n- name: X\n  value: y\n";
        let named = found(yaml);
        assert_eq!(named[2], ("DB_PASSWORD", "zebra"));
        assert_eq!(named[4], ("X", "y"));
    }

    #[test]
    fn documents_on_one_line_are_looked_into() {
        assert_eq!(
            found(r#"{\"auths\":{\"x\":{\"password\":\"zebra\"}}}"#),
            [("auths", ""), ("x", ""), ("password", "zebra")]
        );
        assert_eq!(
            found("a: {password: zebra}"),
            [("a", ""), ("password", "zebra")]
        );
        assert_eq!(found("a = {{ with b }}"), [("a", "{{ with b }}")]);
    }

    #[test]
    fn escapes_of_quoted_strings_end_values_and_begin_keys() {
        assert_eq!(
            found(r"#!/bin/sh\nA_KEY=b\nexport C=d\n"),
            [("A_KEY", "b"), ("C", "d")]
        );
    }

    #[test]
    fn comparisons_and_urls_are_no_pairs() {
        assert_eq!(found("if [ a == b ]; x != y"), []);
        assert_eq!(found("see https://example.com/"), []);
    }

    #[test]
    fn pair_offsets_point_at_the_value() {
        let text = "ä = \"ö\"\nKEY = \"wörd\"";
        for pair in pairs(text) {
            assert_eq!(&text[pair.start..pair.start + pair.value.len()], pair.value);
        }
    }

    #[test]
    fn base64_gives_text_or_nothing() {
        assert_eq!(
            decode_base64("cGFzc3dvcmQ9aHVudGVyMg==").as_deref(),
            Some("password=hunter2")
        );
        assert_eq!(
            decode_base64("cGFzc3dvcmQ9aHVudGVyMg").as_deref(),
            Some("password=hunter2")
        );
        assert_eq!(decode_base64("AAECAwQFBgcICQoLDA0ODw=="), None, "binary");
        assert_eq!(decode_base64("not base64 at all!!"), None);
        assert_eq!(decode_base64(""), None);
    }
}
