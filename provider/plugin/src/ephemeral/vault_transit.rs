//! `secretref_vault_transit`: encryption as a service.

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use secret_value::{Secret, redaction};
use serde_json::json;
use tf_framework::model;
use tf_framework::prelude::*;
use tf_framework::value::Value;

use super::value::placeholder;
use super::vault_call::{check_reference, post};
use crate::json::Shown;
use crate::reference::ReferenceText;
use crate::session::{OpenedFields, Session};

const ACTIONS: &[&str] = &["decrypt", "encrypt", "hmac", "rewrap", "sign", "verify"];

model! {
    /// Lets the transit engine of Vault or OpenBao decrypt, encrypt, sign, verify or authenticate. The key never
    /// leaves the server, and ciphertexts may stand in the configuration.
    ///
    /// The path says what is done: `vault://transit/decrypt/KEY`, `encrypt`, `rewrap`, `sign`, `verify`, `hmac`.
    pub(crate) struct TransitModel {
        /// The action and the key, such as `vault://transit/decrypt/app`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to ask only while applying. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// What is worked on: plain text for `encrypt`, `sign`, `verify` and `hmac`, a ciphertext (`vault:v1:…`)
        /// for `decrypt` and `rewrap`. One of `input` and `inputs` is needed.
        pub(crate) input: Option<Secret> = optional().sensitive(),
        /// Several at once, in one request.
        pub(crate) inputs: Option<Vec<Secret>> = optional().sensitive(),
        /// `input` and `inputs` are base64 of what is meant, for bytes that are no text. Default false.
        pub(crate) input_base64: Option<bool> = optional(),
        /// Context for keys that are derived, base64.
        pub(crate) context: Option<String> = optional(),
        /// Further data that must be the same when decrypting, base64.
        pub(crate) associated_data: Option<String> = optional(),
        /// Version of the key. Default: the newest.
        pub(crate) key_version: Option<i64> = optional(),
        /// The signature that is checked, for `verify` (`vault:v1:…`). One of `signature` and `hmac` is needed.
        pub(crate) signature: Option<String> = optional(),
        /// The HMAC that is checked, for `verify` (`vault:v1:…`).
        pub(crate) hmac: Option<String> = optional(),
        /// Hash for `sign`, `verify` and `hmac`, such as `sha2-512`. Default of the engine: `sha2-256`.
        pub(crate) hash_algorithm: Option<String> = optional(),
        /// The result: plain text for `decrypt`, else a ciphertext, signature or HMAC. Null for bytes that are no
        /// text (see `result_base64`) and for `verify`.
        pub(crate) result: Option<Secret> = computed().sensitive(),
        /// The result of `decrypt` in base64.
        pub(crate) result_base64: Option<Secret> = computed().sensitive(),
        /// The results for `inputs`, in their order.
        pub(crate) results: Option<Vec<Secret>> = computed().sensitive(),
        /// Whether it fits, for `verify`.
        pub(crate) valid: Option<bool> = computed(),
    }
}

/// The resource.
pub(crate) struct VaultTransit;

/// What the path says is done.
fn action(model: &TransitModel) -> String {
    let path = model.r#ref.parsed.path();
    let found = path.split('/').skip(1).find(|part| ACTIONS.contains(part));
    found.unwrap_or_default().to_owned()
}

/// What the engine calls its input and its output.
fn fields(action: &str) -> (&'static str, &'static str) {
    match action {
        "decrypt" => ("ciphertext", "plaintext"),
        "rewrap" => ("ciphertext", "ciphertext"),
        "encrypt" => ("plaintext", "ciphertext"),
        "hmac" => ("input", "hmac"),
        _ => ("input", "signature"),
    }
}

impl TransitModel {
    /// One input as the engine wants it.
    fn item(&self, action: &str, input: &Secret) -> serde_json::Value {
        let (name, _) = fields(action);
        let plain = name != "ciphertext" && self.input_base64 != Some(true);
        let text = if plain { encoded(input) } else { input.clone() };
        let mut item = serde_json::Map::new();
        let mut set = |name: &str, value: serde_json::Value| {
            if !value.is_null() {
                item.insert(name.to_owned(), value);
            }
        };
        set(name, json!(Shown(&text)));
        set("context", json!(self.context));
        set("associated_data", json!(self.associated_data));
        set("key_version", json!(self.key_version));
        set("signature", json!(self.signature));
        set("hmac", json!(self.hmac));
        item.into()
    }

    fn take(&mut self, action: &str, opened: &mut OpenedFields) -> Result<(), Diagnostics> {
        let (_, output) = fields(action);
        if self.inputs.is_some() {
            let Some(Value::Tuple(items)) = opened.any("batch_results") else {
                return Err(Diagnostic::error("The store answered with something else")
                    .detail("There are no results.")
                    .into());
            };
            let results: Option<Vec<Secret>> = items
                .into_iter()
                .map(|item| member(item, output).and_then(|text| self.plain(action, text)))
                .collect();
            self.results = Some(results.ok_or_else(|| {
                Diagnostics::from(
                    Diagnostic::error("Not every input could be worked on")
                        .detail("One of the inputs was refused by the engine, or its result is no text.")
                        .at("inputs"),
                )
            })?);
            return Ok(());
        }
        if action == "verify" {
            self.valid = match opened.any("valid") {
                Some(Value::Bool(valid)) => Some(valid),
                _ => None,
            };
            return Ok(());
        }
        let text = opened.secret(output);
        if action == "decrypt" {
            self.result_base64.clone_from(&text);
        }
        self.result = text.and_then(|text| self.plain(action, text));
        Ok(())
    }

    /// The output as text; `None` for bytes that are none.
    fn plain(&self, action: &str, text: Secret) -> Option<Secret> {
        if action != "decrypt" {
            return Some(text);
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "value codec: the decoded text is secret again"
        )]
        let decoded = BASE64_STANDARD.decode(text.expose()).ok()?;
        let decoded = Secret::new(decoded);
        redaction::register(&decoded);
        decoded.is_text().then_some(decoded)
    }
}

fn member(item: Value, name: &str) -> Option<Secret> {
    let Value::Object(mut members) = item else {
        return None;
    };
    match members.remove(name)? {
        Value::Secret(text) => Some(text),
        _ => None,
    }
}

fn encoded(input: &Secret) -> Secret {
    #[expect(
        clippy::disallowed_methods,
        reason = "value codec: the encoded text is secret again"
    )]
    let bytes = input.expose();
    Secret::from_text(BASE64_STANDARD.encode(bytes))
}

#[async_trait]
impl EphemeralResource for VaultTransit {
    type Data = Session;
    type Model = TransitModel;

    fn name(&self) -> &'static str {
        "secretref_vault_transit"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = check_reference(config, ACTIONS);
        let (one, many) = (
            config.get::<Secret>("input"),
            config.get::<Vec<Secret>>("inputs"),
        );
        if one.is_set() == many.is_set() && !one.is_unknown() && !many.is_unknown() {
            problems.push(
                Diagnostic::error("Exactly one of `input` and `inputs` is needed").at("input"),
            );
        }
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: TransitModel,
    ) -> Result<Opened<TransitModel>, Diagnostics> {
        let reference = config.r#ref.parsed.clone();
        let action = action(&config);
        if context
            .data()
            .only_plans(config.applying, &reference)
            .await?
        {
            match &config.inputs {
                Some(inputs) => {
                    config.results = Some(inputs.iter().map(|_| placeholder()).collect());
                }
                None if action != "verify" => config.result = Some(placeholder()),
                None => {}
            }
            return Ok(Opened::new(config));
        }
        let mut request = serde_json::Map::new();
        if let Some(algorithm) = &config.hash_algorithm {
            request.insert("hash_algorithm".to_owned(), json!(algorithm));
        }
        if let Some(inputs) = &config.inputs {
            let batch: Vec<_> = inputs
                .iter()
                .map(|input| config.item(&action, input))
                .collect();
            request.insert("batch_input".to_owned(), json!(batch));
        } else if let Some(input) = &config.input
            && let serde_json::Value::Object(item) = config.item(&action, input)
        {
            request.extend(item);
        }
        let mut opened = post(context, &reference, &request).await?;
        config.take(&action, &mut opened)?;
        Ok(Opened::new(config))
    }
}
