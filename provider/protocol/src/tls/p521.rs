//! ECDSA on P-521 with SHA-512, which hosts use for their client certificate and `ring` does not have.

use p521::ecdsa::signature::Verifier as _;
use p521::ecdsa::{DerSignature, VerifyingKey};
use rustls::SignatureScheme;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};

/// The one signature algorithm client certificates may use.
pub(super) static ALGORITHMS: WebPkiSupportedAlgorithms = WebPkiSupportedAlgorithms {
    all: &[&EcdsaP521Sha512],
    mapping: &[(SignatureScheme::ECDSA_NISTP521_SHA512, &[&EcdsaP521Sha512])],
};

#[derive(Debug)]
struct EcdsaP521Sha512;

impl SignatureVerificationAlgorithm for EcdsaP521Sha512 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = DerSignature::from_bytes(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &signature)
            .map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA512
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p521::ecdsa::SigningKey;
    use p521::ecdsa::signature::Signer as _;
    use proptest::prelude::*;

    fn signed(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let mut scalar = p521::FieldBytes::default();
        scalar[65] = 7;
        let key = SigningKey::from_bytes(&scalar).unwrap();
        let signature: DerSignature = key.sign(message);
        let public = key.verifying_key().to_sec1_point(false);
        (public.as_bytes().to_vec(), signature.as_bytes().to_vec())
    }

    #[test]
    fn accepts_a_true_signature_and_no_other() {
        let (key, signature) = signed(b"message");
        assert!(
            EcdsaP521Sha512
                .verify_signature(&key, b"message", &signature)
                .is_ok()
        );
        assert!(
            EcdsaP521Sha512
                .verify_signature(&key, b"massage", &signature)
                .is_err()
        );
        assert!(
            EcdsaP521Sha512
                .verify_signature(&key[1..], b"message", &signature)
                .is_err()
        );
        let mut forged = signature;
        let last = forged.len() - 1;
        forged[last] ^= 1;
        assert!(
            EcdsaP521Sha512
                .verify_signature(&key, b"message", &forged)
                .is_err()
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn hostile_keys_and_signatures_are_refused(
            key in prop::collection::vec(any::<u8>(), 0..140),
            signature in prop::collection::vec(any::<u8>(), 0..150),
        ) {
            let (true_key, _) = signed(b"");
            prop_assert!(EcdsaP521Sha512.verify_signature(&key, b"", &signature).is_err());
            prop_assert!(EcdsaP521Sha512.verify_signature(&true_key, b"", &signature).is_err());
        }
    }
}
