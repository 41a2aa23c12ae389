//! One log line: a JSON object in the form hosts read.
//!
//! `@level`, `@message`, `@module` and `@timestamp` are always JSON strings (another type crashes the
//! host), the timestamp has exactly six fractional digits (any other layout loses the level), and a line
//! stays below the host's buffer of 64 KiB. All text passes the redaction filter before it is shortened,
//! so that a cut never leaves half a secret behind.

use secret_value::redaction::redact;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::Level;

/// Longest line in bytes, the line break included.
pub(crate) const MAX_LINE_LEN: usize = 60 * 1024;
// Escaping makes a byte at most six bytes long, so a message always fits.
const MAX_MESSAGE_LEN: usize = 8 * 1024;
const MAX_FIELD_LEN: usize = 2 * 1024;

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");

/// The parts of a line, not yet redacted.
pub(crate) struct Line<'a> {
    pub(crate) level: Level,
    pub(crate) message: &'a str,
    /// Rust path of the code that logs.
    pub(crate) target: &'a str,
    /// In UTC.
    pub(crate) time: OffsetDateTime,
    pub(crate) fields: &'a Map<String, Value>,
}

impl Line<'_> {
    /// Renders the line with its line break.
    pub(crate) fn render(&self) -> String {
        let head = self.head();
        let mut all = head.clone();
        for (key, value) in self.fields {
            all.insert(field_name(key), clean(value));
        }
        let line = Value::Object(all).to_string();
        let line = if line.len() < MAX_LINE_LEN {
            line
        } else {
            Value::Object(shortened(head)).to_string()
        };
        line + "\n"
    }

    fn head(&self) -> Map<String, Value> {
        // Formatting fails for no time that a clock of this century returns.
        let timestamp = self.time.format(TIMESTAMP).unwrap_or_default();
        let mut head = Map::new();
        head.insert("@level".into(), level_name(self.level).into());
        head.insert(
            "@message".into(),
            clean_text(self.message, MAX_MESSAGE_LEN).into(),
        );
        head.insert(
            "@module".into(),
            format!("provider.{}", self.target.replace("::", ".")).into(),
        );
        head.insert("@timestamp".into(), timestamp.into());
        head
    }
}

fn shortened(mut head: Map<String, Value>) -> Map<String, Value> {
    head.insert("fields_left_out".into(), true.into());
    head
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// Names that begin with `@` belong to the format.
fn field_name(key: &str) -> String {
    let name = key.trim_start_matches('@');
    if name.is_empty() {
        "field".into()
    } else {
        name.into()
    }
}

/// Redacts a value; a number that spells a secret becomes text.
fn clean(value: &Value) -> Value {
    match value {
        Value::String(text) => clean_text(text, MAX_FIELD_LEN).into(),
        Value::Null | Value::Bool(_) => value.clone(),
        other => {
            let text = other.to_string();
            match redact(&text) {
                redacted if redacted == text => other.clone(),
                redacted => shorten(&redacted, MAX_FIELD_LEN).into(),
            }
        }
    }
}

fn clean_text(text: &str, max: usize) -> String {
    shorten(&redact(text), max)
}

fn shorten(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max);
    format!("{}… ({} bytes left out)", &text[..end], text.len() - end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use secret_value::{Secret, redaction};
    use time::macros::datetime;

    fn render(message: &str, fields: &Map<String, Value>) -> String {
        let time = datetime!(2026-01-02 03:04:05.000_006 UTC);
        Line {
            level: Level::INFO,
            message,
            target: "secret_stores::vault",
            time,
            fields,
        }
        .render()
    }

    fn fields(pairs: &[(&str, Value)]) -> Map<String, Value> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn a_line_has_the_form_hosts_read() {
        assert_eq!(
            render(
                "opened",
                &fields(&[
                    ("store", "vault".into()),
                    ("attempt", 2.into()),
                    ("ok", true.into())
                ])
            ),
            concat!(
                r#"{"@level":"info","@message":"opened","@module":"provider.secret_stores.vault","#,
                r#""@timestamp":"2026-01-02T03:04:05.000006Z","store":"vault","attempt":2,"ok":true}"#,
                "\n"
            )
        );
    }

    #[test]
    fn fields_cannot_replace_the_format_s_own() {
        let line: Value = serde_json::from_str(&render(
            "m",
            &fields(&[("@level", 7.into()), ("@", 1.into())]),
        ))
        .unwrap();
        assert_eq!(line["@level"], "info");
        assert_eq!(line["level"], 7);
        assert_eq!(line["field"], 1);
    }

    #[test]
    fn secrets_are_masked_in_message_text_and_numbers() {
        redaction::register(&Secret::from_text("line-canary-1".into()));
        redaction::register(&Secret::from_text("7182818284".into()));
        let line = render(
            "got line-canary-1",
            &fields(&[
                ("text", "x line-canary-1".into()),
                ("number", 7_182_818_284_u64.into()),
            ]),
        );
        assert!(
            !line.contains("line-canary-1") && !line.contains("7182818284"),
            "{line}"
        );
    }

    #[test]
    fn a_secret_across_the_cut_leaves_nothing_behind() {
        redaction::register(&Secret::from_text("cut-canary-abcdefgh".into()));
        let message = format!("{}cut-canary-abcdefgh", "x".repeat(MAX_MESSAGE_LEN - 5));
        assert!(!render(&message, &Map::new()).contains("cut-"));
    }

    #[test]
    fn a_long_line_stays_below_the_buffer_of_the_host() {
        let worst = "\u{1}".repeat(MAX_LINE_LEN);
        let many: Map<String, Value> = (0..100)
            .map(|n| (format!("field{n}"), Value::from(worst.clone())))
            .collect();
        let line = render(&worst, &many);
        assert!(line.len() <= MAX_LINE_LEN, "{}", line.len());
        assert_eq!(
            serde_json::from_str::<Value>(&line).unwrap()["fields_left_out"],
            true
        );
    }

    proptest! {
        #[test]
        fn every_line_is_one_json_object_with_string_heads(
            message in any::<String>(),
            keys in prop::collection::vec(any::<String>(), 0..8),
            text in any::<String>(),
        ) {
            let fields = keys.into_iter().map(|key| (key, Value::from(text.clone()))).collect();
            let line = render(&message, &fields);
            prop_assert!(line.len() <= MAX_LINE_LEN);
            prop_assert_eq!(line.matches('\n').count(), 1);
            let value: Value = serde_json::from_str(&line).unwrap();
            for key in ["@level", "@message", "@module", "@timestamp"] {
                prop_assert!(value[key].is_string());
            }
        }
    }
}
