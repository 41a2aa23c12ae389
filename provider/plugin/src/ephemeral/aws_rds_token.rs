//! `secretref_aws_rds_token`: a login for a database in AWS.

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
    /// Makes a login for a database of Amazon RDS or Aurora with IAM authentication: the token stands in for the
    /// password when connecting, within fifteen minutes. It is signed here, without asking AWS.
    pub(crate) struct AwsRdsTokenModel {
        /// The database and its user, `aws-rds://endpoint:port/user`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Region of the database. Default: the one in the name of the endpoint, else that of the `aws` block.
        pub(crate) region: Option<String> = optional(),
        /// Set to `terraform.applying` to make the token only while applying: a plan then checks that there are
        /// credentials, and gives a placeholder. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// The token, to be used as the password.
        pub(crate) token: Option<Secret> = computed().sensitive(),
        /// Name of the endpoint; null while only planning.
        pub(crate) host: Option<String> = computed(),
        /// Port of the endpoint; null while only planning.
        pub(crate) port: Option<i64> = computed(),
        /// Name of the user; null while only planning.
        pub(crate) username: Option<String> = computed(),
        /// When the token ends, RFC 3339 in UTC; null while only planning.
        pub(crate) expires_at: Option<String> = computed(),
        /// How long it holds.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct AwsRdsToken;

#[async_trait]
impl EphemeralResource for AwsRdsToken {
    type Data = Session;
    type Model = AwsRdsTokenModel;

    fn name(&self) -> &'static str {
        "secretref_aws_rds_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        scheme::check(config, Scheme::AwsRds)
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: AwsRdsTokenModel,
    ) -> Result<Opened<AwsRdsTokenModel>, Diagnostics> {
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
        config.host = opened.text("host");
        config.port = opened.text("port").and_then(|port| port.parse().ok());
        config.username = opened.text("username");
        config.expires_at = opened.text("expires_at");
        config.lease = opened.lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, opened.lease))
    }
}
