//! `parse_ref`: the parts of a reference.

use async_trait::async_trait;
use secret_policy::convert::{Target, convert};
use secret_policy::{ReferenceError, SecretRef};
use tf_framework::function::{Arguments, Function, FunctionError, Signature};
use tf_framework::model;
use tf_framework::value::Value;

model! {
    /// The parts of a secret reference.
    pub(crate) struct Parts {
        /// The reference in canonical form.
        pub(crate) r#ref: String = required(),
        /// Kind of store, such as `local` or `vault`.
        pub(crate) scheme: String = required(),
        /// Name of the store block; null for the default one.
        pub(crate) store: Option<String> = optional(),
        /// Path within the store.
        pub(crate) path: String = required(),
        /// Version; null for the current one.
        pub(crate) version: Option<String> = optional(),
        /// Stage or label; null for none.
        pub(crate) stage: Option<String> = optional(),
        /// How the stored text encodes the value: `text`, `base64`, `base64url` or `hex`.
        pub(crate) encoding: String = required(),
        /// Whether a missing secret is an empty result instead of an error.
        pub(crate) optional: bool = required(),
        /// Key or JSON pointer; null for the whole secret.
        pub(crate) selector: Option<String> = optional(),
    }
}

/// The function.
pub(crate) struct ParseRef;

#[async_trait]
impl Function for ParseRef {
    fn name(&self) -> &'static str {
        "parse_ref"
    }

    fn signature(&self) -> Signature {
        Signature::returning::<Parts>("Parts of a secret reference")
            .describe(
                "Takes a secret reference apart: `ref` (canonical form), `scheme`, `store`, `path`, `version`, \
                 `stage`, `encoding`, `optional` and `selector`. What other tools call a secret is taken as well: \
                 `ref+vault://…` of vals, `op://…`, ARNs, Google Cloud resource names, Azure Key Vault URIs; `ref` \
                 is then what to write instead. An address, region or account in it belongs in a store block, \
                 whose name is then the second argument. Nothing is contacted.",
            )
            .parameter::<String>(
                "ref",
                "A secret reference, such as `local://dev/database#password`, or another tool's notation of one.",
            )
            .variadic::<String>(
                "store",
                "The store block that has the address, region or account of another tool's notation.",
            )
    }

    async fn call(&self, mut arguments: Arguments) -> Result<Value, FunctionError> {
        let text = arguments.take::<String>()?;
        let mut stores = arguments.rest::<String>()?;
        if stores.len() > 1 {
            return Err(FunctionError::new("one store name at most").at(2));
        }
        let target = Target {
            store: stores.pop(),
        };
        let reference = convert(&text, &target)
            .map_err(|error| not_a_reference(&error))?
            .reference;
        Ok(model::to_value(Parts {
            r#ref: reference.to_string(),
            scheme: reference.scheme().name().to_owned(),
            store: reference.store().map(str::to_owned),
            path: reference.path(),
            version: reference.version().map(str::to_owned),
            stage: reference.stage().map(str::to_owned),
            encoding: reference.encoding().name().to_owned(),
            optional: reference.optional(),
            selector: reference.selector().map(ToString::to_string),
        }))
    }
}

/// Reads the first argument of a function as a reference.
pub(super) fn reference(text: &str) -> Result<SecretRef, FunctionError> {
    SecretRef::parse(text)
        .map(|found| found.reference)
        .map_err(|error| not_a_reference(&error))
}

fn not_a_reference(error: &ReferenceError) -> FunctionError {
    FunctionError::new(format!(
        "not a secret reference, at byte {}: {error}",
        error.span.start
    ))
    .at(0)
}
