//! What is proved about a match beyond its regular expression: checksums, structure, decoding.
//!
//! A value that its own checksum disproves was made up: a dummy, not a secret. A value that is
//! something else altogether is rejected.

mod aws;
mod checksum;
mod jwt;
mod pem;

pub(super) use checksum::crc32_base62;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::dummy;
use super::schema::Verify;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Proved; no further doubt about dummies.
    Valid,
    /// In the format; nothing more is known.
    Unknown,
    /// In the format, but not a secret that anybody uses.
    Dummy,
    /// Not what the pattern is about.
    Reject,
}

/// Checks `secret`, which the pattern's regular expression matched.
pub(super) fn verdict(verify: Verify, secret: &str) -> Verdict {
    match verify {
        Verify::AwsAccessKeyId => aws::access_key_id(secret),
        Verify::Base62Crc32 => checksum::base62_crc32(secret),
        Verify::Base64Bytes64 => base64_bytes(secret, 64),
        Verify::Base64Pem => pem::base64_private_key(secret),
        Verify::Jwt => jwt::token(secret),
        Verify::Mixed => keep_if(is_mixed(secret)),
        Verify::Opaque => keep_if(is_opaque(secret)),
        Verify::Password => password(secret),
        Verify::Pem => pem::private_key(secret),
    }
}

/// Keys that emulators publish: everybody has them. Cut in two so that no scanner takes this file
/// for a leak.
const EMULATOR_KEYS: &[(&str, &str)] = &[
    (
        "Eby8vdM02xNOcqFlqUwJPLlmEtlC",
        "DXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/",
    ),
    (
        "C2y6yDjf5/R+ob0N8A7Cgv30VRDJ",
        "IWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
    ),
];

fn base64_bytes(secret: &str, length: usize) -> Verdict {
    if EMULATOR_KEYS.iter().any(|(head, tail)| {
        secret
            .strip_prefix(head)
            .is_some_and(|rest| rest.starts_with(tail))
    }) {
        return Verdict::Dummy;
    }
    match STANDARD.decode(secret) {
        Ok(bytes) if bytes.len() == length => Verdict::Unknown,
        _ => Verdict::Reject,
    }
}

fn password(secret: &str) -> Verdict {
    // `redis://:***@host`: masked, as logs show it.
    if secret.bytes().all(|byte| byte == b'*') {
        return Verdict::Reject;
    }
    let decoded = secret.replace("%20", " ");
    if dummy::is_dummy_password(&decoded) {
        Verdict::Dummy
    } else {
        Verdict::Valid
    }
}

fn keep_if(kept: bool) -> Verdict {
    if kept {
        Verdict::Unknown
    } else {
        Verdict::Reject
    }
}

fn is_mixed(text: &str) -> bool {
    let has = |wanted: fn(&u8) -> bool| text.as_bytes().iter().any(wanted);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// Longest run of letters of one case that a random text may have.
const LONGEST_WORD: usize = 9;

fn is_opaque(text: &str) -> bool {
    let has = |wanted: fn(&u8) -> bool| text.as_bytes().iter().any(wanted);
    let varied =
        has(u8::is_ascii_digit) || (has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase));
    let longest = |letter: fn(&u8) -> bool| {
        text.as_bytes()
            .split(|byte| !letter(byte))
            .map(<[u8]>::len)
            .max()
            .unwrap_or(0)
    };
    let (lower, upper) = (
        longest(u8::is_ascii_lowercase),
        longest(u8::is_ascii_uppercase),
    );
    varied && lower + upper > 0 && lower.max(upper) <= LONGEST_WORD
}

#[cfg(test)]
mod tests {
    use super::{is_mixed, is_opaque};

    #[test]
    fn words_are_not_random() {
        assert!(is_mixed("aB3") && !is_mixed("ab3") && !is_mixed("aBc"));
        assert!(is_opaque("f3K9vQ2mZx7LpR4tWb8N"));
        assert!(!is_opaque("managed-by-the-platform"));
        assert!(!is_opaque("secretsmanager-key-2024"));
    }
}
