//! The closed list of schemes and what is known about each without asking a store.

use std::fmt;

/// The kind of store a reference points into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// A file encrypted with age.
    Age,
    /// A login for an AWS container registry, made when opened.
    AwsEcr,
    /// A login for a Kubernetes cluster in AWS, made when opened.
    AwsEks,
    /// A ciphertext of the AWS Key Management Service, decrypted when opened.
    AwsKms,
    /// A login for a database in AWS, made when opened.
    AwsRds,
    /// AWS Secrets Manager.
    AwsSm,
    /// AWS Systems Manager Parameter Store.
    AwsSsm,
    /// A session under an AWS role, made when opened.
    AwsSts,
    /// Azure Key Vault secrets.
    AzureKv,
    /// An access token of Microsoft Entra, made when opened.
    AzureToken,
    /// Doppler.
    Doppler,
    /// An environment variable of the running process.
    Env,
    /// A plain file.
    File,
    /// An identity token of a Google service account, made when opened.
    GcpIdToken,
    /// Google Cloud Secret Manager.
    GcpSm,
    /// An access token of a Google service account, made when opened.
    GcpToken,
    /// The identity token of this run, made when opened.
    Identity,
    /// Infisical.
    Infisical,
    /// A Kubernetes Secret.
    K8s,
    /// A token of a Kubernetes service account, made when opened.
    K8sToken,
    /// The project's own age-encrypted store.
    Local,
    /// 1Password.
    Op,
    /// A file encrypted with SOPS.
    Sops,
    /// HashiCorp Vault or OpenBao.
    Vault,
}

/// A key that may follow `?`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum QueryKey {
    Version,
    Stage,
    Encoding,
    Optional,
}

impl QueryKey {
    pub(crate) const ALL: [Self; 4] = [Self::Version, Self::Stage, Self::Encoding, Self::Optional];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Stage => "stage",
            Self::Encoding => "encoding",
            Self::Optional => "optional",
        }
    }
}

impl Scheme {
    /// Every scheme, sorted by name.
    pub const ALL: [Self; 24] = [
        Self::Age,
        Self::AwsEcr,
        Self::AwsEks,
        Self::AwsKms,
        Self::AwsRds,
        Self::AwsSm,
        Self::AwsSsm,
        Self::AwsSts,
        Self::AzureKv,
        Self::AzureToken,
        Self::Doppler,
        Self::Env,
        Self::File,
        Self::GcpIdToken,
        Self::GcpSm,
        Self::GcpToken,
        Self::Identity,
        Self::Infisical,
        Self::K8s,
        Self::K8sToken,
        Self::Local,
        Self::Op,
        Self::Sops,
        Self::Vault,
    ];

    /// Other names that are accepted and mean the same store kind.
    pub const ALIASES: [(&'static str, Self); 1] = [("bao", Self::Vault)];

    /// The name as written in a reference.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::AwsEcr => "aws-ecr",
            Self::AwsEks => "aws-eks",
            Self::AwsKms => "aws-kms",
            Self::AwsRds => "aws-rds",
            Self::AwsSm => "aws-sm",
            Self::AwsSsm => "aws-ssm",
            Self::AwsSts => "aws-sts",
            Self::AzureKv => "azure-kv",
            Self::AzureToken => "azure-token",
            Self::Doppler => "doppler",
            Self::Env => "env",
            Self::File => "file",
            Self::GcpIdToken => "gcp-id-token",
            Self::GcpSm => "gcp-sm",
            Self::GcpToken => "gcp-token",
            Self::Identity => "identity",
            Self::Infisical => "infisical",
            Self::K8s => "k8s",
            Self::K8sToken => "k8s-token",
            Self::Local => "local",
            Self::Op => "op",
            Self::Sops => "sops",
            Self::Vault => "vault",
        }
    }

    /// The scheme of this exact name or alias; names are case-sensitive.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Self::ALL.into_iter().find(|scheme| scheme.name() == name);
        known.or_else(|| {
            Self::ALIASES
                .into_iter()
                .find(|(alias, _)| *alias == name)
                .map(|(_, scheme)| scheme)
        })
    }

    /// How the path of a reference of this scheme is built, for messages and documentation.
    pub const fn path_form(self) -> &'static str {
        match self {
            Self::Age | Self::File | Self::Sops => "path/of/the/file, or /absolute/path",
            Self::AwsEcr => "account, or account/region",
            Self::AwsEks => "cluster",
            Self::AwsKms => "the id or ARN of the key, or alias/name",
            Self::AwsRds => "endpoint:port/user",
            Self::AwsSts => "the ARN of the role",
            Self::AwsSm => "name/of/the/secret, or its ARN",
            Self::AwsSsm => "name/of/the/parameter, or its ARN",
            Self::AzureKv => "vault/secret",
            Self::AzureToken => "the application the token is for, such as management.azure.com",
            Self::Doppler => "project/config/NAME",
            Self::Env => "VARIABLE",
            Self::GcpIdToken => "service-account/audience",
            Self::GcpSm => "project/secret, or secret",
            Self::GcpToken => "the e-mail address of the service account, or default",
            Self::Identity => "audience",
            Self::Infisical => "project/environment/[folder/]NAME",
            Self::K8s => "namespace/name",
            Self::K8sToken => "namespace/service-account",
            Self::Local => "path/of/the/secret",
            Self::Op => "vault/item/[section/]field",
            Self::Vault => "mount/path/of/the/secret",
        }
    }

    /// Whether the store can hand out leases: values that end by themselves and can be revoked.
    pub const fn can_lease(self) -> bool {
        matches!(self, Self::Vault | Self::Infisical) || self.makes_credentials()
    }

    /// Whether opening makes a short-lived credential instead of reading a stored value.
    pub const fn makes_credentials(self) -> bool {
        matches!(
            self,
            Self::AwsEcr
                | Self::AwsEks
                | Self::AwsRds
                | Self::AwsSts
                | Self::AzureToken
                | Self::GcpIdToken
                | Self::GcpToken
                | Self::Identity
                | Self::K8sToken
        )
    }

    /// Whether the store can tell when a value was last changed.
    pub const fn can_tell_age(self) -> bool {
        !matches!(self, Self::Env | Self::Doppler | Self::AwsKms)
    }

    /// Whether the store finds a secret whatever the case of its name.
    pub(crate) const fn ignores_case(self) -> bool {
        matches!(self, Self::AzureKv | Self::Op)
    }

    /// Whether a name in the path may hold an encoded slash, such as an audience that is an address.
    pub(crate) const fn has_slashes_in_names(self) -> bool {
        matches!(self, Self::Identity | Self::Op)
    }

    /// Whether a path may start with `/` and means something else then.
    pub(crate) const fn has_absolute_paths(self) -> bool {
        matches!(
            self,
            Self::Age | Self::File | Self::Sops | Self::AwsSm | Self::AwsSsm
        )
    }

    /// The names of the keys that may follow `?`.
    pub fn query_keys(self) -> impl Iterator<Item = &'static str> {
        QueryKey::ALL
            .into_iter()
            .filter(move |key| self.accepts(*key))
            .map(QueryKey::name)
    }

    pub(crate) const fn accepts(self, key: QueryKey) -> bool {
        match key {
            QueryKey::Version => self.version_form().is_some(),
            QueryKey::Stage => matches!(self, Self::AwsSm | Self::AwsSsm),
            QueryKey::Encoding | QueryKey::Optional => true,
        }
    }

    /// What a version looks like; `None` when the store keeps no versions.
    pub(crate) const fn version_form(self) -> Option<VersionForm> {
        match self {
            Self::Vault | Self::Local | Self::Infisical | Self::AwsSsm => Some(VersionForm::Number),
            Self::AwsSm | Self::AzureKv | Self::GcpSm => Some(VersionForm::Name),
            _ => None,
        }
    }
}

/// What a version looks like in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VersionForm {
    /// A whole number from 1.
    Number,
    /// An identifier given by the store, or an alias.
    Name,
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_unique_and_read_back() {
        let names: Vec<_> = Scheme::ALL.iter().map(|scheme| scheme.name()).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        for scheme in Scheme::ALL {
            assert_eq!(Scheme::from_name(scheme.name()), Some(scheme));
        }
        assert_eq!(Scheme::from_name("bao"), Some(Scheme::Vault));
        assert_eq!(Scheme::from_name("Vault"), None);
    }
}
