//! The provider block and the list of everything that is offered.

use async_trait::async_trait;
use tf_framework::model;
use tf_framework::prelude::*;

use crate::data_source::metadata::Metadata;
use crate::data_source::whoami::Whoami;
#[cfg(feature = "azure")]
use crate::ephemeral::azure_access_token::AzureAccessToken;
#[cfg(feature = "gcp")]
use crate::ephemeral::gcp_access_token::GcpAccessToken;
#[cfg(feature = "gcp")]
use crate::ephemeral::gcp_id_token::GcpIdToken;
use crate::ephemeral::identity_token::IdentityToken;
#[cfg(feature = "kubernetes")]
use crate::ephemeral::k8s_token::K8sToken;
use crate::ephemeral::password::Password;
use crate::ephemeral::private_key::PrivateKey;
use crate::ephemeral::value::Value;
use crate::ephemeral::values::Values;
use crate::ephemeral::vault_dynamic::VaultDynamic;
use crate::ephemeral::vault_pki_certificate::VaultPkiCertificate;
use crate::ephemeral::vault_ssh_certificate::VaultSshCertificate;
use crate::ephemeral::vault_token::VaultToken;
use crate::ephemeral::vault_transit::VaultTransit;
use crate::ephemeral::vault_unwrap::VaultUnwrap;
#[cfg(feature = "aws")]
use crate::ephemeral::{
    aws_ecr_token::AwsEcrToken, aws_eks_token::AwsEksToken, aws_kms::AwsKms,
    aws_rds_token::AwsRdsToken, aws_session::AwsSession,
};
use crate::function::environment_of::EnvironmentOf;
use crate::function::parse_ref::ParseRef;
use crate::function::with_version::WithVersion;
use crate::resource::secret::SecretResource;
use crate::session::{self, Session};
use crate::store_blocks::Configuration;

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
        /// Accept secrets in the blocks of stores. Default: `SECRETREF_ALLOW_STATIC_CREDENTIALS`, else false: a
        /// credential that never changes is refused; log in with the identity of the run instead. Credentials
        /// in the stores' own environment variables, such as `VAULT_TOKEN`, are always accepted.
        pub(crate) allow_static_credentials: Option<bool> = optional(),
        /// The access log.
        pub(crate) audit: Option<AuditModel> = block(),
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

/// The provider.
pub(crate) struct SecretRefProvider;

#[async_trait]
impl Provider for SecretRefProvider {
    type Model = Configuration;
    type Data = Session;

    fn offer(&self, registry: &mut Registry<Session>) {
        registry
            .data_source(Metadata)
            .data_source(Whoami)
            .ephemeral(IdentityToken)
            .ephemeral(Password)
            .ephemeral(PrivateKey)
            .ephemeral(Value)
            .ephemeral(Values)
            .ephemeral(VaultDynamic)
            .ephemeral(VaultPkiCertificate)
            .ephemeral(VaultSshCertificate)
            .ephemeral(VaultToken)
            .ephemeral(VaultTransit)
            .ephemeral(VaultUnwrap)
            .function(EnvironmentOf)
            .function(ParseRef)
            .function(WithVersion)
            .managed(SecretResource);
        #[cfg(feature = "aws")]
        registry
            .ephemeral(AwsEcrToken)
            .ephemeral(AwsEksToken)
            .ephemeral(AwsKms)
            .ephemeral(AwsRdsToken)
            .ephemeral(AwsSession);
        #[cfg(feature = "azure")]
        registry.ephemeral(AzureAccessToken);
        #[cfg(feature = "gcp")]
        registry.ephemeral(GcpAccessToken).ephemeral(GcpIdToken);
        #[cfg(feature = "kubernetes")]
        registry.ephemeral(K8sToken);
    }

    async fn configure(
        &self,
        _context: &Context<()>,
        config: Configuration,
    ) -> Result<Session, Diagnostics> {
        session::start(config)
    }

    async fn close(&self, session: &Session) -> Diagnostics {
        session.close().await
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
        let problems = SecretRefProvider.schema().validate();
        assert!(problems.is_empty(), "{problems:?}");
    }
}
