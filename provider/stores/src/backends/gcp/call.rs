//! Calls with a token: one request, its answer, and one more try with a new token when the first ended early.

use reqwest::{Method, Url};

use super::account::Account;
use super::credentials::Token;
use super::refusal::{Outcome, Refusal};
use crate::error::{Operation, Result};
use crate::http::{JsonBody, Response, bearer, join};

/// A call.
pub(super) struct Call<'a> {
    pub(super) operation: Operation,
    pub(super) method: Method,
    /// Address of the service.
    pub(super) base: Url,
    /// Segments of the path; each is escaped.
    pub(super) path: Vec<&'a str>,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<JsonBody>,
    /// What is asked for, in words for messages.
    pub(super) what: &'static str,
    /// The right that it takes.
    pub(super) permission: &'static str,
}

impl Call<'_> {
    /// Calls with the token of the account.
    pub(super) async fn send(&self, account: &Account) -> Outcome<Response> {
        let quota = account.quota_project(self.operation).await?;
        let token = account.token(self.operation).await?;
        match self.send_as(account, &token, quota).await {
            Err(refusal) if refusal.is_login() && account.forget(self.operation, &token).await => {
                let token = account.token(self.operation).await?;
                self.send_as(account, &token, quota).await
            }
            outcome => outcome,
        }
    }

    /// Calls with `token`, on the account of the project `quota`.
    pub(super) async fn send_as(
        &self,
        account: &Account,
        token: &Token,
        quota: Option<&str>,
    ) -> Outcome<Response> {
        let answer = self.once(account, token, quota).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(Refusal::of_call(self, &answer))
    }

    async fn once(
        &self,
        account: &Account,
        token: &Token,
        quota: Option<&str>,
    ) -> Result<Response> {
        let url = join(&self.base, self.path.iter().copied());
        let http = account.http().await?;
        let mut request = http.request(self.method.clone(), url);
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        if let Some(project) = quota {
            request = request.header("x-goog-user-project", project);
        }
        if let Some(body) = &self.body {
            request = body.add_to(request);
        }
        let request = bearer(request, self.operation, &token.text)?;
        http.send(self.operation, request).await
    }
}
