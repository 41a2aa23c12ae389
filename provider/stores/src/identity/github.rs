//! The token service of GitHub Actions: one request gives a token for any audience.
//!
//! <https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments/about-security-hardening-with-openid-connect>

use reqwest::Method;
use secret_value::Secret;
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::environment::Environment;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{HttpClient, SecretText};

const URL_VARIABLE: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const TOKEN_VARIABLE: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

/// Where to ask, and the proof that this job may.
pub(super) struct Service {
    url: String,
    bearer: Zeroizing<String>,
}

#[derive(Deserialize)]
struct Answer {
    value: SecretText,
}

impl Service {
    /// The service of this job; `None` outside a job that may ask.
    pub(super) fn find(environment: &Environment) -> Option<Self> {
        Some(Self {
            url: environment.text(URL_VARIABLE)?,
            bearer: Zeroizing::new(environment.text(TOKEN_VARIABLE)?),
        })
    }

    pub(super) async fn token(
        &self,
        http: &HttpClient,
        operation: Operation,
        audience: Option<&str>,
    ) -> Result<Secret> {
        let mut url = url::Url::parse(&self.url).map_err(|_| {
            StoreError::new(
                ErrorKind::Config,
                operation,
                format!("the variable `{URL_VARIABLE}` is no address"),
            )
        })?;
        if let Some(audience) = audience {
            url.query_pairs_mut().append_pair("audience", audience);
        }
        let request = http
            .request(Method::GET, url)
            .bearer_auth(self.bearer.as_str())
            .header("accept", "application/json");
        let answer = http.send(operation, request).await?;
        if !answer.status.is_success() {
            return Err(answer
                .error(
                    answer.kind(),
                    "the token service of the workflow issues no token",
                )
                .with_help("give the job `permissions: id-token: write`"));
        }
        let Answer { value } = answer.json()?;
        Ok(value.0)
    }
}
