//! The smallest provider on the bare wire: an empty schema and one function, `echo`.
//!
//! Real providers are written on the framework above this crate. This one shows what a binary does around
//! [`tfplugin::serve`], and the tests of this crate drive it from outside. `--debug` starts debug mode.
//! For tests, `TINY_HOOK_MS` makes the shutdown hook slow, `TINY_JOURNAL` names a file that receives one
//! line per run of the hook, and the function `panic` panics.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tfplugin::proto::provider_server::Provider;
use tfplugin::proto::{self, Schema, schema};
use tfplugin::{Environment, Lifecycle, ServeError, ServeOptions, ShutdownReason};
use tokio_stream::Empty;
use tonic::{Request, Response, Status};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be gone; there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), ServeError> {
    let debug = std::env::args().any(|argument| argument == "--debug");
    let environment = Environment::from_process("tiny")?;
    tfplugin::prepare(&environment, debug, &["tfplugin", "tiny"]);
    let mut options = ServeOptions::new(environment);
    options.debug = debug.then(|| "example.com/test/tiny".to_owned());
    options.disconnect_grace = Duration::from_millis(500);
    options.handshake_timeout = Duration::from_secs(2);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Signals)?;
    runtime.block_on(tfplugin::serve(|| Tiny, Arc::new(Hook), options))
}

struct Hook;

#[tonic::async_trait]
impl Lifecycle for Hook {
    async fn shutdown(&self, reason: ShutdownReason) {
        let takes = number_from_env("TINY_HOOK_MS");
        tokio::time::sleep(Duration::from_millis(takes)).await;
        if let Some(path) = std::env::var_os("TINY_JOURNAL") {
            let journal = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(path);
            // A test that finds no line fails.
            let _ = journal.and_then(|mut file| writeln!(file, "{}", reason.kind()));
        }
    }
}

fn number_from_env(key: &str) -> u64 {
    std::env::var_os(key)
        .and_then(|value| value.to_str()?.parse().ok())
        .unwrap_or_default()
}

struct Tiny;

/// Implements the service: the methods given, and "unimplemented" for every name after them.
macro_rules! provider {
    ({ $($given:tt)* } $($method:ident: $rpc:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl Provider for Tiny {
            type ListResourceStream = Empty<Result<proto::list_resource::Event, Status>>;
            type InvokeActionStream = Empty<Result<proto::invoke_action::Event, Status>>;
            type ReadStateBytesStream = Empty<Result<proto::read_state_bytes::Response, Status>>;

            $($given)*

            $(async fn $method(
                &self,
                _: Request<proto::$rpc::Request>,
            ) -> Result<Response<proto::$rpc::Response>, Status> {
                Err(Status::unimplemented(stringify!($method)))
            })+
        }
    };
}

provider! {
    {
        async fn get_provider_schema(
            &self,
            _: Request<proto::get_provider_schema::Request>,
        ) -> Result<Response<proto::get_provider_schema::Response>, Status> {
            let block = Some(schema::Block::default());
            Ok(Response::new(proto::get_provider_schema::Response {
                provider: Some(Schema { version: 0, block }),
                ..Default::default()
            }))
        }

        async fn call_function(
            &self,
            request: Request<proto::call_function::Request>,
        ) -> Result<Response<proto::call_function::Response>, Status> {
            let proto::call_function::Request { name, mut arguments } = request.into_inner();
            tracing::info!(function = name, "called");
            assert!(name != "panic", "payload-canary");
            Ok(Response::new(proto::call_function::Response { result: arguments.pop(), error: None }))
        }

        async fn stop_provider(
            &self,
            _: Request<proto::stop_provider::Request>,
        ) -> Result<Response<proto::stop_provider::Response>, Status> {
            Ok(Response::new(proto::stop_provider::Response::default()))
        }

        async fn list_resource(
            &self,
            _: Request<proto::list_resource::Request>,
        ) -> Result<Response<Self::ListResourceStream>, Status> {
            Err(Status::unimplemented("list_resource"))
        }

        async fn invoke_action(
            &self,
            _: Request<proto::invoke_action::Request>,
        ) -> Result<Response<Self::InvokeActionStream>, Status> {
            Err(Status::unimplemented("invoke_action"))
        }

        async fn read_state_bytes(
            &self,
            _: Request<proto::read_state_bytes::Request>,
        ) -> Result<Response<Self::ReadStateBytesStream>, Status> {
            Err(Status::unimplemented("read_state_bytes"))
        }

        async fn write_state_bytes(
            &self,
            _: Request<tonic::Streaming<proto::write_state_bytes::RequestChunk>>,
        ) -> Result<Response<proto::write_state_bytes::Response>, Status> {
            Err(Status::unimplemented("write_state_bytes"))
        }

        async fn validate_state_store_config(
            &self,
            _: Request<proto::validate_state_store::Request>,
        ) -> Result<Response<proto::validate_state_store::Response>, Status> {
            Err(Status::unimplemented("validate_state_store_config"))
        }
    }
    get_metadata: get_metadata,
    get_resource_identity_schemas: get_resource_identity_schemas,
    validate_provider_config: validate_provider_config,
    configure_provider: configure_provider,
    validate_resource_config: validate_resource_config,
    upgrade_resource_state: upgrade_resource_state,
    upgrade_resource_identity: upgrade_resource_identity,
    read_resource: read_resource,
    plan_resource_change: plan_resource_change,
    apply_resource_change: apply_resource_change,
    import_resource_state: import_resource_state,
    move_resource_state: move_resource_state,
    generate_resource_config: generate_resource_config,
    validate_data_resource_config: validate_data_resource_config,
    read_data_source: read_data_source,
    validate_ephemeral_resource_config: validate_ephemeral_resource_config,
    open_ephemeral_resource: open_ephemeral_resource,
    renew_ephemeral_resource: renew_ephemeral_resource,
    close_ephemeral_resource: close_ephemeral_resource,
    get_functions: get_functions,
    validate_list_resource_config: validate_list_resource_config,
    validate_action_config: validate_action_config,
    plan_action: plan_action,
    configure_state_store: configure_state_store,
    lock_state: lock_state,
    unlock_state: unlock_state,
    get_states: get_states,
    delete_state: delete_state,
}
