//! Logins that are signed here, without asking AWS: `aws-rds://endpoint:port/user` for databases and
//! `aws-eks://cluster` for Kubernetes clusters.
//!
//! Each is a signed request that the server on the other side checks. It ends after fifteen minutes, and with
//! the credentials that signed it. The argument `region` goes before the region of the endpoint and that of the
//! block. Metadata makes sure that there are credentials to sign with; a token tells nothing more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::Credentials;
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use secret_policy::{Scheme, SecretRef};
use secret_value::Secret;
use url::Url;

use super::account::Account;
use super::call::{Signer, now};
use super::endpoint::STS;
use super::settings::BLOCK;
use crate::backends::fields::{Fields, until};
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, SecretStore};

/// How long the servers accept a login.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// What the signature of a cluster login says; the servers count from its date instead.
const CLUSTER_EXPIRES: Duration = Duration::from_secs(60);

pub(in crate::backends) const RDS: StoreKind = StoreKind {
    scheme: Scheme::AwsRds,
    summary: "logins for databases in AWS",
    tested: "a real moto server; a double that recomputes every signature",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build: build_database,
};

pub(in crate::backends) const EKS: StoreKind = StoreKind {
    scheme: Scheme::AwsEks,
    summary: "logins for Kubernetes clusters in AWS",
    tested: "a real moto server; a double that recomputes every signature",
    capability: Capability::READ_ONLY,
    block: Some(&BLOCK),
    build: build_cluster,
};

fn build_database(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AwsRds)?;
    let account = Account::of(context)?;
    Ok(Arc::new(Login {
        account,
        to: To::Database,
    }))
}

fn build_cluster(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AwsEks)?;
    let account = Account::of(context)?;
    Ok(Arc::new(Login {
        account,
        to: To::Cluster,
    }))
}

#[derive(Debug)]
struct Login {
    account: Arc<Account>,
    to: To,
}

#[derive(Clone, Copy, Debug)]
enum To {
    Database,
    Cluster,
}

fn wrong(message: &str) -> StoreError {
    StoreError::new(ErrorKind::InvalidReference, Operation::Open, message)
}

/// The region in the name of an endpoint, `db.xyz.eu-west-1.rds.amazonaws.com`.
fn region_in(host: &str) -> Option<&str> {
    let labels: Vec<_> = host.split('.').collect();
    let service = labels.iter().position(|label| *label == "rds")?;
    let region = labels.get(service.checked_sub(1)?)?;
    region.contains('-').then_some(*region)
}

/// Endpoint, port and user of a reference to a database.
fn database(reference: &SecretRef) -> Result<(String, u16, String)> {
    let path = reference.path();
    let form = || {
        wrong("the reference does not say which database")
            .with_help("write `aws-rds://endpoint:port/user`")
    };
    let (endpoint, user) = path.split_once('/').ok_or_else(form)?;
    let (host, port) = endpoint.rsplit_once(':').ok_or_else(form)?;
    let port = port.parse().map_err(|_| form())?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    if host.is_empty() || !host.chars().all(fits) || user.is_empty() {
        return Err(form());
    }
    Ok((host.to_owned(), port, user.to_owned()))
}

impl Login {
    async fn region(&self, given: Option<&str>) -> Result<String> {
        match given {
            Some(region) => Ok(region.to_owned()),
            None => self.account.region(Operation::Open).await,
        }
    }

    async fn database(
        &self,
        reference: &SecretRef,
        region: Option<&str>,
        credentials: &Credentials,
    ) -> Result<Fields> {
        let (host, port, user) = database(reference)?;
        let region = self.region(region.or_else(|| region_in(&host))).await?;
        let mut url = Url::parse(&format!("https://{host}:{port}/"))
            .map_err(|_| wrong("the endpoint is no name of a server"))?;
        url.query_pairs_mut()
            .append_pair("Action", "connect")
            .append_pair("DBUser", &user);
        // Signatures want `%20`, where forms have `+`.
        let query = url.query().unwrap_or_default().replace('+', "%20");
        url.set_query(Some(&query));
        let signer = Signer {
            operation: Operation::Open,
            service: "rds-db",
            region: &region,
            time: now(&self.account),
        };
        let signed = signer.presign(credentials, &url, &[], LIFETIME)?;
        let token = token(signed.as_str().trim_start_matches("https://").to_owned());
        Ok(Fields::default()
            .secret("token", &token)
            .text("host", &host)
            .text("port", &port.to_string())
            .text("username", &user))
    }

    async fn cluster(
        &self,
        reference: &SecretRef,
        region: Option<&str>,
        credentials: &Credentials,
    ) -> Result<Fields> {
        let name = reference.path();
        let region = self.region(region).await?;
        let mut url = self.account.address(Operation::Open, STS, &region).await?;
        url.query_pairs_mut()
            .append_pair("Action", "GetCallerIdentity")
            .append_pair("Version", "2011-06-15");
        let signer = Signer {
            operation: Operation::Open,
            service: STS.name,
            region: &region,
            time: now(&self.account),
        };
        let headers = [("x-k8s-aws-id", name.as_str())];
        let signed = signer.presign(credentials, &url, &headers, CLUSTER_EXPIRES)?;
        let encoded = BASE64_URL_SAFE_NO_PAD.encode(signed.as_str());
        let token = token(format!("k8s-aws-v1.{encoded}"));
        Ok(Fields::default()
            .secret("token", &token)
            .text("cluster", &name))
    }
}

fn token(text: String) -> Secret {
    Secret::from_text(text)
}

#[async_trait]
impl SecretStore for Login {
    fn capability(&self) -> Capability {
        Capability::READ_ONLY
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        let credentials = self.account.credentials(Operation::Open).await?;
        let region = options.arguments.text("region");
        let fields = match self.to {
            To::Database => self.database(reference, region, &credentials).await?,
            To::Cluster => self.cluster(reference, region, &credentials).await?,
        };
        let mut ttl = LIFETIME;
        if let Some(left) = credentials
            .expiry()
            .and_then(|end| end.duration_since(now(&self.account)).ok())
        {
            ttl = ttl.min(left);
        }
        let expires = Timestamp::now() + ttl;
        let body = fields.text("expires_at", &expires.to_string()).finish();
        Ok(until(reference, body, expires, ttl))
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        if matches!(self.to, To::Database) {
            database(reference).map_err(|error| error.during(operation))?;
        }
        self.account.credentials(operation).await?;
        Ok(Metadata::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_of_an_endpoint_is_found() {
        for (host, region) in [
            ("db.abc123.eu-west-1.rds.amazonaws.com", Some("eu-west-1")),
            (
                "db.cluster-x.cn-north-1.rds.amazonaws.com.cn",
                Some("cn-north-1"),
            ),
            ("localhost", None),
            ("rds.example", None),
        ] {
            assert_eq!(region_in(host), region, "{host}");
        }
    }

    #[test]
    fn references_to_databases_are_taken_apart() {
        let parts = |text: &str| database(&text.parse().unwrap());
        let (host, port, user) = parts("aws-rds://db.example:5432/app").unwrap();
        assert_eq!(
            (host.as_str(), port, user.as_str()),
            ("db.example", 5432, "app")
        );
        for text in [
            "aws-rds://db.example/app",
            "aws-rds://db.example:x/app",
            "aws-rds://a@b:1/app",
        ] {
            assert_eq!(
                parts(text).unwrap_err().kind(),
                ErrorKind::InvalidReference,
                "{text}"
            );
        }
    }
}
