//! Masks every secret opened in this process wherever text leaves it.
//!
//! This is the last line of defence, not the first: code does not put secrets into text. Where a
//! foreign error message or a dependency's log line would carry one all the same, [`redact`] replaces
//! it. Known forms: plain, base64 (standard and URL alphabet, with and without padding), percent-encoded
//! and JSON-escaped. Values shorter than [`MIN_LEN`] bytes are not registered, because masking them
//! would destroy ordinary text.
