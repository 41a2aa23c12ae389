//! Private keys that are made here, for certificates.

use rcgen::KeyPair;
use secret_value::Secret;
use tf_framework::prelude::*;

use crate::private_key::{Algorithm, make};

/// The kinds, by what the configuration calls them; the first is the default.
const KINDS: [(&str, Algorithm); 6] = [
    ("ec-p256", Algorithm::EcdsaP256),
    ("ec-p384", Algorithm::EcdsaP384),
    ("ed25519", Algorithm::Ed25519),
    ("rsa-2048", Algorithm::Rsa(2048)),
    ("rsa-3072", Algorithm::Rsa(3072)),
    ("rsa-4096", Algorithm::Rsa(4096)),
];

/// The kind called `name`.
///
/// # Errors
/// When there is none, at `key_type`.
pub(super) fn key_type(name: Option<&str>) -> Result<Algorithm, Diagnostic> {
    let name = name.unwrap_or(KINDS[0].0);
    let known = KINDS.iter().find(|(known, _)| *known == name);
    known.map(|(_, kind)| *kind).ok_or_else(|| {
        let names = KINDS.map(|(known, _)| format!("`{known}`"));
        Diagnostic::error("Unknown kind of key")
            .detail(format!("It is one of {}.", names.join(", ")))
            .at("key_type")
    })
}

/// A new key: to sign a request with, and as PKCS #8 in PEM.
///
/// # Errors
/// When the system has no random numbers.
pub(super) async fn certificate_key(kind: Algorithm) -> Result<(KeyPair, Secret), Diagnostic> {
    let pem = make(kind, String::new()).await?.private_pem;
    #[expect(
        clippy::disallowed_methods,
        reason = "the library that signs reads the key, which stays in this process"
    )]
    let text = String::from_utf8_lossy(pem.expose());
    let key = KeyPair::from_pem(&text)
        .map_err(|error| Diagnostic::error("The key cannot be made").detail(error.to_string()))?;
    Ok((key, pem))
}

#[cfg(test)]
mod tests {
    use rcgen::PublicKeyData as _;

    use super::*;

    #[test]
    fn keys_of_every_kind_are_new_and_of_their_size() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        // Longer RSA keys differ in a number only, and take long without optimisation.
        let sizes = [
            ("ec-p256", 65),
            ("ec-p384", 97),
            ("ed25519", 32),
            ("rsa-2048", 270),
        ];
        for (name, bytes) in sizes {
            let make = || {
                let kind = key_type(Some(name)).unwrap();
                runtime.block_on(certificate_key(kind)).unwrap().0
            };
            let (one, other) = (make(), make());
            assert_eq!(one.der_bytes().len(), bytes, "{name}");
            assert_ne!(one.der_bytes(), other.der_bytes(), "{name}");
        }
    }

    #[test]
    fn kinds_have_names() {
        assert_eq!(key_type(None).unwrap(), Algorithm::EcdsaP256);
        assert_eq!(key_type(Some("rsa-4096")).unwrap(), Algorithm::Rsa(4096));
        for wrong in ["rsa", "rsa-1024", "RSA-2048", ""] {
            let problem = key_type(Some(wrong)).unwrap_err();
            assert!(problem.to_string().contains("kind of key"), "{problem}");
        }
    }
}
