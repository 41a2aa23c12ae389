//! The token endpoint of Microsoft Entra, and what its refusals mean. They are told apart by their AADSTS number;
//! their text stays here.

use std::time::Duration;

use reqwest::{Method, Url};
use secret_value::Secret;
use serde::Deserialize;

use super::super::account::{Account, Token};
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::http::{FormBody, Response, SecretText};

#[derive(Deserialize)]
struct Granted {
    access_token: SecretText,
    expires_in: u64,
}

#[derive(Default, Deserialize)]
struct Refused {
    #[serde(default)]
    error_codes: Vec<u64>,
}

/// Asks for a token.
///
/// # Errors
/// `permission_denied` for a proof that is not accepted; `config` for a tenant, application or scope that is not
/// there.
pub(super) async fn token(
    account: &Account,
    operation: Operation,
    url: Url,
    texts: &[(&str, &str)],
    members: &[(&str, &Secret)],
) -> Result<Token> {
    let http = account.http().await?;
    let request = FormBody::new(texts, members).add_to(http.request(Method::POST, url));
    let answer = http.send(operation, request).await?;
    if !answer.status.is_success() {
        return Err(refusal(&answer));
    }
    let granted: Granted = answer.json()?;
    Ok(Token::new(
        granted.access_token.0,
        Duration::from_secs(granted.expires_in),
    ))
}

/// Kind, reason, what to do, by number.
type Meaning = (ErrorKind, &'static str, &'static str);

/// <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>
fn meaning(code: u64) -> Option<Meaning> {
    use ErrorKind::{Config, PermissionDenied};
    Some(match code {
        7_000_215 => (
            PermissionDenied,
            "Microsoft Entra does not accept the client secret",
            "give the value of the secret, not its id; or log in without one, with `use_oidc`",
        ),
        7_000_222 => (
            PermissionDenied,
            "the client secret has expired",
            "make a new one; or log in without one, with `use_oidc`",
        ),
        700_016 => (
            Config,
            "the tenant has no such application",
            "check `client_id` and `tenant_id`",
        ),
        90_002 | 900_023 => (Config, "there is no such tenant", "check `tenant_id`"),
        700_024 => (
            PermissionDenied,
            "Microsoft Entra holds the login for too old or too new: the clock of this machine is wrong, or the token expired",
            "set the clock of this machine; a federated token must be fresh",
        ),
        700_027 => (
            PermissionDenied,
            "Microsoft Entra does not know the client certificate, or its signature is wrong",
            "add the certificate to the application",
        ),
        70_021 | 700_211 | 700_212 | 700_213 => (
            PermissionDenied,
            "the application trusts no such identity token",
            "compare its issuer, subject and audience with the federated credentials of the application",
        ),
        50_013 => (
            PermissionDenied,
            "Microsoft Entra cannot verify the identity token",
            "its issuer must be reachable for Microsoft Entra, and publish the key that signed it",
        ),
        500_011 | 1_002_012 | 70_011 => (
            Config,
            "the tenant has no such application to make a token for",
            "check what the token is for",
        ),
        53_003 => (
            PermissionDenied,
            "a conditional access policy forbids this login",
            "ask who keeps the policies of the tenant",
        ),
        _ => return None,
    })
}

fn refusal(answer: &Response) -> StoreError {
    if answer.redirect().is_some() || answer.status.is_server_error() || answer.status == 429 {
        return answer.refusal("the login");
    }
    let refused: Refused = answer.json().unwrap_or_default();
    let code = refused.error_codes.first().copied();
    let error = match code.and_then(meaning) {
        Some((kind, reason, help)) => answer.error(kind, reason).with_help(help),
        None => answer
            .error(
                ErrorKind::PermissionDenied,
                "Microsoft Entra refuses the login",
            )
            .with_help("look the number up in the sign-in log of the tenant"),
    };
    match code {
        Some(code) => error.with_context("error", format!("AADSTS{code}")),
        None => error,
    }
}
