//! What the server answers: the envelope that all engines share. Parts stay JSON text, secret until shown
//! otherwise, so that numbers keep every digit.

use std::time::Duration;

use secret_value::Secret;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde_json::value::RawValue;

use super::refusal;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{Response, SecretText};

/// JSON text of unknown content.
#[derive(Clone, Debug)]
pub(super) struct SecretJson(pub(super) Secret);

impl<'de> Deserialize<'de> for SecretJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let text: Box<str> = raw.into();
        Ok(Self(Secret::from_text(text.into_string())))
    }
}

impl SecretJson {
    /// Reads the object as `T`.
    pub(super) fn read<T: DeserializeOwned>(&self, operation: Operation) -> Result<T> {
        // Lists would pass for objects otherwise.
        if !self.is_object() {
            return Err(unexpected(operation));
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "codec: the answer of the store is taken apart"
        )]
        serde_json::from_slice(self.0.expose()).map_err(|_| unexpected(operation))
    }

    /// Whether the text is an object.
    pub(super) fn is_object(&self) -> bool {
        #[expect(
            clippy::disallowed_methods,
            reason = "codec: only the first byte is looked at"
        )]
        let bytes = self.0.expose();
        bytes.trim_ascii_start().first() == Some(&b'{')
    }
}

/// The envelope.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Envelope {
    pub(super) lease_id: String,
    pub(super) lease_duration: u64,
    pub(super) renewable: bool,
    pub(super) data: Option<SecretJson>,
    pub(super) auth: Option<Auth>,
    pub(super) wrap_info: Option<WrapInfo>,
    pub(super) warnings: Option<Vec<String>>,
}

/// A login, or a token that was made.
#[derive(Clone, Debug, serde::Deserialize)]
pub(super) struct Auth {
    pub(super) client_token: SecretText,
    #[serde(default)]
    pub(super) accessor: String,
    #[serde(default)]
    pub(super) lease_duration: u64,
    #[serde(default)]
    pub(super) renewable: bool,
    #[serde(default)]
    pub(super) token_type: String,
    #[serde(default)]
    pub(super) policies: Option<Vec<String>>,
}

/// A wrapped answer.
#[derive(Clone, Debug, serde::Deserialize)]
pub(super) struct WrapInfo {
    pub(super) token: SecretText,
    #[serde(default)]
    pub(super) accessor: String,
    #[serde(default)]
    pub(super) ttl: u64,
    #[serde(default)]
    pub(super) creation_path: String,
}

impl Envelope {
    /// Reads a successful answer; an empty one has an empty envelope.
    ///
    /// # Errors
    /// That of a refusal; `unavailable` for anything but an envelope.
    pub(super) fn read(operation: Operation, answer: &Response) -> Result<Self> {
        if !answer.status.is_success() {
            return Err(refusal::error(operation, answer));
        }
        if answer.body.is_empty() {
            return Ok(Self::default());
        }
        answer.json()
    }

    /// The data, an object.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn data(self, operation: Operation) -> Result<SecretJson> {
        let data = self.data.filter(SecretJson::is_object);
        data.ok_or_else(|| unexpected(operation))
    }

    /// The login.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn auth(self, operation: Operation) -> Result<Auth> {
        self.auth.ok_or_else(|| unexpected(operation))
    }

    /// How long the lease holds.
    pub(super) fn ttl(&self) -> Duration {
        Duration::from_secs(self.lease_duration)
    }
}

/// The error for an answer that is not what the documentation of the server says.
pub(super) fn unexpected(operation: Operation) -> StoreError {
    StoreError::new(
        ErrorKind::Unavailable,
        operation,
        "the server answered with something else than its documentation says",
    )
    .with_help("something between here and the server may have answered instead, such as a proxy")
}
