//! Provider configuration, data sources, functions, actions and lists.

use tf_framework::context::Context;
use tf_framework::diagnostic::Diagnostics;
use tf_framework::provider::{Provider, Registry};
use tf_framework::service::ProviderService;
use tf_framework::testing::{Host, HostError, Profile, object};
use tf_framework::value::{Object, Value};
use tfplugin::proto;
use tfplugin::proto::provider_client::ProviderClient;
use tonic::transport::Channel;

use crate::{Stage, lease};

#[tokio::test]
async fn what_one_connection_configures_is_not_for_another() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let mut hosts = Vec::new();
    for _ in 0..2 {
        let service = stage.service.for_connection();
        hosts.push(
            Host::in_process(&service, Profile::TERRAFORM_1_11)
                .await
                .unwrap(),
        );
    }
    assert!(hosts[0].configure(Object::new()).await.unwrap().is_empty());
    let reply = hosts[1].open("echo_lease", lease("")).await.unwrap();
    assert!(
        reply.diagnostics.to_string().contains("not configured"),
        "{}",
        reply.diagnostics
    );
    let opened = hosts[0].open("echo_lease", lease("")).await.unwrap();
    assert!(opened.value.is_some(), "{}", opened.diagnostics);
    assert_eq!(stage.service.leases().len(), 1, "leases are shared");
}

#[tokio::test]
async fn using_an_unconfigured_provider_is_a_clear_error() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let reply = stage.host.open("echo_lease", lease("")).await.unwrap();
    assert!(
        reply.diagnostics.to_string().contains("not configured"),
        "{}",
        reply.diagnostics
    );
}

#[tokio::test]
async fn a_configuration_that_is_not_known_yet_fails_at_use_and_names_the_attribute() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    assert!(
        stage
            .host
            .configure(object([("token", Value::unknown())]))
            .await
            .unwrap()
            .is_empty()
    );
    let reply = stage.host.open("echo_lease", lease("")).await.unwrap();
    assert!(
        reply.diagnostics.to_string().contains("`token`"),
        "{}",
        reply.diagnostics
    );
    // What may be unknown does not stop the provider.
    assert!(
        stage
            .host
            .configure(object([("region", Value::unknown())]))
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        stage
            .host
            .open("echo_lease", lease(""))
            .await
            .unwrap()
            .value
            .is_some()
    );
}

#[tokio::test]
async fn a_refused_configuration_points_at_the_attribute() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let found = stage
        .host
        .configure(object([("region", "".into())]))
        .await
        .unwrap();
    assert_eq!(
        found.to_string(),
        "Empty region (at region): Name a region."
    );
    let found = stage
        .host
        .configure(object([("region", "moon".into())]))
        .await
        .unwrap();
    assert_eq!(found.to_string(), "Region is too far (at region)");
}

#[tokio::test]
async fn blocks_with_labels_are_read() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let store = Value::Object(object([("address", "https://localhost".into())]));
    let config = object([("store", Value::Map(object([("prod", store)])))]);
    assert!(stage.host.configure(config).await.unwrap().is_empty());
}

#[tokio::test]
async fn functions_work_without_configuration_on_every_core() {
    for profile in Profile::ALL {
        let stage = Stage::bare(profile).await;
        let call = |name: &'static str, arguments: Vec<Value>| {
            let host = stage.host.clone();
            async move { host.function(name, &arguments).await.unwrap() }
        };
        assert_eq!(
            call("join", vec!["-".into(), "a".into(), "b".into()]).await,
            Ok("a-b".into())
        );
        assert_eq!(call("join", vec!["-".into()]).await, Ok("".into()));
        assert_eq!(
            call("or_else", vec![Value::Null, "x".into()]).await,
            Ok("x".into()),
            "{}",
            profile.name
        );
        assert_eq!(
            call("or_else", vec![Value::unknown(), "x".into()]).await,
            Ok(Value::unknown())
        );
        let (text, argument) = call("join", vec!["".into(), "a".into()]).await.unwrap_err();
        assert_eq!(
            (text.as_str(), argument),
            ("The separator must not be empty.", Some(0))
        );
        let (text, _) = call("panic", vec![]).await.unwrap_err();
        assert!(
            text.contains("crashed") && !text.contains("hunter2"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn data_sources_are_read_and_checked() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let read = stage
        .host
        .data_source("echo_greeting", object([("name", "you".into())]))
        .await
        .unwrap();
    assert_eq!(
        read.value.unwrap().as_object().unwrap()["text"],
        "hello you".into()
    );
    let changed = stage
        .host
        .data_source("echo_greeting", object([("name", "changed".into())]))
        .await
        .unwrap();
    assert_eq!(
        changed.diagnostics.iter().next().unwrap().path,
        "name".into()
    );
}

fn words(words: &[&str]) -> Object {
    object([(
        "words",
        Value::List(words.iter().map(|word| (*word).into()).collect()),
    )])
}

#[tokio::test]
async fn actions_say_everything_before_they_complete() {
    let stage = Stage::configured(Profile::TERRAFORM_1_14).await;
    let many: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    let (said, found) = stage.host.action("echo_say", words(&many)).await.unwrap();
    assert_eq!(
        (said, found.is_empty()),
        (many.iter().map(ToString::to_string).collect(), true)
    );
    let (said, found) = stage
        .host
        .action("echo_say", words(&["a", "fail", "b"]))
        .await
        .unwrap();
    assert_eq!(
        (said, found.to_string()),
        (vec!["a".to_owned()], "Lost for words".to_owned())
    );
    let (_, found) = stage
        .host
        .action("echo_say", words(&["panic"]))
        .await
        .unwrap();
    assert!(
        found.to_string().contains("crashed") && !found.to_string().contains("hunter2"),
        "{found}"
    );
}

#[tokio::test]
async fn lists_stream_what_they_find_and_stop_at_the_limit() {
    let stage = Stage::configured(Profile::TERRAFORM_1_14).await;
    for number in 0..300 {
        let config = object([("name", format!("t{number:03}").into())]);
        let plan = stage
            .host
            .plan("echo_thing", None, config)
            .await
            .unwrap()
            .value
            .unwrap();
        stage.host.apply(plan).await.unwrap().value.unwrap();
    }
    let (names, found) = stage
        .host
        .list("echo_thing", Object::new(), 0)
        .await
        .unwrap();
    assert_eq!(
        (names.len(), names[7].as_str(), found.is_empty()),
        (300, "t007", true)
    );
    let (names, _) = stage
        .host
        .list("echo_thing", object([("prefix", "t00".into())]), 0)
        .await
        .unwrap();
    assert_eq!(names.len(), 10);
    let (names, found) = stage
        .host
        .list("echo_thing", Object::new(), 3)
        .await
        .unwrap();
    assert_eq!(
        (names.len(), found.is_empty(), stage.count("told to stop")),
        (3, true, 1)
    );
    let (names, found) = stage
        .host
        .list("echo_thing", object([("prefix", "fail".into())]), 0)
        .await
        .unwrap();
    assert_eq!(
        (names.len(), found.to_string().as_str()),
        (0, "Cannot search")
    );
}

/// A provider that offers nothing.
struct Nothing;

tf_framework::model! {
    /// Nothing to set.
    pub struct NothingConfig {}
}

#[async_trait::async_trait]
impl Provider for Nothing {
    type Model = NothingConfig;
    type Data = ();

    fn offer(&self, _: &mut Registry<()>) {}

    async fn configure(&self, _: &Context<()>, _: NothingConfig) -> Result<(), Diagnostics> {
        Ok(())
    }
}

#[tokio::test]
async fn undeclared_things_answer_as_cores_expect() {
    for profile in Profile::ALL {
        let service = ProviderService::new(Nothing);
        let host = Host::in_process(&service, profile).await.unwrap();
        let schemas = host.schemas();
        assert!(schemas.provider.as_ref().unwrap().block.is_some());
        assert!(schemas.provider_meta.is_none());
        let capabilities = schemas.server_capabilities.unwrap();
        assert!(
            capabilities.get_provider_schema_optional
                && !capabilities.plan_destroy
                && !capabilities.move_resource_state
                && !capabilities.generate_resource_config
        );
        assert!(host.configure(Object::new()).await.unwrap().is_empty());
        assert!(matches!(
            host.action("nothing", Object::new()).await,
            Err(HostError::NotOffered(_))
        ));
        no_call_fails(host.client()).await;
    }
}

/// Whatever a core asks for that is not there, the answer is a message, never a failed call.
#[expect(
    clippy::needless_update,
    reason = "one macro fills messages with one field and with more"
)]
async fn no_call_fails(mut client: ProviderClient<Channel>) {
    let name = || "nothing_here".to_owned();
    macro_rules! calls {
        ($($call:ident($request:expr);)+) => {$(
            let answer = client.$call($request).await.unwrap().into_inner();
            let said: Vec<_> = answer.diagnostics.iter().map(|message| message.summary.as_str()).collect();
            assert_eq!(said.len(), 1, "{}: {said:?}", stringify!($call));
            assert!(said[0].starts_with("Unsupported "), "{}: {said:?}", stringify!($call));
        )+};
    }
    macro_rules! named {
        ($($message:ident { $($field:ident),* })+) => {
            ($(proto::$message::Request { $($field: name(),)* ..Default::default() },)+)
        };
    }
    let (read, upgrade, identity) = named! {
        read_resource { type_name }
        upgrade_resource_state { type_name }
        upgrade_resource_identity { type_name }
    };
    calls! {
        read_resource(read);
        upgrade_resource_state(upgrade);
        upgrade_resource_identity(identity);
        validate_resource_config(named! { validate_resource_config { type_name } }.0);
        plan_resource_change(named! { plan_resource_change { type_name } }.0);
        apply_resource_change(named! { apply_resource_change { type_name } }.0);
        import_resource_state(named! { import_resource_state { type_name } }.0);
        move_resource_state(named! { move_resource_state { target_type_name } }.0);
        generate_resource_config(named! { generate_resource_config { type_name } }.0);
        validate_data_resource_config(named! { validate_data_resource_config { type_name } }.0);
        read_data_source(named! { read_data_source { type_name } }.0);
        validate_ephemeral_resource_config(named! { validate_ephemeral_resource_config { type_name } }.0);
        open_ephemeral_resource(named! { open_ephemeral_resource { type_name } }.0);
        validate_list_resource_config(named! { validate_list_resource_config { type_name } }.0);
        validate_action_config(named! { validate_action_config { type_name } }.0);
        plan_action(named! { plan_action { action_type } }.0);
        validate_state_store_config(named! { validate_state_store { type_name } }.0);
        configure_state_store(named! { configure_state_store { type_name } }.0);
        lock_state(named! { lock_state { type_name } }.0);
        unlock_state(named! { unlock_state { type_name } }.0);
        get_states(named! { get_states { type_name } }.0);
        delete_state(named! { delete_state { type_name } }.0);
    }
    let closed = client
        .close_ephemeral_resource(named! { close_ephemeral_resource { type_name } }.0)
        .await
        .unwrap();
    assert!(
        closed.into_inner().diagnostics.is_empty(),
        "a close succeeds"
    );
    let metadata = client.get_metadata(proto::get_metadata::Request {}).await;
    assert!(metadata.unwrap().into_inner().resources.is_empty());
    let functions = client.get_functions(proto::get_functions::Request {}).await;
    assert!(functions.unwrap().into_inner().functions.is_empty());
    let called = client
        .call_function(named! { call_function { name } }.0)
        .await;
    assert!(called.unwrap().into_inner().error.is_some());
    let stopped = client.stop_provider(proto::stop_provider::Request {}).await;
    assert_eq!(stopped.unwrap().into_inner().error, "");
}
