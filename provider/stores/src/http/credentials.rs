//! Credentials on their way into a request: nowhere else in this crate do they leave [`Secret`] for one.

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secret_value::Secret;
use zeroize::Zeroizing;

use crate::error::{ErrorKind, Operation, Result, StoreError};

/// Adds `Authorization: Bearer <token>`.
///
/// # Errors
/// `config` when the token holds characters that no header can hold.
pub(crate) fn bearer(
    request: RequestBuilder,
    operation: Operation,
    token: &Secret,
) -> Result<RequestBuilder> {
    #[expect(
        clippy::disallowed_methods,
        reason = "credential header of a request to the store"
    )]
    let token = token.expose();
    let mut text = Zeroizing::new(Vec::with_capacity(token.len() + 7));
    text.extend_from_slice(b"Bearer ");
    text.extend_from_slice(token.trim_ascii());
    let mut value = HeaderValue::from_bytes(&text).map_err(|_| {
        StoreError::new(
            ErrorKind::Config,
            operation,
            "the token holds characters that no token has",
        )
        .with_help("check that the variable or file holds the token alone, without line breaks")
    })?;
    value.set_sensitive(true);
    Ok(request.header(AUTHORIZATION, value))
}

/// Makes the body a JSON object of texts, which may be secret.
///
/// # Errors
/// `config` for a secret that is no text.
pub(crate) fn json_body(
    request: RequestBuilder,
    operation: Operation,
    members: &[(&str, &Secret)],
) -> Result<RequestBuilder> {
    let room: usize = members
        .iter()
        .map(|(name, value)| name.len() + 6 * value.len() + 8)
        .sum();
    let mut body = Zeroizing::new(String::with_capacity(room + 2));
    for (name, value) in members {
        #[expect(
            clippy::disallowed_methods,
            reason = "credentials or a value on their way to the store"
        )]
        let text = std::str::from_utf8(value.expose()).map_err(|_| {
            StoreError::new(
                ErrorKind::Config,
                operation,
                format!("`{name}` is not text, and the store takes text only"),
            )
        })?;
        let lead = if body.is_empty() { '{' } else { ',' };
        body.push(lead);
        crate::select::push_quoted(&mut body, name);
        body.push(':');
        crate::select::push_quoted(&mut body, text);
    }
    let end = if members.is_empty() { "{}" } else { "}" };
    body.push_str(end);
    // The HTTP library keeps its own copy until the request is sent.
    Ok(request
        .header(CONTENT_TYPE, "application/json")
        .body(body.as_bytes().to_vec()))
}
