//! A private key with its certificates, out of PEM or PKCS #12: the login of an application, and what a key vault
//! keeps as a certificate.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use p12_keystore::Pkcs12Archive;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use secret_value::Secret;
use zeroize::{Zeroize as _, Zeroizing};

use crate::backends::fields::Fields;

/// Columns of PEM (RFC 7468).
const COLUMNS: usize = 64;

/// A private key and the certificates that belong to it.
pub(super) struct KeyAndChain {
    /// `None` for a certificate whose key does not leave the vault.
    key: Option<PrivateKeyDer<'static>>,
    /// The certificate of the key first.
    pub(super) chain: Vec<CertificateDer<'static>>,
}

impl KeyAndChain {
    /// Reads PEM, or PKCS #12 with `password`.
    ///
    /// # Errors
    /// What is wrong; nothing of the content.
    pub(super) fn read(bytes: &[u8], password: &str) -> Result<Self, &'static str> {
        // DER starts with a sequence.
        let found = if bytes.first() == Some(&0x30) {
            Self::pkcs12(bytes, password)?
        } else {
            Self::pem(bytes)?
        };
        if found.chain.is_empty() {
            return Err("there is no certificate in it");
        }
        Ok(found)
    }

    fn pem(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is neither PEM nor PKCS #12")?;
        if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
            return Err("its private key is encrypted");
        }
        let chain = CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| "it is broken PEM")?;
        let key = PrivateKeyDer::pem_slice_iter(bytes)
            .next()
            .transpose()
            .map_err(|_| "its private key is broken PEM")?;
        Ok(Self { key, chain })
    }

    fn pkcs12(bytes: &[u8], password: &str) -> Result<Self, &'static str> {
        let archive = Pkcs12Archive::from_pkcs12(bytes, password)
            .map_err(|_| "it is no PKCS #12, or its password is another")?;
        let key = archive.keys.first();
        let mine = key.and_then(|key| key.local_key_id.as_ref());
        // Bags stand in any order; the certificate of the key carries its id.
        let (leaves, others): (Vec<_>, Vec<_>) = archive.certs.iter().partition(|bag| {
            let its = bag.local_key_id.as_deref();
            its.is_some() && its == mine.map(AsRef::as_ref)
        });
        let chain = leaves.iter().chain(&others);
        Ok(Self {
            key: key.map(|key| {
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.key.as_der().to_vec()))
            }),
            chain: chain
                .map(|bag| CertificateDer::from(bag.cert.as_der().to_vec()))
                .collect(),
        })
    }

    /// The private key, where it is there.
    pub(super) fn key(&self) -> Option<&PrivateKeyDer<'static>> {
        self.key.as_ref()
    }

    /// The certificate of the key, DER.
    pub(super) fn leaf(&self) -> Option<&[u8]> {
        self.chain.first().map(AsRef::as_ref)
    }

    /// The parts as named fields, each PEM: `certificate`, `chain` (the others, when there are any), `private_key`
    /// (when it is there), and `pem` with all of them. `stored` is the PKCS #12 in base64 that they came from.
    pub(super) fn fields(&self, stored: Option<&Secret>) -> Secret {
        let mut certificates = self
            .chain
            .iter()
            .map(|certificate| pem("CERTIFICATE", certificate));
        let certificate = certificates.next().unwrap_or_default();
        let chain = Zeroizing::new(
            certificates
                .map(|text| text.to_string())
                .collect::<String>(),
        );
        let key = self.key.as_ref().map(|key| match key {
            PrivateKeyDer::Pkcs1(key) => pem("RSA PRIVATE KEY", key.secret_pkcs1_der()),
            PrivateKeyDer::Sec1(key) => pem("EC PRIVATE KEY", key.secret_sec1_der()),
            other => pem("PRIVATE KEY", other.secret_der()),
        });
        let mut fields = Fields::default().text("certificate", &certificate);
        if !chain.is_empty() {
            fields = fields.text("chain", &chain);
        }
        let mut all = Zeroizing::new(String::with_capacity(
            key.as_ref().map_or(0, |key| key.len()) + certificate.len() + chain.len(),
        ));
        if let Some(key) = &key {
            fields = fields.text("private_key", key);
            all.push_str(key);
        }
        all.push_str(&certificate);
        all.push_str(&chain);
        fields = fields.text("pem", &all);
        match stored {
            Some(stored) => fields.secret("pkcs12", stored).finish(),
            None => fields.finish(),
        }
    }
}

impl Drop for KeyAndChain {
    fn drop(&mut self) {
        if let Some(key) = &mut self.key {
            key.zeroize();
        }
    }
}

impl std::fmt::Debug for KeyAndChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyAndChain")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

fn pem(label: &str, der: &[u8]) -> Zeroizing<String> {
    let encoded = Zeroizing::new(BASE64_STANDARD.encode(der));
    let room = encoded.len() + encoded.len() / COLUMNS + 2 * label.len() + 40;
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(COLUMNS));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}
