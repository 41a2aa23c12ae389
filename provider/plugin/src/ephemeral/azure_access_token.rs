//! `secretref_azure_access_token`: an access token of Microsoft Entra.

use async_trait::async_trait;
use secret_policy::SecretRef;
use secret_stores::FetchOptions;
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;

use super::value::placeholder;
use crate::session::{LeaseModel, Session, check_period, check_ttl};

model! {
    /// Gets an access token of Microsoft Entra for the login of the `azure` block, for the duration of a run: for a
    /// provider, a provisioner or a job that calls an interface of Azure. It cannot be revoked and ends by itself,
    /// after an hour or more, as Microsoft Entra decides.
    ///
    /// With `applying = terraform.applying` a plan gets no token: it only makes sure that there is a login.
    pub(crate) struct AzureAccessTokenModel {
        /// The store block `azure` that names the login. Default: the login without a name.
        pub(crate) store: Option<String> = optional(),
        /// The application that the token is for: the host of its address, such as `management.azure.com`,
        /// `graph.microsoft.com` or `database.windows.net`, or its id.
        pub(crate) resource: String = required(),
        /// Fail when the token ends sooner than this, such as `30m`.
        pub(crate) min_ttl: Option<String> = optional(),
        /// Set to `terraform.applying` to get the token only while applying. Default true: one is made in every
        /// plan, too.
        pub(crate) applying: Option<bool> = optional(),
        /// The token.
        pub(crate) token: Option<Secret> = computed().sensitive(),
        /// When it ends, RFC 3339 in UTC; null while only planning.
        pub(crate) expires_at: Option<String> = computed(),
        /// The lease of the token; null while only planning.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

impl AzureAccessTokenModel {
    fn reference(&self) -> Result<SecretRef, Diagnostics> {
        let store = self
            .store
            .as_ref()
            .map(|name| format!("+{name}"))
            .unwrap_or_default();
        let resource = self.resource.trim_end_matches('/');
        let resource = resource.strip_prefix("https://").unwrap_or(resource);
        let text = format!("azure-token{store}://{resource}");
        text.parse::<SecretRef>().map_err(|error| {
            Diagnostic::error("No application is named like this")
                .detail(format!("{error}. {}", error.help))
                .at("resource")
                .into()
        })
    }
}

/// The resource.
pub(crate) struct AzureAccessToken;

#[async_trait]
impl EphemeralResource for AzureAccessToken {
    type Data = Session;
    type Model = AzureAccessTokenModel;

    fn name(&self) -> &'static str {
        "secretref_azure_access_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        check_period(config, "min_ttl")
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: AzureAccessTokenModel,
    ) -> Result<Opened<AzureAccessTokenModel>, Diagnostics> {
        let session = context.data();
        let reference = config.reference()?;
        if session.only_plans(config.applying, &reference).await? {
            config.token = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let mut opened = session
            .open_fields(&reference, &FetchOptions::default())
            .await?;
        config.token = opened.secret("token");
        config.expires_at = opened.text("expires_at");
        let lease = check_ttl(opened.lease, config.min_ttl.as_deref()).await?;
        config.lease = lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, lease))
    }
}
