//! `secretref_vault_ssh_certificate`: a short-lived SSH certificate.

use std::collections::BTreeMap;

use async_trait::async_trait;
use secret_value::Secret;
use serde_json::json;
use tf_framework::model;
use tf_framework::prelude::*;

use super::value::{PLANNED, placeholder};
use super::vault_call::{check_reference, post};
use crate::reference::ReferenceText;
use crate::session::{LeaseModel, Session, check_period};

model! {
    /// Lets the SSH engine of Vault or OpenBao sign a public key, or issue a key with its certificate, for the
    /// duration of a run. Certificates cannot be revoked by the engine: they end by themselves, so keep `ttl`
    /// short.
    pub(crate) struct SshModel {
        /// `vault://ssh/sign/ROLE` to sign `public_key`, or `vault://ssh/issue/ROLE` for a new key.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to sign only while applying. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// The public key to sign, as in `id_ed25519.pub`. Only for `sign`.
        pub(crate) public_key: Option<String> = optional(),
        /// User or host names that the certificate is for, separated by commas.
        pub(crate) valid_principals: Option<String> = optional(),
        /// `user` or `host`. Default `user`.
        pub(crate) cert_type: Option<String> = optional(),
        /// How long it is valid, such as `5m`.
        pub(crate) ttl: Option<String> = optional(),
        /// Kind of the new key for `issue`: `rsa`, `ecdsa`, `ed25519`. Default of the engine: `rsa`.
        pub(crate) key_type: Option<String> = optional(),
        /// Extensions, such as `{ permit-pty = "" }`. Default: those of the role.
        pub(crate) extensions: Option<BTreeMap<String, String>> = optional(),
        /// Critical options, such as `{ force-command = "…" }`.
        pub(crate) critical_options: Option<BTreeMap<String, String>> = optional(),
        /// The certificate.
        pub(crate) signed_key: Option<String> = computed(),
        /// Its serial number.
        pub(crate) serial_number: Option<String> = computed(),
        /// The private key, only for `issue`.
        pub(crate) private_key: Option<Secret> = computed().sensitive(),
        /// The lease; null, because the engine gives none.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct VaultSshCertificate;

#[async_trait]
impl EphemeralResource for VaultSshCertificate {
    type Data = Session;
    type Model = SshModel;

    fn name(&self) -> &'static str {
        "secretref_vault_ssh_certificate"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = check_reference(config, &["sign", "issue"]);
        problems.extend(check_period(config, "ttl"));
        let signs = config
            .known::<String>("ref")
            .is_some_and(|text| text.contains("/sign/"));
        if signs && !config.is_set("public_key") {
            problems.push(
                Diagnostic::error("Nothing to sign")
                    .detail("Set `public_key`, or use `vault://…/issue/ROLE` for a new key.")
                    .at("public_key"),
            );
        }
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: SshModel,
    ) -> Result<Opened<SshModel>, Diagnostics> {
        let reference = config.r#ref.parsed.clone();
        let issues = reference.path().contains("/issue/");
        if context
            .data()
            .only_plans(config.applying, &reference)
            .await?
        {
            config.signed_key = Some(PLANNED.to_owned());
            config.private_key = issues.then(placeholder);
            return Ok(Opened::new(config));
        }
        let mut request = serde_json::Map::new();
        let texts = [
            ("public_key", &config.public_key),
            ("valid_principals", &config.valid_principals),
            ("cert_type", &config.cert_type),
            ("ttl", &config.ttl),
            ("key_type", &config.key_type),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                request.insert(name.to_owned(), json!(value));
            }
        }
        let maps = [
            ("extensions", &config.extensions),
            ("critical_options", &config.critical_options),
        ];
        for (name, value) in maps {
            if let Some(value) = value {
                request.insert(name.to_owned(), json!(value));
            }
        }
        let mut opened = post(context, &reference, &request).await?;
        config.signed_key = opened.text("signed_key");
        config.serial_number = opened.text("serial_number");
        config.private_key = opened.secret("private_key");
        config.lease = opened.lease.as_ref().map(LeaseModel::of);
        Ok(Opened::until(config, opened.lease))
    }
}
