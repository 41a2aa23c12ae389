//! `secretref_gcp_access_token`: an access token of a Google service account.

use async_trait::async_trait;
use secret_policy::Scheme;
use secret_stores::{FetchOptions, Settings};
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;

use super::scheme;
use super::value::placeholder;
use crate::reference::ReferenceText;
use crate::session::{LeaseModel, Session};
use crate::store_blocks::parse_duration;

model! {
    /// Makes a short-lived access token for Google Cloud, for one run: for another provider, a provisioner, or a
    /// job. Google cannot take such a token back, so it holds as short as you say.
    ///
    /// With `default` in the reference the token is of the credentials of the `gcp` block; any other service account
    /// is impersonated with them. `scopes` take rights away, so that a token can do what this run needs and no more.
    pub(crate) struct GcpAccessTokenModel {
        /// The service account, `gcp-token://NAME@PROJECT.iam.gserviceaccount.com`, or `gcp-token://default` for that
        /// of the credentials; with the name of a `gcp` block, `gcp-token+NAME://…`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to make the token only while applying: a plan then checks that it could be
        /// made, and gives a placeholder. Not for a token that configures a provider, which a plan needs, too.
        /// Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// Scopes of the token. Default: `https://www.googleapis.com/auth/cloud-platform`.
        pub(crate) scopes: Option<Vec<String>> = optional(),
        /// How long the token of an impersonated account holds, up to `1h`, or `12h` where the organisation allows
        /// it. Default: `1h`. A token of the credentials themselves holds as long as Google says.
        pub(crate) lifetime: Option<String> = optional(),
        /// Service accounts between the credentials and the account, in the order of the chain.
        pub(crate) delegates: Option<Vec<String>> = optional(),
        /// The token.
        pub(crate) token: Option<Secret> = computed().sensitive(),
        /// When it ends, RFC 3339 in UTC; null while only planning, and where nobody says.
        pub(crate) expires_at: Option<String> = computed(),
        /// How long it holds.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

impl GcpAccessTokenModel {
    fn options(&self) -> Result<FetchOptions, Diagnostics> {
        let ttl = match self.lifetime.as_deref() {
            Some(text) => Some(parse_duration(text).ok_or_else(|| {
                Diagnostics::from(
                    Diagnostic::error("Not a period")
                        .detail("Write a number with a unit, such as `15m` or `1h`.")
                        .at("lifetime"),
                )
            })?),
            None => None,
        };
        Ok(FetchOptions {
            ttl,
            arguments: Settings::new()
                .with_some("scopes", self.scopes.clone())
                .with_some("delegates", self.delegates.clone()),
            ..FetchOptions::default()
        })
    }
}

/// The resource.
pub(crate) struct GcpAccessToken;

#[async_trait]
impl EphemeralResource for GcpAccessToken {
    type Data = Session;
    type Model = GcpAccessTokenModel;

    fn name(&self) -> &'static str {
        "secretref_gcp_access_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = scheme::check(config, Scheme::GcpToken);
        if let Some(Err(found)) = config
            .whole::<GcpAccessTokenModel>()
            .map(|model| model.options())
        {
            problems.extend(found);
        }
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: GcpAccessTokenModel,
    ) -> Result<Opened<GcpAccessTokenModel>, Diagnostics> {
        let session = context.data();
        let reference = config.r#ref.parsed.clone();
        if session.only_plans(config.applying, &reference).await? {
            config.token = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let mut opened = session.open_fields(&reference, &config.options()?).await?;
        config.token = opened.secret("token");
        config.expires_at = opened.text("expires_at");
        config.lease = opened.lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, opened.lease))
    }
}
