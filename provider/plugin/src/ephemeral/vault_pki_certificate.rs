//! `secretref_vault_pki_certificate`: a short-lived certificate whose private key never travels.

use async_trait::async_trait;
use rcgen::{CertificateParams, DnType, KeyPair};
use secret_value::Secret;
use serde_json::json;
use tf_framework::model;
use tf_framework::prelude::*;
use tf_framework::value::Value;

use super::certificate_key::{certificate_key, key_type};
use super::value::{PLANNED, placeholder};
use super::vault_call::{check_reference, post};
use crate::reference::ReferenceText;
use crate::session::{LeaseModel, OpenedFields, Session, check_period};

model! {
    /// Gets a certificate from the PKI engine of Vault or OpenBao for the duration of a run. With `sign` the
    /// private key is made here and only a signing request is sent, so the key is known to nobody else.
    pub(crate) struct PkiModel {
        /// `vault://pki/sign/ROLE` (the key is made here) or `vault://pki/issue/ROLE` (the engine makes it).
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to get it only while applying. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// The name it is for.
        pub(crate) common_name: String = required(),
        /// Further DNS names and e-mail addresses.
        pub(crate) alt_names: Option<Vec<String>> = optional(),
        /// IP addresses.
        pub(crate) ip_sans: Option<Vec<String>> = optional(),
        /// URIs, such as SPIFFE ids.
        pub(crate) uri_sans: Option<Vec<String>> = optional(),
        /// How long it is valid, such as `1h`. Default of the role.
        pub(crate) ttl: Option<String> = optional(),
        /// Kind of the key that is made here: `ec-p256` (default), `ec-p384`, `ed25519`, `rsa-2048`, `rsa-3072`,
        /// `rsa-4096`. Only for `sign`; the role decides for `issue`, and has to allow it (`key_type = "any"`, or that
        /// of the key) for `sign`.
        pub(crate) key_type: Option<String> = optional(),
        /// The certificate, PEM.
        pub(crate) certificate: Option<String> = computed(),
        /// The private key, PEM.
        pub(crate) private_key: Option<Secret> = computed().sensitive(),
        /// The certificate of who issued it, PEM.
        pub(crate) issuing_ca: Option<String> = computed(),
        /// The chain up to the root, PEM.
        pub(crate) ca_chain: Option<Vec<String>> = computed(),
        /// Its serial number.
        pub(crate) serial_number: Option<String> = computed(),
        /// When it ends, in seconds since 1970.
        pub(crate) expiration: Option<i64> = computed(),
        /// The lease, when the role makes some (`generate_lease`): the certificate is revoked when Terraform is
        /// done. Otherwise it ends by itself.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct VaultPkiCertificate;

impl PkiModel {
    fn signs(&self) -> bool {
        self.r#ref.parsed.path().contains("/sign/")
    }

    /// The request that lets the engine sign `key`. Names are in the arguments of the call, which the role checks.
    fn signing_request(&self, key: &KeyPair) -> Result<String, Diagnostics> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, self.common_name.as_str());
        let request = params
            .serialize_request(key)
            .and_then(|request| request.pem());
        request.map_err(|error| {
            Diagnostic::error("The signing request cannot be made")
                .detail(error.to_string())
                .at("common_name")
                .into()
        })
    }

    fn fill(&mut self, opened: &mut OpenedFields) {
        self.certificate = opened.text("certificate");
        self.issuing_ca = opened.text("issuing_ca");
        self.serial_number = opened.text("serial_number");
        self.expiration = opened.number("expiration");
        self.ca_chain = match opened.any("ca_chain") {
            Some(Value::Tuple(items)) => items.into_iter().map(public_text).collect(),
            _ => None,
        };
    }
}

fn public_text(value: Value) -> Option<String> {
    match value {
        Value::Secret(text) => {
            #[expect(
                clippy::disallowed_methods,
                reason = "value codec: certificates are no secrets"
            )]
            let bytes = text.expose().to_vec();
            String::from_utf8(bytes).ok()
        }
        _ => None,
    }
}

#[async_trait]
impl EphemeralResource for VaultPkiCertificate {
    type Data = Session;
    type Model = PkiModel;

    fn name(&self) -> &'static str {
        "secretref_vault_pki_certificate"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = check_reference(config, &["sign", "issue"]);
        problems.extend(check_period(config, "ttl"));
        if let Some(kind) = config.known::<String>("key_type")
            && let Err(problem) = key_type(Some(&kind))
        {
            problems.push(problem);
        }
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: PkiModel,
    ) -> Result<Opened<PkiModel>, Diagnostics> {
        let reference = config.r#ref.parsed.clone();
        if context
            .data()
            .only_plans(config.applying, &reference)
            .await?
        {
            config.certificate = Some(PLANNED.to_owned());
            config.private_key = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let mut request =
            serde_json::Map::from_iter([("common_name".to_owned(), json!(config.common_name))]);
        let lists = [
            ("alt_names", &config.alt_names),
            ("ip_sans", &config.ip_sans),
            ("uri_sans", &config.uri_sans),
        ];
        for (name, list) in lists {
            if let Some(list) = list {
                request.insert(name.to_owned(), json!(list.join(",")));
            }
        }
        if let Some(ttl) = &config.ttl {
            request.insert("ttl".to_owned(), json!(ttl));
        }
        let key = if config.signs() {
            let (key, pem) = certificate_key(key_type(config.key_type.as_deref())?).await?;
            request.insert("csr".to_owned(), json!(config.signing_request(&key)?));
            Some(pem)
        } else {
            None
        };
        let mut opened = post(context, &reference, &request).await?;
        config.fill(&mut opened);
        config.private_key = key.or_else(|| opened.secret("private_key"));
        config.lease = opened.lease.as_ref().map(LeaseModel::of);
        Ok(Opened::until(config, opened.lease))
    }
}
