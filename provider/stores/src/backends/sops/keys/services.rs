//! Recipients that are keys in a service. Logins are those of the stores of this program: a data key is asked
//! for through the store that can decrypt with such a key, or with a token that a store makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::super::metadata::{Recipient, Wrapped};
use super::{Part, azure, gcp};
use crate::backends::{StoreContext, StoreKind};
use crate::blocks::Settings;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{HttpClient, HttpOptions, SecretText, base_url};
use crate::identity::IdentityTokens;
use crate::local::Passphrase;
use crate::select;
use crate::shared::Shared;
use crate::store::FetchOptions;

/// Everything that stores are built from, for those that data keys are asked from.
#[derive(Debug)]
pub(super) struct Services {
    environment: Environment,
    passphrase: Passphrase,
    identity: Arc<IdentityTokens>,
    gcp_endpoint: Option<String>,
    http: OnceCell<HttpClient>,
}

impl Services {
    pub(super) fn new(context: &StoreContext<'_>) -> Result<Self> {
        Ok(Self {
            environment: context.environment.clone(),
            passphrase: context.passphrase.clone(),
            identity: Arc::clone(context.identity),
            gcp_endpoint: context.setting("gcp_kms_endpoint").map(str::to_owned),
            http: OnceCell::new(),
        })
    }

    /// Decrypts with the key of a service.
    pub(super) async fn unwrap(&self, operation: Operation, wrapped: &Wrapped) -> Result<Part> {
        match &wrapped.recipient {
            Recipient::AwsKms { .. } => self.aws(operation, wrapped).await,
            Recipient::GcpKms(resource) => {
                let url = gcp::key_url(operation, self.gcp_endpoint.as_deref(), resource)?;
                let token = self.gcp_token(operation).await?;
                gcp::decrypt(operation, self.http().await?, url, &token, &wrapped.text).await
            }
            Recipient::AzureKv {
                vault,
                name,
                version,
            } => {
                let (url, application) = azure::key_url(operation, vault, name, version)?;
                let reference = format!("azure-token://{application}#token");
                let token = self
                    .ask(operation, &reference, &[], Settings::new())
                    .await?;
                azure::decrypt(operation, self.http().await?, url, &token, &wrapped.text).await
            }
            Recipient::Vault {
                address,
                engine,
                key,
            } => {
                self.check_vault(operation, address)?;
                self.vault(operation, engine, key, &wrapped.text).await
            }
            other => Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                format!(
                    "this program cannot decrypt with a recipient of the kind {}",
                    other.name()
                ),
            )),
        }
    }

    async fn http(&self) -> Result<&HttpClient> {
        let make = || async { HttpClient::new(&self.environment, &HttpOptions::default()) };
        self.http.get_or_try_init(make).await
    }

    async fn aws(&self, operation: Operation, wrapped: &Wrapped) -> Result<Part> {
        let Recipient::AwsKms {
            arn,
            role,
            profile,
            context,
        } = &wrapped.recipient
        else {
            return Err(StoreError::unsupported(operation, "sops"));
        };
        if role.is_some() {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "the file wants a role to be assumed for its KMS key, which this program does not do for SOPS files",
            )
            .with_help("run with a profile or a web identity that has the role already"));
        }
        let context: BTreeMap<String, String> = context.iter().cloned().collect();
        let mut arguments = Settings::new().with("ciphertext", wrapped.text.as_str());
        if !context.is_empty() {
            arguments = arguments.with("context", context);
        }
        // The key names its region, and the file may name a profile.
        let region = arn.split(':').nth(3).unwrap_or_default();
        let mut variables = vec![("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)];
        variables.extend(profile.as_deref().map(|profile| ("AWS_PROFILE", profile)));
        let reference = format!("aws-kms://{arn}");
        let value = self
            .ask(operation, &reference, &variables, arguments)
            .await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "sealing: the key of the file goes to the cipher"
        )]
        let part = value.expose().to_vec();
        Ok(Zeroizing::new(part))
    }

    /// Refuses an address that is not the Vault of this run: the file must not send its login elsewhere.
    fn check_vault(&self, operation: Operation, address: &str) -> Result<()> {
        let own = ["VAULT_ADDR", "BAO_ADDR"]
            .iter()
            .find_map(|name| self.environment.text(name))
            .ok_or_else(|| {
                StoreError::new(
                    ErrorKind::Config,
                    operation,
                    "no Vault is configured for this run, so the key in Vault cannot be used",
                )
                .with_help("set VAULT_ADDR, and log in as for `vault://`")
            })?;
        let place = |text: &str| base_url("address", text).ok();
        if place(address).is_some() && place(address) == place(&own) {
            return Ok(());
        }
        Err(StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            "the file names another Vault than this run uses, so no login is sent there",
        )
        .with_context("vault", &own)
        .with_help("set VAULT_ADDR to the address in the file if that server is meant"))
    }

    /// Decrypts with a key of Vault's transit engine.
    async fn vault(
        &self,
        operation: Operation,
        engine: &str,
        key: &str,
        text: &str,
    ) -> Result<Part> {
        let body = format!("{{\"ciphertext\":{}}}", serde_json::Value::from(text));
        let arguments = Settings::new()
            .with("method", "POST")
            .with("data", Secret::from_text(body));
        let reference = format!("vault://{}/decrypt/{key}", engine.trim_matches('/'));
        let answer = self.ask(operation, &reference, &[], arguments).await?;
        #[derive(serde::Deserialize)]
        struct Plain {
            plaintext: Zeroizing<String>,
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "sealing: the key of the file goes to the cipher"
        )]
        let plain: Option<Plain> = serde_json::from_slice(answer.expose()).ok();
        let part = plain.and_then(|plain| BASE64_STANDARD.decode(&*plain.plaintext).ok());
        part.map(Zeroizing::new).ok_or_else(|| {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the transit engine answered something else than a key",
            )
        })
    }

    /// A token for Google Cloud, made by the store for such tokens.
    async fn gcp_token(&self, operation: Operation) -> Result<Secret> {
        #[derive(serde::Deserialize)]
        struct Made {
            token: SecretText,
        }
        let reference = "gcp-token://default";
        let answer = self.ask(operation, reference, &[], Settings::new()).await?;
        #[expect(
            clippy::disallowed_methods,
            reason = "codec: the token is taken out of the fields it comes in"
        )]
        let made: Option<Made> = serde_json::from_slice(answer.expose()).ok();
        made.map(|made| made.token.0).ok_or_else(|| {
            StoreError::new(
                ErrorKind::Unavailable,
                operation,
                "the store for tokens of Google Cloud answered something else than a token",
            )
        })
    }

    /// The value that another store answers, with the login that the environment gives it; the whole answer
    /// where the reference selects nothing.
    async fn ask(
        &self,
        operation: Operation,
        reference: &str,
        variables: &[(&'static str, &str)],
        arguments: Settings,
    ) -> Result<Secret> {
        let reference: SecretRef = reference.parse().map_err(|_| {
            StoreError::new(
                ErrorKind::Integrity,
                operation,
                "a recipient of the file names no key of its service",
            )
        })?;
        let scheme: Scheme = reference.scheme();
        let kind = StoreKind::of(scheme).map_err(|error| error.during(operation))?;
        let store = kind.build(&StoreContext {
            environment: &self.environment.with_variables(variables),
            name: None,
            settings: None,
            passphrase: &self.passphrase,
            identity: &self.identity,
            shared: &Shared::default(),
        })?;
        let options = FetchOptions {
            arguments,
            ..FetchOptions::default()
        };
        let answer = store.fetch(&reference, &options).await;
        answer
            .and_then(|leased| match reference.selector() {
                Some(_) => select::select(&reference, &leased.value),
                None => Ok(leased.value.body),
            })
            .map_err(|error| error.during(operation))
    }
}
