//! `secretref_value`: opens one reference.

use async_trait::async_trait;
use secret_value::Secret;
use tf_framework::model;
use tf_framework::path::Path;
use tf_framework::prelude::*;
use tf_framework::value::Dynamic;

use crate::reference::{self, ReferenceText};
use crate::session::{LeaseModel, Session, check_period, check_ttl, report};

/// What stands in for text while only planning.
pub(crate) const PLANNED: &str = "(opened during apply)";

/// Stands in for a value while only planning: it has the right type, and is no secret.
pub(crate) fn placeholder() -> Secret {
    Secret::from_text(PLANNED.to_owned())
}

model! {
    /// Opens one secret for the duration of a run. The value is in no plan, state or log.
    ///
    /// With `applying = terraform.applying` a plan needs no right to read the secret: only its existence
    /// and the permission are checked, and the value attributes hold a placeholder. This is safe where the
    /// value reaches write-only arguments and provisioners only.
    pub(crate) struct ValueModel {
        /// Where the secret is, such as `local://dev/database#password`. A reference is no secret.
        pub(crate) r#ref: ReferenceText = required(),
        /// Set to `terraform.applying` to open the value only while applying; see above. Default true:
        /// the value is opened in every plan, too.
        pub(crate) applying: Option<bool> = optional(),
        /// Fail when the value has a lease that is shorter than this, such as `30m`.
        pub(crate) min_ttl: Option<String> = optional(),
        /// The secret as text. Null when the secret is optional and missing, or is not text: then use
        /// `value_base64`.
        pub(crate) value: Option<Secret> = computed().sensitive(),
        /// The bytes of the secret in base64 (standard alphabet, padded).
        pub(crate) value_base64: Option<Secret> = computed().sensitive(),
        /// The secret decoded from JSON, when it is a JSON object or array; else null. Null while only
        /// planning with `applying = false`.
        pub(crate) json: Option<Dynamic> = computed().sensitive(),
        /// The version that was opened, in the words of its store; null where the store has none.
        pub(crate) version: Option<String> = computed(),
        /// The lease of the value; null when the value has no end.
        pub(crate) lease: Option<LeaseModel> = computed(),
    }
}

/// The resource.
pub(crate) struct Value;

#[async_trait]
impl EphemeralResource for Value {
    type Data = Session;
    type Model = ValueModel;

    fn name(&self) -> &'static str {
        "secretref_value"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut problems = reference::check(config, "ref");
        problems.extend(check_period(config, "min_ttl"));
        problems
    }

    async fn open(
        &self,
        context: &Context<Session>,
        mut config: ValueModel,
    ) -> Result<Opened<ValueModel>, Diagnostics> {
        let session = context.data();
        let reference = config.r#ref.parsed.clone();
        if config.applying == Some(false) {
            let metadata = session.metadata(&reference).await?;
            config.version = metadata.version;
            config.value = Some(placeholder());
            config.value_base64 = Some(placeholder());
            return Ok(Opened::new(config));
        }
        let opened = session.open(&reference).await?;
        if opened.text.is_none() && opened.base64.is_some() {
            context.report(not_text(Path::root().attribute("ref")));
        }
        config.version = opened.version;
        config.value = opened.text;
        config.value_base64 = opened.base64;
        config.json = opened.json;
        report(context, opened.notes);
        let lease = check_ttl(opened.lease, config.min_ttl.as_deref()).await?;
        config.lease = lease.as_ref().map(LeaseModel::of);
        Ok(Opened::until(config, lease))
    }
}

/// Terraform normalises text, so bytes that are no normalised text would not arrive as they are stored.
pub(super) fn not_text(place: Path) -> Diagnostic {
    Diagnostic::warning("The secret is not plain text")
        .detail(
            "It is not UTF-8 text in Unicode normal form C, which Terraform would change on the way, so `value` is \
             null. Use `value_base64`, which keeps every byte.",
        )
        .at(place)
}
