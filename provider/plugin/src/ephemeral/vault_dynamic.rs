//! `secretref_vault_dynamic`: any path of Vault or OpenBao, leased or not, read or written to.

use async_trait::async_trait;
use secret_stores::{FetchOptions, Settings};
use tf_framework::model;
use tf_framework::prelude::*;
use tf_framework::value::Dynamic;

use super::vault_call::{self, placeholders};
use crate::json;
use crate::reference::ReferenceText;
use crate::session::{LeaseModel, Session, check_period, check_ttl, report};

model! {
    /// Opens a credential that a Vault or OpenBao engine makes when asked: a database user, a cloud key, a
    /// Kubernetes token, a directory account that is checked out. It is extended while Terraform runs and ended
    /// when Terraform is done, also after an error or an interrupt.
    ///
    /// | engine | `ref` | `request` | `data` has |
    /// |---|---|---|---|
    /// | database | `vault://database/creds/ROLE` | | `username`, `password` |
    /// | database, static role | `vault://database/static-creds/ROLE` | | `username`, `password`, `ttl` |
    /// | kubernetes | `vault://kubernetes/creds/ROLE` | `{ kubernetes_namespace = "…" }` | `service_account_token` |
    /// | ldap | `vault://ldap/creds/ROLE`, `vault://ldap/static-cred/ROLE` | | `username`, `password` |
    /// | ldap, check-out | `vault://ldap/library/SET/check-out` | `{}` | `service_account_name`, `password`; closing checks in |
    /// | rabbitmq | `vault://rabbitmq/creds/ROLE` | | `username`, `password` |
    /// | totp | `vault://totp/code/NAME` | | `code` |
    /// | identity | `vault://identity/oidc/token/ROLE` | | `token`, `ttl` |
    /// | aws, azure, gcp, consul, nomad, terraform (Vault only) | `vault://MOUNT/creds/ROLE` | | as the engine documents |
    pub(crate) struct DynamicModel {
        /// The path, mount first, such as `vault+prod://database/creds/app`.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to open it only while applying: a plan then only looks at the rights of
        /// this login, and `data` holds placeholders. Default true: every plan opens it, too.
        pub(crate) applying: Option<bool> = optional(),
        /// `GET` or `POST`. Default: `POST` when `request` is set.
        pub(crate) method: Option<String> = optional(),
        /// What is sent to the engine, an object such as `{ ttl = "15m" }`.
        pub(crate) request: Option<Dynamic> = optional().sensitive(),
        /// Wrap the answer: `data` then has a `token` that somebody else opens once, within this time (`5m`).
        pub(crate) wrap_ttl: Option<String> = optional(),
        /// Fail when the lease is shorter than this, such as `30m`.
        pub(crate) min_ttl: Option<String> = optional(),
        /// Fields that a plan with `applying = false` needs placeholders for, besides those that engines usually
        /// give (`username`, `password`, `token` and the like).
        pub(crate) fields: Option<Vec<String>> = optional(),
        /// The fields of the answer, with their types. Placeholders, all of them text, while only planning with
        /// `applying = false`.
        pub(crate) data: Option<Dynamic> = computed().sensitive(),
        /// The lease; null when the engine gives none.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct VaultDynamic;

impl DynamicModel {
    fn options(&self) -> Result<FetchOptions, Diagnostics> {
        let request = match &self.request {
            None => None,
            Some(request) => Some(json::text(request).ok_or_else(|| {
                Diagnostics::from(Diagnostic::error("Not an object").at("request"))
            })?),
        };
        let usual = if request.is_some() { "POST" } else { "GET" };
        let arguments = Settings::new()
            .with("method", self.method.as_deref().unwrap_or(usual))
            .with_some("data", request)
            .with_some("wrap_ttl", self.wrap_ttl.clone());
        Ok(FetchOptions {
            arguments,
            ..FetchOptions::default()
        })
    }
}

#[async_trait]
impl EphemeralResource for VaultDynamic {
    type Data = Session;
    type Model = DynamicModel;

    fn name(&self) -> &'static str {
        "secretref_vault_dynamic"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = vault_call::check_reference(config, &[]);
        problems.extend(check_period(config, "min_ttl"));
        problems.extend(check_period(config, "wrap_ttl"));
        if let Some(method) = config.known::<String>("method")
            && !matches!(method.as_str(), "GET" | "POST")
        {
            problems.push(
                Diagnostic::error("Unknown method")
                    .detail("It is `GET` or `POST`.")
                    .at("method"),
            );
        }
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: DynamicModel,
    ) -> Result<Opened<DynamicModel>, Diagnostics> {
        let reference = config.r#ref.parsed.clone();
        if context
            .data()
            .only_plans(config.applying, &reference)
            .await?
        {
            config.data = Some(placeholders(config.fields.as_deref()));
            return Ok(Opened::new(config));
        }
        let opened = context
            .data()
            .open_fields(&reference, &config.options()?)
            .await?;
        let (data, metadata, lease) = opened.whole();
        report(context, metadata.notes);
        let lease = check_ttl(lease, config.min_ttl.as_deref()).await?;
        config.data = data;
        config.lease = lease.as_ref().map(LeaseModel::of);
        Ok(Opened::until(config, lease))
    }
}
