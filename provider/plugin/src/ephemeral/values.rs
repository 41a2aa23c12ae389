//! `secretref_values`: opens several references with as few calls as their stores allow.

use std::collections::BTreeMap;

use async_trait::async_trait;
use secret_policy::SecretRef;
use secret_stores::FetchOptions;
use secret_value::Secret;
use tf_framework::model;
use tf_framework::model::Tristate;
use tf_framework::path::Path;
use tf_framework::prelude::*;

use super::value::{not_text, placeholder};
use crate::reference::{ReferenceText, check_text};
use crate::session::{
    HeldLeases, LeaseModel, OpenedValue, Session, check_period, check_ttl, report,
};

model! {
    /// Opens several secrets for the duration of a run. Equal references are read once, and stores that can
    /// answer for many secrets at once (AWS Secrets Manager, Parameter Store, one Vault path, one file) are
    /// asked once. The values are in no plan, state or log.
    ///
    /// With `applying = terraform.applying` a plan needs no right to read the secrets; see `secretref_value`.
    pub(crate) struct ValuesModel {
        /// Where the secrets are, by names of your choice. References are no secrets.
        pub(crate) refs: BTreeMap<String, ReferenceText> = required(),
        /// Set to `terraform.applying` to open the values only while applying. Default true: they are opened
        /// in every plan, too.
        pub(crate) applying: Option<bool> = optional(),
        /// Fail when a value has a lease that is shorter than this, such as `30m`.
        pub(crate) min_ttl: Option<String> = optional(),
        /// The secrets as text, by the same names. Null where a secret is optional and missing, or is not
        /// text: then use `values_base64`.
        pub(crate) values: Option<BTreeMap<String, Option<Secret>>> = computed().sensitive(),
        /// The bytes of the secrets in base64 (standard alphabet, padded), by the same names.
        pub(crate) values_base64: Option<BTreeMap<String, Option<Secret>>> = computed().sensitive(),
        /// The versions that were opened, in the words of their stores; null where a store has none.
        pub(crate) versions: Option<BTreeMap<String, Option<String>>> = computed(),
        /// What all leases have in common: the shortest time to live. Null when no value has an end.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct Values;

#[async_trait]
impl EphemeralResource for Values {
    type Data = Session;
    type Model = ValuesModel;

    fn name(&self) -> &'static str {
        "secretref_values"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let refs = config.known::<BTreeMap<String, Tristate<String>>>("refs");
        let known = refs
            .into_iter()
            .flatten()
            .filter_map(|(key, text)| match text {
                Tristate::Known(text) => Some((key, text)),
                _ => None,
            });
        let mut problems: Diagnostics = known
            .flat_map(|(key, text)| check_text(&text, &Path::root().attribute("refs").key(key)))
            .collect();
        problems.extend(check_period(config, "min_ttl"));
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: ValuesModel,
    ) -> Result<Opened<ValuesModel>, Diagnostics> {
        let session = context.data();
        let references: BTreeMap<String, SecretRef> = config
            .refs
            .iter()
            .map(|(key, reference)| (key.clone(), reference.parsed.clone()))
            .collect();
        if config.applying == Some(false) {
            let metadata = session.metadata_many(&references).await?;
            let placeholders = || {
                references
                    .keys()
                    .map(|key| (key.clone(), Some(placeholder())))
            };
            config.values = Some(placeholders().collect());
            config.values_base64 = Some(placeholders().collect());
            config.versions = Some(
                metadata
                    .into_iter()
                    .map(|(key, facts)| (key, facts.version))
                    .collect(),
            );
            return Ok(Opened::new(config));
        }
        let mut values = BTreeMap::new();
        let mut encoded = BTreeMap::new();
        let mut versions = BTreeMap::new();
        let mut leases = Vec::new();
        let opened = session
            .open_many(&references, &FetchOptions::default())
            .await?;
        for (key, value) in opened {
            if value.text.is_none() && value.base64.is_some() {
                context.report(not_text(Path::root().attribute("refs").key(&key)));
            }
            let OpenedValue {
                text,
                base64,
                version,
                notes,
                lease,
                ..
            } = value;
            report(context, notes);
            values.insert(key.clone(), text);
            encoded.insert(key.clone(), base64);
            versions.insert(key, version);
            leases.extend(lease);
        }
        config.values = Some(values);
        config.values_base64 = Some(encoded);
        config.versions = Some(versions);
        let leases = check_ttl(HeldLeases::of(leases), config.min_ttl.as_deref()).await?;
        let Some(leases) = leases else {
            return Ok(Opened::new(config));
        };
        config.lease = Some(LeaseModel::new(&leases));
        Ok(Opened::leased(config, leases))
    }
}
