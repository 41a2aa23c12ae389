//! The provider block and the list of everything that is offered.

use std::collections::BTreeMap;

use async_trait::async_trait;
use secret_stores::Settings;
use tf_framework::model;
use tf_framework::prelude::*;

use crate::data_source::metadata::Metadata;
use crate::data_source::whoami::Whoami;
use crate::ephemeral::password::Password;
use crate::ephemeral::value::Value;
use crate::function::parse_ref::ParseRef;
use crate::function::with_version::WithVersion;
use crate::resource::secret::SecretResource;
use crate::session::{self, Session};

model! {
    /// Opens secrets just in time: a secret is referenced, never stored. Everything here is optional; without
    /// any configuration, `local://` references work on the encrypted store of the project.
    pub(crate) struct ProviderModel {
        /// The environment of the policy that this configuration works in, such as `prod`. Default:
        /// `SECRETREF_ENVIRONMENT`. Required as soon as the policy defines environments.
        pub(crate) environment: Option<String> = optional(),
        /// The policy file. Default: `SECRETREF_POLICY`, else the `secretref.toml` in the working directory or
        /// the nearest folder above; without one, nothing is refused.
        pub(crate) policy: Option<String> = optional(),
        /// The identity of this run, which the policy is held against.
        pub(crate) identity: Option<IdentityModel> = block(),
        /// The access log.
        pub(crate) audit: Option<AuditModel> = block(),
        /// A local store besides the default one, under the name that references use: `local+NAME://…`.
        pub(crate) local: BTreeMap<String, LocalModel> = block(),
    }
}

model! {
    /// Where the identity token of this run is: the workload identity that GitLab (`id_tokens`), Kubernetes
    /// (projected service account tokens) and others give to a job. Default: the token in the variable
    /// `SECRETREF_ID_TOKEN`, else the file named by `SECRETREF_ID_TOKEN_FILE`, else no identity. Its claims are
    /// read, not verified, to hold them against `identities` of the policy, and written to the access log.
    pub(crate) struct IdentityModel {
        /// Name of the variable that holds the token. Not together with `token_file`.
        pub(crate) token_env: Option<String> = optional(),
        /// The file that holds the token, such as `/var/run/secrets/kubernetes.io/serviceaccount/token`.
        pub(crate) token_file: Option<String> = optional(),
    }
}

model! {
    /// Where every access is recorded: who, what, when, why and how it ended; never a value.
    pub(crate) struct AuditModel {
        /// The file. Default: `SECRETREF_AUDIT_LOG`, else `.secretref/audit.jsonl` beside the store.
        pub(crate) path: Option<String> = optional(),
        /// Refuse accesses that cannot be recorded. Default false: a warning is logged.
        pub(crate) required: Option<bool> = optional(),
    }
}

model! {
    /// An encrypted file with secrets.
    pub(crate) struct LocalModel {
        /// The file. Default: `.secretref/NAME.age` in the working directory or the nearest folder above.
        pub(crate) path: Option<String> = optional(),
        /// The file with the key that opens it. Default: `SECRETREF_IDENTITY` or `SECRETREF_IDENTITY_FILE`,
        /// else `secretref/identity.txt` in the user's configuration folder.
        pub(crate) identity_file: Option<String> = optional(),
    }
}

impl LocalModel {
    /// The settings by the names that the store knows.
    pub(crate) fn settings(&self) -> Settings {
        [("path", &self.path), ("identity_file", &self.identity_file)]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)))
            .collect()
    }
}

/// The provider.
pub(crate) struct SecretRefProvider;

#[async_trait]
impl Provider for SecretRefProvider {
    type Model = ProviderModel;
    type Data = Session;

    fn offer(&self, registry: &mut Registry<Session>) {
        registry
            .data_source(Metadata)
            .data_source(Whoami)
            .ephemeral(Password)
            .ephemeral(Value)
            .function(ParseRef)
            .function(WithVersion)
            .managed(SecretResource);
    }

    async fn configure(
        &self,
        _context: &Context<()>,
        config: ProviderModel,
    ) -> Result<Session, Diagnostics> {
        session::start(&config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_schemas_valid() {
        let registry = Registry::of(&SecretRefProvider);
        assert!(registry.duplicates().is_empty());
        assert_eq!(registry.schema_problems(), Vec::<String>::new());
        assert!(SecretRefProvider.schema().validate().is_empty());
    }
}
