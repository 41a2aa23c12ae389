//! Managed resources as the cores treat them.

use tfplugin::proto;

use super::checks::{self, get};
use super::host::{Host, HostError, Reply, Shape, diagnostics, path};
use super::profile::Phase;
use super::schema::complete;
use crate::codec::msgpack;
use crate::diagnostic::Diagnostics;
use crate::path::Path;
use crate::value::{Object, Value};

/// An object in state.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredObject {
    /// Its attributes.
    pub state: Value,
    /// The provider's notes.
    pub private: Vec<u8>,
    /// Its identity, encoded.
    pub identity: Option<Vec<u8>>,
}

/// A plan for one object.
#[derive(Debug, Clone)]
pub struct Planned {
    /// What will be.
    pub planned: Value,
    /// Why the object must be replaced; empty when it need not be.
    pub replace: Vec<Path>,
    type_name: String,
    prior: Option<StoredObject>,
    config: Value,
    private: Vec<u8>,
}

impl Planned {
    /// The provider's notes, for the apply.
    #[must_use]
    pub fn private(&self) -> &[u8] {
        &self.private
    }
}

impl Host {
    fn managed(&self, type_name: &str) -> Result<Shape, HostError> {
        Shape::new(self.schemas().resource_schemas.get(type_name), type_name)
    }

    /// Validates a configuration that may be partly unknown.
    ///
    /// # Errors
    /// When the call fails.
    pub async fn validate_managed(
        &self,
        type_name: &str,
        config: Object,
    ) -> Result<Diagnostics, HostError> {
        let shape = self.managed(type_name)?;
        let request = proto::validate_resource_config::Request {
            type_name: type_name.to_owned(),
            config: shape.encode(&shape.complete(config))?,
            client_capabilities: Some(self.profile.capabilities(Phase::Plan)),
        };
        Ok(diagnostics(
            self.client
                .clone()
                .validate_resource_config(request)
                .await?
                .into_inner()
                .diagnostics,
        ))
    }

    /// Plans to create an object, or to change `prior`.
    ///
    /// # Errors
    /// When the call fails or the core refuses the plan.
    pub async fn plan(
        &self,
        type_name: &str,
        prior: Option<&StoredObject>,
        config: Object,
    ) -> Result<Reply<Planned>, HostError> {
        self.planned(type_name, prior, config, Vec::new()).await
    }

    /// Plans once more in the same run, as cores that keep the notes of the first plan do.
    ///
    /// # Errors
    /// When the call fails or the core refuses the plan.
    pub async fn plan_again(
        &self,
        type_name: &str,
        prior: &StoredObject,
        config: Object,
        planned_private: &[u8],
    ) -> Result<Reply<Planned>, HostError> {
        let notes = if self.profile.planned_private {
            planned_private.to_vec()
        } else {
            Vec::new()
        };
        self.planned(type_name, Some(prior), config, notes).await
    }

    async fn planned(
        &self,
        type_name: &str,
        prior: Option<&StoredObject>,
        config: Object,
        planned_private: Vec<u8>,
    ) -> Result<Reply<Planned>, HostError> {
        let shape = self.managed(type_name)?;
        let config = complete(&shape.block, config);
        let prior_object = prior.and_then(|prior| prior.state.as_object());
        let proposed = propose(&shape.block, prior_object, &config);
        let request = proto::plan_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: shape.encode(prior.map_or(&Value::Null, |prior| &prior.state))?,
            proposed_new_state: shape.encode(&proposed)?,
            config: shape.encode(&config)?,
            prior_private: prior.map(|prior| prior.private.clone()).unwrap_or_default(),
            client_capabilities: Some(self.profile.capabilities(Phase::Plan)),
            prior_identity: prior
                .and_then(|prior| prior.identity.clone())
                .map(identity_message),
            planned_private,
            ..Default::default()
        };
        let response = self
            .client
            .clone()
            .plan_resource_change(request)
            .await?
            .into_inner();
        let found = diagnostics(response.diagnostics);
        if found.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: found,
            });
        }
        if response.legacy_type_system {
            return Err(HostError::refused(
                "the legacy type system is for old providers only",
            ));
        }
        let planned = shape.decode(response.planned_state)?;
        checks::plan(&shape.block, prior_object, &config, &planned)?;
        let planned = Planned {
            planned,
            replace: response.requires_replace.into_iter().map(path).collect(),
            type_name: type_name.to_owned(),
            prior: prior.cloned(),
            config,
            private: response.planned_private,
        };
        Ok(Reply {
            value: Some(planned),
            diagnostics: found,
        })
    }

    /// Applies a plan. An error keeps what the provider returned all the same, as cores do.
    ///
    /// # Errors
    /// When the call fails or the core refuses the new object.
    pub async fn apply(&self, plan: Planned) -> Result<Reply<StoredObject>, HostError> {
        let Planned {
            planned,
            type_name,
            prior,
            config,
            private,
            ..
        } = plan;
        self.change(&type_name, prior.as_ref(), (&planned, &config), private)
            .await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// When the call fails or the core refuses the answer.
    pub async fn destroy(
        &self,
        type_name: &str,
        object: &StoredObject,
    ) -> Result<Diagnostics, HostError> {
        let gone = (&Value::Null, &Value::Null);
        Ok(self
            .change(type_name, Some(object), gone, object.private.clone())
            .await?
            .diagnostics)
    }

    async fn change(
        &self,
        type_name: &str,
        prior: Option<&StoredObject>,
        (planned, config): (&Value, &Value),
        planned_private: Vec<u8>,
    ) -> Result<Reply<StoredObject>, HostError> {
        let shape = self.managed(type_name)?;
        let request = proto::apply_resource_change::Request {
            type_name: type_name.to_owned(),
            prior_state: shape.encode(prior.map_or(&Value::Null, |prior| &prior.state))?,
            planned_state: shape.encode(planned)?,
            config: shape.encode(config)?,
            planned_private,
            ..Default::default()
        };
        let response = self
            .client
            .clone()
            .apply_resource_change(request)
            .await?
            .into_inner();
        let found = diagnostics(response.diagnostics);
        let state = shape.decode(response.new_state)?;
        if found.has_error() {
            checks::stored(&shape.block, &state)?;
        } else {
            checks::result(&shape.block, planned, &state)?;
        }
        Ok(Reply {
            value: stored(state, response.private, response.new_identity),
            diagnostics: found,
        })
    }

    /// Reads an object as it is now; no value when it is gone.
    ///
    /// # Errors
    /// When the call fails or the core refuses the answer.
    pub async fn refresh(
        &self,
        type_name: &str,
        object: &StoredObject,
    ) -> Result<Reply<StoredObject>, HostError> {
        let shape = self.managed(type_name)?;
        let request = proto::read_resource::Request {
            type_name: type_name.to_owned(),
            current_state: shape.encode(&object.state)?,
            private: object.private.clone(),
            client_capabilities: Some(self.profile.capabilities(Phase::Plan)),
            current_identity: object.identity.clone().map(identity_message),
            ..Default::default()
        };
        let response = self
            .client
            .clone()
            .read_resource(request)
            .await?
            .into_inner();
        let state = shape.decode(response.new_state)?;
        checks::stored(&shape.block, &state)?;
        let value = stored(state, response.private, response.new_identity);
        Ok(Reply {
            value,
            diagnostics: diagnostics(response.diagnostics),
        })
    }

    /// Brings stored JSON to the current version of the schema.
    ///
    /// # Errors
    /// When the call fails or the core refuses the answer.
    pub async fn upgrade(
        &self,
        type_name: &str,
        version: i64,
        json: &str,
    ) -> Result<Reply<Value>, HostError> {
        let shape = self.managed(type_name)?;
        let raw_state = Some(proto::RawState {
            json: json.as_bytes().to_vec(),
            ..Default::default()
        });
        let request = proto::upgrade_resource_state::Request {
            type_name: type_name.to_owned(),
            version,
            raw_state,
        };
        let response = self
            .client
            .clone()
            .upgrade_resource_state(request)
            .await?
            .into_inner();
        let found = diagnostics(response.diagnostics);
        if found.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: found,
            });
        }
        let value = shape.decode(response.upgraded_state)?;
        checks::stored(&shape.block, &value)?;
        Ok(Reply {
            value: Some(value),
            diagnostics: found,
        })
    }

    /// Brings a stored identity to the current version of its schema; gives it encoded.
    ///
    /// # Errors
    /// When the call fails, or the core refuses the answer.
    pub async fn upgrade_identity(
        &self,
        type_name: &str,
        version: i64,
        json: &str,
    ) -> Result<Reply<Value>, HostError> {
        let request = proto::upgrade_resource_identity::Request {
            type_name: type_name.to_owned(),
            version,
            raw_identity: Some(proto::RawState {
                json: json.as_bytes().to_vec(),
                ..Default::default()
            }),
        };
        let response = self
            .client
            .clone()
            .upgrade_resource_identity(request)
            .await?;
        let response = response.into_inner();
        let found = diagnostics(response.diagnostics);
        if found.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: found,
            });
        }
        let identity = response
            .upgraded_identity
            .and_then(|data| data.identity_data);
        let value = msgpack::decode(
            &identity.unwrap_or_default().msgpack,
            &self.identity(type_name)?,
        )?;
        if value.is_null() || !value.is_wholly_known() {
            return Err(HostError::refused("an identity must be there and known"));
        }
        Ok(Reply {
            value: Some(value),
            diagnostics: found,
        })
    }

    /// Writes the configuration of an object, as `plan -generate-config-out` does.
    ///
    /// # Errors
    /// When the call fails, the provider does not offer it, or the core refuses the answer.
    pub async fn generate_config(
        &self,
        type_name: &str,
        object: &StoredObject,
    ) -> Result<Reply<Value>, HostError> {
        let capabilities = self.schemas().server_capabilities.unwrap_or_default();
        if !capabilities.generate_resource_config {
            return Err(HostError::NotOffered("configuration of objects".to_owned()));
        }
        let shape = self.managed(type_name)?;
        let request = proto::generate_resource_config::Request {
            type_name: type_name.to_owned(),
            state: shape.encode(&object.state)?,
        };
        let response = self
            .client
            .clone()
            .generate_resource_config(request)
            .await?;
        let response = response.into_inner();
        let found = diagnostics(response.diagnostics);
        if found.has_error() {
            return Ok(Reply {
                value: None,
                diagnostics: found,
            });
        }
        let config = shape.decode(response.config)?;
        checks::configurable(&shape.block, &config)?;
        Ok(Reply {
            value: Some(config),
            diagnostics: found,
        })
    }

    /// Imports an object by its id.
    ///
    /// # Errors
    /// When the call fails or the core refuses the answer.
    pub async fn import(
        &self,
        type_name: &str,
        id: &str,
    ) -> Result<Reply<StoredObject>, HostError> {
        let shape = self.managed(type_name)?;
        let request = proto::import_resource_state::Request {
            type_name: type_name.to_owned(),
            id: id.to_owned(),
            client_capabilities: Some(self.profile.capabilities(Phase::Plan)),
            identity: None,
        };
        let response = self
            .client
            .clone()
            .import_resource_state(request)
            .await?
            .into_inner();
        let imported = response.imported_resources.into_iter().next();
        let value = match imported {
            None => None,
            Some(imported) => {
                let state = shape.decode(imported.state)?;
                checks::stored(&shape.block, &state)?;
                stored(state, imported.private, imported.identity)
            }
        };
        Ok(Reply {
            value,
            diagnostics: diagnostics(response.diagnostics),
        })
    }

    /// Moves an object of another type, with its stored JSON, to `type_name`.
    ///
    /// # Errors
    /// When the call fails or the core refuses the answer.
    pub async fn move_from(
        &self,
        source: &str,
        json: &str,
        type_name: &str,
    ) -> Result<Reply<StoredObject>, HostError> {
        let shape = self.managed(type_name)?;
        let request = proto::move_resource_state::Request {
            source_provider_address: "registry.terraform.io/example/other".to_owned(),
            source_type_name: source.to_owned(),
            source_state: Some(proto::RawState {
                json: json.as_bytes().to_vec(),
                ..Default::default()
            }),
            target_type_name: type_name.to_owned(),
            ..Default::default()
        };
        let response = self
            .client
            .clone()
            .move_resource_state(request)
            .await?
            .into_inner();
        let state = shape.decode(response.target_state)?;
        checks::stored(&shape.block, &state)?;
        let value = stored(state, response.target_private, response.target_identity);
        Ok(Reply {
            value,
            diagnostics: diagnostics(response.diagnostics),
        })
    }
}

/// The core's merge of configuration and state: computed gaps are filled from what is stored. Like
/// Terraform 1.11, it leaves write-only values in.
fn propose(block: &proto::schema::Block, prior: Option<&Object>, config: &Value) -> Value {
    let Value::Object(config) = config else {
        return Value::Null;
    };
    let mut proposed = config.clone();
    for attribute in block
        .attributes
        .iter()
        .filter(|attribute| attribute.computed)
    {
        if get(config, &attribute.name).is_null() {
            let before = prior.map_or(&Value::Null, |prior| get(prior, &attribute.name));
            proposed.insert(attribute.name.clone(), before.clone());
        }
    }
    Value::Object(proposed)
}

fn stored(
    state: Value,
    private: Vec<u8>,
    identity: Option<proto::ResourceIdentityData>,
) -> Option<StoredObject> {
    let identity = identity
        .and_then(|identity| identity.identity_data)
        .map(|data| data.msgpack);
    (!state.is_null()).then_some(StoredObject {
        state,
        private,
        identity,
    })
}

fn identity_message(msgpack: Vec<u8>) -> proto::ResourceIdentityData {
    proto::ResourceIdentityData {
        identity_data: Some(proto::DynamicValue {
            msgpack,
            json: Vec::new(),
        }),
    }
}
