//! A provider that has the schemas of others and does nothing: enough for `terraform validate`, whose
//! judgement on arguments, types, write-only and ephemeral values comes from Terraform and the schema.
//!
//! Which provider it stands in for is told by the name of its own file, `terraform-provider-aws_v5.100.0`,
//! as Terraform installs it. The schemas are data in `suites/fixes/providers/`, in the form of
//! `terraform providers schema -json`.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use serde_json::{Map, Value};
use tfplugin::proto::provider_server::Provider;
use tfplugin::proto::{self, Schema, schema};
use tfplugin::{Environment, Lifecycle, ServeOptions, ShutdownReason};
use tokio_stream::Empty;
use tonic::{Request, Response, Status};

/// Schemas by provider, sorted by name.
const SCHEMAS: &[(&str, &str)] = &[
    ("aws", include_str!("../suites/fixes/providers/aws.json")),
    (
        "azurerm",
        include_str!("../suites/fixes/providers/azurerm.json"),
    ),
    (
        "google",
        include_str!("../suites/fixes/providers/google.json"),
    ),
    (
        "kubernetes",
        include_str!("../suites/fixes/providers/kubernetes.json"),
    ),
    (
        "random",
        include_str!("../suites/fixes/providers/random.json"),
    ),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let program = std::env::args().next().unwrap_or_default();
    let name = program
        .rsplit("terraform-provider-")
        .next()
        .unwrap_or_default();
    let name = name.split(['_', '.']).next().unwrap_or_default();
    let known = SCHEMAS.iter().find(|(known, _)| *known == name);
    let (name, text) = known.ok_or_else(|| format!("no schema for `{program}`"))?;
    let schemas: Value = serde_json::from_str(text)?;
    let environment = Environment::from_process(name)?;
    tfplugin::prepare(&environment, false, &["tfplugin"]);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let options = ServeOptions::new(environment);
    Ok(runtime.block_on(tfplugin::serve(
        || StandIn {
            schemas: schemas.clone(),
        },
        Arc::new(Nothing),
        options,
    ))?)
}

struct Nothing;

#[tonic::async_trait]
impl Lifecycle for Nothing {
    async fn shutdown(&self, _: ShutdownReason) {}
}

struct StandIn {
    schemas: Value,
}

impl StandIn {
    fn all(&self, list: &str) -> std::collections::BTreeMap<String, Schema> {
        let entries = self.schemas[list].as_object().into_iter().flatten();
        entries
            .map(|(name, schema)| (name.clone(), to_schema(schema)))
            .collect()
    }
}

fn to_schema(json: &Value) -> Schema {
    Schema {
        version: json["version"].as_i64().unwrap_or_default(),
        block: Some(to_block(&json["block"])),
    }
}

fn to_block(json: &Value) -> schema::Block {
    let entries = |list: &str| json[list].as_object().into_iter().flatten();
    schema::Block {
        attributes: entries("attributes")
            .map(|(name, attribute)| to_attribute(name, attribute))
            .collect(),
        block_types: entries("block_types")
            .map(|(name, nested)| to_nested(name, nested))
            .collect(),
        ..schema::Block::default()
    }
}

fn to_attribute(name: &str, json: &Value) -> schema::Attribute {
    let is = |flag: &str| json[flag].as_bool().unwrap_or_default();
    schema::Attribute {
        name: name.to_owned(),
        r#type: json["type"].to_string().into_bytes(),
        required: is("required"),
        optional: is("optional"),
        computed: is("computed"),
        sensitive: is("sensitive"),
        write_only: is("write_only"),
        nested_type: json["nested_type"].as_object().map(to_object),
        ..schema::Attribute::default()
    }
}

fn to_object(json: &Map<String, Value>) -> schema::Object {
    use schema::object::NestingMode;
    let nesting = match json["nesting_mode"].as_str() {
        Some("list") => NestingMode::List,
        Some("set") => NestingMode::Set,
        Some("map") => NestingMode::Map,
        _ => NestingMode::Single,
    };
    let attributes = json["attributes"].as_object().into_iter().flatten();
    schema::Object {
        attributes: attributes
            .map(|(name, attribute)| to_attribute(name, attribute))
            .collect(),
        nesting: nesting.into(),
        ..schema::Object::default()
    }
}

fn to_nested(name: &str, json: &Value) -> schema::NestedBlock {
    use schema::nested_block::NestingMode;
    let nesting = match json["nesting_mode"].as_str() {
        Some("list") => NestingMode::List,
        Some("set") => NestingMode::Set,
        Some("map") => NestingMode::Map,
        Some("group") => NestingMode::Group,
        _ => NestingMode::Single,
    };
    schema::NestedBlock {
        type_name: name.to_owned(),
        block: Some(to_block(&json["block"])),
        nesting: nesting.into(),
        min_items: json["min_items"].as_i64().unwrap_or_default(),
        max_items: json["max_items"].as_i64().unwrap_or_default(),
    }
}

/// Implements the service: the methods given, an empty answer for what `validate` asks, and
/// "unimplemented" for every name after them.
macro_rules! provider {
    ({ $($given:tt)* } agrees { $($agrees:ident),+ $(,)? } $($method:ident: $rpc:ident),+ $(,)?) => {
        #[tonic::async_trait]
        impl Provider for StandIn {
            type ListResourceStream = Empty<Result<proto::list_resource::Event, Status>>;
            type InvokeActionStream = Empty<Result<proto::invoke_action::Event, Status>>;
            type ReadStateBytesStream = Empty<Result<proto::read_state_bytes::Response, Status>>;

            $($given)*

            $(async fn $agrees(
                &self,
                _: Request<proto::$agrees::Request>,
            ) -> Result<Response<proto::$agrees::Response>, Status> {
                Ok(Response::new(proto::$agrees::Response::default()))
            })+

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
            Ok(Response::new(proto::get_provider_schema::Response {
                provider: Some(to_schema(&self.schemas["provider"])),
                resource_schemas: self.all("resource_schemas"),
                data_source_schemas: self.all("data_source_schemas"),
                ephemeral_resource_schemas: self.all("ephemeral_resource_schemas"),
                ..Default::default()
            }))
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
    agrees {
        validate_provider_config,
        validate_resource_config,
        validate_data_resource_config,
        validate_ephemeral_resource_config,
        get_resource_identity_schemas,
        get_functions,
        stop_provider,
    }
    get_metadata: get_metadata,
    configure_provider: configure_provider,
    upgrade_resource_state: upgrade_resource_state,
    upgrade_resource_identity: upgrade_resource_identity,
    read_resource: read_resource,
    plan_resource_change: plan_resource_change,
    apply_resource_change: apply_resource_change,
    import_resource_state: import_resource_state,
    move_resource_state: move_resource_state,
    generate_resource_config: generate_resource_config,
    read_data_source: read_data_source,
    open_ephemeral_resource: open_ephemeral_resource,
    renew_ephemeral_resource: renew_ephemeral_resource,
    close_ephemeral_resource: close_ephemeral_resource,
    call_function: call_function,
    validate_list_resource_config: validate_list_resource_config,
    validate_action_config: validate_action_config,
    plan_action: plan_action,
    configure_state_store: configure_state_store,
    lock_state: lock_state,
    unlock_state: unlock_state,
    get_states: get_states,
    delete_state: delete_state,
}
