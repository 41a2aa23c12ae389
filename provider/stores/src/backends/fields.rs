//! Credentials as named fields, and the end that all of them have.

use std::time::Duration;

use jiff::Timestamp;
use secret_policy::SecretRef;
use secret_value::Secret;
use zeroize::Zeroizing;

use crate::lease::{Lease, LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};

/// A JSON object of texts, built in memory that is overwritten.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Zeroizing<String>)>);

impl Fields {
    /// Adds a text that is no secret.
    pub(super) fn text(mut self, name: &'static str, value: &str) -> Self {
        self.0.push((name, Zeroizing::new(value.to_owned())));
        self
    }

    /// Adds a text where there is one.
    #[cfg(feature = "aws")]
    pub(super) fn some_text(self, name: &'static str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds a secret text.
    pub(super) fn secret(self, name: &'static str, value: &Secret) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "codec: the parts of a credential become one secret document"
        )]
        let text = Zeroizing::new(String::from_utf8_lossy(value.expose()).into_owned());
        self.text(name, &text)
    }

    /// The object.
    pub(super) fn finish(self) -> Secret {
        let mut document = Zeroizing::new(String::with_capacity(
            self.0
                .iter()
                .map(|(name, value)| name.len() + 2 * value.len() + 16)
                .sum(),
        ));
        document.push('{');
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                document.push(',');
            }
            let quoted = Zeroizing::new(serde_json::Value::from(value.as_str()).to_string());
            document.push('"');
            document.push_str(name);
            document.push_str("\":");
            document.push_str(&quoted);
        }
        document.push('}');
        Secret::from_text(std::mem::take(&mut *document))
    }
}

/// A credential of named fields that ends by itself and cannot be taken back.
pub(super) fn until(
    reference: &SecretRef,
    body: Secret,
    expires: Timestamp,
    ttl: Duration,
) -> Leased<SecretPayload> {
    let metadata = Metadata {
        expires: Some(expires),
        ..Metadata::default()
    };
    Leased::until(
        SecretPayload::fields(body, metadata),
        Lease {
            handle: LeaseHandle {
                reference: reference.clone(),
                id: String::new(),
            },
            facts: LeaseFacts {
                ttl,
                renewable: false,
                revocable: false,
            },
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_survives() {
        let odd = "a\"b\\c\n\u{1}é😀";
        let body = Fields::default()
            .text("one", odd)
            .secret("two", &Secret::from_text(odd.to_owned()))
            .finish();
        let expected = Secret::from_text(serde_json::json!({ "one": odd, "two": odd }).to_string());
        assert_eq!(body, expected);
    }
}
