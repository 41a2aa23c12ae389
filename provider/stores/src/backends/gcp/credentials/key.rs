//! The key of a service account: an assertion signed with it is exchanged for a token (RFC 7523).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use reqwest::Url;
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use secret_value::Secret;
use serde_json::{Value, json};

use super::{Token, grant};
use crate::backends::gcp::account::Account;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{FormBody, Response};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
/// How long an assertion holds; Google takes no longer ones.
const LIFETIME_SECONDS: i64 = 3600;

#[derive(Debug)]
pub(super) struct Key {
    pub(super) email: String,
    pub(super) id: Option<String>,
    /// PEM.
    pub(super) private: Secret,
    pub(super) token_url: Url,
    /// The same as text, as assertions name it.
    pub(super) audience: String,
}

impl Key {
    pub(super) async fn access_token(
        &self,
        account: &Account,
        operation: Operation,
        scopes: &[String],
    ) -> Result<Token> {
        let claim = ("scope", scopes.join(" "));
        let answer = self.exchange(account, operation, claim).await?;
        grant::read(operation, &answer)?.access(operation)
    }

    pub(super) async fn id_token(
        &self,
        account: &Account,
        operation: Operation,
        audience: &str,
    ) -> Result<Token> {
        let claim = ("target_audience", audience.to_owned());
        let answer = self.exchange(account, operation, claim).await?;
        grant::read(operation, &answer)?.identity(operation)
    }

    /// Shows an assertion; once more by Google's clock when ours may be wrong.
    async fn exchange(
        &self,
        account: &Account,
        operation: Operation,
        claim: (&str, String),
    ) -> Result<Response> {
        let answer = self.show(account, operation, &claim).await?;
        if answer.status.as_u16() == 400 && account.adopt_clock(&answer) {
            return self.show(account, operation, &claim).await;
        }
        Ok(answer)
    }

    async fn show(
        &self,
        account: &Account,
        operation: Operation,
        (name, value): &(&str, String),
    ) -> Result<Response> {
        let now = account.now();
        let mut claims = json!({
            "iss": self.email,
            "aud": self.audience,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
        });
        claims[*name] = Value::from(value.as_str());
        let assertion = self.sign(operation, &claims)?;
        let form = FormBody::new(&[("grant_type", GRANT)], &[("assertion", &assertion)]);
        let url = grant::token_url(account, &self.token_url);
        grant::ask(account, operation, url, &form, None).await
    }

    /// A token in compact form (RFC 7515), signed by RS256.
    fn sign(&self, operation: Operation, claims: &Value) -> Result<Secret> {
        let mut header = json!({ "alg": "RS256", "typ": "JWT" });
        if let Some(id) = &self.id {
            header["kid"] = id.as_str().into();
        }
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&header), encode(claims));
        // The parts of errors of parsers and signers may quote the key and are left out.
        let broken = |why: &str| {
            StoreError::new(ErrorKind::Config, operation, why.to_owned())
                .with_context("service account", &self.email)
                .with_help("download the key of the service account anew, or do without one: use `workload_identity`")
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "sealing: the key signs the assertion that logs in"
        )]
        let key = PrivateKeyDer::from_pem_slice(self.private.expose())
            .map_err(|_| broken("the private key of the service account is not PEM"))?;
        let key = any_supported_type(&key)
            .map_err(|_| broken("the private key of the service account cannot be used"))?;
        let signature = key
            .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
            .ok_or_else(|| broken("the private key of the service account is no RSA key"))?
            .sign(text.as_bytes())
            .map_err(|_| broken("the private key of the service account cannot sign"))?;
        let signature = BASE64_URL_SAFE_NO_PAD.encode(signature);
        Ok(Secret::from_text(format!("{text}.{signature}")))
    }
}
