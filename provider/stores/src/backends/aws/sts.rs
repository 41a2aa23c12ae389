//! The Security Token Service through the official SDK: who we are, and sessions under roles.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_config::retry::RetryConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::types::{AssumedRoleUser, PolicyDescriptorType, Tag};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_types::region::Region;
use aws_types::sdk_config::{SharedTimeSource, TimeSource};
use jiff::Timestamp;
use secret_value::Secret;

use super::account::{Account, remember};
use super::call::{adopt_clock, shifted};
use super::endpoint::STS;
use super::refusal;
use super::settings::{AUDIENCE, RoleSession, wrong};
use crate::error::{ErrorKind, Operation, Result, StoreError};

/// Who makes the calls.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) account: Option<String>,
}

/// A session under a role.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: Secret,
    pub(super) session_token: Secret,
    pub(super) expires: Timestamp,
    /// The ARN of the session, with its name.
    pub(super) arn: Option<String>,
    credentials: Credentials,
}

impl Session {
    /// The session as credentials for further calls.
    pub(super) fn credentials(&self) -> Credentials {
        self.credentials.clone()
    }

    /// Time left.
    pub(super) fn ttl(&self) -> Duration {
        let left = self.expires.duration_since(Timestamp::now());
        left.try_into().unwrap_or(Duration::ZERO)
    }
}

/// The clock of the services.
#[derive(Debug)]
struct Clock(Arc<AtomicI64>);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        shifted(self.0.load(Ordering::Relaxed))
    }
}

/// Asks who `credentials` belong to. Every identity may ask.
pub(super) async fn caller(
    account: &Account,
    operation: Operation,
    credentials: Credentials,
) -> Result<Caller> {
    let client = client(account, operation, Some(credentials)).await?;
    let call = || client.get_caller_identity().send();
    let answer = twice(account, operation, "GetCallerIdentity", call).await?;
    Ok(Caller {
        account: answer.account,
    })
}

/// Assumes a role with `credentials`.
pub(super) async fn assume_role(
    account: &Account,
    operation: Operation,
    session: &RoleSession,
    credentials: Credentials,
) -> Result<Session> {
    let client = client(account, operation, Some(credentials)).await?;
    let tags = tags(operation, session)?;
    let call = || {
        client
            .assume_role()
            .role_arn(&session.role_arn)
            .role_session_name(&session.session_name)
            .set_duration_seconds(seconds(session))
            .set_policy(session.policy.clone())
            .set_policy_arns(policy_arns(session))
            .set_external_id(session.external_id.clone())
            .set_source_identity(session.source_identity.clone())
            .set_tags(tags.clone())
            .set_transitive_tag_keys(some(session.transitive_tag_keys.clone()))
            .send()
    };
    let answer = twice(account, operation, "AssumeRole", call).await?;
    read(operation, answer.credentials, answer.assumed_role_user)
}

/// Assumes a role with the identity token of this run; no credentials are needed.
pub(super) async fn web_identity(
    account: &Account,
    operation: Operation,
    session: &RoleSession,
) -> Result<Session> {
    if !session.tags.is_empty()
        || session.external_id.is_some()
        || session.source_identity.is_some()
    {
        return Err(wrong(
            "with a web identity, tags, external id and source identity come from the token and cannot be set",
        )
        .during(operation));
    }
    let audience = session.audience.as_deref().unwrap_or(AUDIENCE);
    let token = account.identity().token(operation, Some(audience)).await?;
    let client = client(account, operation, None).await?;
    let call = || {
        client
            .assume_role_with_web_identity()
            .role_arn(&session.role_arn)
            .role_session_name(&session.session_name)
            .web_identity_token(proof(&token.text))
            .set_duration_seconds(seconds(session))
            .set_policy(session.policy.clone())
            .set_policy_arns(policy_arns(session))
            .send()
    };
    let answer = twice(account, operation, "AssumeRoleWithWebIdentity", call).await?;
    read(operation, answer.credentials, answer.assumed_role_user)
}

fn proof(token: &Secret) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "credential: the identity token is shown to STS, which it was issued for"
    )]
    let bytes = token.expose();
    String::from_utf8_lossy(bytes).into_owned()
}

async fn client(
    account: &Account,
    operation: Operation,
    credentials: Option<Credentials>,
) -> Result<aws_sdk_sts::Client> {
    let opened = account.opened(operation).await?;
    let region = account.region(operation).await?;
    let address = account.address(operation, STS, &region).await?;
    let mut config = aws_sdk_sts::config::Builder::from(&opened.sdk)
        .region(Region::new(region))
        .endpoint_url(address.as_str().trim_end_matches('/'))
        // The address is of that kind already, and the SDK takes no address together with these.
        .use_fips(false)
        .use_dual_stack(false)
        .time_source(SharedTimeSource::new(Clock(Arc::clone(&account.skew))))
        // Ours is the one correction: the SDK's would come on top of it.
        .disable_clock_skew_correction(true)
        .retry_config(RetryConfig::disabled());
    if let Some(credentials) = credentials {
        config.set_credentials_provider(Some(SharedCredentialsProvider::new(credentials)));
    }
    Ok(aws_sdk_sts::Client::from_conf(config.build()))
}

/// Calls, and once more with the clock of the service when that was the reason.
async fn twice<T, E, F>(
    account: &Account,
    operation: Operation,
    action: &'static str,
    call: impl Fn() -> F,
) -> Result<T>
where
    F: Future<Output = std::result::Result<T, SdkError<E, HttpResponse>>>,
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let refused = |error: &SdkError<E, HttpResponse>| {
        let action = format!("sts:{action}");
        refusal::of_sdk(operation, error.code(), error, &action)
    };
    let error = match call().await {
        Ok(answer) => return Ok(answer),
        Err(error) => error,
    };
    let date = error
        .raw_response()
        .and_then(|answer| answer.headers().get("date"));
    if !error.code().is_some_and(refusal::may_be_skew) || !adopt_clock(account, date) {
        return Err(refused(&error));
    }
    call().await.map_err(|error| refused(&error))
}

fn seconds(session: &RoleSession) -> Option<i32> {
    i32::try_from(session.duration?.as_secs()).ok()
}

fn policy_arns(session: &RoleSession) -> Option<Vec<PolicyDescriptorType>> {
    let arns = session.policy_arns.iter();
    some(
        arns.map(|arn| PolicyDescriptorType::builder().arn(arn).build())
            .collect(),
    )
}

fn tags(operation: Operation, session: &RoleSession) -> Result<Option<Vec<Tag>>> {
    let tags: std::result::Result<Vec<_>, _> = session
        .tags
        .iter()
        .map(|(key, value)| Tag::builder().key(key).value(value).build())
        .collect();
    tags.map(some)
        .map_err(|_| wrong("a session tag has no key or value").during(operation))
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn read(
    operation: Operation,
    credentials: Option<aws_sdk_sts::types::Credentials>,
    user: Option<AssumedRoleUser>,
) -> Result<Session> {
    let nothing = || {
        StoreError::new(
            ErrorKind::Unavailable,
            operation,
            "the service answered without a session",
        )
    };
    let given = credentials.ok_or_else(nothing)?;
    let end = given.expiration;
    let expires = Timestamp::from_second(end.secs()).map_err(|_| nothing())?;
    let usable = Credentials::new(
        given.access_key_id.clone(),
        given.secret_access_key.clone(),
        Some(given.session_token.clone()),
        SystemTime::try_from(end).ok(),
        "session",
    );
    remember(&usable);
    Ok(Session {
        access_key_id: given.access_key_id,
        secret_access_key: Secret::from_text(given.secret_access_key),
        session_token: Secret::from_text(given.session_token),
        expires,
        arn: user.map(|user| user.arn),
        credentials: usable,
    })
}
