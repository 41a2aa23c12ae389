//! Functions, a data source and an action.

use async_trait::async_trait;
use tf_framework::action::{Action, Progress};
use tf_framework::prelude::*;
use tf_framework::value::Value;

use super::Shared;

pub struct JoinFunction;

#[async_trait]
impl Function for JoinFunction {
    fn name(&self) -> &'static str {
        "join"
    }

    fn signature(&self) -> Signature {
        Signature::returning::<String>("Joins texts")
            .describe("Joins texts with a separator.")
            .parameter::<String>("separator", "What stands between.")
            .variadic::<String>("texts", "What is joined.")
    }

    async fn call(&self, mut arguments: Arguments) -> Result<Value, FunctionError> {
        let separator: String = arguments.take()?;
        if separator.is_empty() {
            return Err(FunctionError::new("The separator must not be empty.").at(0));
        }
        Ok(arguments.rest::<String>()?.join(&separator).encode())
    }
}

pub struct OrElseFunction;

#[async_trait]
impl Function for OrElseFunction {
    fn name(&self) -> &'static str {
        "or_else"
    }

    fn signature(&self) -> Signature {
        Signature::returning::<String>("Replaces null")
            .parameter::<Option<String>>("value", "May be null.")
            .parameter::<String>("other", "Stands in.")
    }

    async fn call(&self, mut arguments: Arguments) -> Result<Value, FunctionError> {
        let (value, other): (Option<String>, String) = (arguments.take()?, arguments.take()?);
        Ok(value.unwrap_or(other).encode())
    }
}

pub struct PanicFunction;

#[async_trait]
impl Function for PanicFunction {
    fn name(&self) -> &'static str {
        "panic"
    }

    fn signature(&self) -> Signature {
        Signature::returning::<String>("Panics")
    }

    async fn call(&self, _: Arguments) -> Result<Value, FunctionError> {
        panic!("hunter2")
    }
}

model! {
    /// Greets.
    pub struct GreetingModel {
        /// Whom.
        pub name: String = required(),
        /// The greeting.
        pub text: Option<String> = computed(),
    }
}

pub struct GreetingSource;

#[async_trait]
impl DataSource for GreetingSource {
    type Data = Shared;
    type Model = GreetingModel;

    fn name(&self) -> &'static str {
        "echo_greeting"
    }

    async fn read(
        &self,
        _: &Context<Shared>,
        config: GreetingModel,
    ) -> Result<GreetingModel, Diagnostics> {
        if config.name == "changed" {
            return Ok(GreetingModel {
                name: "other".into(),
                ..config
            });
        }
        Ok(GreetingModel {
            text: Some(format!("hello {}", config.name)),
            ..config
        })
    }
}

model! {
    /// Says words.
    pub struct SayModel {
        /// What to say.
        pub words: Vec<String> = required(),
    }
}

pub struct SayAction;

#[async_trait]
impl Action for SayAction {
    type Data = Shared;
    type Model = SayModel;

    fn name(&self) -> &'static str {
        "echo_say"
    }

    async fn invoke(
        &self,
        _: &Context<Shared>,
        config: SayModel,
        progress: &Progress,
    ) -> Result<(), Diagnostics> {
        for word in config.words {
            if word == "fail" {
                return Err(Diagnostic::error("Lost for words").into());
            }
            assert!(word != "panic", "hunter2");
            progress.say(word).await;
        }
        Ok(())
    }
}
