//! What a service says no with, by the type of its error; the HTTP status says little (AWS answers 400 to
//! almost everything, emulators 404 or 500).
//!
//! Messages of services are not passed on: they may quote what was sent. The type is; it comes from a closed
//! alphabet.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use serde::Deserialize;

use super::endpoint::Service;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::Response;

/// Why a service refused, understood as far as callers act on it.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// The type, such as `ResourceNotFoundException`; empty when the answer names none.
    pub(super) code: String,
    /// What it means to the caller.
    pub(super) error: StoreError,
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(rename = "__type", alias = "code", default)]
    code: String,
}

impl Refusal {
    /// Reads the refusal in `answer`, which is none of success.
    pub(super) fn read(
        operation: Operation,
        service: Service,
        call: &str,
        answer: &Response,
    ) -> Self {
        let header = answer.header("x-amzn-errortype").map(str::to_owned);
        let body: Option<Body> = serde_json::from_slice(&answer.body).ok();
        let code = header
            .or_else(|| body.map(|body| body.code))
            .map(|code| short(&code))
            .unwrap_or_default();
        let action = format!("{}:{call}", service.action);
        let error = if code.is_empty() {
            no_type(answer)
        } else {
            let found = described(operation, &code, &action);
            let found = match (found.retry(), answer.retry()) {
                (Retry::Later, Retry::After(period)) => found.with_retry(Retry::After(period)),
                _ => found,
            };
            found.with_context("server", answer.server())
        };
        let error = match answer.header("x-amzn-requestid").filter(|id| plain(id)) {
            Some(id) => error.with_context("request", id),
            None => error,
        };
        Self { code, error }
    }

    /// Whether the service itself said that nothing is there.
    pub(super) fn is_missing(&self) -> bool {
        !self.code.is_empty() && self.error.kind() == ErrorKind::NotFound
    }

    /// Whether the service called the credentials expired.
    pub(super) fn is_expired(&self) -> bool {
        is_expired(&self.code)
    }

    /// Whether a wrong clock may be the reason.
    pub(super) fn may_be_skew(&self) -> bool {
        may_be_skew(&self.code)
    }
}

/// Whether a wrong clock may be the reason of `code`.
pub(super) fn may_be_skew(code: &str) -> bool {
    matches!(
        code,
        "InvalidSignatureException"
            | "SignatureDoesNotMatch"
            | "RequestTimeTooSkewed"
            | "RequestExpired"
            | "RequestInTheFuture"
            | "AuthFailure"
    )
}

/// The error of the service `code` while `action` was asked for.
pub(super) fn described(operation: Operation, code: &str, action: &str) -> StoreError {
    let (kind, message, retry) = meaning(code);
    let error = StoreError::new(kind, operation, message)
        .with_context("error", code)
        .with_retry(retry);
    match kind {
        ErrorKind::PermissionDenied if is_expired(code) => error.with_help(
            "log in again; with `web_identity` or a role, expired credentials are replaced by themselves",
        ),
        ErrorKind::PermissionDenied if may_be_skew(code) => error.with_help(
            "check the key, and the clock of this machine: AWS accepts a difference of five minutes",
        ),
        ErrorKind::PermissionDenied => error.with_help(format!(
            "allow `{action}` for this identity, and `kms:Decrypt` where a key of your own encrypts"
        )),
        _ => error,
    }
}

/// The error of a service that the SDK called, with its type where there is one.
pub(super) fn of_sdk(
    operation: Operation,
    code: Option<&str>,
    error: &(dyn Error + 'static),
    action: &str,
) -> StoreError {
    match code.map(short).filter(|code| !code.is_empty()) {
        Some(code) => described(operation, &code, action),
        None => transport(error).map_or_else(
            || {
                StoreError::new(
                    ErrorKind::Unavailable,
                    operation,
                    "the service did not answer as documented",
                )
            },
            |error| error.during(operation),
        ),
    }
}

/// Why a source of credentials failed.
pub(super) fn of_chain(operation: Operation, error: &CredentialsError) -> StoreError {
    if let Some(error) = transport(error) {
        return error.during(operation);
    }
    StoreError::new(
        ErrorKind::PermissionDenied,
        operation,
        "the source of the AWS credentials gave none",
    )
    .with_help("see `aws sts get-caller-identity`; an SSO session that ended is renewed by `aws sso login`")
}

/// Our own error inside what the SDK made of it.
fn transport(error: &(dyn Error + 'static)) -> Option<StoreError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<StoreError>() {
            return Some(found.clone());
        }
        next = error.source();
    }
    None
}

fn is_expired(code: &str) -> bool {
    matches!(
        code,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "ExpiredTokenDetected"
    )
}

/// `com.amazonaws.ssm#ParameterNotFound:http://…` without what is around the name; empty for what is no name.
fn short(code: &str) -> String {
    let name = code.rsplit('#').next().unwrap_or_default();
    let name = name.split(':').next().unwrap_or_default();
    if plain(name) {
        name.to_owned()
    } else {
        String::new()
    }
}

fn plain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 80
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
}

fn no_type(answer: &Response) -> StoreError {
    if answer.status.is_redirection() {
        return answer.refusal("the secret");
    }
    answer
        .error(
            ErrorKind::Unavailable,
            "the server did not answer as AWS does",
        )
        .with_help("check `endpoint` and `region`; a proxy may have answered instead")
}

fn meaning(code: &str) -> (ErrorKind, &'static str, Retry) {
    use ErrorKind as Kind;
    match code {
        "ResourceNotFoundException"
        | "ParameterNotFound"
        | "ParameterVersionNotFound"
        | "NotFoundException"
        | "RegistryNotFoundException" => (Kind::NotFound, "nothing is stored there", Retry::Never),
        _ if is_expired(code) => (
            Kind::PermissionDenied,
            "the AWS credentials expired",
            Retry::Never,
        ),
        "ExpiredIdentityTokenException"
        | "ExpiredIdentityToken"
        | "InvalidIdentityToken"
        | "InvalidIdentityTokenException"
        | "IDPRejectedClaim"
        | "IDPRejectedClaimException" => (
            Kind::PermissionDenied,
            "AWS does not accept the identity token of this run",
            Retry::Never,
        ),
        "AccessDeniedException"
        | "AccessDenied"
        | "UnauthorizedOperation"
        | "OptInRequired"
        | "NotAuthorized" => (
            Kind::PermissionDenied,
            "AWS refuses access to this identity",
            Retry::Never,
        ),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "AuthFailure"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "IncompleteSignatureException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "RequestTimeTooSkewed"
        | "RequestExpired"
        | "RequestInTheFuture" => (
            Kind::PermissionDenied,
            "AWS does not accept the credentials",
            Retry::Never,
        ),
        "DecryptionFailure"
        | "EncryptionFailure"
        | "DisabledException"
        | "KMSInvalidStateException"
        | "KMSAccessDeniedException"
        | "KeyUnavailableException" => (
            Kind::PermissionDenied,
            "the key that encrypts this cannot be used",
            Retry::Never,
        ),
        "InvalidCiphertextException" | "IncorrectKeyException" => (
            Kind::InvalidReference,
            "the ciphertext does not belong to this key and encryption context, or was changed",
            Retry::Never,
        ),
        "ResourceExistsException" | "ParameterAlreadyExists" => (
            Kind::Conflict,
            "something is stored there already",
            Retry::Never,
        ),
        "ParameterMaxVersionLimitExceeded"
        | "ParameterLimitExceeded"
        | "LimitExceededException"
        | "ParameterPatternMismatchException"
        | "MalformedPolicyDocumentException" => (
            Kind::InvalidReference,
            "AWS does not take this: a limit is reached or a rule is broken",
            Retry::Never,
        ),
        "RequestEntityTooLarge"
        | "RequestTooLargeException"
        | "PackedPolicyTooLarge"
        | "PackedPolicyTooLargeException" => (
            Kind::TooLarge,
            "the request is larger than AWS takes",
            Retry::Never,
        ),
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "TooManyUpdates"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "SlowDown"
        | "ProvisionedThroughputExceededException"
        | "PriorRequestNotComplete" => (Kind::Throttled, "AWS asks to slow down", Retry::Later),
        "ValidationException"
        | "ValidationError"
        | "InvalidParameterException"
        | "InvalidParameterValue"
        | "InvalidParameterCombination"
        | "InvalidRequestException"
        | "SerializationException"
        | "InvalidKeyId"
        | "InvalidArnException"
        | "UnsupportedParameterType"
        | "MalformedPolicyDocument"
        | "InvalidFilterKey"
        | "InvalidKeyUsageException" => (
            Kind::InvalidReference,
            "AWS does not take the request",
            Retry::Never,
        ),
        "UnknownOperationException"
        | "InvalidAction"
        | "NotImplemented"
        | "UnsupportedOperation" => (
            Kind::Unsupported,
            "the server does not know this call",
            Retry::Never,
        ),
        "RequestTimeout"
        | "RequestTimeoutException"
        | "DependencyTimeoutException"
        | "InternalServiceError"
        | "InternalServiceException"
        | "InternalFailure"
        | "InternalServerError"
        | "InternalError"
        | "ServerException"
        | "KMSInternalException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "TransientError"
        | "IDPCommunicationError" => (
            Kind::Unavailable,
            "AWS cannot answer for the moment",
            Retry::Later,
        ),
        _ => (
            Kind::Unavailable,
            "AWS refused for a reason of its own",
            Retry::Never,
        ),
    }
}

/// The outcome of a call: what it answers, or the refusal.
pub(super) type Outcome<T> = std::result::Result<T, Refusal>;

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self {
            code: String::new(),
            error,
        }
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        refusal.error
    }
}

/// A refusal as the error that callers get.
pub(super) fn plainly<T>(outcome: Outcome<T>) -> Result<T> {
    outcome.map_err(StoreError::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_read_without_what_is_around_them() {
        for (text, name) in [
            ("ParameterNotFound", "ParameterNotFound"),
            (
                "com.amazonaws.secretsmanager#ResourceNotFoundException",
                "ResourceNotFoundException",
            ),
            (
                "ThrottlingException:http://internal.amazon.com/coral/",
                "ThrottlingException",
            ),
            ("plum anchor", ""),
            ("<b>", ""),
        ] {
            assert_eq!(short(text), name);
        }
    }

    #[test]
    fn kinds_and_retries_follow_the_type() {
        for (code, kind, retry) in [
            ("ThrottlingException", ErrorKind::Throttled, Retry::Later),
            (
                "AccessDeniedException",
                ErrorKind::PermissionDenied,
                Retry::Never,
            ),
            (
                "ExpiredTokenException",
                ErrorKind::PermissionDenied,
                Retry::Never,
            ),
            ("InternalServiceError", ErrorKind::Unavailable, Retry::Later),
            ("SomethingNew", ErrorKind::Unavailable, Retry::Never),
        ] {
            let error = described(Operation::Open, code, "ssm:GetParameter");
            assert_eq!((error.kind(), error.retry()), (kind, retry), "{code}");
            assert!(error.to_string().contains(code), "{error}");
        }
    }
}
