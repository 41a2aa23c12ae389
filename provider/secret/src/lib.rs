//! The one type that holds a secret value, and the filter that keeps it out of text.
//!
//! Every secret this process opens lives in [`Secret`]: it has no `Display` and no `Serialize`, its
//! `Debug` prints no byte of the value, and its memory is overwritten when it is dropped. The bytes are
//! reachable through [`Secret::expose`] alone, which clippy refuses everywhere but in the places that
//! ARCHITECTURE.md (Secrecy) lists.
//!
//! [`redaction`] remembers every value opened in this process so that logs and diagnostics can be
//! masked as a last line of defence.

pub mod redaction;

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A secret value: opaque bytes, redacted in every rendering, zeroed on drop.
///
/// Cloning copies the bytes into a second zeroed allocation; prefer passing a reference.
#[derive(Clone)]
pub struct Secret {
    // A boxed slice cannot reallocate, so no stale copy of the value is left behind by growth.
    bytes: Zeroizing<Box<[u8]>>,
}

impl Secret {
    /// Takes ownership of `bytes`; the vector's spare capacity is overwritten.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let source = Zeroizing::new(bytes);
        Self {
            bytes: Zeroizing::new(source.as_slice().into()),
        }
    }

    /// Takes ownership of a text value.
    #[must_use]
    pub fn from_text(text: String) -> Self {
        Self::new(text.into_bytes())
    }

    /// Opens the value. Only the value codec, credential headers, sealing code and the explicit
    /// `store get` may do so; every call states its reason to clippy.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// Length of the value in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// True when the value has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// True when the value is valid UTF-8.
    #[must_use]
    pub fn is_text(&self) -> bool {
        std::str::from_utf8(&self.bytes).is_ok()
    }
}

impl PartialEq for Secret {
    /// Compares in time that depends on the lengths only.
    fn eq(&self, other: &Self) -> bool {
        self.bytes.ct_eq(&other.bytes).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_byte_of_the_value() {
        let secret = Secret::from_text("hunter2".into());
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert_eq!(format!("{:#?}", Some(secret)), "Some(\n    Secret(***),\n)");
    }

    #[test]
    fn equality_compares_bytes() {
        assert_eq!(Secret::from_text("a".into()), Secret::new(b"a".to_vec()));
        assert_ne!(
            Secret::from_text("a".into()),
            Secret::from_text("ab".into())
        );
    }
}
