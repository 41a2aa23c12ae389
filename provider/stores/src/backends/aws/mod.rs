//! Amazon Web Services: one login, and a store for each service that holds or makes secrets.
//!
//! | file | what |
//! |---|---|
//! | `settings` | the block `aws` |
//! | `account` | what all stores of a block share: region, credentials, clients, made on first use |
//! | `connector` | this crate's HTTP client, played to the AWS SDK |
//! | `endpoint` | where services listen |
//! | `call`, `refusal`, `wire` | signed JSON calls, and what their errors mean |
//! | `sts` | sessions and callers, through the SDK |
//! | `batch` | several references in few calls |
//! | `secrets_manager`, `write` | `aws-sm://` |
//! | `parameter_store` | `aws-ssm://` |
//! | `kms` | `aws-kms://` |
//! | `proof` | a signed request that proves to others who runs this process |
//! | `session`, `login`, `registry` | `aws-sts://`, `aws-rds://` and `aws-eks://`, `aws-ecr://` |
//!
//! Credentials come from the official chain. Errors are told apart by their type, never by the HTTP status.

mod account;
mod batch;
mod call;
mod connector;
mod endpoint;
mod kms;
mod login;
mod parameter_store;
#[cfg(any(feature = "gcp", feature = "vault"))]
mod proof;
mod refusal;
mod registry;
mod secrets_manager;
mod session;
mod settings;
mod sts;
#[cfg(test)]
pub(super) mod tests;
mod wire;
mod write;

pub(super) use kms::KIND as KMS;
pub(super) use login::{EKS, RDS};
pub(super) use parameter_store::KIND as SSM;
#[cfg(any(feature = "gcp", feature = "vault"))]
pub(super) use proof::{CallerProof, Question};
pub(super) use registry::KIND as ECR;
pub(super) use secrets_manager::KIND as SM;
pub(super) use session::KIND as STS;
