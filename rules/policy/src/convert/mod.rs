//! What people already have, as references: vals, 1Password, External Secrets, ARNs, resource names
//! of Google Cloud, URIs of Azure Key Vault.
//!
//! Nothing is lost in silence. An address or region cannot be part of a reference, so such input is
//! an error that names the store block to write, until the caller says under which name that block
//! exists ([`Target::store`]). A credential inside the input is always an error.

mod cloud;
mod external_secrets;
mod vals;

use std::fmt;

pub use external_secrets::{ExternalProvider, RemoteRef};

use crate::reference::{
    Draft, ReferenceError, ReferenceErrorKind as Kind, Scheme, SecretRef, Selector,
};
use crate::span::Span;

/// The notation that was recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notation {
    /// Already a reference.
    Reference,
    /// `ref+vault://…` of vals and helmfile.
    Vals,
    /// `op://…` of 1Password.
    OnePassword,
    /// An ARN of Secrets Manager or Parameter Store, also with the suffixes of ECS.
    Arn,
    /// `projects/…/secrets/…` of Google Cloud.
    GoogleCloud,
    /// `https://….vault.azure.net/secrets/…`, also inside `@Microsoft.KeyVault(…)`.
    AzureKeyVault,
    /// A `remoteRef` of External Secrets.
    ExternalSecrets,
}

impl fmt::Display for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Vals => "vals",
            Self::OnePassword => "1Password",
            Self::Arn => "ARN",
            Self::GoogleCloud => "Google Cloud resource name",
            Self::AzureKeyVault => "Azure Key Vault URI",
            Self::ExternalSecrets => "External Secrets remoteRef",
        })
    }
}

/// Where the converted reference shall point.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The store block that has the address, region, account or namespace of the input. With a
    /// name, those are left out of the reference; without, an input that holds any is refused.
    pub store: Option<String>,
}

/// A converted reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Converted {
    /// The reference.
    pub reference: SecretRef,
    /// What the input was.
    pub notation: Notation,
    /// What the reader has to make sure of, for example the region of the store block.
    pub notes: Vec<String>,
}

/// Converts any notation that can be told from its text.
///
/// # Errors
/// The input is in no known notation, or says something a reference cannot say; the help tells what
/// to do. Spans cover the whole input or the part at fault.
pub fn convert(text: &str, target: &Target) -> Result<Converted, ReferenceError> {
    let source = Source {
        text: text.trim(),
        target,
    };
    let text = source.text;
    if text.starts_with("ref+") || text.starts_with("secretref+") {
        vals::convert(source)
    } else if text.starts_with("arn:") {
        cloud::arn(source)
    } else if text.starts_with("projects/") || text.starts_with("//secretmanager.googleapis.com/") {
        cloud::google(source)
    } else if text.starts_with("https://") || text.starts_with("@Microsoft.KeyVault(") {
        cloud::azure(source)
    } else {
        let parsed = SecretRef::parse(text)?;
        let notation = if parsed.reference.scheme() == Scheme::Op {
            Notation::OnePassword
        } else {
            Notation::Reference
        };
        let notes = parsed
            .warnings
            .into_iter()
            .map(|warning| warning.message)
            .collect();
        Ok(Converted {
            reference: parsed.reference,
            notation,
            notes,
        })
    }
}

/// The input and where it shall go.
#[derive(Clone, Copy)]
struct Source<'a> {
    text: &'a str,
    target: &'a Target,
}

impl Source<'_> {
    fn error(self, message: impl Into<String>, help: impl Into<String>) -> ReferenceError {
        ReferenceError::new(
            Kind::NotConvertible,
            Span::new(0, self.text.len()),
            message,
            help,
        )
    }

    fn draft(self, scheme: Scheme, path: impl Into<String>) -> Draft {
        let store = self.target.store.clone();
        Draft {
            scheme,
            store,
            path: path.into(),
            version: None,
            stage: None,
            selector: None,
        }
    }

    fn finish(
        self,
        notation: Notation,
        draft: Draft,
        notes: Vec<String>,
    ) -> Result<Converted, ReferenceError> {
        let reference = SecretRef::assemble(draft).map_err(|error| ReferenceError {
            span: Span::new(0, self.text.len()),
            ..error
        })?;
        Ok(Converted {
            reference,
            notation,
            notes,
        })
    }

    /// Something that belongs in a store block: a note when that block has a name, else an error
    /// that proposes one.
    fn into_store_block(self, what: &str, proposal: &str) -> Result<String, ReferenceError> {
        match &self.target.store {
            Some(store) => Ok(format!(
                "the store block `{store}` must have the same {what}"
            )),
            None => {
                let name = store_name(proposal);
                Err(ReferenceError::new(
                    Kind::Host,
                    Span::new(0, self.text.len()),
                    format!("the input holds the {what}, which belongs in a store block"),
                    format!(
                        "write a store block with it, for example named `{name}`, and convert with that store name"
                    ),
                ))
            }
        }
    }
}

/// A valid store name made from an address or region.
fn store_name(text: &str) -> String {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = host
        .split(['/', ':', '?', '@'])
        .find(|part| !part.is_empty())
        .unwrap_or_default();
    let clean: String = host
        .to_ascii_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        })
        .take(40)
        .collect();
    let clean = clean.trim_matches('-');
    if clean.is_empty() {
        "main".to_owned()
    } else {
        clean.to_owned()
    }
}

/// A JSON pointer or plain key of another notation.
fn selector(source: Source<'_>, text: &str) -> Result<Option<Selector>, ReferenceError> {
    match text.trim_start_matches('/') {
        "" => Ok(None),
        steps if steps.contains('~') => {
            Err(source.error("the key holds `~`", "write the reference by hand"))
        }
        steps => Ok(Selector::from_steps(
            steps.split('/').map(str::to_owned).collect(),
        )),
    }
}

#[cfg(test)]
mod tests;
