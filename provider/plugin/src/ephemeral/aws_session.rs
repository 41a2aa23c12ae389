//! `secretref_aws_session`: a session under a role.

use std::collections::BTreeMap;

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
    /// Makes a short-lived session under an AWS role, for one run: for another provider, a provisioner, or a
    /// job. AWS cannot take a session back, so it lasts as short as you say.
    ///
    /// With `web_identity = true` the identity token of this run is the proof and no credentials are needed;
    /// otherwise the credentials of the `aws` block assume the role. `policy` and `policy_arns` take rights away
    /// from the role, so that a session can do what this run needs and no more.
    pub(crate) struct AwsSessionModel {
        /// The role, `aws-sts://arn:aws:iam::123456789012:role/name`, or with the name of an `aws` block,
        /// `aws-sts+NAME://…`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to make the session only while applying: a plan then checks that there
        /// are credentials that AWS accepts, and gives placeholders. Not for a session that configures a
        /// provider, which a plan needs, too. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// How long the session lasts, `15m` to `12h`, at most as long as the role allows. Default: `1h`.
        pub(crate) duration: Option<String> = optional(),
        /// How the session is called in CloudTrail. Default: `secretref`.
        pub(crate) session_name: Option<String> = optional(),
        /// A session policy, JSON.
        pub(crate) policy: Option<String> = optional(),
        /// ARNs of managed policies that limit the session.
        pub(crate) policy_arns: Option<Vec<String>> = optional(),
        /// Session tags.
        pub(crate) tags: Option<BTreeMap<String, String>> = optional(),
        /// Keys of `tags` that stay through role chains.
        pub(crate) transitive_tag_keys: Option<Vec<String>> = optional(),
        /// What the trust policy of the role asks for.
        pub(crate) external_id: Option<String> = optional(),
        /// Who is behind the session; stays with it through role chains.
        pub(crate) source_identity: Option<String> = optional(),
        /// Whether the identity token of this run is the proof. Default false. Tags, external id and source
        /// identity come from the token then.
        pub(crate) web_identity: Option<bool> = optional(),
        /// Audience of the identity token. Default: `sts.amazonaws.com`.
        pub(crate) audience: Option<String> = optional(),
        /// Id of the access key.
        pub(crate) access_key_id: Option<Secret> = computed().sensitive(),
        /// The access key.
        pub(crate) secret_access_key: Option<Secret> = computed().sensitive(),
        /// The session token that belongs to it.
        pub(crate) session_token: Option<Secret> = computed().sensitive(),
        /// The ARN of the session; null while only planning.
        pub(crate) arn: Option<String> = computed(),
        /// When the session ends, RFC 3339 in UTC; null while only planning.
        pub(crate) expires_at: Option<String> = computed(),
        /// How long it lasts.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct AwsSession;

impl AwsSessionModel {
    fn options(&self) -> Result<FetchOptions, Diagnostics> {
        let ttl = match self.duration.as_deref() {
            Some(text) => Some(parse_duration(text).ok_or_else(|| {
                Diagnostics::from(
                    Diagnostic::error("Not a period")
                        .detail("Write a number with a unit, such as `15m` or `1h`.")
                        .at("duration"),
                )
            })?),
            None => None,
        };
        let arguments = Settings::new()
            .with_some("session_name", self.session_name.clone())
            .with_some("policy", self.policy.clone())
            .with_some("policy_arns", self.policy_arns.clone())
            .with_some("tags", self.tags.clone())
            .with_some("transitive_tag_keys", self.transitive_tag_keys.clone())
            .with_some("external_id", self.external_id.clone())
            .with_some("source_identity", self.source_identity.clone())
            .with_some("web_identity", self.web_identity)
            .with_some("audience", self.audience.clone());
        Ok(FetchOptions {
            ttl,
            arguments,
            ..FetchOptions::default()
        })
    }
}

#[async_trait]
impl EphemeralResource for AwsSession {
    type Data = Session;
    type Model = AwsSessionModel;

    fn name(&self) -> &'static str {
        "secretref_aws_session"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = scheme::check(config, Scheme::AwsSts);
        if let Some(Err(found)) = config
            .whole::<AwsSessionModel>()
            .map(|model| model.options())
        {
            problems.extend(found);
        }
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: AwsSessionModel,
    ) -> Result<Opened<AwsSessionModel>, Diagnostics> {
        let session = context.data();
        let reference = config.r#ref.parsed.clone();
        if session.only_plans(config.applying, &reference).await? {
            config.access_key_id = Some(placeholder());
            config.secret_access_key = Some(placeholder());
            config.session_token = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let mut opened = session.open_fields(&reference, &config.options()?).await?;
        config.access_key_id = opened.secret("access_key_id");
        config.secret_access_key = opened.secret("secret_access_key");
        config.session_token = opened.secret("session_token");
        config.arn = opened.text("arn");
        config.expires_at = opened.text("expires_at");
        config.lease = opened.lease.as_ref().map(LeaseModel::new);
        Ok(Opened::until(config, opened.lease))
    }
}
