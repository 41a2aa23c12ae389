//! Pieces that the requests and answers of several services have in common.

use jiff::Timestamp;
use secret_value::Secret;
use serde::de::{Deserialize, Deserializer};
use serde::{Serialize, Serializer};

/// A value that is sent to be stored.
pub(super) struct Stored<'a>(pub(super) &'a str);

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

/// A value as text, for the request that stores it.
pub(super) fn as_text(value: &Secret) -> Option<Stored<'_>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the value is sent to the store that is to keep it"
    )]
    let bytes = value.expose();
    std::str::from_utf8(bytes).ok().map(Stored)
}

/// A time: seconds since 1970, with fractions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "saturates, and what is out of range is no time"
        )]
        let millis = (seconds * 1000.0).round() as i64;
        Timestamp::from_millisecond(millis)
            .map(Self)
            .map_err(serde::de::Error::custom)
    }
}

impl Moment {
    /// Whole seconds since 1970; only grows from version to version.
    pub(super) fn number(self) -> Option<u64> {
        u64::try_from(self.0.as_second()).ok()
    }
}
