//! What the resources for Vault and OpenBao have in common: checks of the reference, planning without opening,
//! and one call with a JSON body.

use secret_policy::{Scheme, SecretRef};
use secret_stores::{FetchOptions, Settings};
use secret_value::Secret;
use serde::Serialize;
use tf_framework::path::Path;
use tf_framework::prelude::*;
use tf_framework::types::Type;
use tf_framework::value::{Dynamic, Value};

use super::value::placeholder;
use crate::reference;
use crate::session::{OpenedFields, Session, report};

/// What engines usually call the parts of a credential.
const USUAL: &[&str] = &[
    "access_key",
    "accessor_id",
    "client_certificate",
    "client_id",
    "client_secret",
    "code",
    "password",
    "private_key",
    "private_key_data",
    "rsa_private_key",
    "secret_id",
    "secret_key",
    "security_token",
    "service_account_name",
    "service_account_namespace",
    "service_account_token",
    "session_token",
    "token",
    "username",
];

/// Stands in for a credential while only planning.
pub(super) fn placeholders(further: Option<&[String]>) -> Dynamic {
    let further = further.unwrap_or_default().iter().map(String::as_str);
    let names: std::collections::BTreeSet<&str> = USUAL.iter().copied().chain(further).collect();
    let types = names.iter().map(|name| ((*name).to_owned(), Type::Secret));
    let values = names
        .iter()
        .map(|name| ((*name).to_owned(), Value::Secret(placeholder())));
    Dynamic {
        ty: Type::object(types),
        value: Value::Object(values.collect()),
    }
}

/// Checks that `ref` is of Vault and names one of `actions` after the mount; none allows any path.
pub(super) fn check_reference(config: &Config, actions: &[&str]) -> Diagnostics {
    let mut problems = reference::check(config, "ref");
    let Some(Ok(parsed)) = config
        .known::<String>("ref")
        .map(|text| SecretRef::parse(&text))
    else {
        return problems;
    };
    let found = parsed.reference;
    if found.scheme() != Scheme::Vault {
        problems.push(
            Diagnostic::error("Not a reference of Vault or OpenBao")
                .detail("This resource opens `vault://…` and `bao://…` references.")
                .at("ref"),
        );
    } else if found.selector().is_some() || found.version().is_some() {
        problems.push(
            Diagnostic::error("Reference to a part of a credential")
                .detail("This resource opens a credential whole: leave out the version and the selector.")
                .at("ref"),
        );
    } else if !actions.is_empty() {
        let path = found.path();
        if !path.split('/').skip(1).any(|part| actions.contains(&part)) {
            problems.push(
                Diagnostic::error("Another path is needed")
                    .detail(format!(
                        "After the mount, the path has one of `{}`, such as `vault://{}/{}/NAME`.",
                        actions.join("`, `"),
                        path.split('/').next().unwrap_or_default(),
                        actions[0]
                    ))
                    .at("ref"),
            );
        }
    }
    problems
}

/// Makes a credential at `reference` from `request`.
pub(super) async fn post(
    context: &Context<Session>,
    reference: &SecretRef,
    request: &impl Serialize,
) -> Result<OpenedFields, Diagnostics> {
    let body = serde_json::to_vec(request).map_err(|_| {
        Diagnostics::from(
            Diagnostic::error("The request cannot be written")
                .detail("A value is not text.")
                .at(Path::root()),
        )
    })?;
    let arguments = Settings::new()
        .with("method", "POST")
        .with("data", Secret::new(body));
    let options = FetchOptions {
        arguments,
        ..FetchOptions::default()
    };
    let mut opened = context.data().open_fields(reference, &options).await?;
    report(context, std::mem::take(&mut opened.metadata.notes));
    Ok(opened)
}
