//! A text in an answer that is secret: read straight into [`Secret`].

use secret_value::Secret;
use serde::de::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A secret text as a field of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretText(pub(crate) Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut text = Zeroizing::<String>::deserialize(deserializer)?;
        Ok(Self(Secret::from_text(std::mem::take(&mut *text))))
    }
}
