//! Ways to the server: variables, authorities, names in certificates, proxies, namespaces and redirects.

use e2e::servers::{Authority, Fault, FaultProxy, Flaw, Rule};
use serde_json::{Value, json};

use super::stage::{Dev, Stage, value_consumer};

const REFERENCE: &str = "vault://kv/app#password";

/// A stage that reaches the server of `dev` at `address` with a token, with variables only.
fn by_variables(dev: &Dev, address: &str) -> Stage {
    let mut stage = Stage::without_login(address);
    let token = dev
        .admin()
        .create_token(&json!({ "policies": ["run"], "ttl": "30m" }))
        .unwrap();
    stage.sandbox.set_env("VAULT_TOKEN", &token);
    stage.configure_alone(&value_consumer(REFERENCE));
    stage
}

#[test]
fn variables_alone_are_enough_and_those_of_openbao_come_first() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    let mut stage = by_variables(&dev, "http://127.0.0.1:1");
    stage.sandbox.set_env("BAO_ADDR", &dev.proxy.url());
    let applied = stage.apply();
    assert_eq!(stage.received("value"), canary.value());
    stage.assert_no_leak(&canary, &[&applied.text()]);
}

#[test]
fn an_authority_and_a_name_of_its_own_are_checked() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    let authority = Authority::new("company").unwrap();
    let other_name = authority.flawed_certificate(Flaw::OtherHost).unwrap();
    let secure = FaultProxy::start_tls(dev.bao.address(), &other_name, &authority).unwrap();
    let mut stage = by_variables(&dev, &secure.url());
    let ca = authority.write(&stage.sandbox.path("")).unwrap();
    let said = stage.fail(&["apply"]);
    assert!(said.contains("certificate"), "{said}");
    stage
        .sandbox
        .set_env("VAULT_CACERT", &ca.display().to_string());
    let said = stage.fail(&["apply"]);
    assert!(said.contains("certificate"), "{said}");
    assert_eq!(secure.requests().len(), 0, "nothing was sent before");
    stage
        .sandbox
        .set_env("VAULT_TLS_SERVER_NAME", "elsewhere.example");
    stage.apply();
    assert_eq!(stage.received("value"), canary.value());
}

#[test]
fn a_proxy_carries_all_requests() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    let mut stage = by_variables(&dev, "http://openbao.internal:8200");
    // Plain HTTP to another machine has to be wanted.
    stage.sandbox.set_env("VAULT_PROXY_ADDR", &dev.proxy.url());
    let said = stage.fail(&["apply"]);
    assert!(said.contains("allow_plain_http"), "{said}");
    assert_eq!(dev.proxy.requests().len(), 0);
    stage.configure_with("    allow_plain_http = true\n", &value_consumer(REFERENCE));
    stage.apply();
    assert_eq!(stage.received("value"), canary.value());
    assert!(dev.proxy.count("GET", "/v1/kv/data/app") >= 1);
}

#[test]
fn a_namespace_is_sent_with_every_request() {
    let dev = Dev::new();
    let admin = dev.admin();
    admin.write("sys/namespaces/team1", &json!({})).unwrap();
    let team = dev.bao.in_namespace("team1").unwrap();
    team.mount("kv", "kv", &json!({ "version": "2" })).unwrap();
    team.write(
        "kv/data/app",
        &json!({ "data": { "password": "of-the-team" } }),
    )
    .unwrap();
    team.policy("run", "path \"kv/*\" { capabilities = [\"read\"] }")
        .unwrap();
    let token = team.create_token(&json!({ "policies": ["run"] })).unwrap();
    let mut stage = Stage::without_login(&dev.proxy.url());
    stage.sandbox.set_env("VAULT_TOKEN", &token);
    stage.sandbox.set_env("VAULT_NAMESPACE", "team1");
    stage.configure_alone(&value_consumer(REFERENCE));
    stage.apply();
    assert_eq!(stage.received("value"), "of-the-team");
    for request in dev.proxy.requests() {
        assert!(
            request
                .header_values
                .contains(&("x-vault-namespace".to_owned(), "team1".to_owned())),
            "{request:?}"
        );
    }
}

#[test]
fn a_redirect_to_another_host_is_followed_only_when_listed() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    let other = FaultProxy::start(dev.bao.address()).unwrap();
    dev.proxy
        .add(Rule::new("/v1/kv/data/", Fault::Redirect(other.url())));
    dev.stage.configure(&value_consumer(REFERENCE));
    let said = dev.stage.fail(&["apply"]);
    assert!(said.contains("redirect_hosts"), "{said}");
    assert_eq!(other.requests().len(), 0, "the token stayed here");
    dev.nothing_left();
    dev.stage.configure_with(
        &format!("    redirect_hosts = [\"{}\"]\n", other.address()),
        &value_consumer(REFERENCE),
    );
    dev.stage.apply();
    assert_eq!(dev.stage.received("value"), canary.value());
    assert_eq!(other.count("GET", "/v1/kv/data/app"), 1);
    dev.nothing_left();
}

#[test]
fn throttling_is_waited_out_as_the_server_asks() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    dev.proxy.add(
        Rule::new(
            "/v1/kv/data/app",
            Fault::Status {
                status: 429,
                headers: vec![("retry-after", "2".to_owned())],
                body:
                    "{\"errors\":[\"request path \\\"kv/data/app\\\": rate limit quota exceeded\"]}"
                        .to_owned(),
            },
        )
        .times(1),
    );
    dev.stage.configure(&value_consumer(REFERENCE));
    dev.stage.apply();
    assert_eq!(dev.stage.received("value"), canary.value());
    let reads: Vec<_> = dev
        .proxy
        .requests()
        .into_iter()
        .filter(|request| request.path.starts_with("/v1/kv/data/app"))
        .collect();
    assert_eq!(reads.len(), 2);
    let pause = reads[1].at - reads[0].at;
    assert!(pause.as_millis() >= 2000, "asked again after {pause:?}");
    dev.nothing_left();
}

#[test]
fn a_sealed_server_is_told_at_once() {
    let dev = Dev::new();
    dev.store_secret();
    dev.stage.configure(&value_consumer(REFERENCE));
    dev.admin().write("sys/seal", &Value::Null).unwrap();
    let said = dev.stage.fail(&["apply"]);
    assert!(said.contains("sealed"), "{said}");
    assert!(
        dev.proxy.requests().len() <= 2,
        "{:?}",
        dev.proxy.requests()
    );
}
