//! Managed resources: plan, apply, refresh, delete, upgrade, import and move.

use tf_framework::testing::{Profile, StoredObject, object};
use tf_framework::value::{Object, Value};

use crate::Stage;

fn thing(name: &str, secret: &str, version: i64) -> Object {
    let user = object([("name", "u".into()), ("password_wo", secret.into())]);
    object([
        ("name", name.into()),
        ("value_wo", secret.into()),
        ("value_wo_version", version.into()),
        ("user", Value::List(vec![Value::Object(user)])),
    ])
}

async fn created(stage: &Stage, config: Object) -> StoredObject {
    let plan = stage.host.plan("echo_thing", None, config).await.unwrap();
    let plan = plan.value.unwrap_or_else(|| panic!("{}", plan.diagnostics));
    let applied = stage.host.apply(plan).await.unwrap();
    applied
        .value
        .unwrap_or_else(|| panic!("{}", applied.diagnostics))
}

fn attribute<'o>(object: &'o StoredObject, name: &str) -> &'o Value {
    &object.state.as_object().unwrap()[name]
}

/// The host refuses every answer with a write-only value in it, as cores do.
#[tokio::test]
async fn write_only_values_stay_out_of_every_answer() {
    for profile in Profile::ALL {
        let stage = Stage::configured(profile).await;
        let stored = created(&stage, thing("a", "geheim", 1)).await;
        assert_eq!(attribute(&stored, "length"), &6.into(), "{}", profile.name);
        let refreshed = stage
            .host
            .refresh("echo_thing", &stored)
            .await
            .unwrap()
            .value
            .unwrap();
        assert_eq!(refreshed, stored);
        let imported = stage
            .host
            .import("echo_thing", "id-a")
            .await
            .unwrap()
            .value
            .unwrap();
        assert_eq!(imported.state, stored.state);
        assert!(
            stage
                .host
                .destroy("echo_thing", &stored)
                .await
                .unwrap()
                .is_empty()
        );
        assert!(
            stage
                .host
                .refresh("echo_thing", &stored)
                .await
                .unwrap()
                .value
                .is_none()
        );
    }
}

#[tokio::test]
async fn planning_again_without_a_change_plans_nothing() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let stored = created(&stage, thing("a", "geheim", 1)).await;
    let plan = stage
        .host
        .plan("echo_thing", Some(&stored), thing("a", "another", 1))
        .await
        .unwrap()
        .value
        .unwrap();
    assert_eq!(
        plan.planned, stored.state,
        "a write-only value alone changes nothing"
    );
    assert!(plan.replace.is_empty());
}

#[tokio::test]
async fn a_new_version_writes_the_secret_again() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let stored = created(&stage, thing("a", "geheim", 1)).await;
    let plan = stage
        .host
        .plan("echo_thing", Some(&stored), thing("a", "longer secret", 2))
        .await
        .unwrap()
        .value
        .unwrap();
    assert_eq!(plan.planned.as_object().unwrap()["id"], "id-a".into());
    assert!(plan.planned.as_object().unwrap()["length"].is_unknown());
    let updated = stage.host.apply(plan).await.unwrap().value.unwrap();
    assert_eq!(attribute(&updated, "length"), &13.into());
    assert_eq!(updated.private, b"note");
}

#[tokio::test]
async fn another_name_replaces() {
    let stage = Stage::configured(Profile::TERRAFORM_1_14).await;
    let stored = created(&stage, thing("a", "geheim", 1)).await;
    assert!(stored.identity.is_some());
    let plan = stage
        .host
        .plan("echo_thing", Some(&stored), thing("b", "geheim", 1))
        .await
        .unwrap()
        .value
        .unwrap();
    assert_eq!(plan.replace, ["name".into()]);
}

#[tokio::test]
async fn an_object_that_was_made_in_spite_of_an_error_is_kept() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let mut config = thing("a", "geheim", 1);
    config.insert("note".into(), "fails late".into());
    let plan = stage
        .host
        .plan("echo_thing", None, config)
        .await
        .unwrap()
        .value
        .unwrap();
    let applied = stage.host.apply(plan).await.unwrap();
    assert!(applied.diagnostics.has_error());
    assert_eq!(attribute(&applied.value.unwrap(), "id"), &"id-a".into());
}

#[tokio::test]
async fn an_object_that_could_not_be_deleted_is_an_error() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let mut config = thing("a", "geheim", 1);
    config.insert("note".into(), "stays".into());
    let stored = created(&stage, config).await;
    let found = stage.host.destroy("echo_thing", &stored).await.unwrap();
    assert_eq!(found.to_string(), "Still in use");
}

#[tokio::test]
async fn a_core_without_write_only_attributes_is_refused_when_one_is_set() {
    let stage = Stage::bare(Profile::TERRAFORM_1_10).await;
    let found = stage
        .host
        .validate_managed("echo_thing", thing("a", "geheim", 1))
        .await
        .unwrap();
    let paths: Vec<_> = found
        .iter()
        .map(|problem| problem.path.to_string())
        .collect();
    assert_eq!(paths, ["value_wo", "user[0].password_wo"]);
    let without = stage
        .host
        .validate_managed("echo_thing", object([("name", "a".into())]))
        .await
        .unwrap();
    assert!(without.is_empty(), "{without}");
    for profile in Profile::ALL
        .into_iter()
        .filter(|profile| profile.write_only)
    {
        let stage = Stage::bare(profile).await;
        let found = stage
            .host
            .validate_managed("echo_thing", thing("a", "geheim", 1))
            .await
            .unwrap();
        assert!(found.is_empty(), "{}: {found}", profile.name);
    }
}

#[tokio::test]
async fn stored_state_is_upgraded() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let old = stage
        .host
        .upgrade("echo_thing", 0, r#"{"title":"a","id":"id-a","gone":1}"#)
        .await
        .unwrap();
    assert_eq!(old.value.unwrap().as_object().unwrap()["name"], "a".into());
    let same = stage
        .host
        .upgrade(
            "echo_thing",
            1,
            r#"{"name":"a","value_wo":null,"length":1e2,"user":[]}"#,
        )
        .await
        .unwrap();
    assert_eq!(
        same.value.unwrap().as_object().unwrap()["length"],
        100.into()
    );
    let newer = stage.host.upgrade("echo_thing", 2, "{}").await.unwrap();
    assert!(
        newer.diagnostics.to_string().contains("newer version"),
        "{}",
        newer.diagnostics
    );
    let broken = stage
        .host
        .upgrade("echo_thing", 1, r#"{"name":7}"#)
        .await
        .unwrap();
    assert!(broken.diagnostics.has_error());
}

#[tokio::test]
async fn objects_of_other_types_are_taken_over_or_refused() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let json = r#"{"title":"a","id":"id-a"}"#;
    let moved = stage
        .host
        .move_from("other_thing", json, "echo_thing")
        .await
        .unwrap()
        .value
        .unwrap();
    assert_eq!(attribute(&moved, "name"), &"a".into());
    let refused = stage
        .host
        .move_from("third_thing", json, "echo_thing")
        .await
        .unwrap();
    assert!(
        refused.diagnostics.to_string().contains("cannot become"),
        "{}",
        refused.diagnostics
    );
}

#[tokio::test]
async fn importing_what_is_not_there_is_an_error() {
    let stage = Stage::configured(Profile::TERRAFORM_1_11).await;
    let reply = stage.host.import("echo_thing", "nothing").await.unwrap();
    assert_eq!(reply.diagnostics.to_string(), "There is no thing nothing");
}

#[tokio::test]
async fn an_unknown_provider_configuration_still_plans() {
    let stage = Stage::bare(Profile::TERRAFORM_1_11).await;
    let found = stage
        .host
        .configure(object([("token", Value::unknown())]))
        .await
        .unwrap();
    assert!(found.is_empty(), "{found}");
    let plan = stage
        .host
        .plan("echo_thing", None, thing("a", "geheim", 1))
        .await
        .unwrap()
        .value
        .unwrap();
    assert!(plan.planned.as_object().unwrap()["id"].is_unknown());
}

#[tokio::test]
async fn stored_identities_are_upgraded() {
    let stage = Stage::configured(Profile::TERRAFORM_1_14).await;
    let upgrade = |version, json: &'static str| {
        let host = stage.host.clone();
        async move {
            host.upgrade_identity("echo_thing", version, json)
                .await
                .unwrap()
        }
    };
    for (version, json) in [(0, r#"{"number":7}"#), (1, r#"{"id":"id-7"}"#)] {
        let upgraded = upgrade(version, json).await.value.unwrap();
        assert_eq!(upgraded.as_object().unwrap()["id"], "id-7".into());
    }
    for (version, json, reason) in [
        (2, "{}", "newer version"),
        (0, r#"{"number":"x"}"#, "cannot be read"),
        (1, "[", "cannot be read"),
    ] {
        let said = upgrade(version, json).await.diagnostics.to_string();
        assert!(said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn the_configuration_of_an_object_has_only_what_can_be_configured() {
    let stage = Stage::configured(Profile::TERRAFORM_1_14).await;
    let stored = created(&stage, thing("a", "geheim", 1)).await;
    let written = stage
        .host
        .generate_config("echo_thing", &stored)
        .await
        .unwrap();
    let written = written.value.unwrap();
    let written = written.as_object().unwrap();
    assert_eq!(
        (&written["name"], &written["note"]),
        (&"a".into(), &"imported".into())
    );
    for name in ["id", "length", "value_wo"] {
        assert!(written[name].is_null(), "{name}");
    }
    let stored = created(&stage, object([("name", "unspeakable".into())])).await;
    let refused = stage
        .host
        .generate_config("echo_thing", &stored)
        .await
        .unwrap();
    assert_eq!(refused.diagnostics.to_string(), "It has no configuration");
}

#[tokio::test]
async fn the_notes_of_the_last_plan_come_back_when_planning_again() {
    let stage = Stage::configured(Profile::TERRAFORM_1_17).await;
    let stored = created(&stage, thing("a", "geheim", 1)).await;
    let plan = |private: &'static [u8]| {
        let (host, stored) = (stage.host.clone(), stored.clone());
        async move {
            host.plan_again("echo_thing", &stored, thing("a", "geheim", 2), private)
                .await
                .unwrap()
        }
    };
    assert_eq!(plan(b"").await.value.unwrap().private(), b"note");
    assert_eq!(plan(b"planned").await.value.unwrap().private(), b"planned");
}
