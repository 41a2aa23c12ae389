//! Impersonation: a service account that the token so far may act as.
//! <https://cloud.google.com/iam/docs/reference/credentials/rest>

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, Url};
use secret_value::redaction;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Token;
use crate::backends::gcp::account::Account;
use crate::backends::gcp::call::Call;
use crate::backends::gcp::endpoint::{self, IAM_CREDENTIALS};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{JsonBody, Response, SecretText};

/// How long a token of a service account holds when nothing is said.
const USUAL: Duration = Duration::from_secs(3600);

/// A service account, and how to get to it.
#[derive(Clone, Debug, Default)]
pub(in crate::backends::gcp) struct Hop {
    /// E-mail address or unique number.
    pub(in crate::backends::gcp) service_account: String,
    /// Accounts between the token and this one, in the order of the chain.
    pub(in crate::backends::gcp) delegates: Vec<String>,
    /// How long its access tokens hold; `None` is an hour.
    pub(in crate::backends::gcp) lifetime: Option<Duration>,
    /// Base address of the service, where a file of credentials names another than Google's.
    pub(in crate::backends::gcp) url: Option<Url>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccessToken {
    access_token: SecretText,
    expire_time: Timestamp,
}

#[derive(Deserialize)]
struct IdToken {
    token: SecretText,
}

impl Hop {
    /// An access token of the account, for whoever holds `token`.
    ///
    /// # Errors
    /// `permission_denied` without the right to make one; those of the network.
    pub(in crate::backends::gcp) async fn access_token(
        &self,
        account: &Account,
        operation: Operation,
        token: &Token,
        scopes: &[String],
    ) -> Result<Token> {
        let lifetime = self.lifetime.unwrap_or(USUAL);
        let body = json!({
            "scope": scopes,
            "delegates": self.delegates(),
            "lifetime": format!("{}s", lifetime.as_secs()),
        });
        let answer = self
            .ask(account, operation, token, "generateAccessToken", &body)
            .await?;
        let made: AccessToken = answer.json()?;
        redaction::register(&made.access_token.0);
        Ok(Token {
            text: made.access_token.0,
            expires: Some(made.expire_time),
        })
    }

    /// An identity token of the account, for whoever holds `token`.
    ///
    /// # Errors
    /// As [`Hop::access_token`].
    pub(in crate::backends::gcp) async fn id_token(
        &self,
        account: &Account,
        operation: Operation,
        token: &Token,
        audience: &str,
        include_email: bool,
    ) -> Result<Token> {
        let body = json!({
            "audience": audience,
            "delegates": self.delegates(),
            "includeEmail": include_email,
        });
        let answer = self
            .ask(account, operation, token, "generateIdToken", &body)
            .await?;
        let made: IdToken = answer.json()?;
        Ok(Token::identity(made.token.0))
    }

    async fn ask(
        &self,
        account: &Account,
        operation: Operation,
        token: &Token,
        verb: &str,
        body: &Value,
    ) -> Result<Response> {
        let base = match (
            endpoint::chosen(&account.settings, IAM_CREDENTIALS),
            &self.url,
        ) {
            (None, Some(written)) => written.clone(),
            _ => account.address(operation, IAM_CREDENTIALS, None).await?,
        };
        let place = format!("{}:{verb}", self.service_account);
        let call = Call {
            operation,
            method: Method::POST,
            base,
            path: vec!["v1", "projects", "-", "serviceAccounts", &place],
            query: Vec::new(),
            body: Some(JsonBody::plain(body)),
            what: "the service account",
            permission: match verb {
                "generateIdToken" => "iam.serviceAccounts.getOpenIdToken",
                _ => "iam.serviceAccounts.getAccessToken",
            },
        };
        let outcome = call.send_as(account, token, None).await;
        outcome.map_err(|refusal| {
            // A login that fails must not look like a secret that is missing, which may be allowed.
            let error = match refusal.error.kind() {
                ErrorKind::NotFound => StoreError::new(
                    ErrorKind::PermissionDenied,
                    operation,
                    "there is no such service account",
                ),
                _ => refusal.error,
            };
            error.with_context("service account", &self.service_account)
        })
    }

    fn delegates(&self) -> Vec<String> {
        let named = self.delegates.iter();
        named
            .map(|account| format!("projects/-/serviceAccounts/{account}"))
            .collect()
    }
}
