//! New key pairs, in the notations that programs read. Made from the system's random source.

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::KeypairBytes;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use rsa::pkcs8::{self, EncodePrivateKey, EncodePublicKey, LineEnding};
use secret_value::{Secret, redaction};
use ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair};
use ssh_key::rand_core::OsRng;
use ssh_key::{HashAlg, PrivateKey};
use tf_framework::prelude::Diagnostic;
use zeroize::Zeroizing;

/// Kinds of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// Edwards curve 25519: small, fast, and understood by all current programs.
    Ed25519,
    /// The curve P-256 of NIST.
    EcdsaP256,
    /// The curve P-384 of NIST.
    EcdsaP384,
    /// RSA with a modulus of this many bits.
    Rsa(usize),
}

impl Algorithm {
    /// Every kind, with its name.
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("ed25519", Self::Ed25519),
        ("ecdsa-p256", Self::EcdsaP256),
        ("ecdsa-p384", Self::EcdsaP384),
        ("rsa-2048", Self::Rsa(2048)),
        ("rsa-3072", Self::Rsa(3072)),
        ("rsa-4096", Self::Rsa(4096)),
    ];

    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, algorithm)| *algorithm)
    }
}

/// A key pair.
pub(crate) struct KeyPair {
    /// The private key, PKCS#8 in PEM.
    pub(crate) private_pem: Secret,
    /// The private key as OpenSSH writes it, without a passphrase.
    pub(crate) private_openssh: Secret,
    /// The public key, SubjectPublicKeyInfo in PEM.
    pub(crate) public_pem: String,
    /// The public key as `authorized_keys` has it, without a line end.
    pub(crate) public_openssh: String,
    /// `SHA256:` and the hash of the public key, as `ssh-keygen -l` shows it.
    pub(crate) fingerprint: String,
}

/// A pair that could not be made or written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct KeyError(String);

impl From<pkcs8::Error> for KeyError {
    fn from(error: pkcs8::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<pkcs8::spki::Error> for KeyError {
    fn from(error: pkcs8::spki::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<rsa::Error> for KeyError {
    fn from(error: rsa::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ssh_key::Error> for KeyError {
    fn from(error: ssh_key::Error) -> Self {
        Self(error.to_string())
    }
}

/// Makes a pair off the runtime, which has one thread and other calls to answer: large RSA keys take seconds.
/// `comment` stands in the OpenSSH notations.
///
/// # Errors
/// When the system has no random numbers, or a notation cannot hold the comment.
pub(crate) async fn make(algorithm: Algorithm, comment: String) -> Result<KeyPair, Diagnostic> {
    let made = tokio::task::spawn_blocking(move || generate(algorithm, &comment)).await;
    let problem = match made {
        Ok(Ok(pair)) => return Ok(pair),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "The provider crashed while it was made.".to_owned(),
    };
    Err(Diagnostic::error("The key cannot be made").detail(problem))
}

fn generate(algorithm: Algorithm, comment: &str) -> Result<KeyPair, KeyError> {
    match algorithm {
        Algorithm::Ed25519 => {
            let key = SigningKey::generate(&mut OsRng);
            // Without the public key beside it, which older programs do not accept.
            let bytes = KeypairBytes {
                secret_key: key.to_bytes(),
                public_key: None,
            };
            written(
                bytes.to_pkcs8_pem(LineEnding::LF)?,
                &key.verifying_key(),
                KeypairData::Ed25519(Ed25519Keypair::from(key)),
                comment,
            )
        }
        Algorithm::EcdsaP256 => {
            let key = p256::SecretKey::random(&mut OsRng);
            let pair = EcdsaKeypair::NistP256 {
                public: key.public_key().to_encoded_point(false),
                private: key.clone().into(),
            };
            written(
                key.to_pkcs8_pem(LineEnding::LF)?,
                &key.public_key(),
                KeypairData::Ecdsa(pair),
                comment,
            )
        }
        Algorithm::EcdsaP384 => {
            let key = p384::SecretKey::random(&mut OsRng);
            let pair = EcdsaKeypair::NistP384 {
                public: key.public_key().to_encoded_point(false),
                private: key.clone().into(),
            };
            written(
                key.to_pkcs8_pem(LineEnding::LF)?,
                &key.public_key(),
                KeypairData::Ecdsa(pair),
                comment,
            )
        }
        Algorithm::Rsa(bits) => {
            let key = rsa::RsaPrivateKey::new(&mut OsRng, bits)?;
            written(
                key.to_pkcs8_pem(LineEnding::LF)?,
                &key.to_public_key(),
                KeypairData::Rsa(RsaKeypair::try_from(&key)?),
                comment,
            )
        }
    }
}

fn written(
    private_pem: Zeroizing<String>,
    public: &impl EncodePublicKey,
    pair: KeypairData,
    comment: &str,
) -> Result<KeyPair, KeyError> {
    let openssh = PrivateKey::new(pair, comment)?;
    Ok(KeyPair {
        private_pem: kept(private_pem),
        private_openssh: kept(openssh.to_openssh(LineEnding::LF)?),
        public_pem: public.to_public_key_pem(LineEnding::LF)?,
        public_openssh: openssh.public_key().to_openssh()?,
        fingerprint: openssh.fingerprint(HashAlg::Sha256).to_string(),
    })
}

/// Takes the text over without leaving a copy.
fn kept(mut text: Zeroizing<String>) -> Secret {
    let secret = Secret::from_text(std::mem::take(&mut *text));
    redaction::register(&secret);
    secret
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsa::pkcs8::DecodePrivateKey as _;
    use ssh_key::Algorithm as Ssh;

    fn text(secret: &Secret) -> String {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test looks at what was generated"
        )]
        String::from_utf8(secret.expose().to_vec()).unwrap()
    }

    #[test]
    fn every_notation_holds_the_same_key() {
        for (name, algorithm) in Algorithm::ALL {
            if matches!(algorithm, Algorithm::Rsa(bits) if bits > 2048) {
                continue;
            }
            let pair = generate(algorithm, "jo@example.com").unwrap();
            let private = text(&pair.private_pem);
            assert!(
                private.starts_with("-----BEGIN PRIVATE KEY-----\n"),
                "{name}"
            );
            assert!(
                pair.public_pem.starts_with("-----BEGIN PUBLIC KEY-----\n"),
                "{name}"
            );
            let public_pem = match algorithm {
                Algorithm::Ed25519 => SigningKey::from_pkcs8_pem(&private)
                    .unwrap()
                    .verifying_key()
                    .to_public_key_pem(LineEnding::LF),
                Algorithm::EcdsaP256 => p256::SecretKey::from_pkcs8_pem(&private)
                    .unwrap()
                    .public_key()
                    .to_public_key_pem(LineEnding::LF),
                Algorithm::EcdsaP384 => p384::SecretKey::from_pkcs8_pem(&private)
                    .unwrap()
                    .public_key()
                    .to_public_key_pem(LineEnding::LF),
                Algorithm::Rsa(_) => rsa::RsaPrivateKey::from_pkcs8_pem(&private)
                    .unwrap()
                    .to_public_key()
                    .to_public_key_pem(LineEnding::LF),
            };
            assert_eq!(public_pem.unwrap(), pair.public_pem, "{name}");
            let openssh = PrivateKey::from_openssh(text(&pair.private_openssh)).unwrap();
            assert_eq!(
                openssh.public_key().to_openssh().unwrap(),
                pair.public_openssh
            );
            assert!(pair.public_openssh.ends_with(" jo@example.com"), "{name}");
            assert_eq!(
                openssh.fingerprint(HashAlg::Sha256).to_string(),
                pair.fingerprint
            );
            assert!(pair.fingerprint.starts_with("SHA256:"), "{name}");
            let expected = match algorithm {
                Algorithm::Ed25519 => "ssh-ed25519 ",
                Algorithm::EcdsaP256 => "ecdsa-sha2-nistp256 ",
                Algorithm::EcdsaP384 => "ecdsa-sha2-nistp384 ",
                Algorithm::Rsa(_) => "ssh-rsa ",
            };
            assert!(pair.public_openssh.starts_with(expected), "{name}");
            assert_eq!(Algorithm::named(name), Some(algorithm));
            assert_eq!(
                openssh.algorithm() == Ssh::Ed25519,
                algorithm == Algorithm::Ed25519
            );
        }
        assert_eq!(Algorithm::named("rsa-1024"), None);
    }

    #[test]
    fn no_two_keys_are_alike() {
        let one = generate(Algorithm::Ed25519, "").unwrap();
        let other = generate(Algorithm::Ed25519, "").unwrap();
        assert!(one.private_pem != other.private_pem);
        assert_ne!(one.fingerprint, other.fingerprint);
    }
}
