//! `secretref_secret`: writes a secret into a store, or has one made there once. State holds the
//! reference, the version and times; never the value.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use secret_stores::{Metadata, Precondition, WriteRequest};
use secret_value::Secret;
use tf_framework::managed::{Create, Delete, Import, Read, Stored, Update};
use tf_framework::model;
use tf_framework::prelude::*;

use crate::password::{Choices, Demands};
use crate::reference::{self, ReferenceText};
use crate::session::{Session, check_period, count, time};
use crate::store_blocks::parse_duration;

model! {
    /// Keeps a secret in a store: a value given through a write-only argument, or one that is made at random
    /// once. State holds its reference, version and times, never the value. Set exactly one of `value_wo` and
    /// `generate`.
    pub(crate) struct SecretModel {
        /// Where to keep the secret; without version and selector. Another place replaces the resource.
        pub(crate) r#ref: ReferenceText = required().requires_replace(),
        /// The value. Sent to the store and kept nowhere else; needs Terraform or OpenTofu 1.11.
        pub(crate) value_wo: Option<Secret> = optional().write_only(),
        /// Change it to write `value_wo` again: Terraform cannot see that a write-only value changed. The
        /// `version_number` of `secretref_metadata` is a good source.
        pub(crate) value_wo_version: Option<i64> = optional(),
        /// Write the value again when it is older than this, such as `90d`: `generate` makes a new one, `value_wo` is
        /// written as the configuration gives it then. Found due by the first plan after that time. Default: never.
        pub(crate) rotate_after: Option<String> = optional(),
        /// Leave the secret in the store when this resource is destroyed. Default false.
        pub(crate) keep_on_destroy: Option<bool> = optional(),
        /// Make the value at random, once; a change in this block makes a new one.
        pub(crate) generate: Option<GenerateModel> = block(),
        /// Version in the words of the store; null where it has none.
        pub(crate) version: Option<String> = computed().keeps_state(),
        /// The version as a number that only grows; null where the store does not count.
        pub(crate) version_number: Option<i64> = computed().keeps_state(),
        /// When the secret was first stored, RFC 3339 in UTC.
        pub(crate) created_at: Option<String> = computed().keeps_state(),
        /// When this version was stored, RFC 3339 in UTC; when it was written here, where the store does not tell.
        pub(crate) updated_at: Option<String> = computed().keeps_state(),
    }
}

model! {
    /// What a random value is like.
    #[derive(PartialEq)]
    pub(crate) struct GenerateModel {
        /// Length in characters, 1 to 1024. Default 32.
        pub(crate) length: Option<i64> = optional(),
        /// Whether lower-case letters a-z are used. Default true.
        pub(crate) lower: Option<bool> = optional(),
        /// Whether upper-case letters A-Z are used. Default true.
        pub(crate) upper: Option<bool> = optional(),
        /// Whether digits 0-9 are used. Default true.
        pub(crate) numeric: Option<bool> = optional(),
        /// Whether special characters are used. Default true.
        pub(crate) special: Option<bool> = optional(),
        /// How many lower-case letters there are at least. Default 0.
        pub(crate) min_lower: Option<i64> = optional(),
        /// How many upper-case letters there are at least. Default 0.
        pub(crate) min_upper: Option<i64> = optional(),
        /// How many digits there are at least. Default 0.
        pub(crate) min_numeric: Option<i64> = optional(),
        /// How many special characters there are at least. Default 0.
        pub(crate) min_special: Option<i64> = optional(),
        /// The special characters to use instead of ``!#%&*()-_=+[]{}<>:?``.
        pub(crate) override_special: Option<String> = optional(),
        /// Change it to have a new value made.
        pub(crate) rotation: Option<String> = optional(),
    }
}

impl GenerateModel {
    fn demands(&self) -> Result<Demands, Diagnostics> {
        Choices {
            length: self.length,
            lower: (self.lower, self.min_lower),
            upper: (self.upper, self.min_upper),
            numeric: (self.numeric, self.min_numeric),
            special: (self.special, self.min_special),
            override_special: self.override_special.as_deref(),
        }
        .demands()
    }
}

/// The resource.
pub(crate) struct SecretResource;

impl SecretResource {
    /// Writes what the configuration demands and returns the new state.
    async fn write(
        session: &Session,
        config: &SecretModel,
        mut state: SecretModel,
        precondition: Precondition,
    ) -> Result<Stored<SecretModel>, Diagnostics> {
        let value = match (&config.value_wo, &config.generate) {
            (Some(value), None) => value.clone(),
            (None, Some(generate)) => generate.demands()?.generate(&mut rand::rng()),
            _ => return Err(one_source().into()),
        };
        let request = WriteRequest {
            precondition,
            ..WriteRequest::new(value)
        };
        let mut written = session.write(&config.r#ref.parsed, &request).await?;
        written.updated = written.updated.or_else(|| Some(Timestamp::now()));
        fill(&mut state, written);
        Ok(Stored::new(state))
    }
}

#[async_trait]
impl ManagedResource for SecretResource {
    type Data = Session;
    type Model = SecretModel;

    fn name(&self) -> &'static str {
        "secretref_secret"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = reference::check(config, "ref");
        if let Some(reference) = config.known::<ReferenceText>("ref")
            && (reference.parsed.selector().is_some() || reference.parsed.version().is_some())
        {
            problems.push(
                Diagnostic::error("Reference to a part of a secret")
                    .detail(
                        "This resource keeps a whole secret. Leave out the version and the selector; to write one \
                         key of a structured secret, give the whole as `jsonencode({ … })`.",
                    )
                    .at("ref"),
            );
        }
        problems.extend(check_period(config, "rotate_after"));
        let period = config.known::<String>("rotate_after");
        if period.as_deref().and_then(parse_duration) == Some(Duration::ZERO) {
            problems.push(
                Diagnostic::error("The value would be written in every run")
                    .detail("Give a period that is longer than zero, such as `90d`.")
                    .at("rotate_after"),
            );
        }
        let generate = config.get::<GenerateModel>("generate");
        let value = config.get::<Secret>("value_wo");
        if generate.is_set() == value.is_set() && !generate.is_unknown() && !value.is_unknown() {
            problems.push(one_source());
        }
        if let Some(Err(found)) = generate.known().map(|generate| generate.demands()) {
            problems.extend(found.into_iter().map(|problem| problem.at("generate")));
        }
        problems
    }

    async fn plan(&self, _context: &Context<Session>, plan: &mut Plan) -> Result<(), Diagnostics> {
        let rewrites = plan.is_create()
            || plan.changes("value_wo_version")
            || plan.changes("generate")
            || is_due(
                plan.prior::<String>("updated_at").known().as_deref(),
                plan.config::<String>("rotate_after").known().as_deref(),
                Timestamp::now(),
            );
        if rewrites {
            for name in ["version", "version_number", "updated_at"] {
                plan.set_unknown(name);
            }
        }
        Ok(())
    }

    async fn create(
        &self,
        context: &Context<Session>,
        request: Create<SecretModel>,
    ) -> Result<Stored<SecretModel>, Diagnostics> {
        Self::write(
            context.data(),
            &request.config,
            request.planned,
            Precondition::Absent,
        )
        .await
    }

    async fn read(
        &self,
        context: &Context<Session>,
        request: Read<SecretModel>,
    ) -> Result<Option<Stored<SecretModel>>, Diagnostics> {
        let mut state = request.state;
        let found = context
            .data()
            .metadata_if_stored(&state.r#ref.parsed)
            .await?;
        Ok(found.map(|metadata| {
            fill(&mut state, metadata);
            Stored::new(state)
        }))
    }

    async fn update(
        &self,
        context: &Context<Session>,
        request: Update<SecretModel>,
    ) -> Result<Stored<SecretModel>, Diagnostics> {
        let (prior, planned) = (request.prior, request.planned);
        let rewrite = prior.value_wo_version != planned.value_wo_version
            || prior.generate != planned.generate
            // The plan found it due: it promised no time.
            || (prior.updated_at.is_some() && planned.updated_at.is_none());
        if rewrite {
            return Self::write(context.data(), &request.config, planned, Precondition::None).await;
        }
        Ok(Stored::new(planned))
    }

    async fn delete(
        &self,
        context: &Context<Session>,
        request: Delete<SecretModel>,
    ) -> Result<(), Diagnostics> {
        if request.prior.keep_on_destroy == Some(true) {
            return Ok(());
        }
        context.data().remove(&request.prior.r#ref.parsed).await
    }

    async fn import(
        &self,
        _context: &Context<Session>,
        request: Import,
    ) -> Result<Stored<SecretModel>, Diagnostics> {
        let text = request.id.unwrap_or_default();
        let parsed = secret_policy::SecretRef::parse(&text).map_err(|error| {
            Diagnostic::error("Invalid secret reference").detail(format!(
                "Import by reference, such as `local://dev/db`. {error}."
            ))
        })?;
        Ok(Stored::new(SecretModel {
            r#ref: ReferenceText::canonical(parsed.reference),
            value_wo: None,
            value_wo_version: None,
            rotate_after: None,
            keep_on_destroy: None,
            generate: None,
            version: None,
            version_number: None,
            created_at: None,
            updated_at: None,
        }))
    }
}

fn one_source() -> Diagnostic {
    Diagnostic::error("Exactly one source of the value is needed").detail(
        "Set either `value_wo`, to store a value of your own, or a `generate` block, to have one made at random.",
    )
}

/// Whether a value that was stored at `updated` is older than `after`.
fn is_due(updated: Option<&str>, after: Option<&str>, now: Timestamp) -> bool {
    let stored = updated.and_then(|text| text.parse::<Timestamp>().ok());
    let after: Option<Duration> = after.and_then(parse_duration);
    let (Some(stored), Some(after)) = (stored, after) else {
        return false;
    };
    let due = SignedDuration::try_from(after)
        .ok()
        .and_then(|after| stored.checked_add(after).ok());
    due.is_some_and(|due| due <= now)
}

fn fill(state: &mut SecretModel, metadata: Metadata) {
    state.version = metadata.version;
    state.version_number = count(metadata.number);
    // Not every store tells it with every answer, and it does not change.
    state.created_at = time(metadata.created).or_else(|| state.created_at.take());
    state.updated_at = time(metadata.updated).or_else(|| state.updated_at.take());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_due_when_its_time_has_come() {
        let now = "2027-01-31T00:00:00Z".parse().unwrap();
        for (updated, after, due) in [
            (Some("2027-01-29T00:00:00Z"), Some("2d"), true),
            (Some("2027-01-29T00:00:01Z"), Some("2d"), false),
            (Some("2027-01-29T00:00:00Z"), Some("1d12h"), true),
            (Some("2028-01-01T00:00:00Z"), Some("1h"), false),
            (None, Some("1h"), false),
            (Some("2020-01-01T00:00:00Z"), None, false),
            (
                Some("2020-01-01T00:00:00Z"),
                Some("9999999999999999h"),
                false,
            ),
        ] {
            assert_eq!(is_due(updated, after, now), due, "{updated:?} {after:?}");
        }
    }
}
