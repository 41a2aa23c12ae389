//! Everything but key-value secrets: credentials that an engine makes when asked, most of them leased.
//!
//! | argument | meaning |
//! |---|---|
//! | `method` | `GET` (default) or `POST` |
//! | `data` | what is sent along, a JSON object |
//! | `wrap_ttl` | wrap the answer for this long and give the wrapping token |
//! | `unwrap` | open this wrapping token; the path of the reference must have made it |

use std::sync::Arc;
use std::time::Duration;

use secret_policy::SecretRef;
use secret_value::{Secret, redaction};
use serde_json::json;
use zeroize::Zeroizing;

use super::answer::{Auth, Envelope, SecretJson, WrapInfo, unexpected};
use super::client::Call;
use super::login::{Parameter, encode};
use super::mounts::{Engine, Mount};
use super::run::Run;
use super::{refusal, unwrap};
use crate::blocks::Settings;
use crate::error::{ErrorKind, Operation, Result, StoreError};
use crate::lease::{Lease, LeaseFacts, LeaseHandle, Leased};
use crate::payload::{Metadata, SecretPayload};
use crate::store::FetchOptions;

/// What the handle of a token starts with; the accessor follows.
pub(super) const TOKEN_HANDLE: &str = "token:";

/// Whether the arguments say no more than that the path is read.
pub(super) fn asks_for_nothing(arguments: &Settings) -> bool {
    arguments
        .iter()
        .all(|(name, _)| name == "method" && arguments.text(name) == Some("GET"))
}

/// The path to ask: references to key-value engines of version 2 leave out `data/`.
fn full_path(mount: &Mount, reference: &SecretRef) -> String {
    let path = reference.path();
    let below = mount.below(&path);
    if mount.engine == Engine::Kv2 && !below.starts_with("data/") {
        return format!("{}/data/{below}", mount.path);
    }
    path
}

/// Makes a credential.
pub(super) async fn fetch(
    run: &Arc<Run>,
    mount: &Mount,
    reference: &SecretRef,
    options: &FetchOptions,
) -> Result<Leased<SecretPayload>> {
    let operation = Operation::Open;
    let arguments = &options.arguments;
    let path = full_path(mount, reference);
    if let Some(token) = arguments.secret("unwrap") {
        let answer = unwrap::open(&run.client, operation, token, Some(&path)).await?;
        return payload(run, mount, reference, answer).await;
    }
    let body = body(operation, arguments.secret("data"))?;
    let posts = match arguments.text("method") {
        None => body.is_some(),
        Some("GET") => false,
        Some("POST" | "PUT") => true,
        Some(_) => {
            return Err(StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "the method is neither `GET` nor `POST`",
            ));
        }
    };
    let mut call = if posts {
        Call::post(operation, &path)
    } else {
        Call::get(operation, &path)
    };
    if let Some(body) = body.as_ref().filter(|_| posts) {
        call = call.body(body);
    }
    if let Some(ttl) = arguments.text("wrap_ttl") {
        call = unwrap::wrapped(call, ttl);
    }
    let answer = run.call(mount.need(), call).await?;
    if !answer.status.is_success() {
        let error = refusal::error(operation, &answer);
        return Err(match error.kind() {
            ErrorKind::NotFound => error.with_context("mount", &mount.path),
            _ => error,
        });
    }
    payload(run, mount, reference, Envelope::read(operation, &answer)?).await
}

fn body(operation: Operation, data: Option<&Secret>) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let Some(data) = data else {
        return Ok(None);
    };
    let json = SecretJson(data.clone());
    if !json.is_object() || json.read::<serde::de::IgnoredAny>(operation).is_err() {
        return Err(StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "what is sent to the engine is no JSON object",
        ));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "arguments of the credential are sent to the store that makes it"
    )]
    let bytes = data.expose().to_vec();
    Ok(Some(Zeroizing::new(bytes)))
}

async fn payload(
    run: &Arc<Run>,
    mount: &Mount,
    reference: &SecretRef,
    answer: Envelope,
) -> Result<Leased<SecretPayload>> {
    let operation = Operation::Open;
    if let Some(wrap) = answer.wrap_info.as_ref().filter(|wrap| !wrap.is_empty()) {
        return wrapped(operation, reference, wrap);
    }
    let metadata = Metadata {
        notes: run.take_notes(),
        ..Metadata::default()
    };
    if let Some(auth) = answer.auth {
        return token(run, reference, &auth, metadata);
    }
    let lease = (!answer.lease_id.is_empty()).then(|| Lease {
        handle: LeaseHandle {
            reference: reference.clone(),
            id: answer.lease_id.clone(),
        },
        facts: LeaseFacts {
            ttl: answer.ttl(),
            renewable: answer.renewable,
            revocable: !only_expires(mount, reference),
        },
    });
    if let Some(lease) = &lease {
        let id = &lease.handle.id;
        run.opened(
            id,
            reference.without_selector().to_string(),
            answer.lease_duration,
        )
        .await;
    }
    let data = answer
        .data
        .filter(SecretJson::is_object)
        .ok_or_else(|| unexpected(operation))?;
    Ok(Leased {
        value: SecretPayload::fields(data.0, metadata),
        lease,
    })
}

/// Whether revoking the lease leaves the credential alive: sessions of AWS cannot be ended.
fn only_expires(mount: &Mount, reference: &SecretRef) -> bool {
    mount.engine == Engine::Other("aws".to_owned())
        && mount.below(&reference.path()).starts_with("sts/")
}

/// A token that was made, as a credential.
fn token(
    run: &Arc<Run>,
    reference: &SecretRef,
    auth: &Auth,
    metadata: Metadata,
) -> Result<Leased<SecretPayload>> {
    redaction::register(&auth.client_token.0);
    run.remember_token(&auth.accessor, auth.client_token.0.clone());
    let body = encode(
        Operation::Open,
        &json!({
            "client_token": Parameter::from(auth.client_token.0.clone()),
            "accessor": auth.accessor,
            "policies": auth.policies.clone().unwrap_or_default(),
            "lease_duration": auth.lease_duration,
            "renewable": auth.renewable,
            "token_type": auth.token_type,
        }),
    )?;
    let lease = Lease {
        handle: LeaseHandle {
            reference: reference.clone(),
            id: format!("{TOKEN_HANDLE}{}", auth.accessor),
        },
        facts: LeaseFacts {
            ttl: Duration::from_secs(auth.lease_duration),
            renewable: auth.renewable,
            revocable: auth.token_type != "batch",
        },
    };
    Ok(Leased::until(
        SecretPayload::fields(Secret::new(body.to_vec()), metadata),
        lease,
    ))
}

fn wrapped(
    operation: Operation,
    reference: &SecretRef,
    wrap: &WrapInfo,
) -> Result<Leased<SecretPayload>> {
    let body = encode(
        operation,
        &json!({
            "token": Parameter::from(wrap.token.0.clone()),
            "accessor": wrap.accessor,
            "ttl": wrap.ttl,
            "creation_path": wrap.creation_path,
        }),
    )?;
    let lease = Lease {
        handle: LeaseHandle {
            reference: reference.clone(),
            id: String::new(),
        },
        facts: LeaseFacts {
            ttl: Duration::from_secs(wrap.ttl),
            renewable: false,
            revocable: false,
        },
    };
    Ok(Leased::until(
        SecretPayload::fields(Secret::new(body.to_vec()), Metadata::default()),
        lease,
    ))
}
