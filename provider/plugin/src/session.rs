//! What a configured provider works with: the stores behind their layers, and how their answers become
//! Terraform's values and diagnostics.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use jiff::Timestamp;
use secret_policy::SecretRef;
use secret_stores::select::{self, Selected};
use secret_stores::{
    Environment, ErrorKind, FetchOptions, Lease as StoreLease, LeaseFacts as StoreFacts,
    LeaseHandle, Leased, Metadata, StoreError, Stores, WriteRequest,
};
use secret_value::Secret;
use tf_framework::model;
use tf_framework::path::Path;
use tf_framework::prelude::*;
use tf_framework::value::{Dynamic, Object, Value};

use crate::identity::{IdentityChoice, WorkloadIdentity};
use crate::json;
use crate::reference::sentence;
use crate::settings::{self, Guarded, Settings, SettingsError};
use crate::store_blocks::{Configuration, parse_duration};

/// What every resource gets.
#[derive(Debug)]
pub(crate) struct Session {
    stores: Arc<Stores>,
    environment: Option<String>,
    identity: Option<WorkloadIdentity>,
    max_age: Option<std::time::Duration>,
}

/// An opened reference, in the forms that Terraform gets; all empty when the secret is missing and optional.
#[derive(Default)]
pub(crate) struct OpenedValue {
    /// The value as text; `None` when it is no text.
    pub(crate) text: Option<Secret>,
    /// The value in base64.
    pub(crate) base64: Option<Secret>,
    /// The value decoded, when it is a JSON object or array.
    pub(crate) json: Option<Dynamic>,
    /// The version that was opened.
    pub(crate) version: Option<String>,
    /// What the practitioner should know.
    pub(crate) notes: Vec<String>,
    /// What has to be given back.
    pub(crate) lease: Option<HeldLease>,
}

/// An opened credential with its parts; empty when the secret is missing and optional.
#[derive(Default)]
pub(crate) struct OpenedFields {
    fields: Object,
    document: Option<Dynamic>,
    /// What is known besides.
    pub(crate) metadata: Metadata,
    /// What has to be given back.
    pub(crate) lease: Option<HeldLease>,
}

impl OpenedFields {
    /// Takes a secret part.
    pub(crate) fn secret(&mut self, name: &str) -> Option<Secret> {
        match self.fields.remove(name)? {
            Value::Secret(secret) => {
                secret_value::redaction::register(&secret);
                Some(secret)
            }
            _ => None,
        }
    }

    /// Takes a part that is no secret, such as a name.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name)? {
            Value::Secret(text) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "value codec: the store documents this part as no secret"
                )]
                let bytes = text.expose().to_vec();
                String::from_utf8(bytes).ok()
            }
            _ => None,
        }
    }

    /// Takes a whole number.
    pub(crate) fn number(&mut self, name: &str) -> Option<i64> {
        match self.fields.remove(name)? {
            Value::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// Everything: the parts as one value of any type, what is known besides, and the lease.
    pub(crate) fn whole(self) -> (Option<Dynamic>, Metadata, Option<HeldLease>) {
        for value in self.fields.values() {
            if let Value::Secret(secret) = value {
                secret_value::redaction::register(secret);
            }
        }
        (self.document, self.metadata, self.lease)
    }

    /// Takes a part as it is, for attributes of any type.
    pub(crate) fn any(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name)
    }
}

impl Session {
    /// A session on guarded stores.
    fn new(guarded: Guarded) -> Self {
        Self {
            stores: Arc::new(guarded.stores),
            environment: guarded.environment,
            identity: guarded.identity,
            max_age: guarded.max_age,
        }
    }

    /// The environment of the policy that was chosen.
    pub(crate) fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Who runs this process; `None` when no identity is in use.
    pub(crate) fn identity(&self) -> Option<&WorkloadIdentity> {
        self.identity.as_ref()
    }

    /// The longest time since a value was changed, as the environment of the policy demands.
    pub(crate) fn max_age(&self) -> Option<std::time::Duration> {
        self.max_age
    }

    /// Opens a reference.
    pub(crate) async fn open(&self, reference: &SecretRef) -> Result<OpenedValue, Diagnostics> {
        self.open_with(reference, &FetchOptions::default()).await
    }

    /// Opens a reference with a wish for its lifetime or with arguments of its store.
    pub(crate) async fn open_with(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<OpenedValue, Diagnostics> {
        let answer = self.stores.open(reference, options).await;
        self.opened(reference, answer.map_err(|error| diagnose(&error))?)
    }

    /// Opens several references with as few calls as their stores allow. All leases are given back when one
    /// of them cannot be opened.
    pub(crate) async fn open_many(
        &self,
        references: &BTreeMap<String, SecretRef>,
        options: &FetchOptions,
    ) -> Result<BTreeMap<String, OpenedValue>, Diagnostics> {
        let wanted: Vec<_> = references.values().cloned().collect();
        let answers = self.stores.open_many(&wanted, options).await;
        let mut opened = BTreeMap::new();
        let mut problems = Diagnostics::new();
        for ((key, reference), answer) in references.iter().zip(answers) {
            let answer = answer
                .map_err(|error| diagnose_at(&error, Path::root().attribute("refs").key(key)))
                .and_then(|answer| self.opened(reference, answer));
            match answer {
                Ok(value) => drop(opened.insert(key.clone(), value)),
                Err(diagnostics) => problems.extend(diagnostics),
            }
        }
        if problems.has_error() {
            let leases = HeldLeases::of(opened.into_values().filter_map(|value| value.lease));
            if let Some(leases) = leases
                && let Err(diagnostic) = leases.revoke().await
            {
                problems.push(diagnostic);
            }
            return Err(problems);
        }
        Ok(opened)
    }

    /// While only planning (`applying = false`), looks at the rights of this login instead of opening anything.
    pub(crate) async fn only_plans(
        &self,
        applying: Option<bool>,
        reference: &SecretRef,
    ) -> Result<bool, Diagnostics> {
        if applying != Some(false) {
            return Ok(false);
        }
        self.metadata(reference).await?;
        Ok(true)
    }

    /// Opens a reference whose value has named fields, such as the parts of a credential.
    pub(crate) async fn open_fields(
        &self,
        reference: &SecretRef,
        options: &FetchOptions,
    ) -> Result<OpenedFields, Diagnostics> {
        // `#/` is the whole document.
        let whole =
            SecretRef::parse(&format!("{}#/", reference.without_selector())).map_err(|error| {
                Diagnostic::error("Invalid secret reference")
                    .detail(error.to_string())
                    .at("ref")
            })?;
        let answer = self.stores.open(&whole.reference, options).await;
        let Some(Leased { value, lease }) = answer.map_err(|error| diagnose(&error))? else {
            return Ok(OpenedFields::default());
        };
        secret_value::redaction::register(&value.value);
        let lease = lease.map(|lease| HeldLease::new(Arc::clone(&self.stores), lease));
        let document = json::document(&value.value);
        let Some(Value::Object(fields)) = document.as_ref().map(|found| found.value.clone()) else {
            return Err(Diagnostic::error("The store answered with something else")
                .detail("The credential has no named fields.")
                .at("ref")
                .into());
        };
        Ok(OpenedFields {
            fields,
            document,
            metadata: value.metadata,
            lease,
        })
    }

    fn opened(
        &self,
        reference: &SecretRef,
        answer: Option<Leased<Selected>>,
    ) -> Result<OpenedValue, Diagnostics> {
        let Some(Leased { value, lease }) = answer else {
            return Ok(OpenedValue::default());
        };
        let Selected { value, metadata } = value;
        secret_value::redaction::register(&value);
        let text = select::require_text(reference, &value).is_ok();
        Ok(OpenedValue {
            base64: Some(encoded(&value)),
            json: json::document(&value),
            text: text.then_some(value),
            version: metadata.version,
            notes: metadata.notes,
            lease: lease.map(|lease| HeldLease::new(Arc::clone(&self.stores), lease)),
        })
    }

    /// Ends the logins of the stores. The run is over.
    pub(crate) async fn close(&self) -> Diagnostics {
        match self.stores.close().await {
            Ok(()) => Diagnostics::new(),
            Err(error) => trouble("The login to a store could not be ended", &error).into(),
        }
    }

    /// Facts about a secret that must exist, unless the reference is optional: then they may be empty.
    pub(crate) async fn metadata(&self, reference: &SecretRef) -> Result<Metadata, Diagnostics> {
        self.metadata_if_any(reference)
            .await
            .map(Option::unwrap_or_default)
    }

    /// Facts about a secret; `None` when it is missing and the reference says that it may be.
    pub(crate) async fn metadata_if_any(
        &self,
        reference: &SecretRef,
    ) -> Result<Option<Metadata>, Diagnostics> {
        self.metadata_unless_missing(reference, reference.optional())
            .await
    }

    /// Facts about a secret; `None` when it is missing.
    pub(crate) async fn metadata_if_stored(
        &self,
        reference: &SecretRef,
    ) -> Result<Option<Metadata>, Diagnostics> {
        self.metadata_unless_missing(reference, true).await
    }

    async fn metadata_unless_missing(
        &self,
        reference: &SecretRef,
        may_be_missing: bool,
    ) -> Result<Option<Metadata>, Diagnostics> {
        match self.stores.metadata(reference).await {
            Err(error) if error.kind() == ErrorKind::NotFound && may_be_missing => Ok(None),
            Err(error) => Err(diagnose(&error)),
            Ok(metadata) => Ok(Some(metadata)),
        }
    }

    /// Facts about several secrets, asked for at the same time; the problems of all are reported.
    pub(crate) async fn metadata_many(
        &self,
        references: &BTreeMap<String, SecretRef>,
    ) -> Result<BTreeMap<String, Metadata>, Diagnostics> {
        let calls = references.iter().map(|(key, reference)| async move {
            let answer = match self.stores.metadata(reference).await {
                Err(error) if error.kind() == ErrorKind::NotFound && reference.optional() => {
                    Ok(Metadata::default())
                }
                Err(error) => Err(diagnose_at(&error, Path::root().attribute("refs").key(key))),
                Ok(metadata) => Ok(metadata),
            };
            (key.clone(), answer)
        });
        let mut known = BTreeMap::new();
        let mut problems = Diagnostics::new();
        for (key, answer) in futures::future::join_all(calls).await {
            match answer {
                Ok(metadata) => drop(known.insert(key, metadata)),
                Err(diagnostics) => problems.extend(diagnostics),
            }
        }
        if problems.has_error() {
            return Err(problems);
        }
        Ok(known)
    }

    /// Stores a value.
    pub(crate) async fn write(
        &self,
        reference: &SecretRef,
        request: &WriteRequest,
    ) -> Result<Metadata, Diagnostics> {
        secret_value::redaction::register(&request.value);
        self.stores
            .write(reference, request)
            .await
            .map_err(|error| diagnose(&error))
    }

    /// Removes a secret; one that is gone already is no error.
    pub(crate) async fn remove(&self, reference: &SecretRef) -> Result<(), Diagnostics> {
        match self.stores.remove(reference).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(diagnose(&error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Session {
    /// The run ends: the access log is sealed, so that what was recorded cannot be rewritten unnoticed.
    fn drop(&mut self) {
        if let Err(error) = self.stores.finish() {
            tracing::error!("{error}");
        }
    }
}

/// Makes a session from the provider block and the environment of this process.
///
/// # Errors
/// What is wrong with either, at the attribute where there is one.
pub(crate) fn start(config: Configuration) -> Result<Session, Diagnostics> {
    let Configuration {
        fixed: config,
        stores,
    } = config;
    let surroundings = Environment::process().map_err(|error| {
        Diagnostic::error("The working directory cannot be read").detail(error.to_string())
    })?;
    let audit = config.audit.as_ref();
    let settings = Settings {
        environment: config.environment.clone(),
        policy: config.policy.clone(),
        identity: config
            .identity
            .as_ref()
            .map(|identity| IdentityChoice {
                token_env: identity.token_env.clone(),
                token_file: identity.token_file.clone(),
            })
            .unwrap_or_default(),
        audit_path: audit.and_then(|audit| audit.path.clone()),
        audit_required: audit.and_then(|audit| audit.required) == Some(true),
        static_credentials: config.allow_static_credentials,
        stores,
    };
    let guarded =
        settings::guarded_stores(&surroundings, &settings).map_err(|error| match error {
            SettingsError::Store(error) => {
                Diagnostic::error("The provider is not configured").detail(explained(&error))
            }
            SettingsError::Identity(error) => Diagnostic::error("The identity cannot be used")
                .detail(format!("{}.", sentence(&error.to_string())))
                .at("identity"),
            error => Diagnostic::error("The policy cannot be used")
                .detail(error.to_string())
                .at("policy"),
        })?;
    Ok(Session::new(guarded))
}

fn encoded(value: &Secret) -> Secret {
    #[expect(
        clippy::disallowed_methods,
        reason = "value codec: the encoded value is secret again"
    )]
    let bytes = value.expose();
    let encoded = Secret::from_text(BASE64_STANDARD.encode(bytes));
    secret_value::redaction::register(&encoded);
    encoded
}

/// A time as attributes have it: RFC 3339 in UTC.
pub(crate) fn time(moment: Option<Timestamp>) -> Option<String> {
    moment.map(|moment| moment.to_string())
}

/// A count as attributes have it.
pub(crate) fn count(number: Option<u64>) -> Option<i64> {
    number.and_then(|number| i64::try_from(number).ok())
}

/// A store's error as Terraform shows it, underlining the reference.
pub(crate) fn diagnose(error: &StoreError) -> Diagnostics {
    diagnose_at(error, "ref")
}

/// A store's error as Terraform shows it, underlining `place`.
pub(crate) fn diagnose_at(error: &StoreError, place: impl Into<Path>) -> Diagnostics {
    let summary = match error.kind() {
        ErrorKind::NotFound => "Secret not found",
        ErrorKind::PermissionDenied => "Access to the secret was refused",
        ErrorKind::PolicyDenied => "The policy refuses this access",
        ErrorKind::Unsupported => "The store cannot do this",
        ErrorKind::InvalidReference => "The reference does not fit the secret",
        ErrorKind::Integrity => "The store is damaged or was tampered with",
        ErrorKind::Conflict => "The secret was not written",
        ErrorKind::Locked | ErrorKind::Timeout | ErrorKind::Throttled | ErrorKind::Unavailable => {
            "The store does not answer"
        }
        ErrorKind::Config => "The store is not configured",
        ErrorKind::Audit => "The access cannot be recorded",
        _ => "The secret cannot be accessed",
    };
    Diagnostic::error(summary)
        .detail(explained(error))
        .at(place)
        .into()
}

model! {
    /// The lease of a value.
    pub(crate) struct LeaseModel {
        /// Names the lease in the access log and in `lease list` without showing it: the first 16 hexadecimal
        /// digits of the SHA-256 of its id. Null where there are several leases, or the store gives no id.
        pub(crate) id_hash: Option<String> = computed(),
        /// Time to live in seconds, counted from when the value was opened.
        pub(crate) ttl_seconds: Option<i64> = computed(),
        /// Whether it is extended as long as the run lasts.
        pub(crate) renewable: Option<bool> = computed(),
        /// Whether the value stops working when Terraform is done with it. Otherwise it expires by itself.
        pub(crate) revocable: Option<bool> = computed(),
    }
}

impl LeaseModel {
    /// The facts of a lease.
    pub(crate) fn new(lease: &impl Lease) -> Self {
        let facts = lease.facts();
        Self {
            id_hash: None,
            ttl_seconds: facts.ttl.and_then(|ttl| i64::try_from(ttl.as_secs()).ok()),
            renewable: Some(facts.renewable),
            revocable: Some(facts.revocable),
        }
    }
}

/// Tells what whoever opens a secret should know.
pub(crate) fn report(context: &Context<Session>, notes: Vec<String>) {
    for note in notes {
        context.report(
            Diagnostic::warning("Note of the store").detail(format!("{}.", sentence(&note))),
        );
    }
}

/// Gives a lease back that is shorter than demanded.
///
/// # Errors
/// When it is shorter, at `min_ttl`.
pub(crate) async fn check_ttl<L: Lease>(
    lease: Option<L>,
    least: Option<&str>,
) -> Result<Option<L>, Diagnostics> {
    let (Some(held), Some(least)) = (&lease, least.and_then(parse_duration)) else {
        return Ok(lease);
    };
    let Some(ttl) = held.facts().ttl.filter(|ttl| *ttl < least) else {
        return Ok(lease);
    };
    let mut problems: Diagnostics = Diagnostic::error("The lease is too short")
        .detail(format!(
            "The store gave a lease of {} s, and at least {} s are demanded. Give the role a longer time to live, or \
             demand less.",
            ttl.as_secs(),
            least.as_secs()
        ))
        .at("min_ttl")
        .into();
    if held.facts().revocable
        && let Err(problem) = held.revoke().await
    {
        problems.push(problem);
    }
    Err(problems)
}

/// Checks an attribute that holds a period.
pub(crate) fn check_period(config: &Config, name: &str) -> Diagnostics {
    match config.known::<String>(name) {
        Some(text) if parse_duration(&text).is_none() => Diagnostic::error("Not a period")
            .detail("Write a number with a unit, such as `90s`, `15m`, `1h30m` or `7d`.")
            .at(name)
            .into(),
        _ => Diagnostics::new(),
    }
}

impl LeaseModel {
    /// The facts of one lease, and its name.
    pub(crate) fn of(lease: &HeldLease) -> Self {
        Self {
            id_hash: lease.handle.id_hash(),
            ..Self::new(lease)
        }
    }
}

/// A lease that the framework renews and gives back.
pub(crate) struct HeldLease {
    stores: Arc<Stores>,
    handle: LeaseHandle,
    facts: StoreFacts,
}

impl HeldLease {
    /// A lease of `stores`.
    pub(crate) fn new(stores: Arc<Stores>, lease: StoreLease) -> Self {
        Self {
            stores,
            handle: lease.handle,
            facts: lease.facts,
        }
    }
}

#[async_trait]
impl Lease for HeldLease {
    fn facts(&self) -> LeaseFacts {
        facts(self.facts)
    }

    async fn renew(&self) -> Result<LeaseFacts, Diagnostic> {
        self.stores
            .renew(&self.handle, Some(self.facts.ttl))
            .await
            .map(facts)
            .map_err(|error| trouble("The lease of a secret could not be extended", &error))
    }

    async fn revoke(&self) -> Result<(), Diagnostic> {
        self.stores
            .revoke(&self.handle)
            .await
            .map_err(|error| trouble("The store did not end it", &error))
    }
}

/// Several leases that are renewed and given back together.
pub(crate) struct HeldLeases(Vec<HeldLease>);

impl HeldLeases {
    /// The different ones of `leases`: values of one secret share its lease. `None` when there are none.
    pub(crate) fn of(leases: impl IntoIterator<Item = HeldLease>) -> Option<Self> {
        let mut different: Vec<HeldLease> = Vec::new();
        for lease in leases {
            let known = different.iter().any(|other| {
                !lease.handle.id.is_empty()
                    && other.handle.id == lease.handle.id
                    && other.handle.reference.store() == lease.handle.reference.store()
            });
            if !known {
                different.push(lease);
            }
        }
        (!different.is_empty()).then_some(Self(different))
    }
}

#[async_trait]
impl Lease for HeldLeases {
    /// The shortest time; renewable or revocable when any is.
    fn facts(&self) -> LeaseFacts {
        together(self.0.iter().map(Lease::facts))
    }

    async fn renew(&self) -> Result<LeaseFacts, Diagnostic> {
        let calls = self.0.iter().map(|lease| async {
            if lease.facts.renewable {
                lease.renew().await
            } else {
                Ok(lease.facts())
            }
        });
        // One that cannot be extended keeps no other from being so.
        let renewed = futures::future::join_all(calls).await;
        let renewed: Vec<_> = renewed.into_iter().collect::<Result<_, _>>()?;
        Ok(together(renewed.into_iter()))
    }

    /// Gives back every lease, also after one could not be.
    async fn revoke(&self) -> Result<(), Diagnostic> {
        let revocable = self.0.iter().filter(|lease| lease.facts.revocable);
        let endings = futures::future::join_all(revocable.map(Lease::revoke)).await;
        endings.into_iter().collect()
    }
}

fn together(all: impl Iterator<Item = LeaseFacts>) -> LeaseFacts {
    all.reduce(|one, other| LeaseFacts {
        ttl: match (one.ttl, other.ttl) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        },
        renewable: one.renewable || other.renewable,
        revocable: one.revocable || other.revocable,
    })
    .unwrap_or_default()
}

fn facts(facts: StoreFacts) -> LeaseFacts {
    LeaseFacts {
        ttl: Some(facts.ttl),
        renewable: facts.renewable,
        revocable: facts.revocable,
    }
}

fn trouble(summary: &str, error: &StoreError) -> Diagnostic {
    // The framework puts it into a sentence of its own.
    Diagnostic::error(summary).detail(explained(error).trim_end_matches('.'))
}

/// What is wrong and what to do, in full sentences.
fn explained(error: &StoreError) -> String {
    let help = error.help().map(|help| format!(" {}.", sentence(help)));
    format!(
        "{}.{}",
        sentence(&error.to_string()),
        help.unwrap_or_default()
    )
}
