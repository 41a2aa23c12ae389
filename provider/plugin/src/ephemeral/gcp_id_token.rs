//! `secretref_gcp_id_token`: an identity token of a Google service account.

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

model! {
    /// Makes an identity token of a Google service account (OpenID Connect), for one run: for a service behind Cloud
    /// Run, Cloud Functions or Identity-Aware Proxy, or for anybody else who trusts Google as an issuer.
    ///
    /// With `default` in the reference the token is of the credentials of the `gcp` block, which must be those of a
    /// service account or a machine; any other service account is impersonated with them.
    pub(crate) struct GcpIdTokenModel {
        /// The service account and whom the token is for, `gcp-id-token://NAME@PROJECT.iam.gserviceaccount.com/AUDIENCE`
        /// or `gcp-id-token://default/AUDIENCE`; with the name of a `gcp` block, `gcp-id-token+NAME://…`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to make the token only while applying: a plan then checks that it could be
        /// made, and gives a placeholder. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// The audience to the letter, where it is an address: `https://` and the audience of the reference, which
        /// cannot hold that. Default: the audience of the reference.
        pub(crate) audience: Option<String> = optional(),
        /// Whether the token names the e-mail address of the account. Default false.
        pub(crate) include_email: Option<bool> = optional(),
        /// Service accounts between the credentials and the account, in the order of the chain.
        pub(crate) delegates: Option<Vec<String>> = optional(),
        /// The token.
        pub(crate) token: Option<Secret> = computed().sensitive(),
        /// When it ends, RFC 3339 in UTC; null while only planning.
        pub(crate) expires_at: Option<String> = computed(),
        /// How long it holds.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

impl GcpIdTokenModel {
    fn options(&self) -> FetchOptions {
        FetchOptions {
            arguments: Settings::new()
                .with_some("audience", self.audience.clone())
                .with_some("include_email", self.include_email)
                .with_some("delegates", self.delegates.clone()),
            ..FetchOptions::default()
        }
    }
}

/// The resource.
pub(crate) struct GcpIdToken;

#[async_trait]
impl EphemeralResource for GcpIdToken {
    type Data = Session;
    type Model = GcpIdTokenModel;

    fn name(&self) -> &'static str {
        "secretref_gcp_id_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        scheme::check(config, Scheme::GcpIdToken)
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: GcpIdTokenModel,
    ) -> Result<Opened<GcpIdTokenModel>, Diagnostics> {
        let session = context.data();
        let reference = config.r#ref.parsed.clone();
        if session.only_plans(config.applying, &reference).await? {
            config.token = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let mut opened = session.open_fields(&reference, &config.options()).await?;
        config.token = opened.secret("token");
        config.expires_at = opened.text("expires_at");
        config.lease = opened.lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, opened.lease))
    }
}
