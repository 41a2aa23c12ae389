//! `secretref_aws_kms`: a ciphertext of the AWS Key Management Service, decrypted.

use std::collections::BTreeMap;

use async_trait::async_trait;
use secret_policy::Scheme;
use secret_stores::{FetchOptions, Settings};
use secret_value::Secret;
use tf_framework::model;
use tf_framework::path::Path;
use tf_framework::prelude::*;
use tf_framework::value::Dynamic;

use super::scheme;
use super::value::{not_text, placeholder};
use crate::reference::ReferenceText;
use crate::session::Session;

model! {
    /// Decrypts a ciphertext of the AWS Key Management Service for the duration of a run. The ciphertext may
    /// stand in the configuration; the value is in no plan, state or log.
    pub(crate) struct AwsKmsModel {
        /// The key, `aws-kms://alias/name`, its id or its ARN. AWS refuses a ciphertext of another key.
        pub(crate) r#ref: ReferenceText = required(),
        /// The ciphertext in base64, as `aws kms encrypt` prints it.
        pub(crate) ciphertext: String = required(),
        /// The encryption context that was given when encrypting.
        pub(crate) context: Option<BTreeMap<String, String>> = optional(),
        /// The algorithm, for asymmetric keys: `RSAES_OAEP_SHA_1` or `RSAES_OAEP_SHA_256`.
        pub(crate) algorithm: Option<String> = optional(),
        /// Set to `terraform.applying` to decrypt only while applying: a plan then checks that the key can be
        /// used, which needs no right to decrypt, and gives a placeholder. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// The value as text; null when it is not text: then use `value_base64`.
        pub(crate) value: Option<Secret> = computed().sensitive(),
        /// The bytes of the value in base64.
        pub(crate) value_base64: Option<Secret> = computed().sensitive(),
        /// The value decoded from JSON, when it is a JSON object or array; else null.
        pub(crate) json: Option<Dynamic> = computed().sensitive(),
    }
}

/// The resource.
pub(crate) struct AwsKms;

#[async_trait]
impl EphemeralResource for AwsKms {
    type Data = Session;
    type Model = AwsKmsModel;

    fn name(&self) -> &'static str {
        "secretref_aws_kms"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        scheme::check(config, Scheme::AwsKms)
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: AwsKmsModel,
    ) -> Result<Opened<AwsKmsModel>, Diagnostics> {
        let session = context.data();
        let reference = config.r#ref.parsed.clone();
        if session.only_plans(config.applying, &reference).await? {
            config.value = Some(placeholder());
            config.value_base64 = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let options = FetchOptions {
            arguments: Settings::new()
                .with("ciphertext", config.ciphertext.as_str())
                .with_some("context", config.context.clone())
                .with_some("algorithm", config.algorithm.clone()),
            ..FetchOptions::default()
        };
        let opened = session.open_with(&reference, &options).await?;
        if opened.text.is_none() && opened.base64.is_some() {
            context.report(not_text(Path::root().attribute("ciphertext")));
        }
        config.value = opened.text;
        config.value_base64 = opened.base64;
        config.json = opened.json;
        Ok(Opened::new(config))
    }
}
