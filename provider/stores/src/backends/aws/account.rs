//! What all AWS stores of a block have in common: region, credentials and the way to the services. Made on
//! first use, once; building a store reads no file and asks nobody.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64};
use std::time::{Duration, SystemTime};

use aws_config::BehaviorVersion;
use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_runtime::env_config::file::{EnvConfigFileKind, EnvConfigFiles};
use aws_types::SdkConfig;
use aws_types::os_shim_internal::Env;
use aws_types::region::Region;
use aws_types::service_config::ServiceConfigKey;
use secret_value::{Secret, redaction};
use tokio::sync::{Mutex, OnceCell};
use url::Url;

use super::connector::Connector;
use super::endpoint::{Service, Variant};
use super::refusal;
use super::settings::{AwsSettings, StaticKey, wrong};
use super::sts;
use crate::backends::StoreContext;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::{HttpClient, HttpOptions, TlsOptions, base_url};
use crate::identity::IdentityTokens;

/// Credentials that end sooner than this are replaced before they are used.
const MARGIN: Duration = Duration::from_secs(120);

/// The account that a block gives access to.
pub(super) struct Account {
    environment: Environment,
    pub(super) settings: AwsSettings,
    identity: Arc<IdentityTokens>,
    opened: OnceCell<Opened>,
    credentials: Mutex<Option<Credentials>>,
    allowed: OnceCell<()>,
    /// Seconds that the services are ahead of the clock of this machine.
    pub(super) skew: Arc<AtomicI64>,
    /// Whether reading several secrets at once was refused in this run.
    pub(super) no_batches: AtomicBool,
}

/// What was read from settings, variables and files.
pub(super) struct Opened {
    pub(super) http: HttpClient,
    /// The configuration of the SDK, without retries of its own.
    pub(super) sdk: SdkConfig,
    variant: Variant,
}

impl Account {
    /// The account of the block that `context` is about.
    ///
    /// # Errors
    /// `config` for a setting that makes no sense.
    pub(super) fn of(context: &StoreContext<'_>) -> Result<Arc<Self>> {
        context.share(|| {
            let settings = AwsSettings::read(context.environment, context.settings)?;
            Ok(Self::with(context.environment, settings, context.identity))
        })
    }

    /// The account that `settings` give access to.
    pub(super) fn with(
        environment: &Environment,
        settings: AwsSettings,
        identity: &Arc<IdentityTokens>,
    ) -> Self {
        Self {
            environment: environment.clone(),
            settings,
            identity: Arc::clone(identity),
            opened: OnceCell::new(),
            credentials: Mutex::default(),
            allowed: OnceCell::new(),
            skew: Arc::default(),
            no_batches: AtomicBool::new(false),
        }
    }

    /// Proofs of who runs this process.
    pub(super) fn identity(&self) -> &IdentityTokens {
        &self.identity
    }

    /// Region, files and client, read on first use.
    pub(super) async fn opened(&self, operation: Operation) -> Result<&Opened> {
        self.opened
            .get_or_try_init(|| self.open())
            .await
            .map_err(|error| error.during(operation))
    }

    async fn open(&self) -> Result<Opened> {
        let settings = &self.settings;
        let http = HttpClient::new(
            &self.environment,
            &HttpOptions {
                tls: TlsOptions {
                    ca_files: settings.ca_bundle.iter().cloned().collect(),
                    ..TlsOptions::default()
                },
                ..HttpOptions::default()
            },
        )?;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(Connector(http.clone()))
            .env(variables(&self.environment, settings))
            // Tries again what the layer around this store does not see: files, processes, metadata services.
            .retry_config(
                RetryConfig::standard().with_max_attempts(settings.max_attempts.unwrap_or(3)),
            );
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(fips) = settings.use_fips {
            loader = loader.use_fips(fips);
        }
        if let Some(dualstack) = settings.use_dualstack {
            loader = loader.use_dual_stack(dualstack);
        }
        if let Some(key) = &settings.static_key {
            loader = loader.credentials_provider(key.credentials());
        }
        if let Some(files) = profile_files(settings)? {
            loader = loader.profile_files(files);
        }
        let sdk = loader.load().await;
        let variant = Variant {
            fips: sdk.use_fips().unwrap_or(false),
            dualstack: sdk.use_dual_stack().unwrap_or(false),
        };
        let sdk = sdk
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .build();
        Ok(Opened { http, sdk, variant })
    }

    /// The region in use.
    ///
    /// # Errors
    /// `config` when there is none.
    pub(super) async fn region(&self, operation: Operation) -> Result<String> {
        let opened = self.opened(operation).await?;
        opened.sdk.region().map(ToString::to_string).ok_or_else(|| {
            wrong("no AWS region is set").during(operation).with_help(
                "set `region` in the `aws` block, AWS_REGION, or `region` in the profile",
            )
        })
    }

    /// The address of a service, as set by hand or as AWS publishes it.
    ///
    /// # Errors
    /// `config` for an address or region that is none.
    pub(super) async fn address(
        &self,
        operation: Operation,
        service: Service,
        region: &str,
    ) -> Result<Url> {
        let opened = self.opened(operation).await?;
        if let Some(url) = self.settings.endpoints.get(service.name) {
            return Ok(url.clone());
        }
        if let Some(url) = &self.settings.endpoint {
            return Ok(url.clone());
        }
        if let Some(url) = configured_address(&opened.sdk, service) {
            return base_url("AWS_ENDPOINT_URL", &url).map_err(|error| error.during(operation));
        }
        service
            .address(region, opened.variant)
            .map_err(|error| error.during(operation))
    }

    /// Credentials for calls, of an account that may be used.
    ///
    /// # Errors
    /// `config` when there are none; `permission_denied` when they are refused or of a forbidden account.
    pub(super) async fn credentials(&self, operation: Operation) -> Result<Credentials> {
        let credentials = self.unchecked_credentials(operation).await?;
        if !self.settings.allowed_accounts.is_empty() {
            self.allowed
                .get_or_try_init(|| self.check_account(operation, &credentials))
                .await?;
        }
        Ok(credentials)
    }

    async fn unchecked_credentials(&self, operation: Operation) -> Result<Credentials> {
        let mut kept = self.credentials.lock().await;
        let limit = SystemTime::now() + MARGIN;
        if let Some(credentials) = kept
            .as_ref()
            .filter(|kept| kept.expiry().is_none_or(|end| end > limit))
        {
            return Ok(credentials.clone());
        }
        let credentials = self.log_in(operation).await?;
        *kept = Some(credentials.clone());
        Ok(credentials)
    }

    /// Forgets credentials that a service called expired. False when no others can be had.
    pub(super) async fn forget_credentials(&self) -> bool {
        let renewable = self.settings.static_key.is_none();
        renewable && self.credentials.lock().await.take().is_some()
    }

    async fn log_in(&self, operation: Operation) -> Result<Credentials> {
        let first = match &self.settings.web_identity {
            Some(session) => sts::web_identity(self, operation, session)
                .await?
                .credentials(),
            None => self.chain(operation).await?,
        };
        remember(&first);
        let Some(session) = &self.settings.assume_role else {
            return Ok(first);
        };
        let session = sts::assume_role(self, operation, session, first).await?;
        Ok(session.credentials())
    }

    async fn chain(&self, operation: Operation) -> Result<Credentials> {
        let opened = self.opened(operation).await?;
        let provider = opened
            .sdk
            .credentials_provider()
            .ok_or_else(|| no_credentials(operation))?;
        provider
            .provide_credentials()
            .await
            .map_err(|error| chain_error(operation, &error))
    }

    async fn check_account(&self, operation: Operation, credentials: &Credentials) -> Result<()> {
        let caller = sts::caller(self, operation, credentials.clone()).await?;
        let account = caller.account.unwrap_or_default();
        if self.settings.allowed_accounts.contains(&account) {
            return Ok(());
        }
        Err(StoreError::new(
            ErrorKind::PermissionDenied,
            operation,
            format!("the credentials are of the AWS account `{account}`, which the configuration does not allow"),
        )
        .with_help("use credentials of an account in `allowed_account_ids`, or add this one"))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account").finish_non_exhaustive()
    }
}

impl StaticKey {
    fn credentials(&self) -> SharedCredentialsProvider {
        let credentials = Credentials::new(
            text(&self.id),
            text(&self.key),
            self.token.as_ref().map(text),
            None,
            "block",
        );
        SharedCredentialsProvider::new(credentials)
    }
}

fn text(secret: &Secret) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "credential header: the key is handed to the signer, which keeps it in memory that is overwritten"
    )]
    let bytes = secret.expose();
    String::from_utf8_lossy(bytes).into_owned()
}

/// Keeps credentials out of every text of this process.
pub(super) fn remember(credentials: &Credentials) {
    let parts = [
        Some(credentials.secret_access_key()),
        credentials.session_token(),
    ];
    for part in parts.into_iter().flatten() {
        redaction::register(&Secret::from_text(part.to_owned()));
    }
}

/// An address without the final slash that the SDK would double.
fn address(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// The variables that the chain and the SDK look at, as `environment` has them; addresses of the block go before.
fn variables(environment: &Environment, settings: &AwsSettings) -> Env {
    const NAMES: [&str; 45] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_ACCOUNT_ID",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE",
        "AWS_AUTH_SCHEME_PREFERENCE",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_DEFAULTS_MODE",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_EC2_METADATA_V1_DISABLED",
        "AWS_EC2_INSTANCE_PROFILE_NAME",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_ECR",
        "AWS_ENDPOINT_URL_KMS",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER",
        "AWS_ENDPOINT_URL_SSM",
        "AWS_ENDPOINT_URL_SSO",
        "AWS_ENDPOINT_URL_SSO_OIDC",
        "AWS_ENDPOINT_URL_STS",
        "AWS_EXECUTION_ENV",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_MAX_ATTEMPTS",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_RETRY_MODE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_SDK_UA_APP_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "HOME",
        "HOMEDRIVE",
        "HOMEPATH",
        "SECRET_ACCESS_KEY",
        "USERPROFILE",
    ];
    // The SDK would take these before a profile that the block names, and call as somebody else.
    const KEYS: [&str; 3] = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ];
    let hidden = |name: &str| settings.profile.is_some() && KEYS.contains(&name);
    let chosen = |name: &str| match name {
        "AWS_ENDPOINT_URL" => settings.endpoint.as_ref().map(address),
        "AWS_ENDPOINT_URL_STS" => settings.endpoints.get("sts").map(address),
        _ => None,
    };
    let set: Vec<_> = NAMES
        .into_iter()
        .filter(|name| !hidden(name))
        .filter_map(|name| Some((name, chosen(name).or_else(|| environment.text(name))?)))
        .collect();
    let set: Vec<_> = set
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    Env::from_slice(&set)
}

/// The files that the block names; the SDK would take a missing one for an empty one.
fn profile_files(settings: &AwsSettings) -> Result<Option<EnvConfigFiles>> {
    let (config, credentials) = (&settings.config_files, &settings.credentials_files);
    if let Some(missing) = config
        .iter()
        .chain(credentials)
        .find(|path| !path.is_file())
    {
        return Err(
            wrong("a shared file that the `aws` block names is not there")
                .with_context("file", missing.display()),
        );
    }
    if config.is_empty() && credentials.is_empty() {
        return Ok(None);
    }
    let mut files = EnvConfigFiles::builder()
        .include_default_config_file(config.is_empty())
        .include_default_credentials_file(credentials.is_empty());
    for path in config {
        files = files.with_file(EnvConfigFileKind::Config, path);
    }
    for path in credentials {
        files = files.with_file(EnvConfigFileKind::Credentials, path);
    }
    Ok(Some(files.build()))
}

/// The address in `AWS_ENDPOINT_URL_<SERVICE>`, the `services` of the profile, or `AWS_ENDPOINT_URL`.
fn configured_address(sdk: &SdkConfig, service: Service) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id(service.id)
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok()?;
    let own = sdk
        .service_config()
        .and_then(|config| config.load_config(key));
    own.or_else(|| sdk.endpoint_url().map(str::to_owned))
}

fn no_credentials(operation: Operation) -> StoreError {
    wrong("there are no AWS credentials").during(operation).with_help(
        "log in with `web_identity` in the `aws` block (CI), with a profile (`aws sso login`), or with the role of \
         the instance, container or pod",
    )
}

/// What the chain found instead of credentials; the texts of its parts may quote files and are left out.
fn chain_error(operation: Operation, error: &CredentialsError) -> StoreError {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => no_credentials(operation),
        CredentialsError::InvalidConfiguration(_) => {
            wrong("the AWS profile or its files are not valid")
                .during(operation)
                .with_help("`aws configure list` shows what they say")
        }
        CredentialsError::ProviderTimedOut(_) => StoreError::new(
            ErrorKind::Timeout,
            operation,
            "the source of the AWS credentials did not answer in time",
        )
        .with_retry(Retry::Later),
        error => refusal::of_chain(operation, error),
    }
}
