//! The host: discovery, configuration, data sources, functions, actions and lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use tfplugin::client::{ClientError, Launch, Plugin};
use tfplugin::proto;
use tfplugin::proto::provider_client::ProviderClient;
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::connect;
use super::profile::{Phase, Profile};
use super::schema::{block_type, complete};
use crate::codec::{CodecError, msgpack};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::Path;
use crate::provider::Provider;
use crate::service::ProviderService;
use crate::types::{Type, TypeError};
use crate::value::{Object, Value};

/// Plays one core towards one provider.
#[derive(Clone)]
pub struct Host {
    pub(super) client: ProviderClient<Channel>,
    pub(super) profile: Profile,
    schemas: Arc<proto::get_provider_schema::Response>,
    identities: Arc<BTreeMap<String, proto::ResourceIdentitySchema>>,
}

/// Why a core would have given up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// The provider failed a call instead of answering with diagnostics.
    #[error("the call failed: {0}")]
    Call(#[from] Box<Status>),
    /// The provider could not be started or reached.
    #[error(transparent)]
    Wire(#[from] ClientError),
    /// No channel.
    #[error(transparent)]
    Transport(#[from] tonic::transport::Error),
    /// A value is malformed.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A type in a schema is malformed: a core would crash.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// The provider offers no such thing.
    #[error("the provider offers no {0}")]
    NotOffered(String),
    /// The core checks the answer and refuses it.
    #[error("refused: {0}")]
    Refused(String),
    /// The call took longer than the core waits.
    #[error("the core has given up waiting")]
    TimedOut,
}

impl HostError {
    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(why.into())
    }
}

impl From<Status> for HostError {
    fn from(status: Status) -> Self {
        Self::Call(Box::new(status))
    }
}

/// An answer: perhaps a value, and diagnostics.
#[derive(Debug, Clone)]
pub struct Reply<T> {
    /// Missing when there are errors.
    pub value: Option<T>,
    /// What the practitioner sees.
    pub diagnostics: Diagnostics,
}

impl Host {
    /// Connects to a service inside this process.
    ///
    /// # Errors
    /// When discovery fails.
    pub async fn in_process<P: Provider>(
        service: &ProviderService<P>,
        profile: Profile,
    ) -> Result<Self, HostError> {
        Self::discover(connect::in_process(service.clone()).await?, profile).await
    }

    /// Starts a provider process and connects to it with mutual TLS.
    ///
    /// # Errors
    /// When it cannot be started or reached, or discovery fails.
    pub async fn process(launch: &Launch, profile: Profile) -> Result<(Self, Plugin), HostError> {
        let plugin = Plugin::start(launch).await?;
        let host = Self::discover(plugin.connect().await?, profile).await?;
        Ok((host, plugin))
    }

    /// Asks for the schemas, as every core does first.
    async fn discover(channel: Channel, profile: Profile) -> Result<Self, HostError> {
        let mut client = ProviderClient::new(channel)
            .max_decoding_message_size(tfplugin::MAX_MESSAGE_LEN)
            .max_encoding_message_size(tfplugin::MAX_MESSAGE_LEN);
        let schemas = client
            .get_provider_schema(proto::get_provider_schema::Request {})
            .await?
            .into_inner();
        let mut identities = BTreeMap::new();
        if profile.identity {
            let request = proto::get_resource_identity_schemas::Request {};
            match client.get_resource_identity_schemas(request).await {
                Ok(answer) => identities = answer.into_inner().identity_schemas,
                // A provider without identities; OpenTofu puts up with any failure.
                Err(failure) if profile.opentofu || failure.code() == Code::Unimplemented => {}
                Err(failure) => return Err(failure.into()),
            }
        }
        Ok(Self {
            client,
            profile,
            schemas: Arc::new(schemas),
            identities: Arc::new(identities),
        })
    }

    /// The core being played.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What the provider said it offers.
    #[must_use]
    pub fn schemas(&self) -> &proto::get_provider_schema::Response {
        &self.schemas
    }

    /// The type of the identities of a managed resource.
    pub(super) fn identity(&self, type_name: &str) -> Result<Type, HostError> {
        let schema = self
            .identities
            .get(type_name)
            .ok_or_else(|| HostError::NotOffered(format!("identity of {type_name}")))?;
        let attributes = schema.identity_attributes.iter().map(|attribute| {
            let ty = Type::from_json(&attribute.r#type)?;
            Ok((attribute.name.clone(), ty))
        });
        let attributes: Result<Vec<_>, TypeError> = attributes.collect();
        Ok(Type::object(attributes?))
    }

    /// The bare client, to call what no core would.
    #[must_use]
    pub fn client(&self) -> ProviderClient<Channel> {
        self.client.clone()
    }

    /// Validates and configures the provider, as before planning.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn configure(&self, config: Object) -> Result<Diagnostics, HostError> {
        let schema = self.schemas.provider.clone();
        let shape = Shape::new(schema.as_ref(), "provider block")?;
        let config = shape.config(config)?;
        let request = proto::validate_provider_config::Request {
            config: config.clone(),
        };
        let checked = self
            .client
            .clone()
            .validate_provider_config(request)
            .await?
            .into_inner();
        let checked = diagnostics(checked.diagnostics);
        if checked.has_error() {
            return Ok(checked);
        }
        let request = proto::configure_provider::Request {
            terraform_version: self.profile.version.to_owned(),
            config,
            client_capabilities: Some(self.profile.capabilities(Phase::Plan)),
        };
        let configured = self
            .client
            .clone()
            .configure_provider(request)
            .await?
            .into_inner();
        Ok(checked
            .into_iter()
            .chain(diagnostics(configured.diagnostics))
            .collect())
    }

    /// Interrupts the run.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn stop(&self) -> Result<(), HostError> {
        self.client
            .clone()
            .stop_provider(proto::stop_provider::Request {})
            .await?;
        Ok(())
    }

    /// Validates and reads a data source.
    ///
    /// # Errors
    /// When a call fails or the core refuses the answer.
    pub async fn data_source(
        &self,
        type_name: &str,
        config: Object,
    ) -> Result<Reply<Value>, HostError> {
        let shape = Shape::new(self.schemas.data_source_schemas.get(type_name), type_name)?;
        let complete = shape.complete(config);
        let config = shape.encode(&complete)?;
        let (type_name, capabilities) = (
            type_name.to_owned(),
            Some(self.profile.capabilities(Phase::Plan)),
        );
        let request = proto::validate_data_resource_config::Request {
            type_name: type_name.clone(),
            config: config.clone(),
        };
        let checked = self
            .client
            .clone()
            .validate_data_resource_config(request)
            .await?
            .into_inner();
        let checked = diagnostics(checked.diagnostics);
        if checked.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: checked,
            });
        }
        let request = proto::read_data_source::Request {
            type_name,
            config,
            provider_meta: None,
            client_capabilities: capabilities,
        };
        let read = self
            .client
            .clone()
            .read_data_source(request)
            .await?
            .into_inner();
        let found = diagnostics(read.diagnostics);
        if found.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: found,
            });
        }
        let value = shape.decode(read.state)?;
        super::checks::plan(&shape.block, None, &complete, &value)?;
        super::checks::stored(&shape.block, &value)?;
        Ok(Reply {
            value: Some(value),
            diagnostics: found,
        })
    }

    /// Calls a function with arguments of its parameter types. `Err` inside is the practitioner's message
    /// and the position of the argument at fault.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn function(
        &self,
        name: &str,
        arguments: &[Value],
    ) -> Result<Result<Value, (String, Option<i64>)>, HostError> {
        let not_offered = || HostError::NotOffered(name.to_owned());
        let function = self.schemas.functions.get(name).ok_or_else(not_offered)?;
        let mut encoded = Vec::new();
        for (position, argument) in arguments.iter().enumerate() {
            let parameter = function
                .parameters
                .get(position)
                .or(function.variadic_parameter.as_ref());
            let parameter = parameter.ok_or_else(not_offered)?;
            if argument.is_null() && !parameter.allow_null_value {
                return Err(HostError::refused("argument must not be null"));
            }
            if !argument.is_wholly_known() && !parameter.allow_unknown_values {
                return Ok(Ok(Value::unknown()));
            }
            let empty = argument.is_null() && self.profile.null_argument_is_empty;
            let ty = Type::from_json(&parameter.r#type)?;
            let msgpack = if empty {
                Vec::new()
            } else {
                msgpack::encode(argument, &ty)?
            };
            encoded.push(proto::DynamicValue {
                msgpack,
                json: Vec::new(),
            });
        }
        let request = proto::call_function::Request {
            name: name.to_owned(),
            arguments: encoded,
        };
        let response = self
            .client
            .clone()
            .call_function(request)
            .await?
            .into_inner();
        if let Some(error) = response.error {
            return Ok(Err((error.text, error.function_argument)));
        }
        let ty = Type::from_json(&function.r#return.as_ref().ok_or_else(not_offered)?.r#type)?;
        Ok(Ok(decode(response.result, &ty)?))
    }

    /// Invokes an action; gives what it said, and its diagnostics.
    ///
    /// # Errors
    /// When a call fails or the stream ends without a completion.
    pub async fn action(
        &self,
        type_name: &str,
        config: Object,
    ) -> Result<(Vec<String>, Diagnostics), HostError> {
        use proto::invoke_action::event::Type as Event;
        let schema = self
            .schemas
            .action_schemas
            .get(type_name)
            .and_then(|action| action.schema.as_ref());
        let shape = Shape::new(schema, type_name)?;
        let config = shape.config(config)?;
        let capabilities = Some(self.profile.capabilities(Phase::Apply));
        let action_type = type_name.to_owned();
        let request = proto::plan_action::Request {
            action_type: action_type.clone(),
            config: config.clone(),
            client_capabilities: capabilities,
        };
        let planned = diagnostics(
            self.client
                .clone()
                .plan_action(request)
                .await?
                .into_inner()
                .diagnostics,
        );
        if planned.has_error() {
            return Ok((Vec::new(), planned));
        }
        let request = proto::invoke_action::Request {
            action_type,
            config,
            client_capabilities: capabilities,
        };
        let mut events = self
            .client
            .clone()
            .invoke_action(request)
            .await?
            .into_inner();
        let mut said = Vec::new();
        while let Some(event) = events.next().await {
            match event?.r#type {
                Some(Event::Progress(progress)) => said.push(progress.message),
                Some(Event::Completed(completed)) => {
                    return Ok((said, diagnostics(completed.diagnostics)));
                }
                None => {}
            }
        }
        Err(HostError::refused("the stream ended without a completion"))
    }

    /// Runs a query; gives the display names found and the diagnostics.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn list(
        &self,
        type_name: &str,
        config: Object,
        limit: i64,
    ) -> Result<(Vec<String>, Diagnostics), HostError> {
        let shape = Shape::new(self.schemas.list_resource_schemas.get(type_name), type_name)?;
        let request = proto::list_resource::Request {
            type_name: type_name.to_owned(),
            config: shape.config(config)?,
            include_resource_object: true,
            limit,
        };
        let mut events = self
            .client
            .clone()
            .list_resource(request)
            .await?
            .into_inner();
        let (mut names, mut problems) = (Vec::new(), Diagnostics::new());
        while let Some(event) = events.next().await {
            let event = event?;
            if event.identity.is_some() {
                names.push(event.display_name);
            }
            problems.extend(diagnostics(event.diagnostic));
        }
        Ok((names, problems))
    }
}

/// A schema with the type of its values.
pub(super) struct Shape {
    pub(super) block: proto::schema::Block,
    pub(super) ty: Type,
}

impl Shape {
    pub(super) fn new(schema: Option<&proto::Schema>, name: &str) -> Result<Self, HostError> {
        let schema = schema.ok_or_else(|| HostError::NotOffered(name.to_owned()))?;
        let block = schema
            .block
            .clone()
            .ok_or_else(|| HostError::refused("a schema without a block crashes cores"))?;
        let ty = block_type(&block)?;
        Ok(Self { block, ty })
    }

    pub(super) fn complete(&self, config: Object) -> Value {
        complete(&self.block, config)
    }

    pub(super) fn encode(&self, value: &Value) -> Result<Option<proto::DynamicValue>, HostError> {
        let msgpack = msgpack::encode(value, &self.ty)?;
        Ok(Some(proto::DynamicValue {
            msgpack,
            json: Vec::new(),
        }))
    }

    fn config(&self, config: Object) -> Result<Option<proto::DynamicValue>, HostError> {
        self.encode(&self.complete(config))
    }

    pub(super) fn decode(&self, message: Option<proto::DynamicValue>) -> Result<Value, HostError> {
        decode(message, &self.ty)
    }
}

fn decode(message: Option<proto::DynamicValue>, ty: &Type) -> Result<Value, HostError> {
    Ok(msgpack::decode(&message.unwrap_or_default().msgpack, ty)?)
}

/// Diagnostics as the practitioner sees them.
pub(super) fn diagnostics(messages: Vec<proto::Diagnostic>) -> Diagnostics {
    messages.into_iter().map(diagnostic).collect()
}

fn diagnostic(message: proto::Diagnostic) -> Diagnostic {
    let make = match message.severity() {
        proto::diagnostic::Severity::Warning => Diagnostic::warning,
        proto::diagnostic::Severity::Error | proto::diagnostic::Severity::Invalid => {
            Diagnostic::error
        }
    };
    make(message.summary)
        .detail(message.detail)
        .at(path(message.attribute.unwrap_or_default()))
}

pub(super) fn path(message: proto::AttributePath) -> Path {
    use proto::attribute_path::step::Selector;
    message
        .steps
        .into_iter()
        .filter_map(|step| step.selector)
        .fold(Path::root(), |path, selector| match selector {
            Selector::AttributeName(name) => path.attribute(name),
            Selector::ElementKeyString(key) => path.key(key),
            Selector::ElementKeyInt(index) => {
                path.index(usize::try_from(index).unwrap_or(usize::MAX))
            }
        })
}
