//! `secretref_aws_eks_token`: a login for a Kubernetes cluster in AWS.

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
    /// Makes a login for a cluster of Amazon EKS, as `aws eks get-token` does: a bearer token that the API server
    /// accepts for fifteen minutes. It is signed here, without asking AWS.
    pub(crate) struct AwsEksTokenModel {
        /// The cluster, `aws-eks://name`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Region of the cluster. Default: that of the `aws` block.
        pub(crate) region: Option<String> = optional(),
        /// Set to `terraform.applying` to make the token only while applying: a plan then checks that there are
        /// credentials, and gives a placeholder. Not for a token that configures a provider, which a plan needs,
        /// too. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// The bearer token.
        pub(crate) token: Option<Secret> = computed().sensitive(),
        /// When the token ends, RFC 3339 in UTC; null while only planning.
        pub(crate) expires_at: Option<String> = computed(),
        /// How long it holds.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct AwsEksToken;

#[async_trait]
impl EphemeralResource for AwsEksToken {
    type Data = Session;
    type Model = AwsEksTokenModel;

    fn name(&self) -> &'static str {
        "secretref_aws_eks_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        scheme::check(config, Scheme::AwsEks)
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: AwsEksTokenModel,
    ) -> Result<Opened<AwsEksTokenModel>, Diagnostics> {
        let session = context.data();
        let reference = config.r#ref.parsed.clone();
        if session.only_plans(config.applying, &reference).await? {
            config.token = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let options = FetchOptions {
            arguments: Settings::new().with_some("region", config.region.clone()),
            ..FetchOptions::default()
        };
        let mut opened = session.open_fields(&reference, &options).await?;
        config.token = opened.secret("token");
        config.expires_at = opened.text("expires_at");
        config.lease = opened.lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, opened.lease))
    }
}
