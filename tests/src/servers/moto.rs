//! `moto`, an emulator of AWS services. It answers 404 where AWS answers 400: tests rely on types of errors, never on
//! its status codes. Signatures and rights are checked when asked for; a refusal is then a page of XML, which no JSON
//! service of AWS sends.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;

use super::client::Client;
use super::process::{Process, folder, free_port, with_retries};
use crate::python::{Scope, interpreter, package, python};

/// The PyPI package and its version, for a Python that lacks it.
const PACKAGE: (&str, &str) = ("moto[server]", "5.2.1");

/// It takes a second to start, more on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(90);

/// The account that everything belongs to.
pub const MOTO_ACCOUNT: &str = "123456789012";

/// The running emulator; it ends when this is dropped.
pub struct Moto {
    // Held for its drop.
    _process: Process,
    address: String,
    client: Client,
    // Dropped after the process, which writes into it.
    _folder: tempfile::TempDir,
}

impl Moto {
    /// Starts an empty emulator and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be fetched or does not start.
    pub fn start() -> Result<Self> {
        let packages = packages()?;
        with_retries(|| Self::start_with(packages.as_ref()))
    }

    fn start_with(packages: Option<&PathBuf>) -> Result<Self> {
        let folder = folder("moto")?;
        let port = free_port()?;
        let mut command = Command::new(interpreter());
        command
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p"])
            .arg(port.to_string());
        if let Some(packages) = packages {
            command.env("PYTHONPATH", packages);
        }
        let mut process = Process::start("moto", command, folder.path(), Signal::TERM)?;
        let address = format!("http://127.0.0.1:{port}");
        let client = Client::new(&address, None)?;
        process.wait_ready(START_LIMIT, || {
            client.status("/moto-api/data.json") == Some(200)
        })?;
        Ok(Self {
            _process: process,
            address,
            client,
            _folder: folder,
        })
    }

    /// Where it listens, for `AWS_ENDPOINT_URL`. Put a [`super::FaultProxy`] before it to count requests.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Calls an operation of a service that speaks JSON, such as `secretsmanager.CreateSecret`.
    ///
    /// # Errors
    /// When it refuses.
    pub fn call(&self, target: &str, body: &serde_json::Value) -> Result<serde_json::Value> {
        let service = match target.split('.').next() {
            Some("AmazonSSM") => "ssm",
            Some("TrentService") => "kms",
            _ => "secretsmanager",
        };
        self.client
            .clone()
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", target)
            .header("authorization", &credential(service))
            .send("POST", "/", Some(body))?
            .success()
            .with_context(|| format!("{target} failed"))
    }

    /// A user who may do `actions`, such as `secretsmanager:GetSecretValue`; returns id and secret of a key.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn user(&self, name: &str, actions: &[&str]) -> Result<(String, String)> {
        self.iam(&[("Action", "CreateUser"), ("UserName", name)])?;
        let policy = statement(&serde_json::json!({ "Action": actions, "Resource": "*" }));
        self.iam(&[
            ("Action", "PutUserPolicy"),
            ("UserName", name),
            ("PolicyName", "all"),
            ("PolicyDocument", &policy),
        ])?;
        let key = self.iam(&[("Action", "CreateAccessKey"), ("UserName", name)])?;
        Ok((
            element(&key, "AccessKeyId")?,
            element(&key, "SecretAccessKey")?,
        ))
    }

    /// A role that may do `actions` and that everybody may assume; returns its ARN.
    ///
    /// # Errors
    /// When there is one of that name.
    pub fn role(&self, name: &str, actions: &[&str]) -> Result<String> {
        let trust =
            statement(&serde_json::json!({ "Action": "sts:*", "Principal": { "AWS": "*" } }));
        let made = self.iam(&[
            ("Action", "CreateRole"),
            ("RoleName", name),
            ("AssumeRolePolicyDocument", &trust),
        ])?;
        let policy = statement(&serde_json::json!({ "Action": actions, "Resource": "*" }));
        self.iam(&[
            ("Action", "PutRolePolicy"),
            ("RoleName", name),
            ("PolicyName", "all"),
            ("PolicyDocument", &policy),
        ])?;
        element(&made, "Arn")
    }

    /// Whether signatures (by the signer of the official SDK for Python) and the rights of users and roles are
    /// checked from now on. [`Moto::call`] and its like work only while they are not.
    ///
    /// # Errors
    /// When the emulator does not answer.
    pub fn check_callers(&self, check: bool) -> Result<()> {
        let unchecked_calls = if check { 0 } else { u32::MAX };
        self.client
            .send(
                "POST",
                "/moto-api/reset-auth",
                Some(&unchecked_calls.into()),
            )?
            .success()
            .map(drop)
    }

    fn iam(&self, parameters: &[(&str, &str)]) -> Result<String> {
        self.query("iam", "2010-05-08", parameters)
    }

    /// Calls an operation of a service that speaks XML; returns what it answers.
    ///
    /// # Errors
    /// When it refuses.
    pub fn query(
        &self,
        service: &str,
        version: &str,
        parameters: &[(&str, &str)],
    ) -> Result<String> {
        let mut path = format!("/?Version={version}");
        for (name, value) in parameters {
            let _ = write!(path, "&{name}=");
            for byte in value.bytes() {
                let _ = write!(path, "%{byte:02X}");
            }
        }
        let answer = self
            .client
            .clone()
            .header("authorization", &credential(service))
            .send("POST", &path, None)?
            .success()?;
        Ok(answer.as_str().unwrap_or_default().to_owned())
    }
}

/// Enough of a signature to tell which service is meant.
fn credential(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDTEST/20200101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}

/// A policy that allows one thing.
fn statement(what: &serde_json::Value) -> String {
    let mut statement = what.clone();
    statement["Effect"] = "Allow".into();
    serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

/// The text of the first element of that name.
fn element(xml: &str, name: &str) -> Result<String> {
    let text = xml
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once("</"))
        .with_context(|| format!("the answer has no {name}"))?;
    Ok(text.0.to_owned())
}

/// Where the packages are that the interpreter lacks.
fn packages() -> Result<Option<PathBuf>> {
    let probe = python("import moto.server, flask, flask_cors", None)
        .output()
        .context("cannot run python3: install Python 3 with pip")?;
    if probe.status.success() {
        return Ok(None);
    }
    let (name, version) = PACKAGE;
    package(name, version, Scope::WithDependencies)
        .map(Some)
        .context("cannot get moto")
}
