//! `with_version`: the same secret in another version.

use async_trait::async_trait;
use tf_framework::function::{Arguments, Function, FunctionError, Signature};
use tf_framework::prelude::*;
use tf_framework::value::Value;

use super::parse_ref::reference;

/// The function.
pub(crate) struct WithVersion;

#[async_trait]
impl Function for WithVersion {
    fn name(&self) -> &'static str {
        "with_version"
    }

    fn signature(&self) -> Signature {
        Signature::returning::<String>("Secret reference with a version")
            .describe(
                "Gives the reference of the same secret in another version, in canonical form; a null version \
                 means the current one. Nothing is contacted.",
            )
            .parameter::<String>("ref", "A secret reference.")
            .parameter::<Option<String>>("version", "The version, in the words of the store, or null.")
    }

    async fn call(&self, mut arguments: Arguments) -> Result<Value, FunctionError> {
        let reference = reference(&arguments.take::<String>()?)?;
        let version = arguments.take::<Option<String>>()?;
        let changed = reference
            .with_version(version.as_deref())
            .map_err(|error| FunctionError::new(error.to_string()).at(1))?;
        Ok(changed.to_string().encode())
    }
}
