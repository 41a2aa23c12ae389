//! A proof of who runs this process, for others than AWS: a signed request that asks AWS who signed it. Whoever
//! gets it sends it to AWS and reads the answer; nothing else can be done with it.

use std::sync::Arc;
use std::time::SystemTime;

use url::Url;

use super::account::Account;
use super::call::Signer;
use super::settings::AwsSettings;
use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::identity::IdentityTokens;

/// What is asked.
const ACTION: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const CONTENT_TYPE: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The region of the address without a region.
const GLOBAL: &str = "us-east-1";

/// How the question is put, as those who pass it on want it.
#[derive(Clone, Copy)]
pub(crate) enum Question<'a> {
    /// In the body of a request to a region; `None` is the address without one.
    #[cfg_attr(
        all(not(feature = "vault"), not(test)),
        expect(dead_code, reason = "as Vault wants it")
    )]
    InBody(Option<&'a str>),
    /// In the address, for the region of the credentials.
    #[cfg_attr(not(feature = "gcp"), expect(dead_code, reason = "as Google wants it"))]
    InAddress,
}

/// A signed request.
pub(crate) struct CallerProof {
    /// Where it is meant for.
    pub(crate) url: String,
    /// Its body.
    pub(crate) body: &'static str,
    /// Its headers, the signature among them.
    pub(crate) headers: Vec<(String, String)>,
}

impl CallerProof {
    /// Signs with the credentials of the environment. `further` headers are signed, too.
    ///
    /// # Errors
    /// Those of the credential chain.
    pub(crate) async fn make(
        environment: &Environment,
        identity: &Arc<IdentityTokens>,
        question: Question<'_>,
        further: &[(&str, &str)],
    ) -> Result<Self> {
        let operation = Operation::Open;
        let settings = AwsSettings::read(environment, None)?;
        let account = Account::with(environment, settings, identity);
        let credentials = account.credentials(operation).await?;
        let region = match question {
            Question::InBody(region) => region.unwrap_or(GLOBAL).to_owned(),
            Question::InAddress => account.region(operation).await?,
        };
        let region = region.as_str();
        let host = match (region, question) {
            (GLOBAL, Question::InBody(_)) => "sts.amazonaws.com".to_owned(),
            (china, _) if china.starts_with("cn-") => format!("sts.{region}.amazonaws.com.cn"),
            _ => format!("sts.{region}.amazonaws.com"),
        };
        let (query, body) = match question {
            Question::InBody(_) => (String::new(), ACTION),
            Question::InAddress => (format!("?{ACTION}"), ""),
        };
        let url = Url::parse(&format!("https://{host}/{query}")).map_err(|_| {
            StoreError::new(
                ErrorKind::Config,
                Operation::Configure,
                "the AWS region is no name of a region",
            )
        })?;
        let signer = Signer {
            operation,
            service: "sts",
            region,
            time: SystemTime::now(),
        };
        let mut headers = match question {
            Question::InBody(_) => vec![("content-type", CONTENT_TYPE)],
            // Google wants the host among the headers.
            Question::InAddress => vec![("host", host.as_str())],
        };
        headers.extend_from_slice(further);
        let signed = signer.headers(&credentials, &url, &headers, body.as_bytes())?;
        let plain = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let signature = signed
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.to_str().ok()?.to_owned())));
        Ok(Self {
            url: url.into(),
            body,
            headers: plain.chain(signature).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_signed_for_the_region_and_names_the_further_headers() {
        let environment = Environment::fixed(
            "/nowhere",
            [
                ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
                ("AWS_SECRET_ACCESS_KEY", "plumAnchor-aws"),
                ("AWS_SESSION_TOKEN", "session"),
            ],
        );
        let identity = Arc::new(IdentityTokens::from_environment(&environment));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let further = [("x-vault-aws-iam-server-id", "vault.example")];
        let make = |region| {
            runtime
                .block_on(CallerProof::make(
                    &environment,
                    &identity,
                    Question::InBody(region),
                    &further,
                ))
                .unwrap()
        };
        let proof = make(None);
        assert_eq!(proof.url, "https://sts.amazonaws.com/");
        let header = |proof: &CallerProof, name: &str| {
            let found = proof
                .headers
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let signature = header(&proof, "authorization");
        assert!(
            signature.contains("/us-east-1/sts/aws4_request"),
            "{signature}"
        );
        assert!(
            signature.contains("x-vault-aws-iam-server-id"),
            "{signature}"
        );
        assert_eq!(header(&proof, "x-amz-security-token"), "session");
        let proof = make(Some("eu-west-1"));
        assert_eq!(proof.url, "https://sts.eu-west-1.amazonaws.com/");
        assert!(header(&proof, "authorization").contains("/eu-west-1/sts/"));
    }
}
