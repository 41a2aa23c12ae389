//! Credentials on their way into a request: nowhere else in this crate do they leave [`Secret`] for one.

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use secret_value::Secret;
#[cfg(any(feature = "azure", feature = "gcp"))]
use url::form_urlencoded::byte_serialize;
use zeroize::Zeroizing;

use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::select::push_quoted;

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

/// Adds `Authorization: Basic …`.
#[cfg(feature = "gcp")]
pub(crate) fn basic(request: RequestBuilder, user: &str, password: &Secret) -> RequestBuilder {
    #[expect(
        clippy::disallowed_methods,
        reason = "credential header of a request to the store"
    )]
    let password = password.expose();
    request.basic_auth(
        user,
        Some(Zeroizing::new(String::from_utf8_lossy(password).into_owned()).as_str()),
    )
}

/// A form with secrets inside.
#[cfg(any(feature = "azure", feature = "gcp"))]
pub(crate) struct FormBody(Zeroizing<String>);

#[cfg(any(feature = "azure", feature = "gcp"))]
impl FormBody {
    /// A form of `texts`, which are no secrets, and `members`, which may be.
    pub(crate) fn new(texts: &[(&str, &str)], members: &[(&str, &Secret)]) -> Self {
        let sizes = texts.iter().map(|(name, text)| name.len() + text.len());
        let secret = members.iter().map(|(name, value)| name.len() + value.len());
        // Room for the worst escaping, so that the buffer never moves and leaves a copy behind.
        let room: usize = sizes.chain(secret).map(|size| 3 * size + 2).sum();
        let mut form = Zeroizing::new(String::with_capacity(room));
        for (name, text) in texts {
            push_pair(&mut form, name, text.as_bytes());
        }
        for (name, value) in members {
            #[expect(
                clippy::disallowed_methods,
                reason = "credentials on their way to the store"
            )]
            push_pair(&mut form, name, value.expose());
        }
        Self(form)
    }

    /// Makes it the body of `request`.
    pub(crate) fn add_to(&self, request: RequestBuilder) -> RequestBuilder {
        // The HTTP library keeps its own copy until the request is sent.
        request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.0.as_bytes().to_vec())
    }
}

#[cfg(any(feature = "azure", feature = "gcp"))]
fn push_pair(form: &mut String, name: &str, value: &[u8]) {
    if !form.is_empty() {
        form.push('&');
    }
    form.extend(byte_serialize(name.as_bytes()));
    form.push('=');
    form.extend(byte_serialize(value));
}

/// A JSON body with secrets inside.
pub(crate) struct JsonBody(Zeroizing<String>);

impl JsonBody {
    /// A body without secrets.
    pub(crate) fn plain(value: &serde_json::Value) -> Self {
        Self(Zeroizing::new(value.to_string()))
    }

    /// Makes it the body of `request`.
    pub(crate) fn add_to(&self, request: RequestBuilder) -> RequestBuilder {
        // The HTTP library keeps its own copy until the request is sent.
        request
            .header(CONTENT_TYPE, "application/json")
            .body(self.0.as_bytes().to_vec())
    }
}

/// A header whose value is secret.
///
/// # Errors
/// `config` when the value holds characters that no header can hold.
#[cfg(feature = "azure")]
pub(crate) fn secret_header(
    request: RequestBuilder,
    operation: Operation,
    name: &'static str,
    value: &Secret,
) -> Result<RequestBuilder> {
    #[expect(
        clippy::disallowed_methods,
        reason = "credential header of a request to the login service"
    )]
    let mut value = HeaderValue::from_bytes(value.expose().trim_ascii()).map_err(|_| {
        StoreError::new(
            ErrorKind::Config,
            operation,
            format!("the value of the header `{name}` holds characters that no header has"),
        )
    })?;
    value.set_sensitive(true);
    Ok(request.header(name, value))
}

/// A JSON object of `texts`, which are no secrets, and a member `name`, which is an object of texts that may be.
///
/// # Errors
/// `invalid_reference` for a secret that is no text.
pub(crate) fn nested_body(
    texts: &[(&str, &str)],
    name: &str,
    members: &[(&str, &Secret)],
    operation: Operation,
) -> Result<JsonBody> {
    let mut body = start(texts, 6 * name.len() + 8 + room(members));
    push_quoted(&mut body, name);
    body.push(':');
    push_object(&mut body, members, operation)?;
    body.push('}');
    Ok(JsonBody(body))
}

/// A JSON object of `texts`, which are no secrets, and `members`, which may be.
///
/// # Errors
/// `invalid_reference` for a secret that is no text.
pub(crate) fn nested_members(
    texts: &[(&str, &str)],
    members: &[(&str, &Secret)],
    operation: Operation,
) -> Result<JsonBody> {
    let mut body = start(texts, room(members));
    push_members(&mut body, members, operation)?;
    body.push('}');
    Ok(JsonBody(body))
}

/// A JSON object of the members of `plain`, which are no secrets, and a secret text `name`.
///
/// # Errors
/// `invalid_reference` for a secret that is no text.
#[cfg(feature = "azure")]
pub(crate) fn body_with_secret(
    plain: &serde_json::Map<String, serde_json::Value>,
    name: &str,
    value: &Secret,
    operation: Operation,
) -> Result<JsonBody> {
    let rest = serde_json::Value::from(plain.clone()).to_string();
    let members = [(name, value)];
    let mut body = Zeroizing::new(String::with_capacity(rest.len() + room(&members) + 8));
    body.push('{');
    push_members(&mut body, &members, operation)?;
    if !plain.is_empty() {
        body.push(',');
    }
    body.push_str(&rest[1..]);
    Ok(JsonBody(body))
}

/// The start of an object: `texts`, each followed by a comma, and room for `more` bytes.
fn start(texts: &[(&str, &str)], more: usize) -> Zeroizing<String> {
    let size: usize = texts
        .iter()
        .map(|(name, text)| 6 * (name.len() + text.len()) + 8)
        .sum();
    let mut body = Zeroizing::new(String::with_capacity(size + more + 8));
    body.push('{');
    for (name, text) in texts {
        push_quoted(&mut body, name);
        body.push(':');
        push_quoted(&mut body, text);
        body.push(',');
    }
    body
}

/// Room for the worst escaping, so that the buffer never moves and leaves a copy behind.
fn room(members: &[(&str, &Secret)]) -> usize {
    let sizes = members.iter();
    let sizes = sizes.map(|(name, value)| 6 * (name.len() + value.len()) + 8);
    sizes.sum::<usize>() + 2
}

fn push_object(body: &mut String, members: &[(&str, &Secret)], operation: Operation) -> Result<()> {
    body.push('{');
    push_members(body, members, operation)?;
    body.push('}');
    Ok(())
}

fn push_members(
    body: &mut String,
    members: &[(&str, &Secret)],
    operation: Operation,
) -> Result<()> {
    for (index, (name, value)) in members.iter().enumerate() {
        #[expect(
            clippy::disallowed_methods,
            reason = "credentials or a value on their way to the store"
        )]
        let text = std::str::from_utf8(value.expose()).map_err(|_| {
            StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                format!("the value of `{name}` is not text, and the store takes text only"),
            )
            .with_help("store it in base64, and read it with `?encoding=base64`")
        })?;
        if index > 0 {
            body.push(',');
        }
        push_quoted(body, name);
        body.push(':');
        push_quoted(body, text);
    }
    Ok(())
}
