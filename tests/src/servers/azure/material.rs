//! An RSA key with its certificate, in every form in which people keep them.

use anyhow::Result;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;

use super::super::tokens::cryptography;

/// A key and its certificate, which an authority of its own issued.
pub struct Material {
    /// The private key, PKCS #8 in PEM.
    pub key_pem: String,
    /// The certificate, PEM.
    pub certificate_pem: String,
    /// The certificate of the authority, PEM.
    pub authority_pem: String,
    /// All three as PKCS #12 without a password, as key vaults keep certificates.
    pub pkcs12: Vec<u8>,
    /// The same with the password `p12 password`.
    pub protected_pkcs12: Vec<u8>,
    pub(super) key_der: Vec<u8>,
    pub(super) certificate_der: Vec<u8>,
}

const PROGRAM: &str = "\
import base64, datetime, json
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat, pkcs12)
from cryptography.x509.oid import NameOID

def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

def made(subject, issuer, key, signer):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=30))
    return builder.sign(signer, hashes.SHA256())

authority_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
authority = made('authority', 'authority', authority_key, authority_key)
certificate = made('application', 'authority', key, authority_key)
def packed(encryption):
    return pkcs12.serialize_key_and_certificates(b'x', key, certificate, [authority], encryption)
parts = {
    'key_pem': key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    'key_der': key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
    'certificate_pem': certificate.public_bytes(Encoding.PEM),
    'certificate_der': certificate.public_bytes(Encoding.DER),
    'authority_pem': authority.public_bytes(Encoding.PEM),
    'pkcs12': packed(NoEncryption()),
    'protected': packed(BestAvailableEncryption(b'p12 password')),
}
print(json.dumps({name: base64.b64encode(part).decode() for name, part in parts.items()}))
";

impl Material {
    /// A new key with a new certificate.
    ///
    /// # Errors
    /// When Python cannot make one.
    pub fn new() -> Result<Self> {
        let parts: Value = serde_json::from_slice(&cryptography(PROGRAM)?)?;
        let bytes = |name: &str| -> Result<Vec<u8>> {
            Ok(BASE64_STANDARD.decode(parts[name].as_str().unwrap_or_default())?)
        };
        let text = |name: &str| -> Result<String> { Ok(String::from_utf8(bytes(name)?)?) };
        Ok(Self {
            key_pem: text("key_pem")?,
            certificate_pem: text("certificate_pem")?,
            authority_pem: text("authority_pem")?,
            pkcs12: bytes("pkcs12")?,
            protected_pkcs12: bytes("protected")?,
            key_der: bytes("key_der")?,
            certificate_der: bytes("certificate_der")?,
        })
    }

    /// Key and certificate in one PEM text, as applications keep them.
    #[must_use]
    pub fn pem(&self) -> String {
        format!("{}{}", self.key_pem, self.certificate_pem)
    }
}
