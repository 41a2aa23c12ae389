//! Who can open the store: public keys with names.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Operation, Result, StoreError};

/// A member of the team, or a machine, that can open the store. Holds nothing secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipient {
    /// The public key, `age1…`.
    pub key: String,
    /// Whose key it is, where told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Recipient {
    /// Checks `key` and takes it as a recipient.
    ///
    /// # Errors
    /// `config` when the text is no X25519 public key; a secret key given by mistake is not repeated in
    /// the message.
    pub fn new(key: &str, name: Option<&str>) -> Result<Self> {
        let recipient = Self {
            key: key.trim().to_owned(),
            name: name.map(str::to_owned),
        };
        recipient.parse_key()?;
        Ok(recipient)
    }

    pub(super) fn parse_key(&self) -> Result<age::x25519::Recipient> {
        self.key.parse().map_err(|_| {
            let wrong = |message| StoreError::new(ErrorKind::Config, Operation::Configure, message);
            if self.key.to_ascii_uppercase().starts_with("AGE-SECRET-KEY-") {
                wrong("this is a secret key, and a recipient is named by its public key".to_owned())
                    .with_help("treat the secret key as leaked if it was typed where others see it; the public key starts with `age1`")
            } else {
                let shown: String = self.key.chars().take(16).collect();
                wrong(format!("`{shown}…` is not the public key of a recipient"))
                    .with_help("give a public key that starts with `age1`; its owner finds it in the comments of the identity file, or with `age-keygen -y`")
            }
        })
    }
}

impl fmt::Display for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{} ({name})", self.key),
            None => f.write_str(&self.key),
        }
    }
}
