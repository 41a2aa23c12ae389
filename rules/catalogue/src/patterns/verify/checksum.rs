//! Tokens that end in a checksum of themselves (GitHub, npm and others): the CRC-32 of what stands
//! between the prefix and the last six characters, written in base 62.

use super::Verdict;
use crate::patterns::dummy;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM: usize = 6;

/// The CRC-32 of `text` as six base-62 digits.
pub(in crate::patterns) fn crc32_base62(text: &str) -> String {
    let mut value = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(value % 62) as usize];
        value /= 62;
    }
    digits.iter().copied().map(char::from).collect()
}

/// The prefix ends with the last underscore.
pub(super) fn base62_crc32(token: &str) -> Verdict {
    let body = token.rsplit_once('_').map_or(token, |(_, body)| body);
    let Some((text, checksum)) = body
        .len()
        .checked_sub(CHECKSUM)
        .and_then(|at| body.split_at_checked(at))
    else {
        return Verdict::Reject;
    };
    if dummy::is_dummy_token(token) || crc32_base62(text) != checksum {
        return Verdict::Dummy;
    }
    Verdict::Valid
}

#[cfg(test)]
mod tests {
    use super::{Verdict, base62_crc32, crc32_base62};

    #[test]
    fn a_wrong_checksum_tells_a_made_up_token() {
        let body = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";
        // Published by the vendor's documentation of the checksum: this body ends in 0mLq17.
        assert_eq!(crc32_base62(body), "0mLq17");
        assert_eq!(base62_crc32(&format!("ghp_{body}0mLq17")), Verdict::Valid);
        assert_eq!(base62_crc32(&format!("ghp_{body}0mLq18")), Verdict::Dummy);
        assert_eq!(base62_crc32("ghp_1"), Verdict::Reject);
    }
}
