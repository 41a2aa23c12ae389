//! Engines that ask another system for what they give: RabbitMQ and Kubernetes by doubles that check who asks, and
//! by path those that only Vault has.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use e2e::Canary;
use e2e::servers::{Authority, Fault, Kubernetes, RabbitMq, Rule};
use serde_json::{Value, json};

use super::engines::{ephemeral, grant};
use super::stage::{Dev, consumer};

#[test]
fn a_user_of_a_broker_exists_for_the_apply_alone() {
    let dev = Dev::new();
    let broker = RabbitMq::start().unwrap();
    let admin = dev.admin();
    admin.mount("rabbitmq", "rabbitmq", &Value::Null).unwrap();
    let (name, password) = broker.administrator();
    admin
        .write(
            "rabbitmq/config/connection",
            &json!({ "connection_uri": broker.url(), "username": name, "password": password }),
        )
        .unwrap();
    admin
        .write(
            "rabbitmq/config/lease",
            &json!({ "ttl": "600s", "max_ttl": "1200s" }),
        )
        .unwrap();
    admin
        .write(
            "rabbitmq/roles/worker",
            &json!({ "vhosts": r#"{"/":{"configure":"","write":"","read":"jobs.*"}}"# }),
        )
        .unwrap();
    grant(&dev, "rabbitmq/creds/worker", "read");
    dev.stage.configure(&format!(
        "{}{}",
        ephemeral(
            "secretref_vault_dynamic",
            "  ref = \"vault://rabbitmq/creds/worker\"\n"
        ),
        consumer(&[
            ("user", "ephemeral.secretref_vault_dynamic.x.data.username"),
            (
                "password",
                "ephemeral.secretref_vault_dynamic.x.data.password"
            ),
            (
                "ttl",
                "ephemeral.secretref_vault_dynamic.x.lease.ttl_seconds"
            ),
        ])
    ));
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    let (user, password) = (dev.stage.received("user"), dev.stage.received("password"));
    assert_eq!(broker.users(), [&*user]);
    assert_eq!(
        broker.may_read(&user, &password, "/").as_deref(),
        Some("jobs.*")
    );
    assert_eq!(dev.stage.received("ttl"), "600");
    dev.stage.let_go();
    let (code, said) = terraform.finish();
    assert_eq!(code, Some(0), "{said}");
    dev.nothing_left();
    assert_eq!(broker.users(), [""; 0]);
    dev.stage.assert_no_leak(&Canary::of(&password), &[&said]);
}

#[test]
fn a_token_of_a_service_account_is_made_for_the_apply() {
    let dev = Dev::new();
    let authority = Authority::new("cluster").unwrap();
    let cluster = Kubernetes::start(&authority).unwrap();
    cluster.add_service_account("payments", "app");
    let admin = dev.admin();
    admin
        .mount("kubernetes", "kubernetes", &Value::Null)
        .unwrap();
    admin
        .write(
            "kubernetes/config",
            &json!({
                "kubernetes_host": cluster.url(),
                "kubernetes_ca_cert": authority.certificate_pem(),
                "service_account_jwt": cluster.minter_token("payments").unwrap(),
                "disable_local_ca_jwt": true,
            }),
        )
        .unwrap();
    admin
        .write(
            "kubernetes/roles/deploy",
            &json!({
                "allowed_kubernetes_namespaces": ["payments"],
                "service_account_name": "app",
                "token_default_ttl": "20m",
            }),
        )
        .unwrap();
    grant(&dev, "kubernetes/creds/deploy", "update");
    dev.stage.configure(&format!(
        "{}{}",
        ephemeral(
            "secretref_vault_dynamic",
            "  ref     = \"vault://kubernetes/creds/deploy\"\n  request = { kubernetes_namespace = \"payments\" }\n"
        ),
        consumer(&[
            (
                "token",
                "ephemeral.secretref_vault_dynamic.x.data.service_account_token"
            ),
            (
                "namespace",
                "ephemeral.secretref_vault_dynamic.x.data.service_account_namespace"
            ),
        ])
    ));
    let applied = dev.stage.apply();
    let token = dev.stage.received("token");
    let claims = cluster.claims(&token).expect("the cluster knows the token");
    assert_eq!(claims["sub"], "system:serviceaccount:payments:app");
    let lifetime = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(lifetime, 20 * 60);
    assert_eq!(dev.stage.received("namespace"), "payments");
    dev.nothing_left();
    dev.stage
        .assert_no_leak(&Canary::of(&token), &[&applied.text()]);
}

/// Makes the server look as if it had an engine that only Vault has.
fn pretend(dev: &Dev, mount: &str, path: &str, answer: &Value) {
    let body = |value: &Value| Fault::Status {
        status: 200,
        headers: Vec::new(),
        body: value.to_string(),
    };
    let facts =
        json!({ "data": { "path": format!("{mount}/"), "type": mount, "options": Value::Null } });
    dev.proxy.add(Rule::new(
        &format!("/v1/sys/internal/ui/mounts/{mount}/"),
        body(&facts),
    ));
    dev.proxy
        .add(Rule::new(&format!("/v1/{path}"), body(answer)));
}

#[test]
fn engines_that_only_vault_has_work_by_their_paths() {
    let dev = Dev::new();
    let (key, password) = (Canary::random(), Canary::random());
    pretend(
        &dev,
        "aws",
        "aws/creds/deploy",
        &json!({
            "lease_id": "aws/creds/deploy/f3e92392", "lease_duration": 768, "renewable": true,
            "data": { "access_key": "AKIAEXAMPLE", "secret_key": key.value(), "security_token": Value::Null },
        }),
    );
    pretend(
        &dev,
        "ldap",
        "ldap/library/ops/check-out",
        &json!({
            "lease_id": "ldap/library/ops/check-out/EpuS8cX7uEsDzOwW9kkKOyGW", "lease_duration": 600, "renewable": true,
            "data": { "service_account_name": "ops-1", "password": password.value() },
        }),
    );
    // A plan looks at the rights.
    dev.admin()
        .policy(
            "run",
            "path \"aws/creds/deploy\" { capabilities = [\"read\"] }\n\
             path \"ldap/library/ops/check-out\" { capabilities = [\"update\"] }\n",
        )
        .unwrap();
    let gone = Fault::Status {
        status: 204,
        headers: Vec::new(),
        body: String::new(),
    };
    dev.proxy.add(Rule::new("/v1/sys/leases/revoke", gone));
    dev.stage.configure(&format!(
        "{}{}{}",
        ephemeral(
            "secretref_vault_dynamic",
            "  ref = \"vault://aws/creds/deploy\"\n"
        ),
        ephemeral(
            "secretref_vault_dynamic",
            "  ref     = \"vault://ldap/library/ops/check-out\"\n  request = {}\n"
        )
        .replace("\"x\"", "\"account\""),
        consumer(&[
            ("key", "ephemeral.secretref_vault_dynamic.x.data.secret_key"),
            (
                "account",
                "ephemeral.secretref_vault_dynamic.account.data.service_account_name"
            ),
            (
                "password",
                "ephemeral.secretref_vault_dynamic.account.data.password"
            ),
        ])
    ));
    let applied = dev.stage.apply();
    assert_eq!(dev.stage.received("key"), key.value());
    assert_eq!(dev.stage.received("account"), "ops-1");
    assert_eq!(dev.stage.received("password"), password.value());
    let count = |path: &str| dev.proxy.count("GET", path) + dev.proxy.count("POST", path);
    assert_eq!(dev.proxy.count("POST", "/v1/ldap/library/ops/check-out"), 1);
    assert_eq!(dev.proxy.count("GET", "/v1/aws/creds/deploy"), 1);
    assert_eq!(
        count("/v1/sys/leases/revoke"),
        2,
        "giving a lease back deletes the key and checks the account in"
    );
    for canary in [&key, &password] {
        dev.stage.assert_no_leak(canary, &[&applied.text()]);
    }
    dev.nothing_left();
}

#[test]
fn an_identity_token_is_signed_by_the_server() {
    let dev = Dev::new();
    let admin = dev.admin();
    admin
        .write(
            "identity/oidc/key/run",
            &json!({ "allowed_client_ids": ["*"], "algorithm": "ES256" }),
        )
        .unwrap();
    admin
        .write(
            "identity/oidc/role/ci",
            &json!({ "key": "run", "ttl": "10m" }),
        )
        .unwrap();
    grant(&dev, "identity/oidc/token/ci", "read");
    dev.stage.configure(&super::stage::value_consumer(
        "vault://identity/oidc/token/ci#token",
    ));
    let applied = dev.stage.apply();
    let token = dev.stage.received("value");
    let known = admin
        .write("identity/oidc/introspect", &json!({ "token": token }))
        .unwrap();
    assert_eq!(known["active"], true, "{known}");
    let payload = token.split('.').nth(1).unwrap();
    let claims: Value =
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    assert!(claims["sub"].as_str().is_some_and(|sub| !sub.is_empty()));
    dev.stage
        .assert_no_leak(&Canary::of(&token), &[&applied.text()]);
    dev.nothing_left();
}
