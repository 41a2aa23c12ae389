//! PEM private keys (RFC 7468), OpenSSH and PGP private keys, as they stand in configurations:
//! in a heredoc, with `\n` escapes, or on one line.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Verdict;
use crate::patterns::dummy;

/// Shortest decoded body of a private key (Ed25519 in PKCS #8 has 48 bytes).
const SHORTEST: usize = 40;

pub(super) fn private_key(block: &str) -> Verdict {
    let Some(body) = body(block) else {
        return Verdict::Reject;
    };
    if body.contains("...") || body.contains('<') || body.contains('*') {
        return Verdict::Dummy;
    }
    // Escapes first, then headers such as `Proc-Type: 4,ENCRYPTED`, then blanks.
    let unescaped = body.replace("\\n", "\n").replace("\\r", "");
    let text: String = unescaped
        .lines()
        .map(str::trim)
        .filter(|line| !line.contains(": ") && !line.starts_with('='))
        .collect();
    let text: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\\')
        .collect();
    if text.is_empty() || text.bytes().any(|b| !is_base64(b)) {
        // An expression, or a pattern for the two ends of a key.
        return if text.contains(['$', '{', '"', '|']) {
            Verdict::Reject
        } else {
            Verdict::Dummy
        };
    }
    if dummy::is_dummy_token(text.get(..text.len().min(64)).unwrap_or(&text)) && text.len() < 200 {
        return Verdict::Dummy;
    }
    // Whole quads only: a cut last line is still a key somebody pasted.
    let whole = text.len() / 4 * 4;
    match STANDARD.decode(&text[..whole]) {
        Ok(bytes) if bytes.len() >= SHORTEST && is_key(&bytes) => Verdict::Valid,
        _ => Verdict::Dummy,
    }
}

/// A DER sequence, an OpenSSH key, or (PGP) a secret-key packet.
fn is_key(bytes: &[u8]) -> bool {
    bytes.starts_with(b"openssh-key-v1\0")
        || bytes.first() == Some(&0x30)
        || matches!(bytes.first(), Some(0x94 | 0x95 | 0x97 | 0xc5))
}

fn body(block: &str) -> Option<&str> {
    let (_, rest) = block.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    if !label.contains("PRIVATE KEY") {
        return None;
    }
    Some(rest.split_once("-----END").map_or(rest, |(body, _)| body))
}

/// Base64 of a PEM block.
pub(super) fn base64_private_key(text: &str) -> Verdict {
    let trimmed = text.trim_end_matches('=');
    let whole = trimmed.len() / 4 * 4;
    match STANDARD
        .decode(&trimmed[..whole])
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
    {
        Some(block) => private_key(&block),
        None => Verdict::Reject,
    }
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::{Verdict, private_key};
    use crate::patterns::expand_example;

    fn check(example: &str) -> Verdict {
        private_key(&expand_example(example).unwrap())
    }

    #[test]
    fn the_body_decides() {
        assert_eq!(check("{{pem RSA PRIVATE KEY}}"), Verdict::Valid);
        assert_eq!(check("{{pem PUBLIC KEY}}"), Verdict::Reject);
        let placeholder = "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----";
        assert_eq!(private_key(placeholder), Verdict::Dummy);
        let words = "-----BEGIN PRIVATE KEY-----\nyour key here\n-----END PRIVATE KEY-----";
        assert_eq!(private_key(words), Verdict::Dummy);
        let reference = "-----BEGIN PRIVATE KEY-----${var.key}-----END PRIVATE KEY-----";
        assert_eq!(private_key(reference), Verdict::Reject);
        let pattern = "(-----BEGIN PRIVATE KEY-----|-----END PRIVATE KEY-----)";
        assert_eq!(private_key(pattern), Verdict::Reject);
    }

    #[test]
    fn escapes_and_indentation_are_forgiven() {
        let block = expand_example("{{pem PRIVATE KEY}}").unwrap();
        assert_eq!(private_key(&block.replace('\n', "\\n")), Verdict::Valid);
        assert_eq!(private_key(&block.replace('\n', "\n    ")), Verdict::Valid);
        assert_eq!(private_key(&block.replace('\n', " ")), Verdict::Valid);
    }
}
