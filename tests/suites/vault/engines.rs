//! Engines that make things: what they make is good for its purpose and ends with the run.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use e2e::Canary;
use e2e::servers::{Issued, LeasePeriod};
use serde_json::{Value, json};

use super::stage::{Dev, consumer};

/// Lets the run do what a test needs.
pub(super) fn grant(dev: &Dev, path: &str, capability: &str) {
    dev.admin()
        .policy(
            "run",
            &format!("path \"{path}\" {{ capabilities = [\"{capability}\"] }}\n"),
        )
        .unwrap();
}

/// An ephemeral resource `x` that is opened while applying.
pub(super) fn ephemeral(kind: &str, settings: &str) -> String {
    format!("ephemeral \"{kind}\" \"x\" {{\n  applying = terraform.applying\n{settings}}}\n\n")
}

#[test]
fn any_leased_path_is_a_dynamic_credential() {
    let (dev, postgres) = Dev::with_database(LeasePeriod {
        default_seconds: 600,
        max_seconds: 1200,
    });
    dev.stage.configure(&format!(
        "{}{}",
        ephemeral(
            "secretref_vault_dynamic",
            "  ref = \"vault://db/creds/app\"\n"
        ),
        consumer(&[
            ("user", "ephemeral.secretref_vault_dynamic.x.data.username"),
            (
                "password",
                "ephemeral.secretref_vault_dynamic.x.data.password"
            ),
        ])
    ));
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    let (user, password) = (dev.stage.received("user"), dev.stage.received("password"));
    assert!(postgres.can_login(&user, &password).unwrap());
    dev.stage.let_go();
    let (code, said) = terraform.finish();
    assert_eq!(code, Some(0), "{said}");
    dev.nobody_left(&postgres);
    dev.stage.assert_no_leak(&Canary::of(&password), &[&said]);
}

#[test]
fn the_password_of_a_static_role_logs_in() {
    let (dev, postgres) = Dev::with_database(super::stage::LONG);
    postgres
        .query("CREATE ROLE fixed LOGIN PASSWORD 'old'")
        .unwrap();
    dev.admin()
        .write(
            "db/static-roles/fixed",
            &json!({
                "db_name": "postgres",
                "username": "fixed",
                "rotation_period": "24h",
                "rotation_statements": ["ALTER ROLE \"{{name}}\" PASSWORD '{{password}}'"],
            }),
        )
        .unwrap();
    grant(&dev, "db/static-creds/fixed", "read");
    dev.stage.configure(&super::stage::value_consumer(
        "vault://db/static-creds/fixed#password",
    ));
    let applied = dev.stage.apply();
    let password = dev.stage.received("value");
    assert!(postgres.can_login("fixed", &password).unwrap());
    assert!(!postgres.can_login("fixed", "old").unwrap());
    dev.stage
        .assert_no_leak(&Canary::of(&password), &[&applied.text()]);
    dev.nothing_left();
}

#[test]
fn the_key_of_a_certificate_is_made_here_and_fits() {
    let dev = Dev::new();
    let admin = dev.admin();
    admin.mount("pki", "pki", &Value::Null).unwrap();
    admin
        .write(
            "pki/root/generate/internal",
            &json!({ "common_name": "root", "ttl": "24h" }),
        )
        .unwrap();
    admin
        .write(
            "pki/roles/deploy",
            &json!({ "allowed_domains": "example.com", "allow_subdomains": true, "key_type": "any", "max_ttl": "2h" }),
        )
        .unwrap();
    grant(&dev, "pki/sign/deploy", "update");
    dev.stage.configure(&format!(
        "{}{}",
        ephemeral(
            "secretref_vault_pki_certificate",
            "  ref         = \"vault://pki/sign/deploy\"\n  common_name = \"ci.example.com\"\n  ttl         = \"1h\"\n"
        ),
        consumer(&[
            ("certificate", "ephemeral.secretref_vault_pki_certificate.x.certificate"),
            ("key", "ephemeral.secretref_vault_pki_certificate.x.private_key"),
        ])
    ));
    let applied = dev.stage.apply();
    let issued = Issued {
        certificate_pem: dev.stage.received("certificate"),
        key_pem: dev.stage.received("key"),
    };
    issued.server_config().unwrap();
    let secret_line = issued.key_pem.lines().nth(1).unwrap();
    dev.stage
        .assert_no_leak(&Canary::of(secret_line), &[&applied.text()]);
    let bodies = dev.proxy.count("PUT", "/v1/pki/sign/deploy")
        + dev.proxy.count("POST", "/v1/pki/sign/deploy");
    assert_eq!(bodies, 1);
    dev.nothing_left();
}

#[test]
fn transit_decrypts_what_stands_in_the_configuration() {
    let dev = Dev::new();
    let admin = dev.admin();
    let canary = Canary::random();
    admin.mount("transit", "transit", &Value::Null).unwrap();
    admin.write("transit/keys/app", &json!({})).unwrap();
    let answer = admin
        .write(
            "transit/encrypt/app",
            &json!({ "plaintext": BASE64_STANDARD.encode(canary.value()) }),
        )
        .unwrap();
    let ciphertext = answer["data"]["ciphertext"].as_str().unwrap();
    grant(&dev, "transit/decrypt/app", "update");
    dev.stage.configure(&format!(
        "{}{}",
        ephemeral(
            "secretref_vault_transit",
            &format!("  ref   = \"vault://transit/decrypt/app\"\n  input = \"{ciphertext}\"\n")
        ),
        consumer(&[("value", "ephemeral.secretref_vault_transit.x.result")])
    ));
    let applied = dev.stage.apply();
    assert_eq!(dev.stage.received("value"), canary.value());
    dev.stage.assert_no_leak(&canary, &[&applied.text()]);
    dev.nothing_left();
}

#[test]
fn a_one_time_code_is_made() {
    let dev = Dev::new();
    let admin = dev.admin();
    admin.mount("totp", "totp", &Value::Null).unwrap();
    admin
        .write(
            "totp/keys/app",
            &json!({ "generate": true, "issuer": "test", "account_name": "ci@example.com" }),
        )
        .unwrap();
    grant(&dev, "totp/code/app", "read");
    dev.stage
        .configure(&super::stage::value_consumer("vault://totp/code/app#code"));
    dev.stage.apply();
    let code = dev.stage.received("value");
    assert!(
        code.len() == 6 && code.chars().all(|c| c.is_ascii_digit()),
        "{code}"
    );
    dev.nothing_left();
}

#[test]
fn a_wrapped_secret_is_opened_only_when_the_expected_path_made_it() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    let wrapping = dev.bao.wrapping("5m").unwrap();
    let wrap = || {
        let answer = wrapping.read("kv/data/app").unwrap();
        answer["wrap_info"]["token"].as_str().unwrap().to_owned()
    };
    let text = |path: &str, token: &str| {
        format!(
            "{}{}",
            ephemeral(
                "secretref_vault_unwrap",
                &format!("  ref   = \"vault://{path}\"\n  token = \"{token}\"\n")
            ),
            consumer(&[(
                "value",
                "jsonencode(ephemeral.secretref_vault_unwrap.x.data)"
            )])
        )
    };
    dev.stage.configure(&text("kv/data/other", &wrap()));
    let said = dev.stage.fail(&["apply"]);
    assert!(said.contains("path"), "{said}");
    assert!(!dev.stage.consumed());
    dev.stage.configure(&text("kv/data/app", &wrap()));
    dev.stage.apply();
    assert!(dev.stage.received("value").contains(canary.value()));
}
