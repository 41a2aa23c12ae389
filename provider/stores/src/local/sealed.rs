//! Encryption of the store file: bytes to age format and back.
//!
//! Every way in which a file can fail to open has its own message, because "decryption failed" helps
//! nobody. The store is written in age's binary form; the armoured form is read as well.

use std::io::{Read, Write};
use std::path::Path;

use age::armor::ArmoredReader;
use zeroize::Zeroizing;

use super::Recipient;
use super::identity::Identities;
use crate::error::{ErrorKind, Operation, Result, StoreError};

const MAGIC: &[u8] = b"age-encryption.org/";
const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";

/// Encrypts to every recipient.
pub(super) fn seal(
    operation: Operation,
    recipients: &[Recipient],
    plaintext: &[u8],
) -> Result<Vec<u8>> {
    let keys = recipients
        .iter()
        .map(Recipient::parse_key)
        .collect::<Result<Vec<_>>>()?;
    let failed = |reason: String| {
        StoreError::new(
            ErrorKind::Io,
            operation,
            format!("cannot encrypt: {reason}"),
        )
    };
    let encryptor =
        age::Encryptor::with_recipients(keys.iter().map(|key| key as &dyn age::Recipient))
            .map_err(|error| failed(error.to_string()))?;
    let mut sealed = Vec::with_capacity(plaintext.len() + 1024);
    let mut writer = encryptor
        .wrap_output(&mut sealed)
        .map_err(|error| failed(error.to_string()))?;
    writer
        .write_all(plaintext)
        .map_err(|error| failed(error.to_string()))?;
    writer.finish().map_err(|error| failed(error.to_string()))?;
    Ok(sealed)
}

/// Decrypts with whichever identity fits; `path` is for messages.
pub(super) fn open(
    operation: Operation,
    identities: &Identities,
    sealed: &[u8],
    path: &Path,
) -> Result<Zeroizing<Vec<u8>>> {
    require_age_file(operation, sealed, path)?;
    let failed = |error: age::DecryptError| decrypt_error(operation, &error, identities, path);
    let decryptor = age::Decryptor::new_buffered(ArmoredReader::new(sealed)).map_err(failed)?;
    if decryptor.is_scrypt() {
        return Err(StoreError::new(
            ErrorKind::Integrity,
            operation,
            "the file is encrypted with a passphrase, so it is not a store made by this program",
        )
        .with_context("file", path.display()));
    }
    let mut reader = decryptor.decrypt(identities.as_age()).map_err(failed)?;
    // The plaintext is shorter than the file, so this buffer never grows and leaves no copy behind.
    let mut plaintext = Zeroizing::new(Vec::with_capacity(sealed.len()));
    match reader.read_to_end(&mut plaintext) {
        Ok(_) => Ok(plaintext),
        Err(_) => Err(damaged(
            operation,
            path,
            "its content was changed or cut off",
        )),
    }
}

fn require_age_file(operation: Operation, sealed: &[u8], path: &Path) -> Result<()> {
    if sealed.starts_with(MAGIC) || sealed.trim_ascii_start().starts_with(ARMOR) {
        return Ok(());
    }
    let what = if sealed.is_empty() {
        "the file is empty"
    } else if MAGIC.starts_with(sealed) {
        "the file was cut off after its first bytes"
    } else {
        "the file is not an age-encrypted store"
    };
    Err(StoreError::new(ErrorKind::Integrity, operation, what)
        .with_context("file", path.display())
        .with_help(RESTORE))
}

const RESTORE: &str =
    "restore the file from version control or a backup; if the path is wrong, set SECRETREF_STORE";

/// The error for a store that is not as it was written.
pub(super) fn damaged(operation: Operation, path: &Path, why: &str) -> StoreError {
    StoreError::new(
        ErrorKind::Integrity,
        operation,
        format!("the store fails its integrity check: {why}"),
    )
    .with_context("file", path.display())
    .with_help(RESTORE)
}

fn decrypt_error(
    operation: Operation,
    error: &age::DecryptError,
    identities: &Identities,
    path: &Path,
) -> StoreError {
    use age::DecryptError as E;
    match error {
        E::NoMatchingKeys => StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            format!("the identity is not among the recipients of the store (it is {})", identities.public_keys().join(", ")),
        )
        .with_context("file", path.display())
        .with_context("identity", identities.origin())
        .with_help(
            "use the identity the store was made with (SECRETREF_IDENTITY_FILE), or ask somebody who can open the \
             store to run `store recipients add` with the public key above",
        ),
        E::UnknownFormat => StoreError::new(
            ErrorKind::Unsupported,
            operation,
            "the file has a newer age format than this program knows",
        )
        .with_context("file", path.display()),
        E::InvalidMac => damaged(operation, path, "its header was changed"),
        E::InvalidHeader => damaged(operation, path, "its header is broken"),
        E::Io(_) => damaged(operation, path, "it was cut off"),
        _ => damaged(operation, path, "its key cannot be unwrapped"),
    }
}
