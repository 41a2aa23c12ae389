//! `environment_of`: which environment a reference belongs to.

use async_trait::async_trait;
use secret_policy::environments::of_reference;
use secret_policy::{Policy, SecretRef};
use tf_framework::function::{Arguments, Function, FunctionError, Signature};
use tf_framework::prelude::*;
use tf_framework::value::Value;

use super::parse_ref::reference;

/// The function.
pub(crate) struct EnvironmentOf;

#[async_trait]
impl Function for EnvironmentOf {
    fn name(&self) -> &'static str {
        "environment_of"
    }

    fn signature(&self) -> Signature {
        Signature::returning::<Option<String>>("Environment of a secret reference")
            .describe(
                "Says which environment a secret belongs to. With the text of a policy, it is the environment whose own \
                 `refs` cover the reference; null when none does or the reference is in `[shared]` only, and an error \
                 when several do. Without a policy, it is the environment that the name of the store suggests, else the \
                 path, by its usual name (`prod` for `production` and `live`); null when neither suggests one. Nothing \
                 is contacted and no file is read.",
            )
            .parameter::<String>("ref", "A secret reference, such as `vault+prod://kv/database#password`.")
            .variadic::<String>(
                "policy",
                "The text of a policy, such as `file(\"secretref.toml\")`. At most one.",
            )
    }

    async fn call(&self, mut arguments: Arguments) -> Result<Value, FunctionError> {
        let reference = reference(&arguments.take::<String>()?)?;
        let policies = arguments.rest::<String>()?;
        let name = match policies.as_slice() {
            [] => of_reference(&reference).map(str::to_owned),
            [text] => owner(&reference, text)?,
            _ => return Err(FunctionError::new("one policy at most").at(2)),
        };
        Ok(name.encode())
    }
}

/// The one environment that owns the reference.
fn owner(reference: &SecretRef, text: &str) -> Result<Option<String>, FunctionError> {
    let policy = Policy::parse("policy", text)
        .map_err(|error| FunctionError::new(format!("not a policy: {error}")).at(1))?;
    match policy.owners(reference).as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.name().to_owned())),
        several => {
            let names: Vec<_> = several
                .iter()
                .map(|owner| format!("`{}`", owner.name()))
                .collect();
            Err(FunctionError::new(format!(
                "`{reference}` belongs to several environments: {}; narrow the `refs` of all but one, or move it to \
                 `[shared]`",
                names.join(", ")
            ))
            .at(0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "[environments.prod]\nrefs = [\"vault+prod://**\", \"local://both/*\"]\n\
                          [environments.dev]\nrefs = [\"local://dev/**\", \"local://both/*\"]\n\
                          [shared]\nrefs = [{ ref = \"local://ca\", reason = \"public\" }]\n";

    fn of(text: &str) -> Result<Option<String>, FunctionError> {
        owner(&text.parse().unwrap(), POLICY)
    }

    #[test]
    fn the_policy_names_one_owner_or_none() {
        assert_eq!(of("vault+prod://kv/db").unwrap().as_deref(), Some("prod"));
        assert_eq!(
            of("local://dev/db#password").unwrap().as_deref(),
            Some("dev")
        );
        assert_eq!(of("local://ca").unwrap(), None);
        assert_eq!(of("local://elsewhere").unwrap(), None);
    }

    #[test]
    fn several_owners_and_mistakes_in_the_policy_are_errors() {
        let error = of("local://both/x").unwrap_err().to_string();
        assert!(error.contains("`prod`, `dev`"), "{error}");
        let error = owner(
            &"local://a".parse().unwrap(),
            "[environments.dev]\nref = [\"local://**\"]\n",
        )
        .unwrap_err()
        .to_string();
        assert!(
            error.contains("policy:2") && error.contains("did you mean `refs`"),
            "{error}"
        );
    }
}
