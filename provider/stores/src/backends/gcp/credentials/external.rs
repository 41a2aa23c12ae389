//! Workload identity federation: the proof of another issuer is exchanged for a token of Google (RFC 8693).
//! <https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token>

use reqwest::Url;
use secret_value::Secret;
use serde_json::json;

use super::subject::Subject;
use super::{Token, grant};
use crate::backends::gcp::account::Account;
use crate::backends::gcp::endpoint::{self, STS};
use crate::error::{Operation, Result};
use crate::http::{FormBody, join};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// The kind of a proof that is a signed token.
pub(super) const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

#[derive(Debug)]
pub(super) struct External {
    /// The provider that trusts the issuer, `//iam.googleapis.com/projects/…`.
    pub(super) audience: String,
    pub(super) subject: Subject,
    pub(super) subject_type: String,
    /// Where tokens are exchanged; `None` is Google's own service.
    pub(super) token_url: Option<Url>,
    /// A client that a workforce pool knows.
    pub(super) client: Option<(String, Secret)>,
    /// The project that people of a workforce pool use.
    pub(super) user_project: Option<String>,
}

impl External {
    pub(super) async fn access_token(
        &self,
        account: &Account,
        operation: Operation,
        scopes: &[String],
    ) -> Result<Token> {
        let proof = self.subject.token(account, operation, self).await?;
        let scope = scopes.join(" ");
        let options = self
            .user_project
            .as_ref()
            .map(|project| json!({ "userProject": project }).to_string());
        let mut texts = vec![
            ("grant_type", GRANT),
            ("audience", &self.audience),
            ("scope", &scope),
            ("requested_token_type", ACCESS_TOKEN),
            ("subject_token_type", &self.subject_type),
        ];
        texts.extend(options.as_deref().map(|options| ("options", options)));
        let form = FormBody::new(&texts, &[("subject_token", &proof)]);
        let url = match (endpoint::chosen(&account.settings, STS), &self.token_url) {
            (None, Some(written)) => written.clone(),
            _ => {
                let base = account.address(operation, STS, None).await?;
                join(&base, ["v1", "token"])
            }
        };
        let client = self
            .client
            .as_ref()
            .map(|(id, secret)| (id.as_str(), secret));
        let answer = grant::ask(account, operation, url, &form, client).await?;
        grant::read(operation, &answer)?.access(operation)
    }
}
