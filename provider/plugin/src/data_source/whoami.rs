//! `secretref_whoami`: the environment and the identity of this run, never a token.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tf_framework::model;
use tf_framework::prelude::*;

use crate::identity::WorkloadIdentity;
use crate::session::Session;

model! {
    /// Tells in which environment of the policy this run works and which identity it has: what the policy is
    /// held against. The claims are those of the identity token, read but not verified; the token itself is
    /// never shown.
    pub(crate) struct WhoamiModel {
        /// The environment that was chosen; null when none was.
        pub(crate) environment: Option<String> = computed(),
        /// Who vouches for the identity; null when no identity is in use.
        pub(crate) issuer: Option<String> = computed(),
        /// Who the token was issued to.
        pub(crate) subject: Option<String> = computed(),
        /// Claims about the run, such as `repository` and `ref`; claims about people are left out. Several
        /// values of one claim are joined by commas, claims inside objects have names joined by dots.
        pub(crate) claims: Option<BTreeMap<String, String>> = computed(),
        /// When the token ends, RFC 3339 in UTC; null when it does not say.
        pub(crate) expires_at: Option<String> = computed(),
    }
}

/// The data source.
pub(crate) struct Whoami;

#[async_trait]
impl DataSource for Whoami {
    type Data = Session;
    type Model = WhoamiModel;

    fn name(&self) -> &'static str {
        "secretref_whoami"
    }

    async fn read(
        &self,
        context: &Context<Session>,
        _config: WhoamiModel,
    ) -> Result<WhoamiModel, Diagnostics> {
        let session = context.data();
        let identity = session.identity();
        Ok(WhoamiModel {
            environment: session.environment().map(str::to_owned),
            issuer: identity.map(|identity| identity.claims.issuer.clone()),
            subject: identity.and_then(WorkloadIdentity::subject),
            claims: Some(identity.map(WorkloadIdentity::shown).unwrap_or_default()),
            expires_at: identity
                .and_then(|identity| identity.expires)
                .map(|expires| expires.to_string()),
        })
    }
}
