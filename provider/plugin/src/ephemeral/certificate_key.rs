//! Private keys that are made here, for certificates.

use rcgen::{
    KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, PKCS_RSA_SHA256,
};
use rsa::RsaPrivateKey;
use rsa::pkcs8::EncodePrivateKey as _;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tf_framework::prelude::*;

/// A kind of key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyType {
    EcP256,
    EcP384,
    Ed25519,
    /// With this many bits.
    Rsa(usize),
}

/// The kinds, by what the configuration calls them; the first is the default.
const KINDS: [(&str, KeyType); 6] = [
    ("ec-p256", KeyType::EcP256),
    ("ec-p384", KeyType::EcP384),
    ("ed25519", KeyType::Ed25519),
    ("rsa-2048", KeyType::Rsa(2048)),
    ("rsa-3072", KeyType::Rsa(3072)),
    ("rsa-4096", KeyType::Rsa(4096)),
];

impl KeyType {
    /// The kind called `name`.
    ///
    /// # Errors
    /// When there is none, at `key_type`.
    pub(super) fn named(name: Option<&str>) -> Result<Self, Diagnostic> {
        let name = name.unwrap_or(KINDS[0].0);
        let known = KINDS.iter().find(|(known, _)| *known == name);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names = KINDS.map(|(known, _)| format!("`{known}`"));
            Diagnostic::error("Unknown kind of key")
                .detail(format!("It is one of {}.", names.join(", ")))
                .at("key_type")
        })
    }

    /// A new key. An RSA key takes a second or more, during which others are served.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(super) async fn make(self) -> Result<KeyPair, Diagnostics> {
        self.made().await.map_err(|why| {
            Diagnostic::error("The key cannot be made")
                .detail(why)
                .into()
        })
    }

    async fn made(self) -> Result<KeyPair, String> {
        let algorithm = match self {
            Self::EcP256 => &PKCS_ECDSA_P256_SHA256,
            Self::EcP384 => &PKCS_ECDSA_P384_SHA384,
            Self::Ed25519 => &PKCS_ED25519,
            Self::Rsa(bits) => {
                let making = tokio::task::spawn_blocking(move || rsa(bits)).await;
                return making.map_err(|error| error.to_string())?;
            }
        };
        KeyPair::generate_for(algorithm).map_err(|error| error.to_string())
    }
}

fn rsa(bits: usize) -> Result<KeyPair, String> {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, bits);
    let key = key.map_err(|error| error.to_string())?;
    let document = key.to_pkcs8_der().map_err(|error| error.to_string())?;
    let document = PrivatePkcs8KeyDer::from(document.as_bytes());
    KeyPair::from_pkcs8_der_and_sign_algo(&document, &PKCS_RSA_SHA256)
        .map_err(|error| error.to_string())
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
                let kind = KeyType::named(Some(name)).unwrap();
                runtime.block_on(kind.make()).unwrap()
            };
            let (one, other) = (make(), make());
            assert_eq!(one.der_bytes().len(), bytes, "{name}");
            assert_ne!(one.der_bytes(), other.der_bytes(), "{name}");
        }
    }

    #[test]
    fn kinds_have_names() {
        assert_eq!(KeyType::named(None).unwrap(), KeyType::EcP256);
        assert_eq!(
            KeyType::named(Some("rsa-4096")).unwrap(),
            KeyType::Rsa(4096)
        );
        for wrong in ["rsa", "rsa-1024", "RSA-2048", ""] {
            let problem = KeyType::named(Some(wrong)).unwrap_err();
            assert!(problem.to_string().contains("kind of key"), "{problem}");
        }
    }
}
