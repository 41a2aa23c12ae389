//! The policy during a run: what is refused before any store is called, what is refused about an answer, under
//! which identity, and what the access log says about it.

use super::*;

const POLICY: &str = r#"
[environments.dev]
refs   = ["local://dev/**"]
writes = ["local://dev/generated/*"]

[environments.prod]
refs       = ["local://dev/**", "local://prod/**"]
writes     = ["local://prod/*"]
identities = [{ issuer = "https://gitlab.example", project_path = "acme/infra" }]
"#;

fn in_environment(name: &str, text: &str) -> String {
    format!("provider \"secretref\" {{\n  environment = \"{name}\"\n}}\n\n{text}")
}

fn value(reference: &str) -> String {
    format!("ephemeral \"secretref_value\" \"x\" {{\n  ref = \"{reference}\"\n}}\n")
}

fn generated(reference: &str) -> String {
    format!(
        "resource \"secretref_secret\" \"x\" {{\n  ref = \"{reference}\"\n  generate {{\n    length = 20\n  }}\n}}\n"
    )
}

/// An identity token of these claims; its signature is none, which only a store would notice.
pub(super) fn token(claims: &serde_json::Value) -> String {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let signature: [u8; 24] = rand::random();
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"RS256"}"#),
        part(&claims.to_string()),
        BASE64_URL_SAFE_NO_PAD.encode(signature)
    )
}

/// The accesses on record, oldest first.
pub(super) fn accesses(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    cli(sandbox, &["audit", "show", "--format", "json"], "")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn writes_and_metadata_are_judged_before_the_store_is_called() {
    let sandbox = with_secret(&Canary::random());
    sandbox.write("secretref.toml", POLICY).unwrap();
    // Whatever reaches the store now fails because of the store, not because of the policy.
    let store = sandbox.project().join(".secretref/store.age");
    let bytes = std::fs::read(&store).unwrap();
    std::fs::write(&store, "not a store").unwrap();
    let metadata =
        "data \"secretref_metadata\" \"x\" {\n  ref = \"local://prod/db\"\n}\n".to_owned();
    for (text, verb, line) in [
        (
            generated("local://dev/db2"),
            "may not write",
            "secretref.toml:2",
        ),
        (metadata, "may not read the metadata", "secretref.toml:2"),
        (value("local://prod/db"), "may not open", "secretref.toml:2"),
    ] {
        configure(&sandbox, &in_environment("dev", &text));
        let said = complaint(&terraform(&sandbox, &["apply"]));
        for part in [verb, line, "`dev`"] {
            assert!(said.contains(part), "lacks `{part}`: {said}");
        }
        assert!(!said.contains("store.age"), "the store was opened: {said}");
    }
    std::fs::write(&store, &bytes).unwrap();

    configure(
        &sandbox,
        &in_environment("dev", &generated("local://dev/generated/a")),
    );
    apply(&sandbox);
    // Removing is writing.
    sandbox
        .write(
            "secretref.toml",
            &POLICY.replace("writes = [\"local://dev/generated/*\"]", ""),
        )
        .unwrap();
    let said = complaint(&terraform(&sandbox, &["destroy"]));
    assert!(said.contains("may not write"), "{said}");
    assert!(cli(&sandbox, &["store", "list"], "").contains("local://dev/generated/a"));

    let decided = accesses(&sandbox);
    let of = |kind: &str| {
        decided
            .iter()
            .filter(|event| event["event"] == kind && event["environment"] == "dev")
            .collect::<Vec<_>>()
    };
    assert_eq!(of("decision").len(), 4, "{decided:?}");
    assert!(
        of("decision")
            .iter()
            .all(|event| event["outcome"] == "refused")
    );
    let written = of("write");
    assert_eq!(
        written[0]["rule"],
        "secretref.toml:4: writes = [\"local://dev/generated/*\"]"
    );
}

#[test]
fn an_answer_that_is_too_old_is_refused() {
    let canary = Canary::random();
    let sandbox = with_secret(&canary);
    let policy = |age: &str| {
        format!("[environments.dev]\nrefs = [\"local://dev/**\"]\nmax_age = \"{age}\"\n")
    };
    sandbox.write("secretref.toml", &policy("1s")).unwrap();
    configure(&sandbox, &in_environment("dev", &value("local://dev/db")));
    std::thread::sleep(std::time::Duration::from_millis(2100));
    let outcome = terraform(&sandbox, &["plan"]);
    assert!(
        canary
            .search("terminal", outcome.text().as_bytes())
            .is_empty()
    );
    let said = complaint(&outcome);
    for part in [
        "local://dev/db",
        "at most 1s",
        "secretref.toml:3",
        "otate the secret",
    ] {
        assert!(said.contains(part), "lacks `{part}`: {said}");
    }
    sandbox.write("secretref.toml", &policy("1h")).unwrap();
    terraform(&sandbox, &["plan"]).expect_code(0).unwrap();
}

#[test]
fn the_identity_in_use_decides_and_is_on_record() {
    let mut sandbox = with_secret(&Canary::random());
    sandbox.write("secretref.toml", POLICY).unwrap();
    let whoami = "data \"secretref_whoami\" \"me\" {}\n\noutput \"me\" {\n  value = data.secretref_whoami.me\n}\n";
    configure(
        &sandbox,
        &in_environment("prod", &format!("{}\n{whoami}", value("local://dev/db"))),
    );
    let said = complaint(&terraform(&sandbox, &["apply"]));
    assert!(
        said.contains("requires an identity") && said.contains("secretref.toml:9"),
        "{said}"
    );

    let claims = |project: &str, expires: i64| {
        token(&serde_json::json!({
            "iss": "https://gitlab.example", "sub": "pipeline-7", "project_path": project,
            "user_email": "jo@example.com", "exp": expires,
        }))
    };
    let far = 4_000_000_000;
    sandbox.set_env("SECRETREF_ID_TOKEN", &claims("acme/other", far));
    let said = complaint(&terraform(&sandbox, &["apply"]));
    assert!(said.contains("`acme/other`, not `acme/infra`"), "{said}");

    sandbox.set_env("SECRETREF_ID_TOKEN", &claims("acme/infra", 1_000));
    let said = complaint(&terraform(&sandbox, &["apply"]));
    assert!(said.contains("expired at 1970-01-01T00:16:40Z"), "{said}");

    let good = claims("acme/infra", far);
    sandbox.set_env("SECRETREF_ID_TOKEN", &good);
    let log = sandbox.project().join("trace.log");
    sandbox.set_env("TF_LOG", "TRACE");
    sandbox.set_env("TF_LOG_PATH", &log.display().to_string());
    apply(&sandbox);
    let json = terraform(&sandbox, &["output", "-json"])
        .expect_code(0)
        .unwrap()
        .stdout;
    let outputs: serde_json::Value = serde_json::from_str(&json).unwrap();
    let me = &outputs["me"]["value"];
    assert_eq!(me["environment"], "prod");
    assert_eq!(me["issuer"], "https://gitlab.example");
    assert_eq!(me["subject"], "pipeline-7");
    assert_eq!(me["claims"]["project_path"], "acme/infra");
    assert_eq!(me["claims"]["user_email"], serde_json::Value::Null);
    assert_eq!(me["expires_at"], "2096-10-02T07:06:40Z");

    let opened = accesses(&sandbox)
        .into_iter()
        .rfind(|event| event["event"] == "open")
        .unwrap();
    assert_eq!(opened["identity"]["iss"], "https://gitlab.example");
    assert_eq!(opened["identity"]["project_path"], "acme/infra");
    assert_eq!(
        opened["rule"],
        "secretref.toml:7: refs       = [\"local://dev/**\", \"local://prod/**\"]"
    );
    for part in good.split('.').chain([good.as_str()]).skip(1) {
        for folder in ["project", "home", "tmp"] {
            assert!(
                !holds(&sandbox.path(folder), part.as_bytes()),
                "the token is in {folder}"
            );
        }
    }

    // The block names another place, and a wrong one is no reason to go on without an identity.
    configure(
        &sandbox,
        "provider \"secretref\" {\n  environment = \"prod\"\n  identity {\n    token_file = \"missing\"\n  }\n}\n\ndata \"secretref_whoami\" \"me\" {}\n",
    );
    let said = complaint(&terraform(&sandbox, &["plan"]));
    assert!(said.contains("missing"), "{said}");
    sandbox.write("token", &good).unwrap();
    configure(
        &sandbox,
        &format!(
            "provider \"secretref\" {{\n  environment = \"prod\"\n  identity {{\n    token_file = \"token\"\n  }}\n}}\n\n{}",
            value("local://dev/db")
        ),
    );
    sandbox.set_env("SECRETREF_ID_TOKEN", "");
    terraform(&sandbox, &["plan"]).expect_code(0).unwrap();
}

/// True when a file below `folder` holds `part`.
fn holds(folder: &std::path::Path, part: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, part);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        memchr::memmem::find(&bytes, part).is_some()
    })
}

#[test]
fn without_a_policy_nothing_is_refused() {
    let sandbox = with_secret(&Canary::random());
    configure(&sandbox, &in_environment("anything", CONSUMER));
    apply(&sandbox);
    let events = accesses(&sandbox);
    assert!(
        events.iter().all(|event| event["rule"].is_null()),
        "{events:?}"
    );
    assert!(
        events
            .iter()
            .any(|event| event["event"] == "open" && event["environment"] == "anything")
    );
}
