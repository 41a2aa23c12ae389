//! What is made for a run or by age: key pairs, identity tokens, generated values that are rotated.

use super::guard::{accesses, token};
use super::*;

const POLICY: &str = r#"
[environments.dev]
refs    = ["local://dev/**", "identity://https:%2F%2Fvault.example.com"]
writes  = ["local://dev/*"]
max_age = "30d"
"#;

const MADE: &str = r#"
provider "secretref" {
  environment = "dev"
}

ephemeral "secretref_private_key" "deploy" {
  algorithm = "ecdsa-p256"
  comment   = "deploy@example.com"
}

resource "secretref_secret" "key" {
  ref              = "local://dev/key"
  value_wo         = jsonencode({
    private     = ephemeral.secretref_private_key.deploy.private_key_openssh
    pem         = ephemeral.secretref_private_key.deploy.private_key_pem
    public      = ephemeral.secretref_private_key.deploy.public_key_openssh
    fingerprint = ephemeral.secretref_private_key.deploy.fingerprint
  })
  value_wo_version = 1
}

ephemeral "secretref_identity_token" "me" {
  audience = "https://vault.example.com"
}

resource "secretref_secret" "token" {
  ref              = "local://dev/token"
  value_wo         = jsonencode({
    value   = ephemeral.secretref_identity_token.me.value
    issuer  = ephemeral.secretref_identity_token.me.issuer
    subject = ephemeral.secretref_identity_token.me.subject
    expires = ephemeral.secretref_identity_token.me.expires_at
  })
  value_wo_version = 1
}

output "by_name" {
  value = provider::secretref::environment_of("vault+production://kv/x")
}

output "by_policy" {
  value = provider::secretref::environment_of("local://dev/x", file("secretref.toml"))
}
"#;

#[test]
fn keys_and_identity_tokens_reach_their_consumer_and_nothing_else() {
    let mut sandbox = with_secret(&Canary::random());
    sandbox.write("secretref.toml", POLICY).unwrap();
    let identity = token(&serde_json::json!({
        "iss": "https://gitlab.example", "sub": "pipeline-7", "exp": 4_000_000_000_i64,
        "aud": ["https://vault.example.com"], "user_email": "jo@example.com",
    }));
    sandbox.set_env("SECRETREF_ID_TOKEN", &identity);
    configure(&sandbox, MADE);
    apply(&sandbox);
    let get = |reference: &str| cli(&sandbox, &["store", "get", reference], "");
    let key = get("local://dev/key#private");
    assert!(key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert!(get("local://dev/key#pem").starts_with("-----BEGIN PRIVATE KEY-----\n"));
    let public = get("local://dev/key#public");
    assert!(
        public.starts_with("ecdsa-sha2-nistp256 ") && public.ends_with(" deploy@example.com"),
        "{public}"
    );
    assert!(get("local://dev/key#fingerprint").starts_with("SHA256:"));
    for (part, expected) in [
        ("value", identity.as_str()),
        ("issuer", "https://gitlab.example"),
        ("subject", "pipeline-7"),
        ("expires", "2096-10-02T07:06:40Z"),
    ] {
        assert_eq!(get(&format!("local://dev/token#{part}")), expected);
    }
    let state = std::fs::read_to_string(sandbox.project().join("terraform.tfstate")).unwrap();
    let outputs: serde_json::Value = serde_json::from_str(&state).unwrap();
    assert_eq!(outputs["outputs"]["by_name"]["value"], "prod");
    assert_eq!(outputs["outputs"]["by_policy"]["value"], "dev");
    for secret in [
        identity.as_str(),
        "PRIVATE KEY",
        key.lines().nth(2).unwrap(),
    ] {
        assert!(!state.contains(secret), "the state holds a secret");
    }
    let opened = accesses(&sandbox).into_iter().rfind(|event| {
        event["event"] == "open" && event["reference"] == "identity://https:%2F%2Fvault.example.com"
    });
    assert!(opened.is_some_and(|event| !event.to_string().contains(&identity)));

    // The policy decides about audiences, and a token for one is not given to another.
    configure(
        &sandbox,
        &MADE.replace("https://vault.example.com", "https://evil.example"),
    );
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(
        said.contains("may not open `identity://https:%2F%2Fevil.example`"),
        "{said}"
    );
    sandbox
        .write(
            "secretref.toml",
            &POLICY.replace("vault.example.com", "evil.example"),
        )
        .unwrap();
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("not for `https://evil.example`"), "{said}");

    configure(&sandbox, &MADE.replace("ecdsa-p256", "ed25591"));
    let said = complaint(&terraform(&sandbox, &["validate"]));
    assert!(said.contains("Did you mean `ed25519`?"), "{said}");
}

#[test]
fn a_generated_value_is_made_anew_when_it_is_old_enough() {
    let sandbox = with_secret(&Canary::random());
    sandbox.write("secretref.toml", POLICY).unwrap();
    let with = |after: &str| {
        configure(
            &sandbox,
            &format!(
                "provider \"secretref\" {{\n  environment = \"dev\"\n}}\n\nresource \"secretref_secret\" \"x\" {{\n  ref          = \"local://dev/made\"\n  rotate_after = \"{after}\"\n  generate {{}}\n}}\n\ndata \"secretref_metadata\" \"x\" {{\n  ref = secretref_secret.x.ref\n}}\n\noutput \"facts\" {{\n  value = data.secretref_metadata.x\n}}\n"
            ),
        );
    };
    let made = || cli(&sandbox, &["store", "get", "local://dev/made"], "");
    let planned = || {
        terraform(&sandbox, &["plan", "-detailed-exitcode"])
            .status
            .code()
    };
    with("1h");
    apply(&sandbox);
    let first = made();
    with("1s");
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert_eq!(planned(), Some(2));
    apply(&sandbox);
    let second = made();
    assert_ne!(second, first);
    // Another period alone makes no other value.
    with("1h");
    apply(&sandbox);
    assert_eq!(made(), second);

    let json = terraform(&sandbox, &["output", "-json"])
        .expect_code(0)
        .unwrap()
        .stdout;
    let outputs: serde_json::Value = serde_json::from_str(&json).unwrap();
    let facts = &outputs["facts"]["value"];
    assert!(
        facts["age_seconds"]
            .as_i64()
            .is_some_and(|age| (0..3600).contains(&age)),
        "{facts}"
    );
    let time = |name: &str| {
        facts[name]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap()
    };
    let days = time("rotation_due_at")
        .duration_since(time("updated_at"))
        .as_hours()
        / 24;
    assert_eq!(days, 30, "as the policy demands: {facts}");

    with("0s");
    let said = complaint(&terraform(&sandbox, &["validate"]));
    assert!(said.contains("rotate_after"), "{said}");
}
