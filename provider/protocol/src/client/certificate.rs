//! A host's certificate: self-signed, ECDSA on P-521, marked as an authority, as Terraform makes them.
//!
//! `ring` has no P-521 and so `rcgen` cannot write this certificate; it is small enough to write out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use p521::FieldBytes;
use p521::ecdsa::signature::Signer as _;
use p521::ecdsa::{DerSignature, SigningKey};
use rustls::pki_types::{CertificateDer, alg_id};
use rustls::sign::{self, CertifiedKey};
use rustls::{SignatureAlgorithm, SignatureScheme};
use std::sync::Arc;

use super::der::{
    BOOLEAN, DNS_NAME, INTEGER, OBJECT_ID, OCTET_STRING, SEQUENCE, SET, UTC_TIME, UTF8_STRING,
    bits, element, explicit,
};
use crate::tls::{SERVER_NAME, crypto};

const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const KEY_USAGE: &[u8] = &[0x55, 29, 15];
const ALT_NAME: &[u8] = &[0x55, 29, 17];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 29, 19];
const EXTENDED_KEY_USAGE: &[u8] = &[0x55, 29, 37];
const SERVER_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 1];
const CLIENT_AUTH: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 3, 2];
/// Signature, encipherment, agreement, certificate signing.
const KEY_USAGE_BITS: &[u8] = &[0x03, 2, 2, 0b1010_1100];

/// A host's key and certificate.
#[derive(Clone)]
pub struct ClientIdentity {
    key: SigningKey,
    certificate: CertificateDer<'static>,
}

impl ClientIdentity {
    /// Makes a new key and certificate.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn generate() -> Result<Self, rustls::Error> {
        let key = random_key()?;
        let certificate = self_signed(&key).into();
        Ok(Self { key, certificate })
    }

    /// The certificate for `PLUGIN_CLIENT_CERT`.
    #[must_use]
    pub fn pem(&self) -> String {
        let text = STANDARD.encode(&self.certificate);
        let lines: Vec<&str> = (0..text.len())
            .step_by(64)
            .map(|at| &text[at..text.len().min(at + 64)])
            .collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            lines.join("\n")
        )
    }

    /// This identity with the certificate of `other`: it cannot sign for it.
    #[must_use]
    pub fn posing_as(&self, other: &Self) -> Self {
        Self {
            key: self.key.clone(),
            certificate: other.certificate.clone(),
        }
    }

    pub(super) fn certified_key(&self) -> CertifiedKey {
        CertifiedKey::new(
            vec![self.certificate.clone()],
            Arc::new(TlsKey {
                key: self.key.clone(),
            }),
        )
    }
}

fn random_key() -> Result<SigningKey, rustls::Error> {
    loop {
        let mut scalar = FieldBytes::default();
        crypto()
            .secure_random
            .fill(&mut scalar)
            .map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
        // The order of the curve has 521 bits; almost every number that short is a key.
        scalar[0] &= 1;
        if let Ok(key) = SigningKey::from_bytes(&scalar) {
            return Ok(key);
        }
    }
}

fn self_signed(key: &SigningKey) -> Vec<u8> {
    let algorithm = element(SEQUENCE, &[&alg_id::ECDSA_SHA512]);
    let body = to_be_signed(key, &algorithm);
    let signature: DerSignature = key.sign(&body);
    element(SEQUENCE, &[&body, &algorithm, &bits(signature.as_bytes())])
}

fn to_be_signed(key: &SigningKey, algorithm: &[u8]) -> Vec<u8> {
    let version = element(explicit(0), &[&element(INTEGER, &[&[2]])]);
    let serial = element(INTEGER, &[&[1]]);
    let name = element(
        SEQUENCE,
        &[
            &name_part(ORGANIZATION, "HashiCorp"),
            &name_part(COMMON_NAME, SERVER_NAME),
        ],
    );
    let validity = element(
        SEQUENCE,
        &[
            &element(UTC_TIME, &[b"200101000000Z"]),
            &element(UTC_TIME, &[b"491231235959Z"]),
        ],
    );
    let point = key.verifying_key().to_sec1_point(false);
    let public = element(
        SEQUENCE,
        &[
            &element(SEQUENCE, &[&alg_id::ECDSA_P521]),
            &bits(point.as_bytes()),
        ],
    );
    let extensions = element(explicit(3), &[&extensions()]);
    element(
        SEQUENCE,
        &[
            &version,
            &serial,
            algorithm,
            &name,
            &validity,
            &name,
            &public,
            &extensions,
        ],
    )
}

fn name_part(id: &[u8], text: &str) -> Vec<u8> {
    let pair = element(
        SEQUENCE,
        &[
            &element(OBJECT_ID, &[id]),
            &element(UTF8_STRING, &[text.as_bytes()]),
        ],
    );
    element(SET, &[&pair])
}

fn extensions() -> Vec<u8> {
    let purposes = [SERVER_AUTH, CLIENT_AUTH].map(|id| element(OBJECT_ID, &[id]));
    element(
        SEQUENCE,
        &[
            &extension(KEY_USAGE, true, KEY_USAGE_BITS),
            &extension(
                BASIC_CONSTRAINTS,
                true,
                &element(SEQUENCE, &[&element(BOOLEAN, &[&[0xff]])]),
            ),
            &extension(
                EXTENDED_KEY_USAGE,
                false,
                &element(SEQUENCE, &[&purposes[0], &purposes[1]]),
            ),
            &extension(
                ALT_NAME,
                false,
                &element(SEQUENCE, &[&element(DNS_NAME, &[SERVER_NAME.as_bytes()])]),
            ),
        ],
    )
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let id = element(OBJECT_ID, &[id]);
    let critical = if critical {
        element(BOOLEAN, &[&[0xff]])
    } else {
        Vec::new()
    };
    element(
        SEQUENCE,
        &[&id, &critical, &element(OCTET_STRING, &[value])],
    )
}

/// The key in the form the TLS library signs with.
struct TlsKey {
    key: SigningKey,
}

impl std::fmt::Debug for TlsKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsKey(***)")
    }
}

impl sign::SigningKey for TlsKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn sign::Signer>> {
        offered
            .contains(&SignatureScheme::ECDSA_NISTP521_SHA512)
            .then(|| {
                Box::new(Self {
                    key: self.key.clone(),
                }) as Box<dyn sign::Signer>
            })
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl sign::Signer for TlsKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature: DerSignature = self.key.sign(message);
        Ok(signature.as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}
