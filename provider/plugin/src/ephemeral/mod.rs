//! Ephemeral resources: what is opened for one run and stored nowhere.

#[cfg(feature = "aws")]
pub(crate) mod aws_ecr_token;
#[cfg(feature = "aws")]
pub(crate) mod aws_eks_token;
#[cfg(feature = "aws")]
pub(crate) mod aws_kms;
#[cfg(feature = "aws")]
pub(crate) mod aws_rds_token;
#[cfg(feature = "aws")]
pub(crate) mod aws_session;
#[cfg(feature = "azure")]
pub(crate) mod azure_access_token;
mod certificate_key;
#[cfg(feature = "gcp")]
pub(crate) mod gcp_access_token;
#[cfg(feature = "gcp")]
pub(crate) mod gcp_id_token;
pub(crate) mod identity_token;
#[cfg(feature = "kubernetes")]
pub(crate) mod k8s_token;
pub(crate) mod password;
pub(crate) mod private_key;
#[cfg(any(feature = "aws", feature = "gcp"))]
mod scheme;
pub(crate) mod value;
pub(crate) mod values;
mod vault_call;
pub(crate) mod vault_dynamic;
pub(crate) mod vault_pki_certificate;
pub(crate) mod vault_ssh_certificate;
pub(crate) mod vault_token;
pub(crate) mod vault_transit;
pub(crate) mod vault_unwrap;
