//! Objects as they were stored earlier or elsewhere: upgrading and taking them over, and writing the
//! configuration that describes them.

use tfplugin::proto;

use super::ProviderService;
use super::call::{Answer, Interrupted};
use super::managed::{Out, Target};
use crate::convert;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::managed::{StoredValue, TakeOver, Upgrade, UpgradeIdentity};
use crate::provider::Provider;

use proto::{
    generate_resource_config, move_resource_state, upgrade_resource_identity,
    upgrade_resource_state,
};

impl<P: Provider> ProviderService<P> {
    pub(super) async fn upgrade(
        &self,
        request: upgrade_resource_state::Request,
    ) -> upgrade_resource_state::Response {
        let answer = match self.managed(&request.type_name) {
            Err(problems) => Err(problems),
            Ok(target) => self.upgraded(target, request).await,
        };
        let Answer { value, diagnostics } = answer.into();
        upgrade_resource_state::Response {
            upgraded_state: value,
            diagnostics: convert::diagnostics(&diagnostics),
        }
    }

    async fn upgraded(
        &self,
        target: Target<P::Data>,
        request: upgrade_resource_state::Request,
    ) -> Result<proto::DynamicValue, Diagnostics> {
        let state = convert::stored(request.raw_state)?;
        let upgrade = Upgrade {
            version: request.version,
            state,
        };
        if upgrade.version > target.made.schema.version {
            return Err(Diagnostic::error("State is too new")
                .detail(format!(
                    "The state of `{}` was written by a newer version of this provider. Use that version, or a newer one.",
                    request.type_name
                ))
                .into());
        }
        let work = async move {
            let state = target.item.upgrade(upgrade).await?;
            let stored = StoredValue {
                state,
                private: Vec::new(),
                identity: None,
            };
            target.out(Some(stored)).map(|out| out.state)
        };
        self.scope().run(Interrupted::Abandon, work).await
    }

    pub(super) async fn upgrade_identity(
        &self,
        request: upgrade_resource_identity::Request,
    ) -> upgrade_resource_identity::Response {
        let answer = match self.managed(&request.type_name) {
            Err(problems) => Err(problems),
            Ok(target) => self.upgraded_identity(target, request).await,
        };
        let Answer { value, diagnostics } = answer.into();
        upgrade_resource_identity::Response {
            upgraded_identity: value.flatten(),
            diagnostics: convert::diagnostics(&diagnostics),
        }
    }

    async fn upgraded_identity(
        &self,
        target: Target<P::Data>,
        request: upgrade_resource_identity::Request,
    ) -> Result<Option<proto::ResourceIdentityData>, Diagnostics> {
        let schema = target.identity.ok_or_else(|| {
            Diagnostics::from(
                Diagnostic::error("Identity cannot be upgraded").detail(format!(
                    "Objects of type `{}` have no identity in this version of the provider.",
                    request.type_name
                )),
            )
        })?;
        let version = request.version;
        if version > schema.version {
            return Err(Diagnostic::error("Identity is too new")
                .detail(format!(
                    "The identity of `{}` was written by a newer version of this provider. Use that version, or a newer one.",
                    request.type_name
                ))
                .into());
        }
        let identity = convert::stored(request.raw_identity)?;
        let item = target.item;
        let work = async move {
            let identity = if version == schema.version {
                identity.value(&schema.ty())?.as_object().cloned()
            } else {
                Some(
                    item.upgrade_identity(UpgradeIdentity { version, identity })
                        .await?,
                )
            };
            convert::identity_data(identity, Some(&schema))
        };
        self.scope().run(Interrupted::Abandon, work).await
    }

    pub(super) async fn generate_config(
        &self,
        request: generate_resource_config::Request,
    ) -> generate_resource_config::Response {
        let prepared = self
            .managed(&request.type_name)
            .and_then(|target| Ok((target.read(request.state)?, target)));
        let answer = match prepared {
            Err(problems) => Err(problems),
            Ok((state, target)) => {
                let work = async move {
                    let config = target.item.generate_config(state).await?;
                    convert::dynamic(&config, &target.made.ty)
                };
                self.scope().run(Interrupted::Abandon, work).await
            }
        };
        let Answer { value, diagnostics } = answer.into();
        generate_resource_config::Response {
            config: value,
            diagnostics: convert::diagnostics(&diagnostics),
        }
    }

    pub(super) async fn take_over(
        &self,
        request: move_resource_state::Request,
    ) -> move_resource_state::Response {
        let outcome = match self.managed(&request.target_type_name) {
            Err(problems) => Err(problems),
            Ok(target) => self.taken_over(target, request).await,
        };
        let Answer { value, diagnostics } = outcome.into();
        let diagnostics = convert::diagnostics(&diagnostics);
        match value {
            None => move_resource_state::Response {
                diagnostics,
                ..Default::default()
            },
            Some(Out {
                state,
                private,
                identity,
            }) => move_resource_state::Response {
                target_state: Some(state),
                diagnostics,
                target_private: private,
                target_identity: identity,
            },
        }
    }

    async fn taken_over(
        &self,
        target: Target<P::Data>,
        request: move_resource_state::Request,
    ) -> Result<Out, Diagnostics> {
        let refused = Diagnostic::error("Object cannot be moved").detail(format!(
            "A `{}` of provider {} cannot become a `{}`.",
            request.source_type_name, request.source_provider_address, request.target_type_name
        ));
        let take_over = TakeOver {
            provider_address: request.source_provider_address,
            type_name: request.source_type_name,
            schema_version: request.source_schema_version,
            state: convert::stored(request.source_state)?,
            private: request.source_private,
            identity: request
                .source_identity
                .filter(|identity| !identity.json.is_empty())
                .map(|identity| convert::stored(Some(identity)))
                .transpose()?,
            identity_version: request.source_identity_schema_version,
        };
        let work = async move {
            match target.item.take_over(take_over).await? {
                Some(stored) => target.out(Some(stored)),
                None => Err(refused.into()),
            }
        };
        self.scope().run(Interrupted::Abandon, work).await
    }
}
