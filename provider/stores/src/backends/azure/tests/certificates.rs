//! Certificates out of hostile input; real ones are read in `tests/suites/stores_azure.rs`.

use proptest::prelude::*;

use super::super::certificate::KeyAndChain;

#[test]
fn what_is_no_certificate_is_refused_in_words() {
    for (bytes, word) in [
        (&b""[..], "no certificate"),
        (b"hello", "no certificate"),
        (&[0xff, 0xfe], "neither PEM nor PKCS #12"),
        (&[0x30, 0x80, 0, 0], "no PKCS #12"),
        (
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "encrypted",
        ),
        (
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "broken PEM",
        ),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n", "broken PEM"),
    ] {
        let refused = KeyAndChain::read(bytes, "").unwrap_err();
        assert!(refused.contains(word), "{word}: {refused}");
    }
}

proptest! {
    #[test]
    fn hostile_bytes_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 1..300), as_der: bool) {
        if as_der {
            bytes[0] = 0x30;
        }
        prop_assert!(KeyAndChain::read(&bytes, "x").is_err());
    }
}
