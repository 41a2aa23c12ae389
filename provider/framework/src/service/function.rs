//! Calling functions, which need no configuration.

use std::sync::Arc;

use tfplugin::proto;

use super::ProviderService;
use super::call::Interrupted;
use crate::convert;
use crate::diagnostic::Diagnostics;
use crate::function::{Arguments, FunctionError, Signature};
use crate::provider::Provider;
use crate::value::Value;

use proto::call_function::{Request, Response};

impl<P: Provider> ProviderService<P> {
    pub(super) async fn call_function(&self, request: Request) -> Response {
        match self.function_result(request).await {
            Ok(result) => Response {
                result: Some(result),
                error: None,
            },
            Err(error) => Response {
                result: None,
                error: Some(convert::function_error(&error)),
            },
        }
    }

    async fn function_result(
        &self,
        request: Request,
    ) -> Result<proto::DynamicValue, FunctionError> {
        let Request { name, arguments } = request;
        let function = self.inner.registry.functions.get(&name);
        let function = function.ok_or_else(|| {
            FunctionError::new(format!("This provider has no function `{name}`."))
        })?;
        let signature = function.signature();
        let arguments = read_arguments(&signature, arguments)?;
        let result = match arguments {
            None => Value::unknown(),
            Some(arguments) => {
                let function = Arc::clone(function);
                let work = async move { Ok(function.call(Arguments::new(arguments)).await) };
                self.scope().run(Interrupted::Abandon, work).await??
            }
        };
        convert::dynamic(&result, &signature.result).map_err(FunctionError::from)
    }
}

/// Reads the arguments; `None` when one is unknown that must not be, so that the result is unknown.
fn read_arguments(
    signature: &Signature,
    arguments: Vec<proto::DynamicValue>,
) -> Result<Option<Vec<Value>>, FunctionError> {
    let mut values = Vec::with_capacity(arguments.len());
    let mut known = true;
    for (index, argument) in arguments.into_iter().enumerate() {
        let position = i64::try_from(index).unwrap_or(i64::MAX);
        let problem = |text: &str| FunctionError::new(text).at(position);
        let parameter = signature
            .parameter_at(index)
            .ok_or_else(|| problem("There are too many arguments."))?;
        let value = convert::value(Some(argument), &parameter.ty)
            .map_err(|problems: Diagnostics| FunctionError::from(problems).at(position))?;
        if value.is_null() && !parameter.allow_null {
            return Err(problem(&format!(
                "The argument `{}` must not be null.",
                parameter.name
            )));
        }
        known &= parameter.allow_unknown || value.is_wholly_known();
        values.push(value);
    }
    if values.len() < signature.parameters.len() {
        return Err(FunctionError::new("There are too few arguments."));
    }
    Ok(known.then_some(values))
}
