//! The login of a person, from `gcloud auth application-default login` or a workforce pool: a refresh token.

use reqwest::Url;
use secret_value::Secret;

use super::{Token, grant};
use crate::backends::gcp::account::{Account, CLOUD_PLATFORM};
use crate::backends::gcp::endpoint::{self, STS};
use crate::error::{Operation, Result};
use crate::http::{FormBody, join};

#[derive(Debug)]
pub(super) struct User {
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) refresh_token: Secret,
    pub(super) token_url: Url,
    /// Whether a workforce pool made the login: the client says who it is in a header then.
    pub(super) is_workforce: bool,
}

impl User {
    pub(super) async fn access_token(
        &self,
        account: &Account,
        operation: Operation,
        scopes: &[String],
    ) -> Result<Token> {
        let scope = scopes.join(" ");
        let mut texts = vec![("grant_type", "refresh_token")];
        // Without scopes the token has those that the person agreed to.
        if scopes != [CLOUD_PLATFORM] {
            texts.push(("scope", &scope));
        }
        let refresh = ("refresh_token", &self.refresh_token);
        let (url, form, client) = if self.is_workforce {
            let url = match endpoint::chosen(&account.settings, STS) {
                Some(base) => join(&base, ["v1", "oauthtoken"]),
                None => self.token_url.clone(),
            };
            let client = (self.client_id.as_str(), &self.client_secret);
            (url, FormBody::new(&texts, &[refresh]), Some(client))
        } else {
            texts.push(("client_id", &self.client_id));
            let secrets = [("client_secret", &self.client_secret), refresh];
            let url = grant::token_url(account, &self.token_url);
            (url, FormBody::new(&texts, &secrets), None)
        };
        let answer = grant::ask(account, operation, url, &form, client).await?;
        grant::read(operation, &answer)?.access(operation)
    }
}
