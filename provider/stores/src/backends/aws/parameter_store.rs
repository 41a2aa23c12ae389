//! `aws-ssm://name`, `aws-ssm://path/of/the/parameter` or its ARN: AWS Systems Manager Parameter Store.
//!
//! Encrypted parameters are decrypted. A `version` is a number, a `stage` one of the parameter's labels. Names
//! with `/` start with one in AWS, whether the reference has it or not. Several parameters are read with one
//! call for each ten. Metadata needs `ssm:DescribeParameters` alone, and for an older version or a label
//! `ssm:GetParameterHistory`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use secret_policy::{Scheme, SecretRef};
use serde::{Deserialize, Serialize};

use super::account::Account;
use super::batch::{self, Answered, Asked};
use super::call::Call;
use super::endpoint::SSM;
use super::refusal::{Outcome, Refusal, plainly};
use super::settings::BLOCK;
use super::wire::{Moment, Stored, as_text};
use super::write::fits;
use crate::backends::{StoreContext, StoreKind};
use crate::capability::Capability;
use crate::error::{ErrorKind, Operation, Result, Retry, StoreError};
use crate::http::SecretText;
use crate::lease::Leased;
use crate::payload::{Metadata, SecretPayload};
use crate::store::{FetchOptions, Precondition, SecretStore, WriteRequest};

/// Parameters in one call.
const BATCH: usize = 10;
/// Pages of a history: 100 versions are kept at most, 50 come at once.
const MAX_PAGES: usize = 10;
/// Largest value in the advanced tier; the standard one takes 4096 bytes and says so itself.
const MAX_BYTES: usize = 8192;

pub(in crate::backends) const KIND: StoreKind = StoreKind {
    scheme: Scheme::AwsSsm,
    summary: "AWS Systems Manager Parameter Store",
    tested: "a real moto server; a double that recomputes every signature",
    capability: Capability {
        write: true,
        remove: true,
        versions: true,
        binary: false,
        batch: true,
        ..Capability::READ_ONLY
    },
    block: Some(&BLOCK),
    build,
};

fn build(context: &StoreContext<'_>) -> Result<Arc<dyn SecretStore>> {
    context.require_block(Scheme::AwsSsm)?;
    Ok(Arc::new(ParameterStore(Account::of(context)?)))
}

#[derive(Debug)]
struct ParameterStore(Arc<Account>);

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Get<'a> {
    name: &'a str,
    with_decryption: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct One {
    parameter: Parameter,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetMany<'a> {
    names: &'a [String],
    with_decryption: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Many {
    #[serde(default)]
    parameters: Vec<Parameter>,
    #[serde(default)]
    invalid_parameters: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    #[serde(rename = "ARN")]
    arn: Option<String>,
    /// `:3` or `:label`, as it was asked for.
    selector: Option<String>,
    value: SecretText,
    version: Option<u64>,
    last_modified_date: Option<Moment>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Describe<'a> {
    parameter_filters: [Filter<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Filter<'a> {
    key: &'a str,
    option: &'a str,
    values: [&'a str; 1],
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    #[serde(default)]
    parameters: Vec<Facts>,
}

/// Facts of one version; a value that comes along is not even read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Facts {
    version: Option<u64>,
    last_modified_date: Option<Moment>,
    last_modified_user: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    policies: Vec<PolicyText>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyText {
    policy_text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    r#type: String,
    attributes: Option<PolicyAttributes>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PolicyAttributes {
    timestamp: Option<jiff::Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct History<'a> {
    name: &'a str,
    with_decryption: bool,
    max_results: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct HistoryPage {
    #[serde(default)]
    parameters: Vec<Facts>,
    next_token: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Put<'a> {
    name: &'a str,
    value: Stored<'a>,
    r#type: &'a str,
    overwrite: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    version: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Name<'a> {
    name: &'a str,
}

#[derive(Deserialize)]
struct Done {}

fn call(operation: Operation, action: &'static str) -> Call {
    Call {
        operation,
        service: SSM,
        action,
    }
}

/// The name that AWS knows the parameter by.
fn name_of(reference: &SecretRef) -> String {
    let path = reference.path();
    let short = path.starts_with('/') || path.starts_with("arn:") || !path.contains('/');
    if short { path } else { format!("/{path}") }
}

/// The name with its version or label, as reads take it; a reference has one of them at most.
fn wanted(reference: &SecretRef) -> String {
    let name = name_of(reference);
    match reference.version().or(reference.stage()) {
        Some(selector) => format!("{name}:{selector}"),
        None => name,
    }
}

fn not_there(operation: Operation, reference: &SecretRef) -> StoreError {
    let message = match (reference.version(), reference.stage()) {
        (Some(version), _) => {
            format!("there is no such parameter, or it has no version `{version}`")
        }
        (None, Some(label)) => {
            format!("there is no such parameter, or none of its versions has the label `{label}`")
        }
        (None, None) => "there is no such parameter".to_owned(),
    };
    StoreError::new(ErrorKind::NotFound, operation, message)
        .with_help("check the name, the region and the account; names are case-sensitive")
}

fn missing(refusal: Refusal, operation: Operation, reference: &SecretRef) -> StoreError {
    if refusal.is_missing() {
        return not_there(operation, reference);
    }
    refusal.error
}

fn payload(parameter: Parameter) -> Leased<SecretPayload> {
    let metadata = Metadata {
        version: parameter.version.map(|version| version.to_string()),
        number: parameter.version,
        updated: parameter.last_modified_date.map(|time| time.0),
        ..Metadata::default()
    };
    Leased::forever(SecretPayload::opaque(parameter.value.0, metadata))
}

impl Facts {
    fn metadata(self) -> Metadata {
        let end = self.policies.iter().find_map(|policy| {
            let policy: Policy = serde_json::from_str(policy.policy_text.as_deref()?).ok()?;
            (policy.r#type == "Expiration").then_some(policy.attributes?.timestamp?)
        });
        Metadata {
            version: self.version.map(|version| version.to_string()),
            number: self.version,
            updated: self.last_modified_date.map(|time| time.0),
            expires: end,
            author: self.last_modified_user,
            ..Metadata::default()
        }
    }
}

impl ParameterStore {
    async fn read(&self, reference: &SecretRef) -> Result<Leased<SecretPayload>> {
        let operation = Operation::Open;
        let name = wanted(reference);
        let request = Get {
            name: &name,
            with_decryption: true,
        };
        let answer: Outcome<One> = call(operation, "GetParameter")
            .send(&self.0, &request)
            .await;
        answer
            .map(|one| payload(one.parameter))
            .map_err(|refusal| missing(refusal, operation, reference))
    }

    async fn read_each(&self, asked: Vec<Asked>) -> Vec<Answered> {
        let read = |reference| async move { self.read(&reference).await }.boxed();
        batch::one_by_one(asked, read).await
    }

    /// Reads up to [`BATCH`] parameters with one call. One that may not be read makes AWS refuse all: then
    /// each is asked for alone.
    async fn read_batch(
        &self,
        names: Vec<String>,
        references: &HashMap<String, Vec<Asked>>,
    ) -> Vec<Answered> {
        let operation = Operation::Open;
        let askers = |name: &String| references.get(name).cloned().unwrap_or_default();
        let everyone = || names.iter().flat_map(askers).collect::<Vec<_>>();
        if names.len() < 2 {
            return self.read_each(everyone()).await;
        }
        let request = GetMany {
            names: &names,
            with_decryption: true,
        };
        let answer: Outcome<Many> = call(operation, "GetParameters")
            .send(&self.0, &request)
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(refusal) if refusal.error.retry() == Retry::Never => {
                return self.read_each(everyone()).await;
            }
            Err(refusal) => return batch::refused(everyone(), &refusal.error),
        };
        let invalid: HashSet<_> = answer.invalid_parameters.into_iter().collect();
        let mut found = HashMap::new();
        for parameter in answer.parameters {
            let selector = parameter.selector.clone().unwrap_or_default();
            let arn = parameter.arn.clone().unwrap_or_default();
            let names = [parameter.name.clone(), arn];
            let answer = payload(parameter);
            for name in names {
                found.insert(format!("{name}{selector}"), answer.clone());
            }
        }
        let (mut answers, mut left) = (Vec::new(), Vec::new());
        for name in &names {
            for (place, reference) in askers(name) {
                if let Some(answer) = found.get(name) {
                    answers.push((place, Ok(answer.clone())));
                } else if invalid.contains(name) {
                    answers.push((place, Err(not_there(operation, &reference))));
                } else {
                    left.push((place, reference));
                }
            }
        }
        answers.extend(self.read_each(left).await);
        answers
    }

    /// Facts of the version or label that the reference names.
    async fn past(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        let name = name_of(reference);
        let mut token: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let request = History {
                name: &name,
                with_decryption: false,
                max_results: 50,
                next_token: token.as_deref(),
            };
            let answer: Outcome<HistoryPage> = call(operation, "GetParameterHistory")
                .send(&self.0, &request)
                .await;
            let page = answer.map_err(|refusal| missing(refusal, operation, reference))?;
            let meant = page.parameters.into_iter().find(|facts| {
                let version = facts.version.map(|version| version.to_string());
                match (reference.version(), reference.stage()) {
                    (Some(wanted), _) => version.as_deref() == Some(wanted),
                    (None, Some(label)) => facts.labels.iter().any(|its| its == label),
                    (None, None) => false,
                }
            });
            if let Some(facts) = meant {
                return Ok(facts.metadata());
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        Err(not_there(operation, reference))
    }
}

#[async_trait]
impl SecretStore for ParameterStore {
    fn capability(&self) -> Capability {
        KIND.capability
    }

    async fn fetch(
        &self,
        reference: &SecretRef,
        _options: &FetchOptions,
    ) -> Result<Leased<SecretPayload>> {
        self.read(reference).await
    }

    async fn fetch_many(
        &self,
        references: &[SecretRef],
        _options: &FetchOptions,
    ) -> Vec<Result<Leased<SecretPayload>>> {
        let mut askers: HashMap<String, Vec<Asked>> = HashMap::new();
        let mut names = Vec::new();
        for (place, reference) in references.iter().enumerate() {
            let name = wanted(reference);
            let those = askers.entry(name.clone()).or_default();
            if those.is_empty() {
                names.push(name);
            }
            those.push((place, reference.clone()));
        }
        let calls: Vec<BoxFuture<'_, _>> = names
            .chunks(BATCH)
            .map(|batch| self.read_batch(batch.to_vec(), &askers).boxed())
            .collect();
        batch::in_order(calls).await
    }

    async fn metadata(&self, reference: &SecretRef) -> Result<Metadata> {
        let operation = Operation::Metadata;
        if reference.version().is_some() || reference.stage().is_some() {
            return self.past(reference).await;
        }
        let name = name_of(reference);
        let plain = name
            .strip_prefix("arn:")
            .and_then(|arn| arn.split_once(":parameter"))
            .map_or(name.as_str(), |(_, name)| name);
        let request = Describe {
            parameter_filters: [Filter {
                key: "Name",
                option: "Equals",
                values: [plain],
            }],
        };
        let answer: Outcome<Described> = call(operation, "DescribeParameters")
            .send(&self.0, &request)
            .await;
        let answer = answer.map_err(|refusal| missing(refusal, operation, reference))?;
        let facts = answer.parameters.into_iter().next();
        facts
            .map(Facts::metadata)
            .ok_or_else(|| not_there(operation, reference))
    }

    async fn write(&self, reference: &SecretRef, request: &WriteRequest) -> Result<Metadata> {
        let operation = Operation::Write;
        fits(&request.value, MAX_BYTES)?;
        if matches!(request.precondition, Precondition::Version(_)) {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "AWS Parameter Store cannot make a write depend on a version",
            ));
        }
        let value = as_text(&request.value).ok_or_else(|| {
            StoreError::new(
                ErrorKind::InvalidReference,
                operation,
                "AWS Parameter Store stores text only, and the value is none",
            )
            .with_help("store it as base64 and read it with `?encoding=base64`")
        })?;
        let name = name_of(reference);
        let only_new = request.precondition == Precondition::Absent;
        let put = Put {
            name: &name,
            value,
            r#type: "SecureString",
            overwrite: !only_new,
            key_id: self.0.settings.parameter_key_id.as_deref(),
            tier: self.0.settings.parameter_tier.as_deref(),
        };
        let answer: Outcome<Written> = call(operation, "PutParameter").send(&self.0, &put).await;
        let written = answer.map_err(|refusal| {
            let lost = refusal.code.is_empty();
            match refusal.error.kind() {
                ErrorKind::Conflict => refusal
                    .error
                    .with_help("choose another name, or import the parameter"),
                // It may have been stored all the same, and a second try would find it there.
                _ if only_new && lost => refusal.error.with_retry(Retry::Never),
                _ => refusal.error,
            }
        })?;
        let mut facts = Metadata {
            version: written.version.map(|version| version.to_string()),
            number: written.version,
            ..Metadata::default()
        };
        // The write happened: facts that cannot be read now, or are of a later write, are left out.
        if let Ok(now) = self.metadata(&reference.without_selector()).await
            && now.version == facts.version
        {
            facts = now;
        }
        Ok(facts)
    }

    async fn remove(&self, reference: &SecretRef) -> Result<()> {
        let operation = Operation::Remove;
        if reference.version().is_some() || reference.stage().is_some() {
            return Err(StoreError::new(
                ErrorKind::Unsupported,
                operation,
                "AWS Parameter Store removes whole parameters only, not one version",
            ));
        }
        let name = name_of(reference);
        let answer: Outcome<Done> = call(operation, "DeleteParameter")
            .send(&self.0, &Name { name: &name })
            .await;
        plainly(answer.map_err(|refusal| Refusal {
            error: missing(refusal.clone(), operation, reference),
            ..refusal
        }))
        .map(drop)
    }
}
