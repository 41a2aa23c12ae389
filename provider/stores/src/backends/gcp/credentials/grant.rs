//! What the token services answer (RFC 6749, RFC 8693).

use reqwest::{Method, Url};
use secret_value::Secret;
use serde::Deserialize;

use super::Token;
use crate::backends::gcp::account::Account;
use crate::backends::gcp::endpoint::{self, OAUTH};
use crate::backends::gcp::refusal::Refusal;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{FormBody, Response, SecretText, basic, join};

/// How long a token holds when nobody says.
const USUAL_SECONDS: u64 = 3600;

/// A token, and how long it holds.
#[derive(Deserialize)]
pub(super) struct Grant {
    #[serde(default)]
    access_token: Option<SecretText>,
    #[serde(default)]
    id_token: Option<SecretText>,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Grant {
    pub(super) fn access(self, operation: Operation) -> Result<Token> {
        let text = self.access_token.ok_or_else(|| nothing(operation))?;
        let seconds = self.expires_in.unwrap_or(USUAL_SECONDS);
        Ok(Token::lasting(text.0, seconds))
    }

    pub(super) fn identity(self, operation: Operation) -> Result<Token> {
        let text = self.id_token.ok_or_else(|| nothing(operation))?;
        Ok(Token::identity(text.0))
    }
}

fn nothing(operation: Operation) -> StoreError {
    StoreError::new(
        ErrorKind::Unavailable,
        operation,
        "Google answered the login without a token",
    )
}

/// The address of the token service for `written`, which a file of credentials names; an address of the block
/// goes before.
pub(super) fn token_url(account: &Account, written: &Url) -> Url {
    match endpoint::chosen(&account.settings, OAUTH) {
        Some(base) => join(&base, ["token"]),
        None => written.clone(),
    }
}

/// Asks a token service.
pub(super) async fn ask(
    account: &Account,
    operation: Operation,
    url: Url,
    form: &FormBody,
    client: Option<(&str, &Secret)>,
) -> Result<Response> {
    let http = account.http().await?;
    let mut request = form.add_to(http.request(Method::POST, url));
    if let Some((id, secret)) = client {
        request = basic(request, id, secret);
    }
    http.send(operation, request).await
}

/// The answer of a token service, when it is a success.
pub(super) fn read(operation: Operation, answer: &Response) -> Result<Grant> {
    if answer.status.is_success() {
        return answer.json();
    }
    Err(Refusal::of_login(operation, answer).error)
}
