//! Provider configuration, data sources, functions, actions and lists.

use tf_framework::testing::{HostError, Profile, object};
use tf_framework::value::{Object, Value};

use crate::{Stage, lease};

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

#[tokio::test]
async fn undeclared_things_answer_as_cores_expect() {
    let stage = Stage::bare(Profile::TERRAFORM_1_17).await;
    let schemas = stage.host.schemas();
    assert!(schemas.state_store_schemas.is_empty() && schemas.provider_meta.is_none());
    let capabilities = schemas.server_capabilities.unwrap();
    assert!(
        capabilities.get_provider_schema_optional
            && !capabilities.plan_destroy
            && !capabilities.generate_resource_config
    );
    assert!(matches!(
        stage.host.action("nothing", Object::new()).await,
        Err(HostError::NotOffered(_))
    ));
}
