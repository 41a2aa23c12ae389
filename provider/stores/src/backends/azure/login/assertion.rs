//! The signed token by which an application with a certificate proves who it is.
//!
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>: PS256, with the SHA-256 of the
//! certificate as `x5t#S256`.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use secret_value::Secret;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::certificate::KeyAndChain;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::hex;

/// How long an assertion holds.
const LIFETIME_SECONDS: i64 = 600;

/// What an assertion says.
pub(super) struct Assertion<'a> {
    /// The address that it is sent to.
    pub(super) audience: &'a str,
    /// Who makes it.
    pub(super) client: &'a Secret,
    pub(super) now: Timestamp,
    /// Whether the certificates are shown in it.
    pub(super) with_chain: bool,
}

impl Assertion<'_> {
    /// The assertion, signed with the key of the certificate.
    ///
    /// # Errors
    /// `config` for a key that Microsoft Entra does not take.
    pub(super) fn signed(&self, operation: Operation, identity: &KeyAndChain) -> Result<Secret> {
        let unfit = |why: &str| {
            StoreError::new(
                ErrorKind::Config,
                operation,
                format!("the client certificate cannot sign: {why}"),
            )
            .with_help("Microsoft Entra takes RSA keys of 2048 bits and more")
        };
        let key = identity
            .key()
            .ok_or_else(|| unfit("its key is not there"))?;
        let key = any_supported_type(key).map_err(|_| unfit("its key is of an unknown kind"))?;
        let signer = key
            .choose_scheme(&[SignatureScheme::RSA_PSS_SHA256])
            .ok_or_else(|| unfit("its key is not RSA"))?;
        let leaf = identity.leaf().ok_or_else(|| unfit("it is not there"))?;
        let mut header = json!({
            "alg": "PS256",
            "typ": "JWT",
            "x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(leaf)),
        });
        if self.with_chain {
            let chain = identity.chain.iter();
            header["x5c"] = chain
                .map(|certificate| BASE64_STANDARD.encode(certificate))
                .collect();
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "the id of the application is no secret; it may be read from a file"
        )]
        let client = String::from_utf8_lossy(self.client.expose()).into_owned();
        let now = self.now.as_second();
        let id: [u8; 16] = rand::random();
        let claims = json!({
            "aud": self.audience,
            "iss": client,
            "sub": client,
            "jti": hex::encode(&id),
            "iat": now,
            "nbf": now,
            "exp": now + LIFETIME_SECONDS,
        });
        let encode = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let signature = signer
            .sign(text.as_bytes())
            .map_err(|_| unfit("the signature fails"))?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(Secret::from_text(format!("{text}.{signature}")))
    }
}
