//! `secretref_vault_token`: a token of Vault or OpenBao for somebody else.

use std::collections::BTreeMap;

use async_trait::async_trait;
use secret_value::Secret;
use serde_json::json;
use tf_framework::model;
use tf_framework::prelude::*;

use super::value::placeholder;
use super::vault_call::{check_reference, post};
use crate::reference::ReferenceText;
use crate::session::{LeaseModel, Session, check_period, check_ttl};

model! {
    /// Makes a token of Vault or OpenBao for the duration of a run, for instance for another provider or a
    /// provisioner. It is revoked, and everything opened with it, when Terraform is done.
    pub(crate) struct TokenModel {
        /// Where tokens are made: `vault://auth/token/create`, or `vault://auth/token/create/ROLE`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to make it only while applying: a plan then only looks at the rights of
        /// this login, and `token` is a placeholder. Default true.
        pub(crate) applying: Option<bool> = optional(),
        /// Its policies. Default: those of this login.
        pub(crate) policies: Option<Vec<String>> = optional(),
        /// Leave out the policy `default`. Default false.
        pub(crate) no_default_policy: Option<bool> = optional(),
        /// How long it lives, such as `15m`; it is extended while Terraform runs.
        pub(crate) ttl: Option<String> = optional(),
        /// When it ends whatever happens, such as `2h`.
        pub(crate) explicit_max_ttl: Option<String> = optional(),
        /// How often it may be used. Default: without limit.
        pub(crate) num_uses: Option<i64> = optional(),
        /// Name in the audit log of the server.
        pub(crate) display_name: Option<String> = optional(),
        /// Facts for the audit log of the server.
        pub(crate) metadata: Option<BTreeMap<String, String>> = optional(),
        /// Fail when it lives shorter than this.
        pub(crate) min_ttl: Option<String> = optional(),
        /// The token.
        pub(crate) token: Option<Secret> = computed().sensitive(),
        /// Names the token without being one.
        pub(crate) accessor: Option<String> = computed(),
        /// Its life.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct VaultToken;

#[async_trait]
impl EphemeralResource for VaultToken {
    type Data = Session;
    type Model = TokenModel;

    fn name(&self) -> &'static str {
        "secretref_vault_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = check_reference(config, &["token"]);
        for name in ["ttl", "explicit_max_ttl", "min_ttl"] {
            problems.extend(check_period(config, name));
        }
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: TokenModel,
    ) -> Result<Opened<TokenModel>, Diagnostics> {
        let reference = config.r#ref.parsed.clone();
        if context
            .data()
            .only_plans(config.applying, &reference)
            .await?
        {
            config.token = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let mut request = serde_json::Map::new();
        let mut set = |name: &str, value: Option<serde_json::Value>| {
            if let Some(value) = value {
                request.insert(name.to_owned(), value);
            }
        };
        set(
            "policies",
            config.policies.as_ref().map(|value| json!(value)),
        );
        set(
            "no_default_policy",
            config.no_default_policy.map(|value| json!(value)),
        );
        set("ttl", config.ttl.as_ref().map(|value| json!(value)));
        set(
            "explicit_max_ttl",
            config.explicit_max_ttl.as_ref().map(|value| json!(value)),
        );
        set("num_uses", config.num_uses.map(|value| json!(value)));
        set(
            "display_name",
            config.display_name.as_ref().map(|value| json!(value)),
        );
        set("meta", config.metadata.as_ref().map(|value| json!(value)));
        let mut opened = post(context, &reference, &request).await?;
        config.token = opened.secret("client_token");
        config.accessor = opened.text("accessor");
        let lease = check_ttl(opened.lease.take(), config.min_ttl.as_deref()).await?;
        config.lease = lease.as_ref().map(LeaseModel::of);
        Ok(Opened::until(config, lease))
    }
}
