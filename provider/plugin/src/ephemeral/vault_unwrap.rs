//! `secretref_vault_unwrap`: what a wrapping token holds, opened once.

use async_trait::async_trait;
use secret_stores::{FetchOptions, Settings};
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;
use tf_framework::value::Dynamic;

use super::vault_call::{check_reference, placeholders};
use crate::reference::ReferenceText;
use crate::session::{LeaseModel, Session, report};

model! {
    /// Opens what a wrapping token of Vault or OpenBao holds. That can be done once, so it is only done while
    /// applying. A token that was opened by somebody else, or made by another path than expected, is reported as
    /// what it is: a sign that the secret was intercepted.
    pub(crate) struct UnwrapModel {
        /// The path that must have made the wrapping token, such as `vault://auth/approle/role/ci/secret-id` or
        /// `vault://kv/data/team/db`. Checked before it is opened.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying`: while planning nothing is opened and `data` holds placeholders.
        pub(crate) applying: bool = required(),
        /// The wrapping token.
        pub(crate) token: Secret = required().sensitive(),
        /// Fields that a plan needs placeholders for, besides usual ones such as `secret_id` and `password`.
        pub(crate) fields: Option<Vec<String>> = optional(),
        /// What it held.
        pub(crate) data: Option<Dynamic> = computed().sensitive(),
        /// The lease of what it held, where there is one.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct VaultUnwrap;

#[async_trait]
impl EphemeralResource for VaultUnwrap {
    type Data = Session;
    type Model = UnwrapModel;

    fn name(&self) -> &'static str {
        "secretref_vault_unwrap"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        check_reference(config, &[])
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: UnwrapModel,
    ) -> Result<Opened<UnwrapModel>, Diagnostics> {
        if !config.applying {
            config.data = Some(placeholders(config.fields.as_deref()));
            return Ok(Opened::new(config));
        }
        let options = FetchOptions {
            arguments: Settings::new().with("unwrap", config.token.clone()),
            ..FetchOptions::default()
        };
        let opened = context
            .data()
            .open_fields(&config.r#ref.parsed, &options)
            .await?;
        let (data, metadata, lease) = opened.whole();
        report(context, metadata.notes);
        config.data = data;
        config.lease = lease.as_ref().map(LeaseModel::of);
        Ok(Opened::until(config, lease))
    }
}
