//! A secret reference as an attribute: read with a diagnostic that Terraform underlines, and returned to
//! Terraform exactly as it was written.

use secret_policy::SecretRef;
use tf_framework::model::{Decoder, Failed, Shape};
use tf_framework::path::Path;
use tf_framework::prelude::*;
use tf_framework::value::Value;

/// An attribute that holds a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReferenceText {
    /// As the practitioner wrote it; Terraform demands it back unchanged.
    text: String,
    /// What it means.
    pub(crate) parsed: SecretRef,
}

impl Field for ReferenceText {
    const NULLABLE: bool = false;

    fn shape() -> Shape {
        String::shape()
    }

    fn decode(value: Value, decoder: &mut Decoder) -> Result<Self, Failed> {
        let text = String::decode(value, decoder)?;
        match SecretRef::parse(&text) {
            Ok(found) => Ok(Self {
                text,
                parsed: found.reference,
            }),
            Err(error) => Err(decoder.fail(not_a_reference(&error))),
        }
    }

    fn encode(self) -> Value {
        self.text.encode()
    }
}

impl ReferenceText {
    /// The canonical text of `reference`, for imports.
    pub(crate) fn canonical(reference: SecretRef) -> Self {
        Self {
            text: reference.to_string(),
            parsed: reference,
        }
    }
}

/// Checks the attribute `name` while parts of the block may be unknown: errors, and warnings about
/// references that are understood but should be written differently.
pub(crate) fn check(config: &Config, name: &str) -> Diagnostics {
    config
        .known::<String>(name)
        .map(|text| check_text(&text, &name.into()))
        .unwrap_or_default()
}

/// Checks one reference that stands at `place`.
pub(crate) fn check_text(text: &str, place: &Path) -> Diagnostics {
    match SecretRef::parse(text) {
        Ok(found) => found
            .warnings
            .iter()
            .map(|warning| {
                Diagnostic::warning("Secret reference should be written differently")
                    .detail(format!(
                        "{}. Write `{}`.",
                        sentence(&warning.message),
                        warning.fix
                    ))
                    .at(place.clone())
            })
            .collect(),
        Err(error) => not_a_reference(&error).at(place.clone()).into(),
    }
}

fn not_a_reference(error: &secret_policy::ReferenceError) -> Diagnostic {
    Diagnostic::error("Invalid secret reference").detail(format!(
        "At byte {}: {}. {}.",
        error.span.start,
        sentence(&error.message),
        sentence(&error.help)
    ))
}

/// The text with a capital first letter.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    characters
        .next()
        .map(|first| first.to_uppercase().chain(characters).collect())
        .unwrap_or_default()
}
