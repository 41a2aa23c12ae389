//! `credential aws`: the `credential_process` of AWS programs and SDKs.
//!
//! JSON with `Version` 1 on standard output:
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>. Takes sessions (`aws-sts://`),
//! the `aws` engine of Vault, and stored keys under their usual names.

use secret_stores::Environment;
use serde::Serialize;

use super::{answer, open_named, second};
use crate::cli::arguments::Reference;
use crate::json::Shown;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answer<'a> {
    version: u8,
    access_key_id: Shown<'a>,
    secret_access_key: Shown<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<Shown<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expiration: Option<String>,
}

pub(super) fn execute(environment: &Environment, asked: &Reference) -> anyhow::Result<()> {
    let mut credential = open_named(environment, asked)?;
    let id = credential.require(&[
        "access_key_id",
        "access_key",
        "aws_access_key_id",
        "AccessKeyId",
    ])?;
    let key = credential.require(&[
        "secret_access_key",
        "secret_key",
        "aws_secret_access_key",
        "SecretAccessKey",
    ])?;
    let token = credential.part(&[
        "session_token",
        "security_token",
        "aws_session_token",
        "SessionToken",
    ]);
    answer(&Answer {
        version: 1,
        access_key_id: Shown(&id),
        secret_access_key: Shown(&key),
        session_token: token.as_ref().map(Shown),
        expiration: credential.expires.map(second),
    })
}
