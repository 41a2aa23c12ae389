//! What the provider offers.

use std::collections::BTreeMap;

use tfplugin::proto;

use super::{Offered, ProviderService};
use crate::convert;
use crate::provider::Provider;

impl<P: Provider> ProviderService<P> {
    pub(super) fn capabilities(&self) -> proto::ServerCapabilities {
        proto::ServerCapabilities {
            // Deleting needs no say of the provider when planning.
            plan_destroy: false,
            // Saves a call to every further process.
            get_provider_schema_optional: true,
            move_resource_state: !self.inner.registry.managed.is_empty(),
            generate_resource_config: !self.inner.registry.managed.is_empty(),
        }
    }

    pub(super) fn metadata(&self) -> proto::get_metadata::Response {
        use proto::get_metadata as meta;
        let registry = &self.inner.registry;
        proto::get_metadata::Response {
            server_capabilities: Some(self.capabilities()),
            diagnostics: Vec::new(),
            data_sources: names(&registry.data_sources, |type_name| {
                meta::DataSourceMetadata { type_name }
            }),
            resources: names(&registry.managed, |type_name| meta::ResourceMetadata {
                type_name,
            }),
            functions: names(&registry.functions, |name| meta::FunctionMetadata { name }),
            ephemeral_resources: names(&registry.ephemerals, |type_name| meta::EphemeralMetadata {
                type_name,
            }),
            list_resources: names(&registry.lists, |type_name| meta::ListResourceMetadata {
                type_name,
            }),
            state_stores: names(&registry.state_stores, |type_name| {
                meta::StateStoreMetadata { type_name }
            }),
            actions: names(&registry.actions, |type_name| meta::ActionMetadata {
                type_name,
            }),
        }
    }

    pub(super) fn schemas(&self) -> proto::get_provider_schema::Response {
        let registry = &self.inner.registry;
        proto::get_provider_schema::Response {
            provider: Some(convert::schema(&self.inner.block.made().schema)),
            resource_schemas: schemas(&registry.managed),
            data_source_schemas: schemas(&registry.data_sources),
            diagnostics: Vec::new(),
            provider_meta: None,
            server_capabilities: Some(self.capabilities()),
            functions: self.functions(),
            ephemeral_resource_schemas: schemas(&registry.ephemerals),
            list_resource_schemas: schemas(&registry.lists),
            state_store_schemas: schemas(&registry.state_stores),
            action_schemas: schemas(&registry.actions)
                .into_iter()
                .map(|(name, schema)| {
                    (
                        name,
                        proto::ActionSchema {
                            schema: Some(schema),
                        },
                    )
                })
                .collect(),
        }
    }

    pub(super) fn identity_schemas(&self) -> BTreeMap<String, proto::ResourceIdentitySchema> {
        let managed = self.inner.registry.managed.iter();
        managed
            .filter_map(|(name, offered)| {
                let schema = offered.item.identity_schema()?;
                Some((name.clone(), convert::identity_schema(schema)))
            })
            .collect()
    }

    pub(super) fn functions(&self) -> BTreeMap<String, proto::Function> {
        let functions = self.inner.registry.functions.iter();
        functions
            .map(|(name, function)| (name.clone(), convert::function(function.signature())))
            .collect()
    }
}

fn names<E, M>(offers: &BTreeMap<String, E>, make: impl Fn(String) -> M) -> Vec<M> {
    offers.keys().cloned().map(make).collect()
}

fn schemas<E: ?Sized>(offers: &BTreeMap<String, Offered<E>>) -> BTreeMap<String, proto::Schema> {
    offers
        .iter()
        .map(|(name, offered)| (name.clone(), convert::schema(&offered.made().schema)))
        .collect()
}
