//! Real servers, and doubles where no real one can be had, that tests start for themselves.
//!
//! Each listens on a free port of 127.0.0.1, keeps its files in a temporary folder, is ready when its
//! `start` returns, and ends when it is dropped or the test process dies. Any number can run side by side.
//! Programs that are not installed are fetched into `target/e2e`.
//!
//! | server | what it is |
//! |---|---|
//! | [`Azure`], [`KeyVault`] | doubles of Microsoft Entra with its metadata services, and of Azure Key Vault; the official Python clients are run against them |
//! | [`Doppler`], [`Infisical`], [`OnePassword`] | doubles; the official clients of each are run against them |
//! | [`FaultProxy`] | a proxy before any of them that counts requests and misbehaves on demand |
//! | [`Google`] | a double of Google Cloud: logins and Secret Manager; the official Python client is run against it |
//! | [`Kubernetes`] | a double of an API server; the real kubectl and OpenBao's kubernetes login are run against it |
//! | [`Moto`] | the emulator of AWS services |
//! | [`OidcIssuer`] | an issuer of real signed tokens, with the endpoint of GitHub Actions |
//! | [`OpenBao`] | the real server, one in memory |
//! | [`OpenBaoCluster`] | three real servers over raft and TLS |
//! | [`Postgres`] | the real server |
//! | [`RabbitMq`] | a double of the management interface that OpenBao's rabbitmq engine works with |

mod authority;
mod azure;
mod bao;
mod client;
mod cluster;
mod doppler;
mod double;
mod fault_proxy;
mod google;
mod http;
mod infisical;
mod kubernetes;
mod moto;
mod oidc_issuer;
mod onepassword;
mod openbao;
mod postgres;
mod process;
mod rabbitmq;
mod tokens;

pub use authority::{Authority, Flaw, Issued};
pub use azure::{Azure, KeyVault, Material, VAULT_TENANT, VaultRole};
pub use bao::{Bao, LeasePeriod};
pub use client::{Answer, Client};
pub use cluster::OpenBaoCluster;
pub use doppler::{Doppler, DopplerAccess};
pub use fault_proxy::{Fault, FaultProxy, Recorded, Rule};
pub use google::{Google, GoogleRole, VersionState};
pub use infisical::{Infisical, InfisicalRole, PROJECT_ID, PROJECT_SLUG};
pub use kubernetes::Kubernetes;
pub use moto::{MOTO_ACCOUNT, Moto};
pub use oidc_issuer::OidcIssuer;
pub use onepassword::OnePassword;
pub use openbao::OpenBao;
pub use postgres::Postgres;
pub use rabbitmq::RabbitMq;
pub use tokens::Algorithm;
