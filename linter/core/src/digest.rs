//! Keyed digests: how secrets are compared without being kept.

use crate::finding::Digest;

/// The key of a run's digests. Not a secret that protects anything by itself: it keeps digests of
/// different projects apart and makes guessing from a report need the project's own key.
#[derive(Clone)]
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// A key from 32 bytes, for instance the ones a baseline file carries.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key from a text of any length.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        Self(blake3::derive_key(
            "secretlint 2026 digest key of a project",
            text.as_bytes(),
        ))
    }

    /// The key of projects that configured none. Digests made with it never leave the process:
    /// see [`DigestKey::is_private`].
    #[must_use]
    pub fn unkeyed() -> Self {
        Self(*blake3::hash(b"secretlint: digests of projects without a key").as_bytes())
    }

    /// True when the key belongs to this project alone, so that digests may be written to reports
    /// and baselines.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.0 != Self::unkeyed().0
    }

    /// The digest of a text.
    #[must_use]
    pub fn digest(&self, text: &str) -> Digest {
        self.digest_parts(&[text.as_bytes()])
    }

    /// The digest of several parts; lengths are part of it, so `["ab", "c"]` differs from
    /// `["a", "bc"]`.
    #[must_use]
    pub fn digest_parts(&self, parts: &[&[u8]]) -> Digest {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut digest = [0; 16];
        digest.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Digest(digest)
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey")
    }
}

impl Default for DigestKey {
    fn default() -> Self {
        Self::unkeyed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_equal_digests_under_one_key_only() {
        let (one, other) = (DigestKey::new([1; 32]), DigestKey::new([2; 32]));
        assert_eq!(one.digest("hunter2"), one.digest("hunter2"));
        assert_ne!(one.digest("hunter2"), one.digest("hunter3"));
        assert_ne!(one.digest("hunter2"), other.digest("hunter2"));
    }

    #[test]
    fn parts_are_kept_apart() {
        let key = DigestKey::unkeyed();
        assert_ne!(
            key.digest_parts(&[b"ab", b"c"]),
            key.digest_parts(&[b"a", b"bc"])
        );
    }

    #[test]
    fn the_default_key_is_not_private() {
        assert!(!DigestKey::default().is_private());
        assert!(DigestKey::new([7; 32]).is_private());
    }
}
