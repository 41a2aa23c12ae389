//! Masks every secret opened in this process wherever text leaves it.
//!
//! This is the last line of defence, not the first: code does not put secrets into text. Where a
//! foreign error message or a dependency's log line would carry one all the same, [`redact`] replaces
//! it. Known forms: plain, base64 (standard and URL alphabet, with and without padding), hexadecimal,
//! percent-encoded and JSON-escaped ([`forms`]). Values shorter than [`MIN_LEN`] bytes are not registered,
//! because masking them would destroy ordinary text.
//!
//! Registered values live in zeroed memory alone. They are found by the hash of their last bytes, so a
//! search costs one pass over the text however many values there are, and registering one costs no
//! rebuild of the others.

mod forms;
mod index;

use std::borrow::Cow;
use std::sync::{LazyLock, PoisonError, RwLock};

use crate::Secret;
use index::Index;

/// Shortest value, in bytes, that is masked.
pub const MIN_LEN: usize = 6;

/// What a masked value is replaced by.
pub const MASK: &str = "(secret)";

static OPENED: LazyLock<RwLock<Index>> = LazyLock::new(RwLock::default);

/// Remembers `secret` for the rest of the process. Values shorter than [`MIN_LEN`] bytes are ignored, and
/// one that is known already costs nothing.
pub fn register(secret: &Secret) {
    if secret.len() < MIN_LEN || is_registered(secret) {
        return;
    }
    let forms = forms::of(&secret.bytes);
    OPENED
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(&secret.bytes, forms);
}

fn is_registered(secret: &Secret) -> bool {
    OPENED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .contains(&secret.bytes)
}

/// Replaces every registered value in `text`, in any of its known forms, by [`MASK`].
#[must_use]
pub fn redact(text: &str) -> Cow<'_, str> {
    OPENED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .redact(text)
}

/// Forgets every registered value and overwrites its memory. For the very end of the process.
pub fn clear() {
    *OPENED.write().unwrap_or_else(PoisonError::into_inner) = Index::default();
}
