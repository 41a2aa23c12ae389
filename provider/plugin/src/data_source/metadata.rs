//! `secretref_metadata`: version, times and expiry of a secret, without its value.

use async_trait::async_trait;
use jiff::Timestamp;
use tf_framework::model;
use tf_framework::prelude::*;

use crate::reference::{self, ReferenceText};
use crate::session::{Session, count, time};

model! {
    /// Reads facts about a secret without its value; where the store tells the two apart, no right to read
    /// the value is needed. Use `version_number` as the trigger of a write-only argument
    /// (`…_wo_version`): it changes exactly when the secret does, and says nothing about its value.
    pub(crate) struct MetadataModel {
        /// Where the secret is. A selector and an encoding make no difference.
        pub(crate) r#ref: ReferenceText = required(),
        /// Whether the secret exists. False only for references with `?optional=true`; a missing secret is an
        /// error otherwise.
        pub(crate) exists: Option<bool> = computed(),
        /// Current version, or the one the reference names, in the words of the store.
        pub(crate) version: Option<String> = computed(),
        /// The version as a number that only grows; null where the store does not count.
        pub(crate) version_number: Option<i64> = computed(),
        /// How many versions the store keeps; null where it does not tell.
        pub(crate) versions: Option<i64> = computed(),
        /// When the secret was first stored, RFC 3339 in UTC; null where the store does not tell.
        pub(crate) created_at: Option<String> = computed(),
        /// When this version was stored, RFC 3339 in UTC; null where the store does not tell.
        pub(crate) updated_at: Option<String> = computed(),
        /// When the value ends, RFC 3339 in UTC; null when it has no end.
        pub(crate) expires_at: Option<String> = computed(),
        /// Seconds since this version was stored; null where the store does not tell. Another number in every read:
        /// for `check` blocks and conditions, not for arguments.
        pub(crate) age_seconds: Option<i64> = computed(),
        /// When the value should be replaced, RFC 3339 in UTC: when the store says so or, if that is earlier, when it
        /// becomes older than `max_age` of the environment in the policy. Null when nothing says so.
        pub(crate) rotation_due_at: Option<String> = computed(),
    }
}

/// The data source.
pub(crate) struct Metadata;

#[async_trait]
impl DataSource for Metadata {
    type Data = Session;
    type Model = MetadataModel;

    fn name(&self) -> &'static str {
        "secretref_metadata"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        reference::check(config, "ref")
    }

    async fn read(
        &self,
        context: &Context<Session>,
        mut config: MetadataModel,
    ) -> Result<MetadataModel, Diagnostics> {
        let found = context.data().metadata_if_any(&config.r#ref.parsed).await?;
        config.exists = Some(found.is_some());
        let Some(metadata) = found else {
            return Ok(config);
        };
        config.version = metadata.version;
        config.version_number = count(metadata.number);
        config.versions = count(metadata.versions);
        config.created_at = time(metadata.created);
        config.updated_at = time(metadata.updated);
        config.expires_at = time(metadata.expires);
        let age = metadata
            .updated
            .map(|updated| Timestamp::now().duration_since(updated).as_secs());
        config.age_seconds = age.map(|age| age.max(0));
        let limit = context.data().max_age().zip(metadata.updated);
        let limit = limit.and_then(|(most, updated)| updated.checked_add(most).ok());
        config.rotation_due_at = time([metadata.rotation_due, limit].into_iter().flatten().min());
        Ok(config)
    }
}
