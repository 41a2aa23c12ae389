//! Engines that hold keys: certificates for servers and for SSH, encryption and signatures.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use e2e::Canary;
use e2e::servers::Issued;
use serde_json::{Value, json};

use super::engines::{ephemeral, grant};
use super::stage::{Dev, consumer};

/// A certificate authority with this role.
fn with_pki(role: &Value) -> Dev {
    let dev = Dev::new();
    let admin = dev.admin();
    admin.mount("pki", "pki", &Value::Null).unwrap();
    admin
        .write(
            "pki/root/generate/internal",
            &json!({ "common_name": "root", "ttl": "24h" }),
        )
        .unwrap();
    let mut role = role.clone();
    role["allowed_domains"] = "example.com".into();
    role["allow_subdomains"] = true.into();
    role["max_ttl"] = "2h".into();
    admin.write("pki/roles/deploy", &role).unwrap();
    dev
}

/// Applies a certificate resource with these settings and returns what reached the consumer.
fn issued(dev: &Dev, settings: &str) -> (Issued, String) {
    dev.stage.configure(&format!(
        "{}{}",
        ephemeral(
            "secretref_vault_pki_certificate",
            &format!("{settings}  common_name = \"ci.example.com\"\n")
        ),
        consumer(&[
            (
                "certificate",
                "ephemeral.secretref_vault_pki_certificate.x.certificate"
            ),
            (
                "key",
                "ephemeral.secretref_vault_pki_certificate.x.private_key"
            ),
            (
                "serial",
                "ephemeral.secretref_vault_pki_certificate.x.serial_number"
            ),
        ])
    ));
    let applied = dev.stage.apply();
    let issued = Issued {
        certificate_pem: dev.stage.received("certificate"),
        key_pem: dev.stage.received("key"),
    };
    // The key fits the certificate.
    issued.server_config().unwrap();
    let secret_line = issued.key_pem.lines().nth(1).unwrap();
    dev.stage
        .assert_no_leak(&Canary::of(secret_line), &[&applied.text()]);
    (issued, dev.stage.received("serial"))
}

#[test]
fn a_certificate_with_a_lease_is_revoked_when_the_run_ends() {
    let dev = with_pki(&json!({ "generate_lease": true, "key_type": "ec", "key_bits": 256 }));
    grant(&dev, "pki/issue/deploy", "update");
    let (_, serial) = issued(&dev, "  ref = \"vault://pki/issue/deploy\"\n");
    dev.nothing_left();
    let known = dev.admin().read(&format!("pki/cert/{serial}")).unwrap();
    assert!(
        known["data"]["revocation_time"].as_u64().unwrap() > 0,
        "{known}"
    );
}

#[test]
fn an_rsa_key_is_made_here_where_the_role_demands_one() {
    let dev = with_pki(&json!({ "key_type": "rsa", "key_bits": 2048 }));
    grant(&dev, "pki/sign/deploy", "update");
    let (issued, _) = issued(
        &dev,
        "  ref = \"vault://pki/sign/deploy\"\n  key_type = \"rsa-2048\"\n",
    );
    assert!(issued.key_pem.len() > 1600, "a key of 2048 bits");
    assert_eq!(dev.proxy.count("POST", "/v1/pki/issue/"), 0);
    dev.nothing_left();
}

/// A public key as `ssh-keygen` writes it: the base point of the curve, whose private key nobody uses.
fn public_key() -> (String, Vec<u8>) {
    let point = [vec![0x58], vec![0x66; 31]].concat();
    let mut blob = Vec::new();
    for part in [&b"ssh-ed25519"[..], &point] {
        blob.extend(u32::try_from(part.len()).unwrap().to_be_bytes());
        blob.extend(part);
    }
    let text = format!(
        "ssh-ed25519 {} ci@example.com",
        BASE64_STANDARD.encode(blob)
    );
    (text, point)
}

/// The bytes of a certificate or key for SSH.
fn blob(text: &str) -> Vec<u8> {
    let mut words = text.split(' ');
    assert!(words.next().unwrap().starts_with("ssh-") || text.starts_with("ecdsa-"));
    BASE64_STANDARD
        .decode(words.next().unwrap().trim())
        .unwrap()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn keys_for_ssh_are_signed_and_issued_by_the_authority() {
    let dev = Dev::new();
    let admin = dev.admin();
    admin.mount("ssh", "ssh", &Value::Null).unwrap();
    admin
        .write("ssh/config/ca", &json!({ "generate_signing_key": true }))
        .unwrap();
    admin
        .write(
            "ssh/roles/deploy",
            &json!({
                "key_type": "ca", "allow_user_certificates": true, "allowed_users": "deploy",
                "ttl": "10m", "max_ttl": "30m",
            }),
        )
        .unwrap();
    dev.admin()
        .policy("run", "path \"ssh/*\" { capabilities = [\"update\"] }\n")
        .unwrap();
    let (key, point) = public_key();
    dev.stage.configure(&format!(
        "{}{}{}",
        ephemeral(
            "secretref_vault_ssh_certificate",
            &format!(
                "  ref              = \"vault://ssh/sign/deploy\"\n  public_key       = \"{key}\"\n  \
                 valid_principals = \"deploy\"\n  ttl              = \"5m\"\n"
            )
        ),
        ephemeral(
            "secretref_vault_ssh_certificate",
            "  ref              = \"vault://ssh/issue/deploy\"\n  key_type         = \"ed25519\"\n  \
             valid_principals = \"deploy\"\n"
        )
        .replace("\"x\"", "\"new\""),
        consumer(&[
            ("signed", "ephemeral.secretref_vault_ssh_certificate.x.signed_key"),
            ("issued", "ephemeral.secretref_vault_ssh_certificate.new.signed_key"),
            ("private", "ephemeral.secretref_vault_ssh_certificate.new.private_key"),
        ])
    ));
    let applied = dev.stage.apply();
    let authority = admin.read("ssh/config/ca").unwrap();
    let authority = blob(authority["data"]["public_key"].as_str().unwrap());
    for name in ["signed", "issued"] {
        let certificate = blob(&dev.stage.received(name));
        assert!(holds(&certificate, b"deploy"), "{name}: the principal");
        assert!(holds(&certificate, &authority), "{name}: the authority");
    }
    assert!(holds(&blob(&dev.stage.received("signed")), &point));
    let private = dev.stage.received("private");
    assert!(private.contains("PRIVATE KEY"));
    let secret_line = private.lines().nth(2).unwrap();
    dev.stage
        .assert_no_leak(&Canary::of(secret_line), &[&applied.text()]);
    dev.nothing_left();
}

#[test]
fn transit_encrypts_signs_and_works_on_many_at_once() {
    let dev = Dev::new();
    let admin = dev.admin();
    let canaries = [Canary::random(), Canary::random(), Canary::random()];
    admin.mount("transit", "transit", &Value::Null).unwrap();
    admin.write("transit/keys/app", &json!({})).unwrap();
    admin
        .write("transit/keys/signer", &json!({ "type": "ed25519" }))
        .unwrap();
    let ciphertexts: Vec<String> = canaries
        .iter()
        .map(|canary| {
            let plain = json!({ "plaintext": BASE64_STANDARD.encode(canary.value()) });
            let answer = admin.write("transit/encrypt/app", &plain).unwrap();
            answer["data"]["ciphertext"].as_str().unwrap().to_owned()
        })
        .collect();
    dev.admin()
        .policy(
            "run",
            "path \"transit/*\" { capabilities = [\"update\"] }\n",
        )
        .unwrap();
    let part = |name: &str, path: &str, settings: &str| {
        ephemeral(
            "secretref_vault_transit",
            &format!("  ref = \"vault://transit/{path}\"\n{settings}"),
        )
        .replace("\"x\"", &format!("\"{name}\""))
    };
    let result = |name: &str| format!("ephemeral.secretref_vault_transit.{name}.result");
    let text = [
        part(
            "many",
            "decrypt/app",
            &format!("  inputs = {ciphertexts:?}\n"),
        ),
        part("encrypted", "encrypt/app", "  input = \"to-encrypt\"\n"),
        part("signed", "sign/signer", "  input = \"to-sign\"\n"),
        part("mac", "hmac/app", "  input = \"to-mac\"\n"),
        part(
            "right",
            "verify/signer",
            "  input = \"to-sign\"\n  signature = ephemeral.secretref_vault_transit.signed.result\n",
        ),
        part(
            "wrong",
            "verify/signer",
            "  input = \"another\"\n  signature = ephemeral.secretref_vault_transit.signed.result\n",
        ),
    ]
    .concat();
    dev.stage.configure(&format!(
        "{text}{}",
        consumer(&[
            (
                "many",
                "jsonencode(ephemeral.secretref_vault_transit.many.results)"
            ),
            ("encrypted", &result("encrypted")),
            ("signed", &result("signed")),
            ("mac", &result("mac")),
            ("right", "ephemeral.secretref_vault_transit.right.valid"),
            ("wrong", "ephemeral.secretref_vault_transit.wrong.valid"),
        ])
    ));
    let applied = dev.stage.apply();
    let many: Vec<String> = serde_json::from_str(&dev.stage.received("many")).unwrap();
    let values: Vec<_> = canaries.iter().map(Canary::value).collect();
    assert_eq!(many, values);
    assert_eq!(dev.proxy.count("POST", "/v1/transit/decrypt/app"), 1);
    // The server judges what it gave.
    let decrypted = admin
        .write(
            "transit/decrypt/app",
            &json!({ "ciphertext": dev.stage.received("encrypted") }),
        )
        .unwrap();
    let plain = decrypted["data"]["plaintext"].as_str().unwrap();
    assert_eq!(BASE64_STANDARD.decode(plain).unwrap(), b"to-encrypt");
    for (key, input, name, received) in [
        ("signer", "to-sign", "signature", "signed"),
        ("app", "to-mac", "hmac", "mac"),
    ] {
        let body =
            json!({ "input": BASE64_STANDARD.encode(input), name: dev.stage.received(received) });
        let verdict = admin
            .write(&format!("transit/verify/{key}"), &body)
            .unwrap();
        assert_eq!(verdict["data"]["valid"], true, "{name}");
    }
    assert_eq!(dev.stage.received("right"), "true");
    assert_eq!(dev.stage.received("wrong"), "false");
    for canary in &canaries {
        dev.stage.assert_no_leak(canary, &[&applied.text()]);
    }
    dev.nothing_left();
}
