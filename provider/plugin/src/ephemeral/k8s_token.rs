//! `secretref_k8s_token`: a short-lived token of a Kubernetes service account.

use async_trait::async_trait;
use secret_policy::SecretRef;
use secret_stores::{FetchOptions, Settings};
use secret_value::Secret;
use tf_framework::model;
use tf_framework::prelude::*;

use super::value::placeholder;
use crate::session::{LeaseModel, Session};

model! {
    /// Makes a token of a Kubernetes service account (TokenRequest API) for the duration of a run. It cannot be
    /// revoked and expires by itself, so ask for no longer than the run takes.
    ///
    /// With `applying = terraform.applying` a plan makes no token: it only asks the cluster whether it would.
    pub(crate) struct K8sTokenModel {
        /// The store block `kubernetes` that names the cluster. Default: the cluster without a name.
        pub(crate) store: Option<String> = optional(),
        /// The namespace of the service account.
        pub(crate) namespace: String = required(),
        /// The service account.
        pub(crate) service_account: String = required(),
        /// Whom the token is for. Default: the API server.
        pub(crate) audiences: Option<Vec<String>> = optional(),
        /// Time to live in seconds, from 600. Default 3600. The cluster may give less.
        pub(crate) ttl_seconds: Option<u64> = optional(),
        /// The object that the token ends with.
        pub(crate) bound_object: Option<BoundObjectModel> = block(),
        /// Set to `terraform.applying` to make the token only while applying. Default true: one is made in every
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

model! {
    /// An object whose end is the end of the token.
    pub(crate) struct BoundObjectModel {
        /// `Pod`, `Secret` or `Node`.
        pub(crate) kind: String = required(),
        /// Its name.
        pub(crate) name: String = required(),
        /// Its unique id. Default: whatever object has the name.
        pub(crate) uid: Option<String> = optional(),
    }
}

impl K8sTokenModel {
    fn reference(&self) -> Result<SecretRef, Diagnostics> {
        let store = self
            .store
            .as_ref()
            .map(|name| format!("+{name}"))
            .unwrap_or_default();
        let text = format!(
            "k8s-token{store}://{}/{}",
            self.namespace, self.service_account
        );
        text.parse::<SecretRef>().map_err(|error| {
            Diagnostic::error("No service account is named like this")
                .detail(format!("{error}. {}", error.help))
                .at("service_account")
                .into()
        })
    }

    fn options(&self) -> FetchOptions {
        let bound = self.bound_object.as_ref().map(|bound| {
            Settings::new()
                .with("kind", bound.kind.as_str())
                .with("name", bound.name.as_str())
                .with_some("uid", bound.uid.clone())
        });
        FetchOptions {
            ttl: self.ttl_seconds.map(std::time::Duration::from_secs),
            arguments: Settings::new()
                .with_some("audiences", self.audiences.clone())
                .with_some("bound_object", bound),
            ..FetchOptions::default()
        }
    }
}

/// The resource.
pub(crate) struct K8sToken;

#[async_trait]
impl EphemeralResource for K8sToken {
    type Data = Session;
    type Model = K8sTokenModel;

    fn name(&self) -> &'static str {
        "secretref_k8s_token"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        match config.known::<u64>("ttl_seconds") {
            Some(ttl) if ttl < 600 => Diagnostic::error("The time to live is too short")
                .detail("Kubernetes makes no tokens for less than 600 seconds.")
                .at("ttl_seconds")
                .into(),
            _ => Diagnostics::new(),
        }
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: K8sTokenModel,
    ) -> Result<Opened<K8sTokenModel>, Diagnostics> {
        let session = context.data();
        let reference = config.reference()?;
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
