//! `secretref_aws_ecr_token`: a login for a container registry in AWS.

use async_trait::async_trait;
use secret_policy::Scheme;
use secret_stores::FetchOptions;
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;

use super::scheme;
use super::value::placeholder;
use crate::reference::ReferenceText;
use crate::session::{LeaseModel, Session};

model! {
    /// Gets a login for the container registry of an AWS account (Amazon ECR). It holds for twelve hours.
    pub(crate) struct AwsEcrTokenModel {
        /// The registry, `aws-ecr://123456789012` or, in another region than that of the `aws` block,
        /// `aws-ecr://123456789012/eu-west-1`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to get the login only while applying: a plan then checks that there are
        /// credentials, and gives placeholders. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// Name of the user, `AWS`; null while only planning.
        pub(crate) username: Option<String> = computed(),
        /// The password.
        pub(crate) password: Option<Secret> = computed().sensitive(),
        /// Address of the registry; null while only planning.
        pub(crate) endpoint: Option<String> = computed(),
        /// When the login ends, RFC 3339 in UTC; null while only planning.
        pub(crate) expires_at: Option<String> = computed(),
        /// How long it holds.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct AwsEcrToken;

#[async_trait]
impl EphemeralResource for AwsEcrToken {
    type Data = Session;
    type Model = AwsEcrTokenModel;

    fn name(&self) -> &'static str {
        "secretref_aws_ecr_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        scheme::check(config, Scheme::AwsEcr)
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: AwsEcrTokenModel,
    ) -> Result<Opened<AwsEcrTokenModel>, Diagnostics> {
        let session = context.data();
        let reference = config.r#ref.parsed.clone();
        if session.only_plans(config.applying, &reference).await? {
            config.password = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let mut opened = session
            .open_fields(&reference, &FetchOptions::default())
            .await?;
        config.username = opened.text("username");
        config.password = opened.secret("password");
        config.endpoint = opened.text("endpoint");
        config.expires_at = opened.text("expires_at");
        config.lease = opened.lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, opened.lease))
    }
}
