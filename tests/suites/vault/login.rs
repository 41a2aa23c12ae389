//! Ways to log in, judged by the real server.

use e2e::servers::{Algorithm, Authority, Kubernetes, OidcIssuer};
use serde_json::json;

use super::stage::{Dev, Stage, value_consumer};

const REFERENCE: &str = "vault://kv/app#password";

/// A stage without a login, and a store block with this `auth` block.
fn with_auth(dev: &Dev, auth: &str) -> Stage {
    let stage = Stage::without_login(&dev.proxy.url());
    stage.configure_with(
        &format!("    auth {{\n{auth}\n    }}\n"),
        &value_consumer(REFERENCE),
    );
    stage
}

#[track_caller]
fn assert_logs_in(dev: &Dev, stage: &Stage) {
    let canary = dev.store_secret();
    let applied = stage.apply();
    assert_eq!(stage.received("value"), canary.value());
    stage.assert_no_leak(&canary, &[&applied.text()]);
    dev.nothing_left();
}

#[test]
fn github_actions_needs_no_secret_at_all() {
    let dev = Dev::new();
    let jobs = OidcIssuer::start(Algorithm::Rs256).unwrap();
    let admin = dev.admin();
    admin.enable_auth("jwt", "jwt").unwrap();
    admin
        .write(
            "auth/jwt/config",
            &json!({ "jwks_url": jobs.key_set_url(), "bound_issuer": jobs.url() }),
        )
        .unwrap();
    admin
        .write(
            "auth/jwt/role/ci",
            &json!({
                "role_type": "jwt",
                "user_claim": "repository",
                "bound_audiences": ["openbao"],
                "bound_claims": { "repository": "acme/infra", "ref": "refs/heads/main" },
                "token_policies": ["run"],
            }),
        )
        .unwrap();
    let mut stage = with_auth(
        &dev,
        "      jwt {\n        role     = \"ci\"\n        audience = \"openbao\"\n      }",
    );
    stage
        .sandbox
        .set_env("ACTIONS_ID_TOKEN_REQUEST_URL", &jobs.actions_request_url());
    stage.sandbox.set_env(
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
        jobs.actions_request_token(),
    );
    stage.sandbox.set_env("GITHUB_ACTIONS", "true");
    assert_logs_in(&dev, &stage);
    assert!(
        jobs.token_requests()
            .iter()
            .all(|audience| audience == "openbao")
    );
    assert!(!jobs.token_requests().is_empty());

    // Another branch is refused, and the reason is told.
    jobs.set_job_claims(&json!({ "ref": "refs/heads/feature" }));
    stage.terraform(&["destroy"]);
    let said = stage.fail(&["apply"]);
    assert!(said.contains("bound_claims"), "{said}");
    dev.nothing_left();
}

#[test]
fn a_kubernetes_service_account_logs_in() {
    let dev = Dev::new();
    let authority = Authority::new("cluster").unwrap();
    let cluster = Kubernetes::start(&authority).unwrap();
    let admin = dev.admin();
    admin.enable_auth("kubernetes", "kubernetes").unwrap();
    admin
        .write(
            "auth/kubernetes/config",
            &json!({
                "kubernetes_host": cluster.url(),
                "kubernetes_ca_cert": authority.certificate_pem(),
                "token_reviewer_jwt": cluster.reviewer_token().unwrap(),
                "disable_local_ca_jwt": true,
            }),
        )
        .unwrap();
    admin
        .write(
            "auth/kubernetes/role/app",
            &json!({
                "bound_service_account_names": ["app"],
                "bound_service_account_namespaces": ["payments"],
                "token_policies": ["run"],
            }),
        )
        .unwrap();
    let stage = with_auth(
        &dev,
        "      kubernetes {\n        role       = \"app\"\n        token_file = \"account.jwt\"\n      }",
    );
    let token = cluster.service_account_token("payments", "app").unwrap();
    // Outside the project, where tokens do not belong.
    std::fs::write(stage.sandbox.project().join("account.jwt"), token).unwrap();
    assert_logs_in(&dev, &stage);
    let expired = cluster.expired_token("payments", "app").unwrap();
    std::fs::write(stage.sandbox.project().join("account.jwt"), expired).unwrap();
    stage.terraform(&["destroy"]);
    let said = stage.fail(&["apply"]);
    assert!(said.contains("login") || said.contains("log in"), "{said}");
    dev.nothing_left();
}

#[test]
fn a_user_name_and_a_password_log_in() {
    let dev = Dev::new();
    let admin = dev.admin();
    admin.enable_auth("userpass", "userpass").unwrap();
    admin
        .write(
            "auth/userpass/users/ci",
            &json!({ "password": "right", "token_policies": ["run"] }),
        )
        .unwrap();
    let mut stage = with_auth(
        &dev,
        "      userpass {\n        username     = \"ci\"\n        password_env = \"CI_PASSWORD\"\n      }",
    );
    stage.sandbox.set_env("CI_PASSWORD", "wrong");
    let said = stage.fail(&["apply"]);
    assert!(said.contains("user name or password"), "{said}");
    stage.sandbox.set_env("CI_PASSWORD", "right");
    assert_logs_in(&dev, &stage);
}

#[test]
fn a_wrapped_secret_id_is_opened_once_and_a_stolen_one_is_noticed() {
    let dev = Dev::new();
    let admin = dev.admin();
    let role = admin.read("auth/approle/role/run/role-id").unwrap();
    let role = role["data"]["role_id"].as_str().unwrap();
    let auth = format!(
        "    auth {{\n      approle {{\n        role_id               = \"{role}\"\n        secret_id_env         = \"WRAPPED\"\n        \
         wrapped_creation_path = \"auth/approle/role/run/secret-id\"\n      }}\n    }}\n"
    );
    let mut stage = Stage::without_login(&dev.proxy.url());
    let wrapping = dev.bao.wrapping("60s").unwrap();
    let wrap = || {
        let answer = wrapping
            .write("auth/approle/role/run/secret-id", &json!({}))
            .unwrap();
        answer["wrap_info"]["token"].as_str().unwrap().to_owned()
    };
    dev.store_secret();
    // Plan and apply are two runs of the provider, and the secret id is good for one login.
    stage.configure_with(
        &auth,
        &format!("ephemeral \"secretref_value\" \"x\" {{\n  ref = \"{REFERENCE}\"\n}}\n"),
    );
    stage.sandbox.set_env("WRAPPED", &wrap());
    let planned = stage.terraform(&["plan"]);
    assert_eq!(planned.status.code(), Some(0), "{}", planned.text());
    assert_eq!(dev.proxy.count("GET", "/v1/kv/data/app"), 1);
    dev.nothing_left();
    let stolen = wrap();
    admin
        .write("sys/wrapping/unwrap", &json!({ "token": stolen }))
        .unwrap();
    stage.sandbox.set_env("WRAPPED", &stolen);
    let said = stage.fail(&["plan"]);
    assert!(said.contains("used already"), "{said}");
    dev.nothing_left();
}

#[test]
fn a_token_helper_file_is_found_in_the_home_folder() {
    let dev = Dev::new();
    let token = dev
        .admin()
        .create_token(&json!({ "policies": ["run"], "ttl": "30m" }))
        .unwrap();
    let canary = dev.store_secret();
    let stage = Stage::without_login(&dev.proxy.url());
    std::fs::write(stage.sandbox.path("home/.vault-token"), token).unwrap();
    stage.configure_alone(&value_consumer(REFERENCE));
    stage.apply();
    assert_eq!(stage.received("value"), canary.value());
}

#[test]
fn a_token_helper_a_file_and_a_variable_hold_tokens() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    let token = dev
        .admin()
        .create_token(&json!({ "policies": ["run"], "ttl": "30m" }))
        .unwrap();
    let run = |stage: &Stage| {
        let applied = stage.apply();
        assert_eq!(stage.received("value"), canary.value());
        stage.assert_no_leak(&canary, &[&applied.text()]);
    };
    // The program that `vault login` gives its token to.
    let stage = Stage::without_login(&dev.proxy.url());
    let helper = stage.sandbox.path("helper.sh");
    let script = format!("#!/bin/sh\n[ \"$1\" = get ] && printf %s '{token}'\n");
    std::fs::write(&helper, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&helper, executable).unwrap();
    let config = format!("token_helper = {helper:?}\n");
    std::fs::write(stage.sandbox.path("home/.vault"), config).unwrap();
    stage.configure_alone(&value_consumer(REFERENCE));
    run(&stage);

    let mut stage = with_auth(&dev, "      token {\n        env = \"MY_TOKEN\"\n      }");
    stage.sandbox.set_env("MY_TOKEN", &token);
    run(&stage);

    let stage = with_auth(&dev, "      token {\n        file = \"../token\"\n      }");
    std::fs::write(stage.sandbox.path("token"), format!("{token}\n")).unwrap();
    run(&stage);
}

#[test]
fn the_token_of_a_job_logs_in_where_its_issuer_is_trusted() {
    let dev = Dev::new();
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    let admin = dev.admin();
    admin.enable_auth("gitlab", "jwt").unwrap();
    admin
        .write(
            "auth/gitlab/config",
            &json!({ "oidc_discovery_url": issuer.url(), "default_role": "deploy" }),
        )
        .unwrap();
    admin
        .write(
            "auth/gitlab/role/deploy",
            &json!({
                "role_type": "jwt",
                "user_claim": "sub",
                "bound_audiences": ["openbao"],
                "bound_claims": { "project_path": "acme/infra" },
                "token_policies": ["run"],
            }),
        )
        .unwrap();
    let mut stage = with_auth(&dev, "      jwt {\n        mount = \"gitlab\"\n      }");
    let claims = json!({ "sub": "project_path:acme/infra", "project_path": "acme/infra" });
    let token = issuer.token("openbao", &claims).unwrap();
    stage.sandbox.set_env("SECRETREF_ID_TOKEN", &token);
    assert_logs_in(&dev, &stage);
    assert!(dev.proxy.count("POST", "/v1/auth/gitlab/login") >= 1);
}

#[test]
fn a_login_is_made_anew_when_its_token_ends_during_the_run() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    dev.admin()
        .write("kv/data/late", &json!({ "data": { "v": "late" } }))
        .unwrap();
    let late = super::stage::consumer(&[("late", "ephemeral.secretref_value.late.value")])
        .replace("\"consumer\" {", "\"late\" {");
    dev.stage.configure(&format!(
        "{}\nephemeral \"secretref_value\" \"late\" {{\n  ref        = \"vault://kv/late#v\"\n  \
         applying   = terraform.applying\n  depends_on = [terraform_data.consumer]\n}}\n\n{late}",
        value_consumer(REFERENCE)
    ));
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    let tokens = dev.tokens_of_the_run();
    assert_eq!(tokens.len(), 1);
    for accessor in &tokens {
        dev.admin()
            .write(
                "auth/token/revoke-accessor",
                &json!({ "accessor": accessor }),
            )
            .unwrap();
    }
    let before = dev.proxy.count("POST", "/v1/auth/approle/login");
    dev.stage.let_go();
    let (code, said) = terraform.finish();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(dev.stage.received("late"), "late");
    let after = dev.proxy.count("POST", "/v1/auth/approle/login");
    assert_eq!(after, before + 1);
    dev.stage.assert_no_leak(&canary, &[&said]);
    dev.nothing_left();
}

#[test]
fn inline_logins_make_no_token() {
    let dev = Dev::new();
    let admin = dev.admin();
    admin.enable_auth("userpass", "userpass").unwrap();
    admin
        .write(
            "auth/userpass/users/ci",
            &json!({ "password": "right", "token_policies": ["run"] }),
        )
        .unwrap();
    let canary = dev.store_secret();
    // What a mount is, is not told to somebody who proves who it is inline.
    let mut stage = Stage::without_login(&dev.proxy.url());
    stage.configure_with(
        "    kv2_mounts = [\"kv\"]\n    auth {\n      inline = true\n      userpass {\n        username     = \"ci\"\n        \
         password_env = \"CI_PASSWORD\"\n      }\n    }\n",
        &value_consumer(REFERENCE),
    );
    stage.sandbox.set_env("CI_PASSWORD", "right");
    stage.apply();
    assert_eq!(stage.received("value"), canary.value());
    assert_eq!(dev.proxy.count("POST", "/v1/auth/"), 0, "nobody logged in");
    assert_eq!(dev.proxy.count("PUT", "/v1/auth/"), 0, "nobody logged in");
    dev.nothing_left();
}

#[test]
fn a_token_that_cannot_outlive_a_long_apply_is_warned_of() {
    let dev = Dev::new();
    let admin = dev.admin();
    let postgres = e2e::servers::Postgres::start().unwrap();
    admin.connect_database("db", &postgres).unwrap();
    admin
        .database_role("db", "app", super::stage::LONG)
        .unwrap();
    let token = admin
        .create_token(&json!({ "policies": ["run"], "ttl": "10m", "renewable": false }))
        .unwrap();
    let mut stage = Stage::without_login(&dev.proxy.url());
    stage.sandbox.set_env("VAULT_TOKEN", &token);
    stage.configure_alone(&super::stage::database_consumer());
    let said = super::stage::unframed(&stage.apply().text());
    assert!(said.contains("a longer apply will fail"), "{said}");
    admin
        .write("auth/token/revoke", &json!({ "token": token }))
        .unwrap();
    // What was made under the token ends with it, a moment later.
    e2e::processes::wait_until("the login to be dropped", || {
        postgres.roles().unwrap().is_empty()
    });
}
