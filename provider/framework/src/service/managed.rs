//! Planning, applying, reading and importing managed resources.
//!
//! Every value that goes out loses its write-only parts in [`Target::out`], the one way out.

use std::sync::Arc;

use tfplugin::proto;

use super::ProviderService;
use super::call::{Answer, Interrupted};
use super::offered::{Made, find};
use crate::context::Capabilities;
use crate::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::echo;
use crate::managed::{Apply, ErasedManaged, IdentitySchema, Import, Read, StoredValue};
use crate::planning::Plan;
use crate::provider::Provider;
use crate::value::Value;
use crate::write_only;

use proto::{
    apply_resource_change, import_resource_state, plan_resource_change, read_resource,
    validate_resource_config,
};

/// What messages call it.
pub(super) const KIND: &str = "resource type";

/// A managed resource that was asked for, with its schemas.
pub(super) struct Target<D> {
    pub(super) item: Arc<dyn ErasedManaged<D>>,
    pub(super) made: Arc<Made>,
    pub(super) identity: Option<IdentitySchema>,
}

/// An object on its way out.
pub(super) struct Out {
    pub(super) state: proto::DynamicValue,
    pub(super) private: Vec<u8>,
    pub(super) identity: Option<proto::ResourceIdentityData>,
}

impl<D> Target<D> {
    pub(super) fn read(&self, message: Option<proto::DynamicValue>) -> Result<Value, Diagnostics> {
        convert::value(message, &self.made.ty)
    }

    pub(super) fn out(&self, stored: Option<StoredValue>) -> Result<Out, Diagnostics> {
        let (mut state, private, identity) = match stored {
            Some(StoredValue {
                state,
                private,
                identity,
            }) => (state, private, identity),
            None => (Value::Null, Vec::new(), None),
        };
        write_only::remove(&self.made.schema.block, &mut state);
        echo::require_known(&state)?;
        Ok(Out {
            state: convert::dynamic(&state, &self.made.ty)?,
            private,
            identity: convert::identity_data(identity, self.identity.as_ref())?,
        })
    }
}

impl<P: Provider> ProviderService<P> {
    pub(super) fn managed(&self, name: &str) -> Result<Target<P::Data>, Diagnostics> {
        let offered = find(&self.inner.registry.managed, KIND, name)?;
        Ok(Target {
            item: Arc::clone(&offered.item),
            made: offered.made(),
            identity: offered.item.identity_schema(),
        })
    }

    pub(super) async fn validate_managed(
        &self,
        request: validate_resource_config::Request,
    ) -> Diagnostics {
        let validate_resource_config::Request {
            type_name,
            config,
            client_capabilities,
        } = request;
        let offered = find(&self.inner.registry.managed, KIND, &type_name);
        let mut found = Diagnostics::new();
        if let Ok(offered) = offered.as_ref()
            && !convert::capabilities(client_capabilities).write_only_attributes
        {
            found.extend(refused_write_only(&offered.made(), config.clone()));
        }
        found.extend(self.validate(offered, config).await);
        found
    }

    pub(super) async fn read_managed(
        &self,
        request: read_resource::Request,
    ) -> read_resource::Response {
        let read_resource::Request {
            type_name,
            current_state,
            private,
            client_capabilities,
            current_identity,
            ..
        } = request;
        let prepared = self.managed(&type_name).and_then(|target| {
            let state = target.read(current_state)?;
            let identity = convert::identity(current_identity, target.identity.as_ref())?;
            Ok((
                target,
                Read {
                    state,
                    private,
                    identity,
                },
            ))
        });
        let answer = match prepared {
            Err(problems) => Err(problems).into(),
            Ok((target, read)) if read.state.is_null() => target.out(None).into(),
            Ok((target, read)) => {
                let work = |context| async move {
                    let stored = target.item.read(&context, read).await?;
                    target.out(stored)
                };
                self.call(
                    Interrupted::Abandon,
                    convert::capabilities(client_capabilities),
                    work,
                )
                .await
            }
        };
        let Answer { value, diagnostics } = answer;
        let diagnostics = convert::diagnostics(&diagnostics);
        match value {
            None => read_resource::Response {
                diagnostics,
                ..Default::default()
            },
            Some(Out {
                state,
                private,
                identity,
            }) => read_resource::Response {
                new_state: Some(state),
                diagnostics,
                private,
                deferred: None,
                new_identity: identity,
            },
        }
    }

    pub(super) async fn plan(
        &self,
        request: plan_resource_change::Request,
    ) -> plan_resource_change::Response {
        let prior_identity = request.prior_identity.clone();
        let Answer { value, diagnostics } = self.planned(request).await;
        let diagnostics = convert::diagnostics(&diagnostics);
        let Some((state, replace, private)) = value else {
            return plan_resource_change::Response {
                diagnostics,
                ..Default::default()
            };
        };
        plan_resource_change::Response {
            planned_state: Some(state),
            // A replaced object is another one, so its identity is not promised.
            planned_identity: prior_identity.filter(|_| replace.is_empty()),
            requires_replace: replace,
            planned_private: private,
            diagnostics,
            legacy_type_system: false,
            deferred: None,
        }
    }

    async fn planned(
        &self,
        request: plan_resource_change::Request,
    ) -> Answer<(proto::DynamicValue, Vec<proto::AttributePath>, Vec<u8>)> {
        let plan_resource_change::Request {
            type_name,
            prior_state,
            proposed_new_state,
            config,
            prior_private,
            client_capabilities,
            planned_private,
            ..
        } = request;
        let prepared = self.managed(&type_name).and_then(|target| {
            let (prior, proposed) = (target.read(prior_state)?, target.read(proposed_new_state)?);
            let config = target.read(config)?;
            Ok((target, prior, proposed, config))
        });
        let (target, prior, proposed, config) = match prepared {
            Ok(prepared) => prepared,
            Err(problems) => return Err(problems).into(),
        };
        if proposed.is_null() {
            return target
                .out(None)
                .map(|out| (out.state, Vec::new(), prior_private))
                .into();
        }
        let block = &target.made.schema.block;
        // A core that keeps the notes of the last plan sends them when it plans again.
        let private = if planned_private.is_empty() {
            prior_private
        } else {
            planned_private
        };
        let mut plan = Plan::new(block, prior, config, proposed, private);
        let finish = |target: &Target<P::Data>, plan: Plan| {
            let (planned, replace, private) = plan.into_parts(&target.made.schema.block);
            let replace = replace.iter().map(convert::path).collect();
            convert::dynamic(&planned, &target.made.ty).map(|planned| (planned, replace, private))
        };
        if self.configuration_is_unknown() {
            // The framework's own plan stands until the provider can be asked.
            return finish(&target, plan).into();
        }
        let work = |context| async move {
            target.item.plan(&context, &mut plan).await?;
            finish(&target, plan)
        };
        self.call(
            Interrupted::Abandon,
            convert::capabilities(client_capabilities),
            work,
        )
        .await
    }

    pub(super) async fn apply(
        &self,
        request: apply_resource_change::Request,
    ) -> apply_resource_change::Response {
        let apply_resource_change::Request {
            type_name,
            prior_state,
            planned_state,
            config,
            planned_private,
            ..
        } = request;
        let prepared = self.managed(&type_name).and_then(|target| {
            let (prior, planned) = (target.read(prior_state)?, target.read(planned_state)?);
            let apply = Apply {
                prior,
                planned,
                config: target.read(config)?,
                private: planned_private,
            };
            Ok((target, apply))
        });
        let Answer { value, diagnostics } = match prepared {
            Err(problems) => Err(problems).into(),
            Ok((target, apply)) => {
                let work = |context| async move {
                    let stored = target.item.apply(&context, apply).await?;
                    target.out(stored)
                };
                self.call(Interrupted::Wait, Capabilities::default(), work)
                    .await
            }
        };
        let diagnostics = convert::diagnostics(&diagnostics);
        match value {
            // Terraform keeps the stored state when none is sent.
            None => apply_resource_change::Response {
                diagnostics,
                ..Default::default()
            },
            Some(Out {
                state,
                private,
                identity,
            }) => apply_resource_change::Response {
                new_state: Some(state),
                private,
                diagnostics,
                legacy_type_system: false,
                new_identity: identity,
            },
        }
    }

    pub(super) async fn import(
        &self,
        request: import_resource_state::Request,
    ) -> import_resource_state::Response {
        let import_resource_state::Request {
            type_name,
            id,
            client_capabilities,
            identity,
        } = request;
        let prepared = self.managed(&type_name).and_then(|target| {
            let identity = convert::identity(identity, target.identity.as_ref())?;
            let id = Some(id).filter(|id| !id.is_empty());
            Ok((target, Import { id, identity }))
        });
        let answer = match prepared {
            Err(problems) => Err(problems).into(),
            Ok((target, import)) => {
                let work = |context| async move {
                    let stored = target.item.import(&context, import).await?;
                    target.out(Some(stored))
                };
                self.call(
                    Interrupted::Abandon,
                    convert::capabilities(client_capabilities),
                    work,
                )
                .await
            }
        };
        let Answer { value, diagnostics } = answer;
        let imported = value.map(
            |Out {
                 state,
                 private,
                 identity,
             }| import_resource_state::ImportedResource {
                type_name,
                state: Some(state),
                private,
                identity,
            },
        );
        import_resource_state::Response {
            imported_resources: imported.into_iter().collect(),
            diagnostics: convert::diagnostics(&diagnostics),
            deferred: None,
        }
    }
}

/// A core that does not know write-only attributes would store their values. A configuration that cannot
/// be read is reported elsewhere.
fn refused_write_only(made: &Made, config: Option<proto::DynamicValue>) -> Diagnostics {
    let Ok(mut config) = convert::value(config, &made.ty) else {
        return Diagnostics::new();
    };
    let paths = write_only::set_paths(&made.schema.block, &mut config);
    let refusal = |path| {
        Diagnostic::error("Write-only attributes are not supported here")
            .detail(
                "This version of Terraform would store the value in its state. Write-only attributes need \
                 Terraform 1.11 or OpenTofu 1.11, or newer.",
            )
            .at(path)
    };
    paths.into_iter().map(refusal).collect()
}
