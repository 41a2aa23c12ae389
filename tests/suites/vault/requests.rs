//! How often the server is asked, and what reaches the consumer.

use std::time::Duration;

use e2e::Canary;
use e2e::servers::{Fault, Rule};
use serde_json::{Map, Value, json};

use super::stage::{Dev, consumer, value_consumer};

#[test]
fn a_hundred_fields_of_one_path_are_one_read() {
    let dev = Dev::new();
    let data: Map<String, Value> = (0..100)
        .map(|index| (format!("k{index}"), format!("v{index}").into()))
        .collect();
    dev.admin()
        .write("kv/data/app", &json!({ "data": data }))
        .unwrap();
    let refs: String = (0..100)
        .map(|index| format!("    k{index} = \"vault://kv/app#k{index}\"\n"))
        .collect();
    dev.stage.configure(&format!(
        "ephemeral \"secretref_values\" \"all\" {{\n  refs = {{\n{refs}  }}\n  applying = terraform.applying\n}}\n\n{}",
        consumer(&[
            ("first", "ephemeral.secretref_values.all.values.k0"),
            ("last", "ephemeral.secretref_values.all.values.k99"),
            ("count", "length(ephemeral.secretref_values.all.values)"),
        ])
    ));
    dev.stage.apply();
    assert_eq!(dev.stage.received("first"), "v0");
    assert_eq!(dev.stage.received("last"), "v99");
    assert_eq!(dev.stage.received("count"), "100");
    assert_eq!(dev.proxy.count("GET", "/v1/kv/data/app"), 1);
    // A login and its end, what the mount is, metadata for the plan, and the read.
    let requests = dev.proxy.requests();
    assert!(requests.len() <= 12, "{requests:#?}");
    dev.nothing_left();
}

#[test]
fn a_hundred_resources_with_one_path_are_one_read() {
    let mut dev = Dev::new();
    let canary = dev.store_secret();
    let log = dev.stage.sandbox.path("audit.jsonl");
    dev.stage
        .sandbox
        .set_env("SECRETREF_AUDIT_LOG", &log.display().to_string());
    // Half of them name another field, and all are read by ten at a time.
    dev.admin()
        .merge("kv/data/app", &json!({ "data": { "user": "ci" } }))
        .unwrap();
    dev.stage.configure(&format!(
        "ephemeral \"secretref_value\" \"x\" {{\n  count    = 100\n  ref      = \"vault://kv/app#${{count.index % 2 == 0 ? \"password\" : \"user\"}}\"\n  \
         applying = terraform.applying\n}}\n\n{}",
        consumer(&[
            ("first", "ephemeral.secretref_value.x[0].value"),
            ("last", "ephemeral.secretref_value.x[99].value"),
        ])
    ));
    let applied = dev.stage.apply();
    assert_eq!(dev.stage.received("first"), canary.value());
    assert_eq!(dev.stage.received("last"), "ci");
    assert_eq!(dev.proxy.count("GET", "/v1/kv/data/app"), 1);
    // A login and its end, what the mount is, twice; metadata for the plan; the read.
    let requests = dev.proxy.requests();
    assert!(requests.len() <= 12, "{requests:#?}");
    let opened = std::fs::read_to_string(log).unwrap();
    let opened = opened
        .lines()
        .filter(|line| line.contains("\"open\""))
        .count();
    assert_eq!(opened, 100, "each access is recorded");
    dev.stage.assert_no_leak(&canary, &[&applied.text()]);
    dev.nothing_left();
}

/// A secret that the run writes, read before and after that.
const WRITTEN: &str = r#"variable "new" {
  type      = string
  ephemeral = true
}

variable "number" {
  type = number
}

ephemeral "secretref_value" "before" {
  ref      = "vault://kv/fresh?optional=true#value"
  applying = terraform.applying
}

resource "secretref_secret" "fresh" {
  ref              = "vault://kv/fresh"
  value_wo         = var.new
  value_wo_version = var.number
  depends_on       = [ephemeral.secretref_value.before]
}

ephemeral "secretref_value" "after" {
  ref        = "vault://kv/fresh?optional=true#value"
  applying   = terraform.applying
  depends_on = [secretref_secret.fresh]
}

"#;

#[test]
fn what_this_run_writes_is_read_by_those_who_come_after() {
    let dev = Dev::new();
    dev.admin()
        .policy(
            "run",
            "path \"kv/*\" { capabilities = [\"create\", \"read\", \"update\"] }\n",
        )
        .unwrap();
    dev.stage.configure(&format!(
        "{WRITTEN}{}",
        consumer(&[
            (
                "old",
                "coalesce(ephemeral.secretref_value.before.value, \"none\")"
            ),
            ("new", "ephemeral.secretref_value.after.value"),
        ])
    ));
    let canaries = [Canary::random(), Canary::random()];
    let mut old = "none".to_owned();
    for (place, canary) in canaries.iter().enumerate() {
        let value = format!("-var=new={}", canary.value());
        let number = format!("-var=number={place}");
        let mut arguments = vec!["apply", &value, &number];
        if place > 0 {
            arguments.push("-replace=terraform_data.consumer");
        }
        let applied = dev.stage.terraform(&arguments);
        assert_eq!(applied.status.code(), Some(0), "{}", applied.text());
        assert_eq!(dev.stage.received("old"), old);
        assert_eq!(dev.stage.received("new"), canary.value());
        old = canary.value().to_owned();
        dev.nothing_left();
    }
}

#[test]
fn many_paths_are_read_side_by_side_but_not_all_at_once() {
    let dev = Dev::new();
    for index in 0..60 {
        dev.admin()
            .write(
                &format!("kv1/s{index}"),
                &json!({ "v": format!("v{index}") }),
            )
            .unwrap();
    }
    dev.proxy.add(Rule::new(
        "/v1/kv1/",
        Fault::Delay(Duration::from_millis(300)),
    ));
    let refs: String = (0..60)
        .map(|index| format!("    k{index} = \"vault://kv1/s{index}#v\"\n"))
        .collect();
    dev.stage.configure(&format!(
        "ephemeral \"secretref_values\" \"all\" {{\n  refs = {{\n{refs}  }}\n  applying = terraform.applying\n}}\n\n{}",
        consumer(&[("last", "ephemeral.secretref_values.all.values.k59")])
    ));
    dev.stage.apply();
    assert_eq!(dev.stage.received("last"), "v59");
    assert_eq!(dev.proxy.count("GET", "/v1/kv1/s"), 60);
    let peak = dev.proxy.most_at_once();
    assert!((2..=32).contains(&peak), "{peak} requests at once");
    dev.nothing_left();
}

#[test]
fn values_of_every_shape_arrive_unchanged_and_old_versions_too() {
    let dev = Dev::new();
    let canary = Canary::random();
    for data in [
        json!({ "text": "first" }),
        json!({
            "text": format!("line\nbreak \"{}\" ünïcode", canary.value()),
            "number": 12.5,
            "nested": { "list": [1, null, true], "deep": canary.value() },
        }),
    ] {
        dev.admin()
            .write("kv/data/team/app", &json!({ "data": data }))
            .unwrap();
    }
    let value = |name: &str, reference: &str| {
        format!(
            "ephemeral \"secretref_value\" \"{name}\" {{\n  ref = \"{reference}\"\n  applying = terraform.applying\n}}\n\n"
        )
    };
    let text = [
        value("text", "vault://kv/team/app#text"),
        value("number", "vault://kv/team/app#number"),
        value("deep", "vault://kv/team/app#/nested/deep"),
        value("old", "vault://kv/team/app?version=1#text"),
        value("whole", "vault://kv/team/app#/"),
        value("bao", "bao://kv/team/app#number"),
    ]
    .concat();
    dev.stage.configure(&format!(
        "{text}{}",
        consumer(&[
            ("text", "ephemeral.secretref_value.text.value"),
            ("number", "ephemeral.secretref_value.number.value"),
            ("deep", "ephemeral.secretref_value.deep.value"),
            ("old", "ephemeral.secretref_value.old.value"),
            ("version", "ephemeral.secretref_value.text.version"),
            (
                "list",
                "jsonencode(ephemeral.secretref_value.whole.json.nested.list)"
            ),
            ("bao", "ephemeral.secretref_value.bao.value"),
        ])
    ));
    let applied = dev.stage.apply();
    let stage = &dev.stage;
    assert_eq!(
        stage.received("text"),
        format!("line\nbreak \"{}\" ünïcode", canary.value())
    );
    assert_eq!(stage.received("number"), "12.5");
    assert_eq!(stage.received("deep"), canary.value());
    assert_eq!(stage.received("old"), "first");
    assert_eq!(stage.received("version"), "2");
    assert_eq!(stage.received("list"), "[1,null,true]");
    assert_eq!(stage.received("bao"), "12.5");
    stage.assert_no_leak(&canary, &[&applied.text()]);
    dev.nothing_left();
}

#[test]
fn a_plan_reads_no_value_and_metadata_needs_none() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    dev.stage.configure(&format!(
        "{}\ndata \"secretref_metadata\" \"x\" {{\n  ref = \"vault://kv/app\"\n}}\n\noutput \"version\" {{\n  value = data.secretref_metadata.x.version\n}}\n",
        value_consumer("vault://kv/app#password")
    ));
    let planned = dev.stage.terraform(&["plan"]);
    assert_eq!(planned.status.code(), Some(0), "{}", planned.text());
    assert_eq!(dev.proxy.count("GET", "/v1/kv/data/"), 0);
    assert!(dev.proxy.count("GET", "/v1/kv/metadata/app") >= 1);
    let applied = dev.stage.apply();
    assert!(
        applied.text().contains("version = \"1\""),
        "{}",
        applied.text()
    );
    assert_eq!(dev.stage.received("value"), canary.value());
    dev.stage
        .assert_no_leak(&canary, &[&planned.text(), &applied.text()]);
    dev.nothing_left();
}

#[test]
fn a_server_that_has_not_caught_up_is_asked_again() {
    let dev = Dev::new();
    dev.store_secret();
    dev.proxy.add(
        Rule::new(
            "/v1/kv/data/app",
            Fault::Status {
                status: 412,
                headers: Vec::new(),
                body: "{\"errors\":[\"required index state not present\"]}".to_owned(),
            },
        )
        .times(1),
    );
    dev.stage
        .configure(&value_consumer("vault://kv/app#password"));
    dev.stage.apply();
    assert_eq!(
        dev.proxy.count("GET", "/v1/kv/data/app"),
        2,
        "asked again after 412"
    );
    dev.nothing_left();
}
