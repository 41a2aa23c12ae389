//! The generated service trait, forwarded call by call.

use tfplugin::proto;
use tonic::{Request, Response, Status, Streaming};

use super::offered::find;
use super::{ProviderService, action, data_source, ephemeral, list, state_store};
use crate::convert;
use crate::provider::Provider;

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl<P: Provider> proto::provider_server::Provider for ProviderService<P> {
    type ListResourceStream = list::Events;
    type InvokeActionStream = action::Events;
    type ReadStateBytesStream = state_store::Chunks;

    async fn get_metadata(
        &self,
        _: Request<proto::get_metadata::Request>,
    ) -> Reply<proto::get_metadata::Response> {
        Ok(Response::new(self.metadata()))
    }

    async fn get_provider_schema(
        &self,
        _: Request<proto::get_provider_schema::Request>,
    ) -> Reply<proto::get_provider_schema::Response> {
        Ok(Response::new(self.schemas()))
    }

    async fn get_resource_identity_schemas(
        &self,
        _: Request<proto::get_resource_identity_schemas::Request>,
    ) -> Reply<proto::get_resource_identity_schemas::Response> {
        Ok(Response::new(
            proto::get_resource_identity_schemas::Response {
                identity_schemas: self.identity_schemas(),
                diagnostics: Vec::new(),
            },
        ))
    }

    async fn validate_provider_config(
        &self,
        request: Request<proto::validate_provider_config::Request>,
    ) -> Reply<proto::validate_provider_config::Response> {
        let diagnostics = convert::diagnostics(
            &self
                .validate(Ok(&self.inner.block), request.into_inner().config)
                .await,
        );
        Ok(Response::new(proto::validate_provider_config::Response {
            diagnostics,
        }))
    }

    async fn configure_provider(
        &self,
        request: Request<proto::configure_provider::Request>,
    ) -> Reply<proto::configure_provider::Response> {
        let proto::configure_provider::Request {
            config,
            client_capabilities,
            ..
        } = request.into_inner();
        let diagnostics = convert::diagnostics(
            &self
                .configure(config, convert::capabilities(client_capabilities))
                .await,
        );
        Ok(Response::new(proto::configure_provider::Response {
            diagnostics,
        }))
    }

    async fn stop_provider(
        &self,
        _: Request<proto::stop_provider::Request>,
    ) -> Reply<proto::stop_provider::Response> {
        self.inner.running.interrupt();
        Ok(Response::new(proto::stop_provider::Response::default()))
    }

    async fn validate_resource_config(
        &self,
        request: Request<proto::validate_resource_config::Request>,
    ) -> Reply<proto::validate_resource_config::Response> {
        let diagnostics = convert::diagnostics(&self.validate_managed(request.into_inner()).await);
        Ok(Response::new(proto::validate_resource_config::Response {
            diagnostics,
        }))
    }

    async fn upgrade_resource_state(
        &self,
        request: Request<proto::upgrade_resource_state::Request>,
    ) -> Reply<proto::upgrade_resource_state::Response> {
        Ok(Response::new(self.upgrade(request.into_inner()).await))
    }

    async fn upgrade_resource_identity(
        &self,
        request: Request<proto::upgrade_resource_identity::Request>,
    ) -> Reply<proto::upgrade_resource_identity::Response> {
        Ok(Response::new(
            self.upgrade_identity(request.into_inner()).await,
        ))
    }

    async fn read_resource(
        &self,
        request: Request<proto::read_resource::Request>,
    ) -> Reply<proto::read_resource::Response> {
        Ok(Response::new(self.read_managed(request.into_inner()).await))
    }

    async fn plan_resource_change(
        &self,
        request: Request<proto::plan_resource_change::Request>,
    ) -> Reply<proto::plan_resource_change::Response> {
        Ok(Response::new(self.plan(request.into_inner()).await))
    }

    async fn apply_resource_change(
        &self,
        request: Request<proto::apply_resource_change::Request>,
    ) -> Reply<proto::apply_resource_change::Response> {
        Ok(Response::new(self.apply(request.into_inner()).await))
    }

    async fn import_resource_state(
        &self,
        request: Request<proto::import_resource_state::Request>,
    ) -> Reply<proto::import_resource_state::Response> {
        Ok(Response::new(self.import(request.into_inner()).await))
    }

    async fn move_resource_state(
        &self,
        request: Request<proto::move_resource_state::Request>,
    ) -> Reply<proto::move_resource_state::Response> {
        Ok(Response::new(self.take_over(request.into_inner()).await))
    }

    async fn generate_resource_config(
        &self,
        request: Request<proto::generate_resource_config::Request>,
    ) -> Reply<proto::generate_resource_config::Response> {
        Ok(Response::new(
            self.generate_config(request.into_inner()).await,
        ))
    }

    async fn validate_data_resource_config(
        &self,
        request: Request<proto::validate_data_resource_config::Request>,
    ) -> Reply<proto::validate_data_resource_config::Response> {
        let proto::validate_data_resource_config::Request { type_name, config } =
            request.into_inner();
        let diagnostics = convert::diagnostics(
            &self
                .validate(
                    find(
                        &self.inner.registry.data_sources,
                        data_source::KIND,
                        &type_name,
                    ),
                    config,
                )
                .await,
        );
        Ok(Response::new(
            proto::validate_data_resource_config::Response { diagnostics },
        ))
    }

    async fn read_data_source(
        &self,
        request: Request<proto::read_data_source::Request>,
    ) -> Reply<proto::read_data_source::Response> {
        Ok(Response::new(
            self.read_data_source(request.into_inner()).await,
        ))
    }

    async fn validate_ephemeral_resource_config(
        &self,
        request: Request<proto::validate_ephemeral_resource_config::Request>,
    ) -> Reply<proto::validate_ephemeral_resource_config::Response> {
        let proto::validate_ephemeral_resource_config::Request { type_name, config } =
            request.into_inner();
        let diagnostics = convert::diagnostics(
            &self
                .validate(
                    find(&self.inner.registry.ephemerals, ephemeral::KIND, &type_name),
                    config,
                )
                .await,
        );
        Ok(Response::new(
            proto::validate_ephemeral_resource_config::Response { diagnostics },
        ))
    }

    async fn open_ephemeral_resource(
        &self,
        request: Request<proto::open_ephemeral_resource::Request>,
    ) -> Reply<proto::open_ephemeral_resource::Response> {
        Ok(Response::new(self.open(request.into_inner()).await))
    }

    async fn renew_ephemeral_resource(
        &self,
        request: Request<proto::renew_ephemeral_resource::Request>,
    ) -> Reply<proto::renew_ephemeral_resource::Response> {
        Ok(Response::new(self.renew(request.into_inner()).await))
    }

    async fn close_ephemeral_resource(
        &self,
        request: Request<proto::close_ephemeral_resource::Request>,
    ) -> Reply<proto::close_ephemeral_resource::Response> {
        Ok(Response::new(self.close(request.into_inner()).await))
    }

    async fn get_functions(
        &self,
        _: Request<proto::get_functions::Request>,
    ) -> Reply<proto::get_functions::Response> {
        Ok(Response::new(proto::get_functions::Response {
            functions: self.functions(),
            diagnostics: Vec::new(),
        }))
    }

    async fn call_function(
        &self,
        request: Request<proto::call_function::Request>,
    ) -> Reply<proto::call_function::Response> {
        Ok(Response::new(
            self.call_function(request.into_inner()).await,
        ))
    }

    async fn validate_list_resource_config(
        &self,
        request: Request<proto::validate_list_resource_config::Request>,
    ) -> Reply<proto::validate_list_resource_config::Response> {
        let proto::validate_list_resource_config::Request {
            type_name, config, ..
        } = request.into_inner();
        let diagnostics = convert::diagnostics(
            &self
                .validate(
                    find(&self.inner.registry.lists, list::KIND, &type_name),
                    config,
                )
                .await,
        );
        Ok(Response::new(
            proto::validate_list_resource_config::Response { diagnostics },
        ))
    }

    async fn list_resource(
        &self,
        request: Request<proto::list_resource::Request>,
    ) -> Reply<Self::ListResourceStream> {
        Ok(Response::new(self.list(request.into_inner())))
    }

    async fn validate_action_config(
        &self,
        request: Request<proto::validate_action_config::Request>,
    ) -> Reply<proto::validate_action_config::Response> {
        let proto::validate_action_config::Request { type_name, config } = request.into_inner();
        let diagnostics = convert::diagnostics(
            &self
                .validate(
                    find(&self.inner.registry.actions, action::KIND, &type_name),
                    config,
                )
                .await,
        );
        Ok(Response::new(proto::validate_action_config::Response {
            diagnostics,
        }))
    }

    async fn plan_action(
        &self,
        request: Request<proto::plan_action::Request>,
    ) -> Reply<proto::plan_action::Response> {
        let diagnostics = convert::diagnostics(&self.plan_action(request.into_inner()).await);
        Ok(Response::new(proto::plan_action::Response {
            diagnostics,
            deferred: None,
        }))
    }

    async fn invoke_action(
        &self,
        request: Request<proto::invoke_action::Request>,
    ) -> Reply<Self::InvokeActionStream> {
        Ok(Response::new(self.invoke_action(request.into_inner())))
    }

    async fn validate_state_store_config(
        &self,
        request: Request<proto::validate_state_store::Request>,
    ) -> Reply<proto::validate_state_store::Response> {
        let proto::validate_state_store::Request { type_name, config } = request.into_inner();
        let diagnostics = convert::diagnostics(
            &self
                .validate(
                    find(
                        &self.inner.registry.state_stores,
                        state_store::KIND,
                        &type_name,
                    ),
                    config,
                )
                .await,
        );
        Ok(Response::new(proto::validate_state_store::Response {
            diagnostics,
        }))
    }

    async fn configure_state_store(
        &self,
        request: Request<proto::configure_state_store::Request>,
    ) -> Reply<proto::configure_state_store::Response> {
        Ok(Response::new(
            self.configure_state_store(request.into_inner()).await,
        ))
    }

    async fn read_state_bytes(
        &self,
        request: Request<proto::read_state_bytes::Request>,
    ) -> Reply<Self::ReadStateBytesStream> {
        Ok(Response::new(self.read_state(request.into_inner()).await))
    }

    async fn write_state_bytes(
        &self,
        request: Request<Streaming<proto::write_state_bytes::RequestChunk>>,
    ) -> Reply<proto::write_state_bytes::Response> {
        self.write_state(request.into_inner())
            .await
            .map(Response::new)
    }

    async fn lock_state(
        &self,
        request: Request<proto::lock_state::Request>,
    ) -> Reply<proto::lock_state::Response> {
        Ok(Response::new(self.lock_state(request.into_inner()).await))
    }

    async fn unlock_state(
        &self,
        request: Request<proto::unlock_state::Request>,
    ) -> Reply<proto::unlock_state::Response> {
        Ok(Response::new(self.unlock_state(request.into_inner()).await))
    }

    async fn get_states(
        &self,
        request: Request<proto::get_states::Request>,
    ) -> Reply<proto::get_states::Response> {
        Ok(Response::new(self.states(request.into_inner()).await))
    }

    async fn delete_state(
        &self,
        request: Request<proto::delete_state::Request>,
    ) -> Reply<proto::delete_state::Response> {
        Ok(Response::new(self.delete_state(request.into_inner()).await))
    }
}
