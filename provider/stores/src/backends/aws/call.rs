//! Signed calls of the JSON protocol: one request, its answer, and what can be put right on the way.
//!
//! Secrets Manager, Parameter Store, KMS and the container registry speak it. The SDKs of these services
//! would keep values in memory that is not overwritten; here a body goes from one overwritten buffer into
//! [`secret_value::Secret`].

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use jiff::Timestamp;
use rand::RngExt as _;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use super::account::Account;
use super::endpoint::Service;
use super::refusal::{Outcome, Refusal};
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::Response;

/// A difference of clocks that services accept.
const TOLERATED_SKEW_SECONDS: i64 = 240;

/// Where a call goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) service: Service,
    /// The action, such as `GetSecretValue`.
    pub(super) action: &'static str,
}

impl Call {
    /// Calls the service and reads its answer.
    pub(super) async fn send<T: DeserializeOwned>(
        self,
        account: &Account,
        request: &impl Serialize,
    ) -> Outcome<T> {
        let region = account.region(self.operation).await?;
        self.send_to(account, &region, request).await
    }

    /// Calls the service in `region` and reads its answer.
    pub(super) async fn send_to<T: DeserializeOwned>(
        self,
        account: &Account,
        region: &str,
        request: &impl Serialize,
    ) -> Outcome<T> {
        let body = encode(self.operation, request)?;
        let url = account
            .address(self.operation, self.service, region)
            .await?;
        let answer = self.repeat(account, region, &url, &body).await?;
        answer.json().map_err(Refusal::from)
    }

    /// As often as the block says, where it does; else the layer around the store decides.
    async fn repeat(
        self,
        account: &Account,
        region: &str,
        url: &Url,
        body: &Zeroizing<Vec<u8>>,
    ) -> Outcome<Response> {
        let Some(attempts) = account.settings.max_attempts else {
            return self.correct(account, region, url, body).await;
        };
        let mut delay = Duration::from_millis(200);
        for _ in 1..attempts {
            let refusal = match self.correct(account, region, url, body).await {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            let wait = match refusal.error.retry() {
                Retry::Never => return Err(refusal),
                Retry::After(period) => period,
                Retry::Later => delay.mul_f64(rand::rng().random_range(0.5..=1.0)),
            };
            tokio::time::sleep(wait).await;
            delay = (delay * 2).min(Duration::from_secs(10));
        }
        let last = self.correct(account, region, url, body).await;
        last.map_err(|refusal| Refusal {
            error: refusal.error.with_retry(Retry::Never),
            ..refusal
        })
    }

    /// Sends once more with the service's clock, or with new credentials, when that is what was wrong.
    async fn correct(
        self,
        account: &Account,
        region: &str,
        url: &Url,
        body: &Zeroizing<Vec<u8>>,
    ) -> Outcome<Response> {
        let answer = self.once(account, region, url, body).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        let refusal = Refusal::read(self.operation, self.service, self.action, &answer);
        let again = if refusal.is_expired() {
            account.forget_credentials().await
        } else {
            refusal.may_be_skew() && adopt_clock(account, answer.header("date"))
        };
        if !again {
            return Err(refusal);
        }
        let answer = self.once(account, region, url, body).await?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(Refusal::read(
            self.operation,
            self.service,
            self.action,
            &answer,
        ))
    }

    async fn once(
        self,
        account: &Account,
        region: &str,
        url: &Url,
        body: &Zeroizing<Vec<u8>>,
    ) -> Result<Response> {
        let credentials = account.credentials(self.operation).await?;
        let target = format!("{}.{}", self.service.target, self.action);
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", target.as_str()),
        ];
        let signer = Signer {
            operation: self.operation,
            service: self.service.name,
            region,
            time: now(account),
        };
        let opened = account.opened(self.operation).await?;
        let mut request = opened.http.request(Method::POST, url.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signer.headers(&credentials, url, &headers, body)? {
            request = request.header(name, value);
        }
        let request = request.body(body.to_vec());
        opened.http.send(self.operation, request).await
    }
}

/// What a signature is made for.
pub(super) struct Signer<'a> {
    pub(super) operation: Operation,
    /// The name of the service in the signature.
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) time: SystemTime,
}

impl Signer<'_> {
    /// The headers that sign a request with `body`.
    pub(super) fn headers(
        &self,
        credentials: &Credentials,
        url: &Url,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Vec<(&'static str, reqwest::header::HeaderValue)>> {
        let request = SignableRequest::new(
            "POST",
            url.as_str(),
            headers.iter().copied(),
            SignableBody::Bytes(body),
        );
        let identity = credentials.clone().into();
        let params = self.params(&identity, SigningSettings::default())?;
        let (instructions, _) = sign(request.map_err(|_| self.failed())?, &params)
            .map_err(|_| self.failed())?
            .into_parts();
        let (headers, _) = instructions.into_parts();
        headers
            .into_iter()
            .map(|header| {
                let mut value = reqwest::header::HeaderValue::from_str(header.value())
                    .map_err(|_| self.failed())?;
                value.set_sensitive(true);
                Ok((header.name(), value))
            })
            .collect()
    }

    /// `url` with a signature that holds for `lifetime`; `headers` must be sent along.
    pub(super) fn presign(
        &self,
        credentials: &Credentials,
        url: &Url,
        headers: &[(&str, &str)],
        lifetime: Duration,
    ) -> Result<Url> {
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(lifetime);
        let request = SignableRequest::new(
            "GET",
            url.as_str(),
            headers.iter().copied(),
            SignableBody::empty(),
        );
        let identity = credentials.clone().into();
        let params = self.params(&identity, settings)?;
        let (instructions, _) = sign(request.map_err(|_| self.failed())?, &params)
            .map_err(|_| self.failed())?
            .into_parts();
        let mut signed = url.clone();
        let mut query = signed.query().unwrap_or_default().to_owned();
        for (name, value) in instructions.params() {
            if !query.is_empty() {
                query.push('&');
            }
            query.push_str(name);
            query.push('=');
            query.push_str(&percent(value));
        }
        signed.set_query(Some(&query));
        Ok(signed)
    }

    fn params<'a>(
        &'a self,
        identity: &'a aws_smithy_runtime_api::client::identity::Identity,
        settings: SigningSettings,
    ) -> Result<aws_sigv4::http_request::SigningParams<'a>> {
        SigningParams::builder()
            .identity(identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .map(Into::into)
            .map_err(|_| self.failed())
    }

    /// The parts of signing errors quote the request and are left out.
    fn failed(&self) -> StoreError {
        StoreError::new(
            ErrorKind::Config,
            self.operation,
            "the request cannot be signed with these AWS credentials",
        )
        .with_help(
            "a key or token with line breaks or other characters that no header takes is damaged",
        )
    }
}

/// Escapes everything but what RFC 3986 leaves alone, as signatures demand.
fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The time by the clock of the services, as far as it is known.
pub(super) fn now(account: &Account) -> SystemTime {
    shifted(account.skew.load(Ordering::Relaxed))
}

/// The time of a clock that is `skew` seconds ahead.
pub(super) fn shifted(skew: i64) -> SystemTime {
    let period = Duration::from_secs(skew.unsigned_abs());
    if skew < 0 {
        SystemTime::now() - period
    } else {
        SystemTime::now() + period
    }
}

/// Learns the clock of the service from its answer. False when the clocks agree.
pub(super) fn adopt_clock(account: &Account, date: Option<&str>) -> bool {
    let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else {
        return false;
    };
    let skew = theirs.timestamp().as_second() - Timestamp::now().as_second();
    let known = account.skew.load(Ordering::Relaxed);
    if (skew - known).abs() <= TOLERATED_SKEW_SECONDS {
        return false;
    }
    tracing::warn!(
        seconds = skew,
        "the clock of this machine differs from that of AWS"
    );
    account.skew.store(skew, Ordering::Relaxed);
    true
}

/// The request as JSON in memory that is overwritten: values to be written are part of it.
fn encode(operation: Operation, request: &impl Serialize) -> Result<Zeroizing<Vec<u8>>> {
    /// Grows by copying, so that no buffer is left behind with old contents.
    struct Careful(Zeroizing<Vec<u8>>);

    impl std::io::Write for Careful {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self.0.len() + bytes.len() > self.0.capacity() {
                let mut larger =
                    Zeroizing::new(Vec::with_capacity((self.0.len() + bytes.len()) * 2));
                larger.extend_from_slice(&self.0);
                self.0 = larger;
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut text = Careful(Zeroizing::new(Vec::with_capacity(1024)));
    serde_json::to_writer(&mut text, request).map_err(|_| {
        StoreError::new(
            ErrorKind::InvalidReference,
            operation,
            "the request cannot be written as JSON",
        )
    })?;
    Ok(text.0)
}
