//! AWS access key ids carry the account's number: the sixteen characters after the four-letter
//! prefix are Base32, and bits 1 to 40 of the decoded bytes are the account.

use super::Verdict;
use crate::patterns::dummy;

/// Largest account number: twelve decimal digits.
const MAX_ACCOUNT: u64 = 999_999_999_999;

pub(super) fn access_key_id(id: &str) -> Verdict {
    let Some(rest) = id.get(4..) else {
        return Verdict::Reject;
    };
    if dummy::is_dummy_token(id) {
        return Verdict::Dummy;
    }
    let Some(bits) = base32_bits(&rest.as_bytes()[..rest.len().min(10)]) else {
        return Verdict::Reject;
    };
    // Ids made before 2019 start with I or J and are random throughout.
    let old = rest.starts_with(['I', 'J']);
    // Ten characters are fifty bits; the account is the forty after the first.
    let account = (bits >> 9) & 0xff_ffff_ffff;
    if old || account <= MAX_ACCOUNT {
        Verdict::Valid
    } else {
        Verdict::Dummy
    }
}

fn base32_bits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0_u64, |bits, byte| {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        Some((bits << 5) | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{Verdict, access_key_id};

    #[test]
    fn the_account_decides() {
        // Account 581039954779, a published example of the encoding, and one of thirteen digits.
        assert_eq!(
            access_key_id(concat!("ASIA", "Y34FZKBOKMUTVV7A")),
            Verdict::Valid
        );
        assert_eq!(
            access_key_id(concat!("AKIA", "7777777777777777")),
            Verdict::Dummy
        );
        assert_eq!(
            access_key_id(concat!("AKIA", "777Q3AXW5TNE2MLR")),
            Verdict::Dummy
        );
        assert_eq!(
            access_key_id(concat!("AKIA", "IOSFODNN7EXAMPLE")),
            Verdict::Dummy
        );
        assert_eq!(
            access_key_id(concat!("AKIA", "1SFODNN7EXQMPLEA")),
            Verdict::Reject
        );
    }
}
