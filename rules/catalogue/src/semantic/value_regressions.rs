//! Values that were misjudged on real configurations: what stands in which place, and the rules that must
//! speak, in order.

use super::tests::check;

fn reports(fixture: &str) -> Vec<String> {
    check(fixture)
        .iter()
        .map(|finding| finding.rule.to_string())
        .collect()
}

fn of_local(line: &str) -> Vec<String> {
    reports(&format!("locals {{\n  x = {{\n    {line}\n  }}\n}}\n"))
}

const NONE: &[&str] = &[];

#[test]
fn values_that_say_where_the_secret_is() {
    for line in [
        "S3_SECRET_KEY_1 = \"minio_s3_minio_secret_key\"",
        "password = \"{ _RANDOM_ = 18 }\"",
        "apiKey = \"{env:LITELLM_API_KEY}\"",
        "Password = \"PrivateSettingsRef:registrationKeyPrivate\"",
        "authorization_token = \"request.headers[Authorization]\"",
        "secretKey = \"z2m_password\"",
        "url = \"redis://:***@host\"",
        "secret_env = { API_SECRET = \"api-secret-v2\" }",
    ] {
        assert_eq!(of_local(line), NONE, "{line}");
    }
    let ciphertext = format!("db_password = \"AQICAH{}\"", "hx4Z9qK2".repeat(14));
    assert_eq!(of_local(&ciphertext), NONE);
}

#[test]
fn values_that_are_passwords_although_they_look_like_names() {
    for line in [
        "password = \"Zebra42-\"",
        "ENCRYPTION_PASSWORD = \"zebra.dev\"",
        "RABBITMQ_ERLANG_COOKIE = \"mintchip\"",
        "fernet_key = \"m8Zr2xQbN4vTq7LkPw5sYh3JdGf6UaCeV9iXoRtS1Bw=\"",
        "mongodb_atlas_api_pri_key = \"2fda35ef-82d6-47c2-92ce-f593d07e6541\"",
        "DJANGO_SECRET_KEY = \"zebrafish\"",
        "public_portal_admin_password = \"zebra@12345\"",
    ] {
        assert_eq!(of_local(line), ["hardcoded-secret"], "{line}");
    }
    for line in [
        "client_secret = \"super-secret-okta-client-secret\"",
        "vault_unseal_key = \"placeholder\"",
    ] {
        assert_eq!(of_local(line), ["placeholder-secret"], "{line}");
    }
}

#[test]
fn keys_that_come_in_pairs_are_used() {
    let pair = "module \"x\" {\n  source = \"./x\"\n  minio_access_key = \"zebrafish\"\n  minio_secret_key = \"zebrafish\"\n}\n";
    assert_eq!(reports(pair), ["hardcoded-secret", "hardcoded-secret"]);
    let names = pair
        .replacen("zebrafish", "username", 1)
        .replace("zebrafish", "password");
    assert!(!reports(&names).contains(&"hardcoded-secret".to_owned()));
    let alone = "module \"x\" {\n  source = \"./x\"\n  minio_secret_key = \"zebrafish\"\n}\n";
    assert_eq!(reports(alone), NONE);
}

#[test]
fn settings_among_the_secrets_of_a_pipeline() {
    let secret = |name: &str, value: &str| {
        reports(&format!(
            "resource \"github_actions_secret\" \"a\" {{\n  secret_name = \"{name}\"\n  plaintext_value = \"{value}\"\n}}\n"
        ))
    };
    for (name, value) in [
        ("ECS_CLUSTER_STAGING", "shop-staging-cluster"),
        ("ECR_REPOSITORY", "shop"),
        ("CLOUDFRONT_DISTRIBUTION_ID_PROD", "E10ZQBOHHZKRAB"),
        ("AWS_ACCOUNT", "123456789012"),
        ("DEPLOY_TARGET", "shop-staging"),
    ] {
        let found = secret(name, value);
        assert!(
            !found.contains(&"hardcoded-secret".to_owned()),
            "{name}: {found:?}"
        );
    }
    for (name, value) in [
        ("DB_PASSWORD", "zebrafish"),
        ("NPM_PUBLISH", "Zebra991fish"),
    ] {
        assert!(
            secret(name, value).contains(&"hardcoded-secret".to_owned()),
            "{name}"
        );
    }
}

#[test]
fn what_is_said_about_a_secret() {
    let output = "output \"c\" {\n  value = { password = var.x ? \"Using provided password\" : \"Run: kubectl get secret\" }\n}\n";
    assert_eq!(reports(output), NONE);
    let name = "resource \"google_secret_manager_secret_version\" \"v\" {\n  secret = \"db-password-2024\"\n}\n";
    assert_eq!(reports(name), NONE);
}

#[test]
fn what_is_about_a_secret_and_not_one() {
    for fixture in [
        "variable \"can_use_console_password\" {}\n",
        "variable \"datadog_api_secret_key\" {\n  description = \"The name of the Datadog API secret\"\n  default = \"default\"\n}\n",
        "resource \"azurerm_key_vault_secret\" \"docker_username\" {\n  name = \"docker-username\"\n  value = \"exampleuser\"\n  expiration_date = \"2027-01-01T00:00:00Z\"\n}\n",
        "variable \"db_password\" {\n  sensitive = true\n}\nresource \"null_resource\" \"n\" {\n  triggers = {\n    x = md5(templatefile(\"f\", { password = var.db_password }))\n  }\n}\n",
    ] {
        assert_eq!(reports(fixture), NONE, "{fixture}");
    }
}

#[test]
fn names_that_say_more_after_the_secret() {
    for line in [
        "vault_token_for_boundary = \"s.Zq3vMbR8kX2nT7wLpY5sHcJd\"",
        "rds_password_gitlab = \"zebra991\"",
        "password_grafana = \"zebra991\"",
        "mongodbatlas_private_key = \"003xx3ddc-9wq4-0000-12DR-43654GV347653\"",
    ] {
        assert_eq!(of_local(line), ["hardcoded-secret"], "{line}");
    }
    for line in [
        "password_vault = \"zebra991\"",
        "private_key = \"003xx3ddc-9wq4-0000-12DR-43654GV347653\"",
    ] {
        assert_eq!(of_local(line), NONE, "{line}");
    }
}

#[test]
fn commands_that_show_secrets_and_lists_that_select() {
    let output = "output \"commands\" {\n  value = { get_consul_token = \"terraform output -raw x\", nomad_token = \"terraform output x | jq -r '.nomad'\" }\n}\n";
    assert_eq!(reports(output), NONE);
    assert_eq!(of_local("refresh_passwords = [\"all\"]"), NONE);
}

#[test]
fn keys_within_secrets_of_platforms() {
    for line in [
        "smtp_kubernetes_secret_key = \"smtp-password\"",
        "a = { db_secret_name = \"mysql\", db_secret_key = \"mysql-password\" }",
        "a = { secretName = \"mysql\", secretKey = \"password\" }",
        "OPERATOR_SECRET = \"operator\"",
        "TEST_LOGIN_PASSWORD = \"backend-TEST-LOGIN-PASSWORD\"",
        "app_secrets = { key_vault_id = module.v.id, map = { API_KEY = \"app-KEY-BACKEND\" } }",
    ] {
        assert_eq!(of_local(line), NONE, "{line}");
    }
    let random = "a = { db_secret_name = \"mysql\", db_secret_key = \"q9Xv72LmTz84RkWp31Bd\" }";
    assert_eq!(of_local(random), ["hardcoded-secret"]);
    for dummy in ["ADMIN_SECRET = \"admin\"", "operator_secret = \"secret\""] {
        assert_eq!(of_local(dummy), ["placeholder-secret"], "{dummy}");
    }
}

#[test]
fn remarks_instead_of_passwords() {
    let remark = "db_password = \"DON'T PUT THIS IN HERE\"";
    assert_eq!(of_local(remark), ["placeholder-secret"]);
    let branch = "content = \"${var.n == 0 ? tls_private_key.ssh.private_key_pem : \"none\"}\"";
    assert_eq!(of_local(branch), NONE);
}
