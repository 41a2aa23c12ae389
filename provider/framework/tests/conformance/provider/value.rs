//! An ephemeral resource that gives back what it got, and bytes as text.

use async_trait::async_trait;
use secret_value::Secret;
use tf_framework::number::Number;
use tf_framework::prelude::*;
use tf_framework::value::Dynamic;

use super::Shared;

model! {
    /// Gives back its arguments.
    pub struct ValueModel {
        /// Comes back.
        pub name: String = required(),
        /// Comes back with every digit.
        pub number: Option<Number> = optional(),
        /// Comes back with its type.
        pub any: Option<Dynamic> = optional(),
        /// Comes back and stays out of every message.
        pub password: Option<Secret> = optional().sensitive(),
        /// Bytes as numbers; they become `value`.
        pub bytes: Option<Vec<u8>> = optional(),
        /// The bytes as text.
        pub value: Option<Secret> = computed().sensitive(),
        /// The bytes as base64 text, if they are no text.
        pub value_base64: Option<Secret> = computed().sensitive(),
        /// Length of the password.
        pub length: Option<u64> = computed(),
    }
}

pub struct ValueResource;

#[async_trait]
impl EphemeralResource for ValueResource {
    type Data = Shared;
    type Model = ValueModel;

    fn name(&self) -> &'static str {
        "echo_value"
    }

    async fn validate(&self, config: &Config) -> Diagnostics {
        let mut found = Diagnostics::new();
        if config
            .known::<String>("name")
            .is_some_and(|name| name.is_empty())
        {
            found.push(
                Diagnostic::error("Empty name")
                    .detail("Give a name.")
                    .at("name"),
            );
        }
        found
    }

    async fn open(
        &self,
        _: &Context<Shared>,
        config: ValueModel,
    ) -> Result<Opened<ValueModel>, Diagnostics> {
        if config.name == "leak" {
            // A careless provider: the secret is put into a message.
            let Some(password) = &config.password else {
                return Err(Diagnostic::error("no password").into());
            };
            #[expect(
                clippy::disallowed_methods,
                reason = "the test shows that redaction catches this"
            )]
            let text = String::from_utf8_lossy(password.expose()).into_owned();
            return Err(Diagnostic::error(format!("cannot log in with {text}")).into());
        }
        let value = config.bytes.clone().map(Secret::new);
        let length = config.password.as_ref().map_or(0, Secret::len) as u64;
        Ok(Opened::new(ValueModel {
            value,
            length: Some(length),
            ..config
        }))
    }
}
