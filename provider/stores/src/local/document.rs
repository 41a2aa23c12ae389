//! The plaintext of the local store: versions by path, the recipients, and what binds it together.
//!
//! JSON, so that anybody with the identity can read it with the `age` tool alone and is never locked in.
//! Values are base64 text in it and [`Secret`] in memory; buffers that hold the text are zeroed.
//! Parsing is total: any bytes give a document or an `integrity` error that quotes nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use secret_value::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use zeroize::Zeroizing;

use super::Recipient;
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// Written into every document, so that another JSON file is not taken for one.
pub(super) const FORMAT: &str = "secretref-store";
/// The format this code writes and the newest it reads.
pub(super) const FORMAT_VERSION: u32 = 1;

/// Everything the store holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    pub(super) format: String,
    pub(super) format_version: u32,
    /// Random name of this store, given once.
    pub(super) store: String,
    /// Random key known to recipients alone. A store made by anybody else cannot have it, although the
    /// recipients' public keys are no secret.
    #[serde(with = "secret_text")]
    pub(super) seal: Secret,
    /// Grows by one with every change.
    pub(super) generation: u64,
    /// True when names, versions and times are also written to a plain index beside the store.
    pub(super) index: bool,
    pub(super) recipients: Vec<Recipient>,
    pub(super) secrets: BTreeMap<String, Vec<Version>>,
}

/// One version of one secret.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Version {
    pub(super) info: VersionInfo,
    /// `None` once the version is removed.
    #[serde(with = "optional_secret_text")]
    pub(super) value: Option<Secret>,
}

/// Facts about one version of a secret; no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionInfo {
    /// Counts from 1 and is never given twice.
    pub number: u64,
    /// When the version was stored.
    pub created: Timestamp,
    /// Who stored it, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// When the value ends, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When the version was removed; its value is gone since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<Timestamp>,
}

/// The part every format version has.
#[derive(Deserialize)]
struct Preamble {
    format: String,
    format_version: u32,
}

impl Document {
    /// Reads a document. The error says where reading stopped and never what stood there.
    pub(super) fn parse(operation: Operation, bytes: &[u8]) -> Result<Self> {
        let unreadable = |error: &serde_json::Error| {
            StoreError::new(
                ErrorKind::Integrity,
                operation,
                format!(
                    "the store was decrypted, but its content is not a store document (line {}, column {})",
                    error.line(),
                    error.column()
                ),
            )
        };
        let preamble: Preamble =
            serde_json::from_slice(bytes).map_err(|error| unreadable(&error))?;
        if preamble.format != FORMAT {
            return Err(StoreError::new(
                ErrorKind::Integrity,
                operation,
                "the file was decrypted, but it holds something other than a secret store",
            ));
        }
        if preamble.format_version > FORMAT_VERSION {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                format!(
                    "the store has format version {}, and this program knows versions up to {FORMAT_VERSION}",
                    preamble.format_version
                ),
            )
            .with_help("update this program: a newer one wrote the store"));
        }
        serde_json::from_slice(bytes).map_err(|error| unreadable(&error))
    }

    /// The document as JSON text in memory that is zeroed on drop.
    pub(super) fn to_bytes(&self, operation: Operation) -> Result<Zeroizing<Vec<u8>>> {
        let mut buffer = ZeroingBuffer::default();
        serde_json::to_writer(&mut buffer, self).map_err(|error| {
            StoreError::new(ErrorKind::Io, operation, "cannot write the store document")
                .with_source(error)
        })?;
        Ok(buffer.bytes)
    }
}

/// A growing buffer that leaves no copy behind when it grows.
#[derive(Default)]
struct ZeroingBuffer {
    bytes: Zeroizing<Vec<u8>>,
}

impl Write for ZeroingBuffer {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let needed = self.bytes.len() + piece.len();
        if needed > self.bytes.capacity() {
            let mut larger =
                Zeroizing::new(Vec::with_capacity(needed.next_power_of_two().max(4096)));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Base64 text decoded straight from the input, without an intermediate copy of the text.
struct SecretText(Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = SecretText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("base64 text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<SecretText, E> {
                let bytes = STANDARD
                    .decode(text)
                    .map_err(|_| E::custom("not base64 text"))?;
                Ok(SecretText(Secret::new(bytes)))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

mod secret_text {
    use super::{
        Deserialize, Deserializer, Engine, STANDARD, Secret, SecretText, Serializer, Zeroizing,
    };

    pub(super) fn serialize<S: Serializer>(
        secret: &Secret,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        #[expect(
            clippy::disallowed_methods,
            reason = "sealing: the text goes into the encrypted document only"
        )]
        let text = Zeroizing::new(STANDARD.encode(secret.expose()));
        serializer.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Secret, D::Error> {
        SecretText::deserialize(deserializer).map(|text| text.0)
    }
}

mod optional_secret_text {
    use super::{Deserialize, Deserializer, Secret, SecretText, Serializer, secret_text, ser};

    pub(super) fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        struct Borrowed<'a>(&'a Secret);
        impl ser::Serialize for Borrowed<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                secret_text::serialize(self.0, serializer)
            }
        }
        match secret {
            Some(secret) => serializer.serialize_some(&Borrowed(secret)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<SecretText>::deserialize(deserializer)?.map(|text| text.0))
    }
}
