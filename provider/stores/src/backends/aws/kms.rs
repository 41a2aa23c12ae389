//! `aws-kms://key`: a ciphertext decrypted by the AWS Key Management Service.
//!
//! The ciphertext is an argument of the call and no secret. Without it nothing can be opened; metadata tells
//! whether the key can be used, which needs `kms:DescribeKey` and no right to decrypt.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::call::Call;
use super::endpoint::KMS;
use super::refusal::{Outcome, plainly};
use super::settings::BLOCK;
use super::wire::Moment;
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::SecretText;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::AwsKms,
    summary: "ciphertexts of the AWS Key Management Service",
    tested: "a real moto server; a double that recomputes every signature",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AwsKms)?;
    Ok(Arc::new(KeyService(Account::of(context)?)))
}

#[derive(Debug)]
struct KeyService(Arc<Account>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypt<'a> {
    ciphertext_blob: &'a str,
    key_id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    encryption_context: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_algorithm: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Decrypted {
    plaintext: SecretText,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct KeyId<'a> {
    key_id: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Key {
    key_metadata: KeyFacts,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeyFacts {
    arn: Option<String>,
    creation_date: Option<Moment>,
    enabled: Option<bool>,
    key_usage: Option<String>,
}

fn wrong(message: &str) -> StoreError {
    StoreError::new(ErrorKind::InvalidReference, Operation::Open, message)
}

fn call(operation: Operation, action: &'static str) -> Call {
    Call {
        operation,
        service: KMS,
        action,
    }
}

#[async_trait]
impl SecretStore for KeyService {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let arguments = &options.arguments;
        let ciphertext = arguments.text("ciphertext").ok_or_else(|| {
            wrong("nothing is stored behind a key: a ciphertext is missing")
                .with_help("use `secretref_aws_kms`, which takes the ciphertext")
        })?;
        // Wrapped text, as command-line tools print it, has line breaks inside.
        let ciphertext: String = ciphertext.split_ascii_whitespace().collect();
        if BASE64_STANDARD.decode(&ciphertext).is_err() {
            return Err(wrong("the ciphertext is no base64")
                .with_help("give the `CiphertextBlob` as the AWS command line prints it"));
        }
        let key = reference.path();
        let request = Decrypt {
            ciphertext_blob: &ciphertext,
            key_id: &key,
            encryption_context: arguments.map("context").cloned().unwrap_or_default(),
            encryption_algorithm: arguments.text("algorithm"),
        };
        let answer: Outcome<Decrypted> = call(Operation::Open, "Decrypt")
            .send(&self.0, &request)
            .await;
        let Decrypted { plaintext } = plainly(answer)?;
        #[expect(
            clippy::disallowed_methods,
            reason = "codec: the store sends bytes as base64"
        )]
        let decoded = BASE64_STANDARD.decode(plaintext.0.expose());
        let body = decoded.map(Secret::new).map_err(|_| {
            StoreError::new(
                ErrorKind::Integrity,
                Operation::Open,
                "the store promised bytes in base64 and sent something else",
            )
        })?;
        Ok(Leased::forever(SecretPayload::opaque(
            body,
            Metadata::default(),
        )))
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let key = reference.path();
        let answer: Outcome<Key> = call(operation, "DescribeKey")
            .send(&self.0, &KeyId { key_id: &key })
            .await;
        let facts = plainly(answer)?.key_metadata;
        let refused =
            |message: &str| StoreError::new(ErrorKind::PermissionDenied, operation, message);
        if facts.enabled == Some(false) {
            return Err(refused("the key is disabled or about to be removed"));
        }
        if facts
            .key_usage
            .is_some_and(|usage| usage != "ENCRYPT_DECRYPT")
        {
            return Err(refused("the key is not made for encryption"));
        }
        Ok(Metadata {
            created: facts.creation_date.map(|time| time.0),
            labels: facts
                .arn
                .map(|arn| ("arn".to_owned(), arn))
                .into_iter()
                .collect(),
            ..Metadata::default()
        })
    }
}
