//! Bytes -> text, with a clear reason where that is not possible.

use std::path::Path;

use secretlint_core::facts::FileKind;

use crate::config::Files;
use crate::discover::{Found, Origin};
use crate::input::Input;

/// A text with its kind, or why there is none.
pub(crate) enum Read {
    /// To be linted.
    Text(FileKind, String),
    /// Nothing to lint and nothing to say.
    Skipped,
    /// A sentence for the user.
    Unreadable(String),
}

/// Reads one file.
pub(crate) fn read(input: &Input<'_>, found: &Found, files: &Files) -> Read {
    let text = match &found.origin {
        Origin::Memory(index) => Ok(input.texts[*index].text.clone()),
        Origin::Below => from_disk(&input.below(&found.path), files.max_bytes),
        Origin::Disk(path) => from_disk(path, files.max_bytes),
    };
    let text = match text {
        Ok(text) => text,
        Err(reason) => return Read::Unreadable(reason),
    };
    if text.len() as u64 > files.max_bytes {
        return Read::Unreadable(too_large(text.len() as u64, files.max_bytes));
    }
    match kind_of(found, &text) {
        None => Read::Skipped,
        Some(kind) => Read::Text(kind, text),
    }
}

/// The kind by name, else by content. Named files that are neither are read as Terraform.
pub(crate) fn kind_of(found: &Found, text: &str) -> Option<FileKind> {
    found.kind.or_else(|| {
        let json = found.path.ends_with(".json");
        FileKind::of_json(text).or_else(|| (!json).then_some(FileKind::Terraform))
    })
}

fn from_disk(path: &Path, max_bytes: u64) -> Result<String, String> {
    to_text(read_bounded(path, max_bytes)?).map_err(str::to_owned)
}

fn read_bounded(path: &Path, max_bytes: u64) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| format!("cannot be opened: {error}"))?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    if length > max_bytes {
        return Err(too_large(length, max_bytes));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    // Pipes and files that are made while they are read have no length, but the limit holds for them,
    // too. Of others there is nothing to ask for behind their length.
    let most = if length == 0 { max_bytes + 1 } else { length };
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > max_bytes {
        return Err(too_large(bytes.len() as u64, max_bytes));
    }
    Ok(bytes)
}

fn too_large(length: u64, limit: u64) -> String {
    format!(
        "has {length} bytes, more than the limit of {limit}; raise `files.max-bytes` in secretlint.toml to lint it"
    )
}

/// UTF-8 text. Single bytes that are no UTF-8 become `?`, one for one, so that every offset stays
/// what it is in the file; what has NUL bytes is not text.
///
/// # Errors
/// What is no text, with the reason.
pub fn to_text(mut bytes: Vec<u8>) -> Result<String, &'static str> {
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err("is UTF-16; HCL is UTF-8, convert the file");
    }
    if memchr::memchr(0, &bytes).is_some() {
        return Err("is binary (it has NUL bytes)");
    }
    loop {
        let error = match String::from_utf8(bytes) {
            Ok(text) => return Ok(text),
            Err(error) => error,
        };
        let start = error.utf8_error().valid_up_to();
        bytes = error.into_bytes();
        replace_invalid(&mut bytes, start);
    }
}

/// Replaces every invalid byte from `start` on, in one pass.
fn replace_invalid(bytes: &mut [u8], mut start: usize) {
    while start < bytes.len() {
        match std::str::from_utf8(&bytes[start..]) {
            Ok(_) => return,
            Err(error) => {
                start += error.valid_up_to();
                let length = error.error_len().unwrap_or(bytes.len() - start);
                bytes[start..start + length].fill(b'?');
                start += length;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_bytes_are_replaced_one_for_one() {
        assert_eq!(
            to_text(b"a\xE9b\xFF\xFEc".to_vec()),
            Ok("a?b??c".to_owned())
        );
        assert_eq!(to_text("ä".as_bytes().to_vec()), Ok("ä".to_owned()));
        assert_eq!(to_text(b"cut \xE2\x82".to_vec()), Ok("cut ??".to_owned()));
    }

    #[test]
    fn binary_and_utf16_are_named() {
        assert!(to_text(vec![b'a', 0, b'b']).is_err_and(|reason| reason.contains("binary")));
        assert!(to_text(vec![0xFF, 0xFE, b'a', 0]).is_err_and(|reason| reason.contains("UTF-16")));
    }
}
