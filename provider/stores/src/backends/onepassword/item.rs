//! An item of 1Password, as Connect and the `op` program describe it, and finding a field in it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secret_value::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::SecretText;
use crate::payload::Metadata;
use crate::select::push_quoted;
use crate::suggest;

/// An item.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    pub(super) id: String,
    title: String,
    pub(super) vault: VaultId,
    version: Option<u64>,
    category: Option<String>,
    #[serde(rename = "createdAt", alias = "created_at")]
    created: Option<Timestamp>,
    #[serde(rename = "updatedAt", alias = "updated_at")]
    updated: Option<Timestamp>,
    #[serde(rename = "lastEditedBy", alias = "last_edited_by")]
    author: Option<String>,
    #[serde(default)]
    fields: Vec<Field>,
    #[serde(default)]
    sections: Vec<Section>,
    #[serde(default)]
    files: Vec<File>,
}

#[derive(Debug, Deserialize)]
pub(super) struct VaultId {
    pub(super) id: String,
}

#[derive(Debug, Deserialize)]
struct Field {
    #[serde(default)]
    id: String,
    #[serde(default)]
    label: String,
    #[serde(rename = "type", default)]
    kind: String,
    value: Option<SecretText>,
    totp: Option<SecretText>,
    section: Option<SectionId>,
}

#[derive(Debug, Deserialize)]
struct SectionId {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Section {
    id: String,
    #[serde(default)]
    label: String,
}

/// A file of an item.
#[derive(Debug, Deserialize)]
pub(super) struct File {
    pub(super) id: String,
    name: String,
    #[serde(default)]
    pub(super) size: u64,
    section: Option<SectionId>,
}

/// What a reference means in an item.
#[derive(Debug)]
pub(super) enum Found<'a> {
    Value(Secret),
    /// `{"code":…,"uri":…}`.
    OneTimePassword(Secret),
    File(&'a File),
}

/// Whether `wanted` is the id or, in any case, the name.
fn is(wanted: &str, id: &str, name: &str) -> bool {
    wanted == id || wanted.to_lowercase() == name.to_lowercase()
}

impl Item {
    /// What is known about the item; it holds for each of its fields.
    pub(super) fn facts(&self) -> Metadata {
        let labels = self.category.iter();
        Metadata {
            version: self.version.map(|version| version.to_string()),
            number: self.version,
            created: self.created,
            updated: self.updated,
            author: self.author.clone(),
            labels: labels
                .map(|category| ("category".to_owned(), category.clone()))
                .collect::<BTreeMap<_, _>>(),
            ..Metadata::default()
        }
    }

    /// The field or file `name`, in `section` or anywhere.
    ///
    /// # Errors
    /// `not_found`, naming the nearest; `invalid_reference` when several have the name.
    pub(super) fn find(
        &self,
        operation: Operation,
        section: Option<&str>,
        name: &str,
    ) -> Result<Found<'_>> {
        let inside = |place: Option<&SectionId>| match section {
            None => true,
            Some(wanted) => place.is_some_and(|place| self.is_section(wanted, &place.id)),
        };
        let fields: Vec<&Field> = self
            .fields
            .iter()
            .filter(|field| inside(field.section.as_ref()) && is(name, &field.id, &field.label))
            .collect();
        let files: Vec<&File> = self
            .files
            .iter()
            .filter(|file| inside(file.section.as_ref()) && is(name, &file.id, &file.name))
            .collect();
        // Without a section, a field outside of all sections goes first, as with `op read`.
        let outside: Vec<&Field> = fields
            .iter()
            .copied()
            .filter(|field| section.is_none() && field.section.is_none())
            .collect();
        match (outside.as_slice(), fields.as_slice(), files.as_slice()) {
            ([field], ..) | ([], [field], []) => field.found(operation),
            ([], [], [file]) => Ok(Found::File(file)),
            ([], [], []) => Err(self.missing(operation, section, name)),
            _ => Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                format!("the item has several fields or files `{name}`"),
            )
            .with_help(
                "name the section, `op://vault/item/section/field`, or use the id of the field",
            )),
        }
    }

    fn is_section(&self, wanted: &str, id: &str) -> bool {
        let label = self.sections.iter().find(|section| section.id == id);
        is(wanted, id, label.map_or("", |section| &section.label))
    }

    fn missing(&self, operation: Operation, section: Option<&str>, name: &str) -> StoreError {
        if let Some(section) = section
            && !self
                .sections
                .iter()
                .any(|known| is(section, &known.id, &known.label))
        {
            let error = StoreError::new(
                ErrorKind::NotFound,
                operation,
                format!("the item has no section `{section}`"),
            );
            let known = self.sections.iter().map(|section| section.label.as_str());
            return match suggest::hint(section, known) {
                Some(hint) => error.with_help(hint),
                None => error.with_help("it has no sections at all"),
            };
        }
        let error = StoreError::new(
            ErrorKind::NotFound,
            operation,
            format!("the item `{}` has no field `{name}` there", self.title),
        );
        let fields = self.fields.iter().map(|field| field.label.as_str());
        let known = fields.chain(self.files.iter().map(|file| file.name.as_str()));
        match suggest::hint(name, known) {
            Some(hint) => error.with_help(hint),
            None => error,
        }
    }
}

impl Field {
    fn found(&self, operation: Operation) -> Result<Found<'_>> {
        let value = match &self.value {
            Some(value) => value.0.clone(),
            // A field without a value was left empty.
            None => Secret::from_text(String::new()),
        };
        if self.kind != "OTP" {
            return Ok(Found::Value(value));
        }
        let code = self.totp.as_ref().ok_or_else(|| {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the server did not compute the one-time password",
            )
            .with_help("look whether the field holds a valid key")
        })?;
        Ok(Found::OneTimePassword(pair(&code.0, &value)))
    }
}

fn pair(code: &Secret, uri: &Secret) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(6 * (code.len() + uri.len()) + 32));
    for (lead, secret) in [("{\"code\":", code), (",\"uri\":", uri)] {
        text.push_str(lead);
        #[expect(
            clippy::disallowed_methods,
            reason = "codec: one secret is made of two"
        )]
        let plain = secret.expose();
        push_quoted(&mut text, std::str::from_utf8(plain).unwrap_or_default());
    }
    text.push('}');
    Secret::new(std::mem::take(&mut *text).into_bytes())
}
