//! Typed access to a TOML document that collects every mistake with its place instead of stopping
//! at the first one. Knows nothing about policies.

use std::collections::HashSet;

use toml_span::Value;
use toml_span::value::{Key, Table};

use super::diagnostic::{PolicyDiagnostic, PolicyError};
use crate::nearest::nearest;
use crate::span::{Lines, Span};

/// Collects the mistakes of one file.
pub(super) struct Mistakes<'a> {
    file: &'a str,
    text: &'a str,
    lines: Lines,
    found: Vec<PolicyDiagnostic>,
}

impl<'a> Mistakes<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            lines: Lines::new(text),
            found: Vec::new(),
        }
    }

    /// Remembers a mistake. The first [`PolicyError::MOST`] are enough, and bound the work.
    pub(super) fn add(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        if self.found.len() >= PolicyError::MOST {
            return;
        }
        // The TOML parser points beyond the text when it ends too early.
        let span = span.within(self.text);
        let (line, column) = self.lines.line_column(self.text, span);
        let (message, help) = (message.into(), help.into());
        self.found.push(PolicyDiagnostic {
            file: self.file.to_owned(),
            span,
            line,
            column,
            message,
            help,
        });
    }

    /// The mistakes in the order of the text.
    pub(super) fn into_sorted(mut self) -> Vec<PolicyDiagnostic> {
        self.found.sort_by_key(|mistake| mistake.span);
        self.found
    }

    /// The table behind `value`, whose keys must be among `keys`.
    pub(super) fn table<'v>(
        &mut self,
        value: &'v Value<'v>,
        what: &'v str,
        keys: &[&str],
    ) -> Option<Section<'v>> {
        let table = self.any_table(value, what)?;
        for key in table
            .keys()
            .filter(|key| !keys.contains(&key.name.as_ref()))
        {
            let help = match nearest(&key.name, keys.iter().copied()) {
                Some(close) => format!("did you mean `{close}`?"),
                None => format!("use one of {}", keys.join(", ")),
            };
            self.add(
                span(key.span),
                format!("{what} has no key `{}`", shorten(&key.name)),
                help,
            );
        }
        Some(Section {
            table,
            span: span(value.span),
            what,
        })
    }

    /// The table behind `value`, with any keys.
    pub(super) fn any_table<'v>(
        &mut self,
        value: &'v Value<'v>,
        what: &str,
    ) -> Option<&'v Table<'v>> {
        let table = value.as_table();
        if table.is_none() {
            self.wrong_type(value, what, "a table");
        }
        table
    }

    pub(super) fn string<'v>(&mut self, value: &'v Value<'v>, what: &str) -> Option<&'v str> {
        let text = value.as_str();
        if text.is_none() {
            self.wrong_type(value, what, "a string in quotes");
        }
        text
    }

    /// The elements of a list; no elements when the value is none.
    pub(super) fn list<'v>(&mut self, value: &'v Value<'v>, what: &str) -> &'v [Value<'v>] {
        if let Some(list) = value.as_array() {
            return list;
        }
        self.wrong_type(value, what, "a list in brackets");
        &[]
    }

    fn wrong_type(&mut self, value: &Value<'_>, what: &str, wanted: &str) {
        self.add(
            span(value.span),
            format!("{what} is {}", type_name(value)),
            format!("write {wanted}"),
        );
    }
}

/// A table and what it is called in messages.
#[derive(Clone, Copy)]
pub(super) struct Section<'v> {
    table: &'v Table<'v>,
    /// The whole table.
    pub(super) span: Span,
    what: &'v str,
}

impl<'v> Section<'v> {
    pub(super) fn get(&self, key: &str) -> Option<&'v Value<'v>> {
        self.table.get(key)
    }

    pub(super) fn string(&self, mistakes: &mut Mistakes<'_>, key: &str) -> Option<(&'v str, Span)> {
        let value = self.get(key)?;
        let text = mistakes.string(value, &format!("`{key}`"))?;
        Some((text, span(value.span)))
    }

    /// As [`Self::string`], but missing or blank text is a mistake too.
    pub(super) fn required(
        &self,
        mistakes: &mut Mistakes<'_>,
        key: &str,
        help: &str,
    ) -> Option<(&'v str, Span)> {
        let blank = |value: &Value<'_>| value.as_str().is_some_and(|text| text.trim().is_empty());
        match self.get(key) {
            Some(value) if !blank(value) => self.string(mistakes, key),
            found => {
                let place = found.map_or(self.span, |value| span(value.span));
                mistakes.add(place, format!("{} has no `{key}`", self.what), help);
                None
            }
        }
    }

    pub(super) fn list(&self, mistakes: &mut Mistakes<'_>, key: &str) -> &'v [Value<'v>] {
        self.get(key)
            .map_or(&[], |value| mistakes.list(value, &format!("`{key}`")))
    }

    pub(super) fn strings(&self, mistakes: &mut Mistakes<'_>, key: &str) -> Vec<(&'v str, Span)> {
        let list = self.list(mistakes, key);
        let mut seen = HashSet::with_capacity(list.len());
        let mut strings = Vec::with_capacity(list.len());
        for value in list {
            let place = span(value.span);
            let Some(text) = mistakes.string(value, &format!("an element of `{key}`")) else {
                continue;
            };
            if seen.insert(text) {
                strings.push((text, place));
            } else {
                mistakes.add(
                    place,
                    format!("`{}` is twice in `{key}`", shorten(text)),
                    "remove one of them",
                );
            }
        }
        strings
    }
}

/// The entries of a table in the order of the file.
pub(super) fn in_order<'v>(table: &'v Table<'v>) -> Vec<(&'v Key<'v>, &'v Value<'v>)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span.start);
    entries
}

pub(super) fn span(span: toml_span::Span) -> Span {
    Span::new(span.start, span.end.max(span.start))
}

/// At most 60 characters, for messages.
pub(super) fn shorten(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn type_name(value: &Value<'_>) -> &'static str {
    if value.as_str().is_some() {
        "a string"
    } else if value.as_array().is_some() {
        "a list"
    } else if value.as_table().is_some() {
        "a table"
    } else if value.as_bool().is_some() {
        "true or false"
    } else {
        "a number"
    }
}
