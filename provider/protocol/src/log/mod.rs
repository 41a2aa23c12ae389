//! Logs for the host: JSON lines on standard error, redacted.
//!
//! [`HclogLayer`] is a `tracing` layer; [`init`] installs it with the [`Levels`] the host asked for.

mod level;
mod line;

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Scope};

pub use level::Levels;
use line::Line;

/// Sends the process's logs to standard error at `levels`. `own_crates` are the Rust crate names that may
/// log below WARN. Does nothing when a subscriber is installed already.
pub fn init(levels: &Levels, own_crates: &[&str]) {
    let layer = HclogLayer::new(std::io::stderr()).with_filter(levels.filter(own_crates));
    // Fails only when another subscriber was there first, which then is the one that was wanted.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(layer));
}

/// Writes each event as one line; fields of the enclosing spans come first.
pub struct HclogLayer<W> {
    writer: Mutex<W>,
}

impl<W: Write> HclogLayer<W> {
    /// Writes to `writer`, one call per line.
    #[must_use]
    pub fn new(writer: W) -> Self {
        Self {
            writer: Mutex::new(writer),
        }
    }
}

impl<S, W> Layer<S> for HclogLayer<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: Write + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in ctx
            .event_scope(event)
            .into_iter()
            .flat_map(Scope::from_root)
        {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.map.extend(outer.map.clone());
            }
        }
        event.record(&mut fields);
        let line = Line {
            level: *event.metadata().level(),
            message: &fields.message,
            target: event.metadata().target(),
            time: time::OffsetDateTime::now_utc(),
            fields: &fields.map,
        }
        .render();
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // A host that no longer reads must not stop the provider.
        let _ = writer.write_all(line.as_bytes());
    }
}

/// The fields of an event or span as JSON values.
#[derive(Default)]
struct Fields {
    message: String,
    map: Map<String, Value>,
}

impl Fields {
    fn insert(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name().trim_start_matches("r#").to_owned();
        self.map.insert(name, value.into());
    }

    /// Text is the message when the field has that name, as the macros of `tracing` call it.
    fn insert_text(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else {
            self.insert(field, text);
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.insert_text(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert_text(field, value.to_owned());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        // JSON has no word for infinity.
        let number = serde_json::Number::from_f64(value);
        self.insert(
            field,
            number.map_or_else(|| value.to_string().into(), Value::Number),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::Arc;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> Vec<Value> {
        let buffer = Buffer::default();
        let subscriber = tracing_subscriber::registry().with(HclogLayer::new(buffer.clone()));
        tracing::subscriber::with_default(subscriber, log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn fields_keep_their_types_and_spans_add_theirs() {
        let lines = logged(|| {
            let span = tracing::info_span!("rpc", rpc = "Open", late = tracing::field::Empty);
            span.record("late", 3);
            let _entered = span.enter();
            tracing::warn!(count = 2, ratio = f64::NAN, debug = ?Some(1), ok = true, "hello {}", "you");
        });
        let line = &lines[0];
        assert_eq!(line["@level"], "warn");
        assert_eq!(line["@message"], "hello you");
        assert_eq!(line["rpc"], "Open");
        assert_eq!(line["late"], 3);
        assert_eq!(line["count"], 2);
        assert_eq!(line["ratio"], "NaN");
        assert_eq!(line["debug"], "Some(1)");
        assert_eq!(line["ok"], true);
    }

    #[test]
    fn an_event_without_message_still_has_a_string_message() {
        let lines = logged(|| tracing::error!(n = 1));
        assert_eq!(lines[0]["@message"], "");
    }

    #[test]
    fn opened_secrets_are_masked() {
        secret_value::redaction::register(&secret_value::Secret::from_text("layer-canary".into()));
        let lines =
            logged(|| tracing::error!(url = "https://x/?t=layer-canary", "oops layer-canary"));
        assert!(!lines[0].to_string().contains("layer-canary"));
    }
}
