//! Signed tokens (JWT, RFC 7519): made and checked for the issuers among the doubles.

use anyhow::{Context, Error, Result, bail};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use serde_json::{Value, json};

use crate::python::{Scope, package, python};

/// Signature algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSA PKCS #1 v1.5 with SHA-256, as GitHub, GitLab and Kubernetes sign.
    Rs256,
}

enum Key {
    Elliptic(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A key that signs tokens.
pub(super) struct TokenSigner {
    key: Key,
    key_id: String,
}

impl TokenSigner {
    /// A new key.
    pub(super) fn new(algorithm: Algorithm) -> Result<Self> {
        let key = match algorithm {
            Algorithm::Es256 => {
                let random = SystemRandom::new();
                let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
                let document = EcdsaKeyPair::generate_pkcs8(scheme, &random).map_err(Error::msg)?;
                let key = EcdsaKeyPair::from_pkcs8(scheme, document.as_ref(), &random);
                Key::Elliptic(key.map_err(Error::msg)?)
            }
            Algorithm::Rs256 => return Ok(Self::rsa()?.0),
        };
        Ok(Self::with(key))
    }

    /// A new RSA key, and the same as PKCS #8, for those who sign with it elsewhere.
    pub(super) fn rsa() -> Result<(Self, Vec<u8>)> {
        let private = rsa_key()?;
        let key = Key::Rsa(RsaKeyPair::from_pkcs8(&private).map_err(Error::msg)?);
        Ok((Self::with(key), private))
    }

    fn with(key: Key) -> Self {
        let key_id = crate::Canary::random().value()[..8].to_owned();
        Self { key, key_id }
    }

    /// The name of the key in tokens.
    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    /// A token that says `claims`.
    pub(super) fn sign(&self, claims: &Value) -> Result<String> {
        let header = json!({ "alg": self.algorithm(), "kid": self.key_id, "typ": "JWT" });
        let text = format!(
            "{}.{}",
            encode(header.to_string().as_bytes()),
            encode(claims.to_string().as_bytes())
        );
        let signature = match &self.key {
            Key::Elliptic(key) => key
                .sign(&SystemRandom::new(), text.as_bytes())
                .map_err(Error::msg)?
                .as_ref()
                .to_vec(),
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public().modulus_len()];
                key.sign(
                    &RSA_PKCS1_SHA256,
                    &SystemRandom::new(),
                    text.as_bytes(),
                    &mut signature,
                )
                .map_err(Error::msg)?;
                signature
            }
        };
        Ok(format!("{text}.{}", encode(&signature)))
    }

    /// The claims of a token that this key signed.
    pub(super) fn verify(&self, token: &str) -> Result<Value> {
        let (text, signature) = token.rsplit_once('.').context("no token")?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature)?;
        let valid = match &self.key {
            Key::Elliptic(key) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.public_key())
                    .verify(text.as_bytes(), &signature)
            }
            Key::Rsa(key) => UnparsedPublicKey::new(
                &ring::signature::RSA_PKCS1_2048_8192_SHA256,
                key.public().as_ref(),
            )
            .verify(text.as_bytes(), &signature),
        };
        if valid.is_err() {
            bail!("the signature is wrong");
        }
        let (_, claims) = text.split_once('.').context("no token")?;
        Ok(serde_json::from_slice(
            &BASE64_URL_SAFE_NO_PAD.decode(claims)?,
        )?)
    }

    /// The public key as a key set (RFC 7517).
    pub(super) fn key_set(&self) -> Value {
        let mut key = match &self.key {
            Key::Elliptic(key) => {
                // An uncompressed point: one byte of form, 32 of x, 32 of y.
                let point = key.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
            }
            Key::Rsa(key) => {
                let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
        };
        key["alg"] = self.algorithm().into();
        key["kid"] = self.key_id.clone().into();
        key["use"] = "sig".into();
        json!({ "keys": [key] })
    }

    /// Name of the algorithm in tokens.
    pub(super) fn algorithm(&self) -> &'static str {
        match self.key {
            Key::Elliptic(_) => "ES256",
            Key::Rsa(_) => "RS256",
        }
    }
}

/// Seconds since 1970.
pub(super) fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}

fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A new RSA key. ring uses such keys but makes none; Python's `cryptography` does.
fn rsa_key() -> Result<Vec<u8>> {
    cryptography(
        "\
import sys
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
sys.stdout.buffer.write(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
",
    )
}

/// What a Python program prints that may use the package `cryptography`.
pub(super) fn cryptography(program: &str) -> Result<Vec<u8>> {
    let mut output = python(program, None)
        .output()
        .context("cannot run python3: install Python 3 with pip")?;
    if !output.status.success() {
        let packages = package("cryptography", "46.0.3", Scope::WithDependencies)?;
        output = python(program, Some(&packages)).output()?;
    }
    if !output.status.success() {
        bail!(
            "cannot make a key: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signer_knows_its_own_tokens() {
        for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
            let signer = TokenSigner::new(algorithm).unwrap();
            let other = TokenSigner::new(algorithm).unwrap();
            let token = signer.sign(&json!({ "sub": "x" })).unwrap();
            assert_eq!(signer.verify(&token).unwrap()["sub"], "x");
            assert!(other.verify(&token).is_err());
            assert!(signer.verify("a.b").is_err());
        }
    }
}
