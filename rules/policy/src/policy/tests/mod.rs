//! The policy of the design: who may do what, and in which words.

use std::time::Duration;

use super::*;

mod mistakes;
mod properties;

const DESIGN: &str = r#"
[environments.prod]
paths      = ["live/prod/**", "**/prod.tfvars"]
refs       = ["vault+prod://**", "aws-sm://prod/**"]
deny       = ["env://**", "file://**"]
writes     = ["aws-sm://prod/generated/*"]
identities = [{ issuer = "https://ci.example", repository = "acme/infra", ref = "refs/heads/main" }]
max_ttl    = "1h"
max_age    = "90d"

[environments.dev]
paths = ["live/dev/**"]
refs = [
    "vault+dev://**",
    "env://**",
]
require = ["leased"]

[environments.ci]
extends = "dev"
refs = ["aws-sm://ci/**"]
max_age = "1d"

[shared]
refs = [
    { ref = "aws-sm://shared/ca-bundle", reason = "public CA bundle" },
    { ref = "gcp-sm://acme/license", reason = "one licence", environments = ["prod"] },
]

[defaults]
deny = ["*://**/root"]
max_age = "365d"

[[tests]]
environment = "prod"
allow = ["vault+prod://kv/db#password", "aws-sm://shared/ca-bundle"]
deny = ["env://DB_PASSWORD", "vault+dev://kv/db"]

[[tests]]
name = "only main"
environment = "prod"
identity = { issuer = "https://ci.example", repository = "acme/infra", ref = "refs/heads/x" }
deny = ["vault+prod://kv/db"]
"#;

fn policy(text: &str) -> Policy {
    Policy::parse("secretref.toml", text).unwrap_or_else(|error| panic!("{error}"))
}

fn reference(text: &str) -> SecretRef {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn decide(policy: &Policy, environment: Option<&str>, text: &str) -> Decision {
    policy.decide(&Request::open(environment, &reference(text)))
}

#[test]
fn the_design_decides_by_line() {
    let policy = policy(DESIGN);
    for (environment, text, reason, line) in [
        (
            Some("prod"),
            "vault+prod://kv/db#password",
            Reason::Listed,
            Some(4),
        ),
        (Some("prod"), "aws-sm://prod/db", Reason::Listed, Some(4)),
        (
            Some("prod"),
            "vault+dev://kv/db",
            Reason::NotListed,
            Some(2),
        ),
        (Some("prod"), "vault://kv/db", Reason::NotListed, Some(2)),
        (Some("prod"), "env://DB", Reason::Denied, Some(5)),
        (
            Some("prod"),
            "file+x:///etc/passwd",
            Reason::Denied,
            Some(5),
        ),
        (
            Some("prod"),
            "vault+prod://kv/root",
            Reason::Denied,
            Some(31),
        ),
        (
            Some("prod"),
            "aws-sm://shared/ca-bundle",
            Reason::Shared,
            Some(26),
        ),
        (
            Some("prod"),
            "gcp-sm://acme/license",
            Reason::Shared,
            Some(27),
        ),
        (
            Some("dev"),
            "gcp-sm://acme/license",
            Reason::NotListed,
            Some(11),
        ),
        (
            Some("dev"),
            "vault+dev://database/creds/app",
            Reason::Listed,
            Some(14),
        ),
        (Some("dev"), "env://DB", Reason::NotLeased, Some(17)),
        (
            Some("ci"),
            "vault+dev://database/creds/app",
            Reason::Listed,
            Some(14),
        ),
        (Some("ci"), "aws-sm://ci/db", Reason::NotLeased, Some(17)),
        (
            None,
            "vault+dev://kv/db",
            Reason::EnvironmentMissing,
            Some(2),
        ),
        (
            Some("production"),
            "vault+prod://kv/db",
            Reason::EnvironmentUnknown,
            None,
        ),
    ] {
        let decision = decide(&policy, environment, text);
        let found = (
            decision.reason,
            decision.rule.as_ref().map(|rule| rule.line),
        );
        assert_eq!(found, (reason, line), "{environment:?} {text}: {decision}");
        let allowed = matches!(reason, Reason::Listed | Reason::Shared);
        assert_eq!(decision.is_allowed(), allowed, "{decision}");
        assert!(
            decision.message.contains(&reference(text).to_string()),
            "{decision}"
        );
        assert_eq!(decision.help.is_empty(), allowed, "{decision}");
    }
}

#[test]
fn refusals_name_environment_reference_line_and_remedy() {
    let policy = policy(DESIGN);
    for (environment, text, words) in [
        (
            Some("prod"),
            "env://DB",
            "environment `prod` may not open `env://DB`: `env://**` is denied (secretref.toml:5: deny       = [\"env://**\", \"file://**\"]); it belongs to dev, ci; use this environment's own secret, or list it under [shared] with a reason",
        ),
        (
            Some("production"),
            "env://DB",
            "defines no environment `production`, so `env://DB` is refused; did you mean `prod`?",
        ),
        (Some("x"), "env://DB", "use one of prod, dev, ci"),
        (None, "env://DB", "choose one of prod, dev, ci"),
    ] {
        let shown = decide(&policy, environment, text).to_string();
        assert!(shown.contains(words), "{shown}");
    }
}

#[test]
fn writing_needs_its_own_line_and_metadata_the_one_of_reading() {
    let policy = policy(DESIGN);
    for (operation, text, reason) in [
        (
            Operation::Write,
            "aws-sm://prod/generated/db",
            Reason::Listed,
        ),
        (Operation::Write, "aws-sm://prod/db", Reason::NotWritable),
        (Operation::Write, "env://DB", Reason::Denied),
        (Operation::Metadata, "aws-sm://prod/db", Reason::Listed),
        (Operation::Metadata, "aws-sm://dev/db", Reason::NotListed),
    ] {
        let reference = reference(text);
        let decision = policy.decide(&Request::open(Some("prod"), &reference).operation(operation));
        assert_eq!(decision.reason, reason, "{decision}");
    }
}

#[test]
fn identities_are_checked_when_they_are_known() {
    let policy = policy(DESIGN);
    let reference = reference("vault+prod://kv/db");
    let claims = |json: &str| Claims::from_json(&serde_json::from_str(json).unwrap()).unwrap();
    fn ask<'a>(policy: &Policy, reference: &'a SecretRef, caller: Caller<'a>) -> Decision {
        policy.decide(&Request::open(Some("prod"), reference).caller(caller))
    }
    assert!(ask(&policy, &reference, Caller::Unknown).is_allowed());
    assert_eq!(
        ask(&policy, &reference, Caller::Unidentified).reason,
        Reason::IdentityMissing
    );
    for (json, words) in [
        (
            r#"{"iss":"https://ci.example","repository":"acme/infra","ref":"refs/heads/main","sub":"x"}"#,
            None,
        ),
        (
            r#"{"iss":"https://ci.example","repository":["a","acme/infra"],"ref":"refs/heads/main"}"#,
            None,
        ),
        (
            r#"{"iss":"https://ci.example","repository":"acme/infra","ref":"refs/heads/x"}"#,
            Some("`ref` is `refs/heads/x`, not `refs/heads/main`"),
        ),
        (
            r#"{"iss":"https://ci.example","repository":"acme/infra"}"#,
            Some("no claim `ref`"),
        ),
        (
            r#"{"iss":"https://other.example","repository":"acme/infra","ref":"refs/heads/main"}"#,
            Some("another issuer"),
        ),
    ] {
        let claims = claims(json);
        let decision = ask(&policy, &reference, Caller::Identified(&claims));
        assert_eq!(decision.is_allowed(), words.is_none(), "{decision}");
        assert!(
            decision.message.contains(words.unwrap_or_default()),
            "{decision}"
        );
        assert_eq!(
            decision.rule.map(|rule| rule.line),
            Some(if words.is_none() { 4 } else { 7 })
        );
    }
    let nested =
        claims(r#"{"iss":"i","kubernetes.io":{"namespace":"payments"},"n":7,"t":true,"x":null}"#);
    assert_eq!(nested.claims["kubernetes.io.namespace"], ["payments"]);
    assert_eq!(
        (&nested.claims["n"][0][..], &nested.claims["t"][0][..]),
        ("7", "true")
    );
    assert!(!nested.claims.contains_key("x"));
}

#[test]
fn the_answer_of_the_store_is_checked_against_the_limits() {
    let policy = policy(DESIGN);
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    let check = |environment: &str, text: &str, ttl: Option<Duration>, age: Option<Duration>| {
        let reference = reference(text);
        let request = Request::open(Some(environment), &reference);
        (
            policy.check_lease(&request, ttl),
            policy.check_age(&request, age),
        )
    };
    for (environment, ttl, age, lease_reason, age_reason) in [
        (
            "prod",
            hours(1),
            hours(90 * 24),
            Reason::WithinLimits,
            Reason::WithinLimits,
        ),
        (
            "prod",
            hours(2),
            hours(91 * 24),
            Reason::TtlTooLong,
            Reason::TooOld,
        ),
        ("prod", None, None, Reason::WithinLimits, Reason::AgeUnknown),
        (
            "dev",
            None,
            hours(0),
            Reason::NotLeased,
            Reason::WithinLimits,
        ),
        (
            "dev",
            hours(1000),
            hours(366 * 24),
            Reason::WithinLimits,
            Reason::TooOld,
        ),
        (
            "ci",
            hours(1),
            hours(25),
            Reason::WithinLimits,
            Reason::TooOld,
        ),
    ] {
        let (lease, too_old) = check(environment, "vault+prod://kv/db", ttl, age);
        assert_eq!(
            (lease.reason, too_old.reason),
            (lease_reason, age_reason),
            "{environment} {ttl:?} {age:?}"
        );
    }
    let (lease, _) = check("prod", "vault+prod://kv/db", hours(2), None);
    assert_eq!(
        lease.to_string(),
        "`vault+prod://kv/db` gave a lease of 2h, environment `prod` accepts at most 1h (secretref.toml:8: max_ttl    = \"1h\"); ask for a shorter lease, or shorten it in the store's role"
    );
}

#[test]
fn requirements() {
    let policy = policy(
        "[environments.a]\nrefs = [\"*://**\"]\nrequire = [\"pinned\", \"identity\", \"audited\"]\nmax_age = \"1d\"",
    );
    let ask = |text: &str, adapt: fn(Request<'_>) -> Request<'_>| {
        let reference = reference(text);
        policy
            .decide(&adapt(Request::open(Some("a"), &reference)))
            .reason
    };
    assert_eq!(ask("vault://kv/db", |r| r), Reason::NotPinned);
    assert_eq!(ask("vault://kv/db?version=1", |r| r), Reason::Listed);
    assert_eq!(ask("aws-sm://db?stage=x", |r| r), Reason::Listed);
    assert_eq!(
        ask("vault://kv/db?version=1", |r| r.audited(false)),
        Reason::NotAudited
    );
    assert_eq!(
        ask("vault://kv/db?version=1", |r| r.audited(true)),
        Reason::Listed
    );
    assert_eq!(
        ask("vault://kv/db?version=1", |r| r
            .caller(Caller::Unidentified)),
        Reason::IdentityMissing
    );
    assert_eq!(
        ask("vault://kv/db", |r| r.operation(Operation::Metadata)),
        Reason::Listed
    );
}

#[test]
fn a_store_without_times_cannot_meet_a_limit_on_age() {
    let policy = policy("[environments.a]\nrefs = [\"env://**\"]\nmax_age = \"1d\"");
    assert_eq!(
        decide(&policy, Some("a"), "env://A").reason,
        Reason::AgeUnknown
    );
}

#[test]
fn without_environments_only_the_defaults_deny() {
    let policy = policy("[defaults]\ndeny = [\"env://**\"]");
    assert_eq!(decide(&policy, None, "env://A").reason, Reason::Denied);
    assert_eq!(
        decide(&policy, None, "vault://kv/a").reason,
        Reason::NoEnvironments
    );
    assert_eq!(
        decide(&policy, Some("a"), "vault://kv/a").reason,
        Reason::EnvironmentUnknown
    );
}

#[test]
fn explanations_and_cases() {
    let policy = policy(DESIGN);
    let reference = reference("vault+dev://kv/db");
    let text = policy.explain(&Request::open(Some("prod"), &reference));
    assert_eq!(
        text,
        "reference    vault+dev://kv/db\n\
         operation    open\n\
         environment  prod\n\
         decision     refused (not_listed)\n\
         why          environment `prod` may not open `vault+dev://kv/db`: no `refs` of the environment cover it\n\
         line         secretref.toml:2: [environments.prod]\n\
         what to do   it belongs to dev, ci; use this environment's own secret, or list it under [shared] with a reason\n\
         max_ttl      1h (secretref.toml:8: max_ttl    = \"1h\")\n\
         max_age      90d (secretref.toml:9: max_age    = \"90d\")\n\
         identity     https://ci.example (secretref.toml:7: identities = [{ issuer = \"https://ci.example\", repository = \"acme/infra\", ref = \"refs/heads/main\" }])\n"
    );
    let outcomes = policy.run_tests();
    assert_eq!(outcomes.len(), 5);
    assert!(outcomes.iter().all(CaseOutcome::passed), "{outcomes:?}");
    assert_eq!(
        (outcomes[4].name.as_str(), outcomes[4].rule.line),
        ("only main", 43)
    );
    let failing =
        self::policy("[environments.a]\n[[tests]]\nenvironment = \"a\"\nallow = [\"env://A\"]")
            .run_tests();
    assert!(!failing[0].passed());
}

#[test]
fn files_belong_to_environments_by_glob() {
    let policy = policy(
        "[environments.a]\npaths = [\"**\"]\n[environments.b]\npaths = [\"live/b/**\", \"**/b.tfvars\"]",
    );
    for (path, expected, line) in [
        ("live/b/x/main.tf", "b", 4),
        ("./live/b/x/main.tf", "b", 4),
        ("live/c/b.tfvars", "b", 4),
        ("b.tfvars", "b", 4),
        ("main.tf", "a", 2),
    ] {
        let found = policy
            .environment_of(path)
            .unwrap_or_else(|| panic!("{path}"));
        assert_eq!(
            (found.environment.name(), found.rule.line),
            (expected, line),
            "{path}"
        );
    }
    assert!(self::policy(DESIGN).environment_of("main.tf").is_none());
}

#[test]
fn inferred_names_find_their_environment() {
    let policy = policy(
        "[environments.production]\n[environments.stg]\n[environments.stage]\n[environments.eu]",
    );
    for (name, expected) in [
        ("production", Some("production")),
        ("prod", Some("production")),
        ("live", Some("production")),
        ("stg", Some("stg")),
        ("staging", None),
        ("eu", Some("eu")),
        ("dev", None),
    ] {
        assert_eq!(
            policy.environment_meant_by(name).map(Environment::name),
            expected,
            "{name}"
        );
    }
}

#[test]
fn owners_and_sharing() {
    let policy = policy(DESIGN);
    let names = |text: &str| {
        policy
            .owners(&reference(text))
            .into_iter()
            .map(Environment::name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names("vault+dev://kv/db"), ["dev", "ci"]);
    assert_eq!(names("vault+prod://kv/db"), ["prod"]);
    assert_eq!(names("aws-sm://shared/ca-bundle"), [] as [&str; 0]);
    assert_eq!(
        policy.shared_reason(&reference("aws-sm://shared/ca-bundle"), "prod"),
        Some("public CA bundle")
    );
    assert_eq!(
        policy.shared_reason(&reference("aws-sm://prod/db"), "prod"),
        None
    );
}

#[test]
fn identities_and_values_are_shared_by_name_and_environment() {
    let policy = policy(
        r#"
[environments.production]
[environments.staging]
[environments.dev]

[shared]
identities = [
    { identity = "arn:aws:iam::123456789012:role/deploy-*", reason = "one pipeline", environments = ["dev", "staging"] },
]
values = [{ address = "*maps_browser_key", reason = "public, restricted by origin" }]
refs = [{ ref = "env://LICENSE", reason = "one license", environments = ["production"] }]
"#,
    );
    let role = "arn:aws:iam::123456789012:role/deploy-all";
    let cases = [
        (role, "dev", Some("one pipeline")),
        (role, "stg", Some("one pipeline")),
        (role, "production", None),
        (role, "prod", None),
        ("arn:aws:iam::123456789012:role/admin", "dev", None),
    ];
    for (identity, environment, expected) in cases {
        let found = policy.shared_identity_reason(identity, environment);
        assert_eq!(found, expected, "{identity} {environment}");
    }
    let value = |address, environment| policy.shared_value_reason(address, environment);
    assert_eq!(
        value("var.maps_browser_key", "elsewhere"),
        Some("public, restricted by origin")
    );
    assert_eq!(value("var.maps_browser_key.default", "dev"), None);
    let license = reference("env://LICENSE");
    assert!(policy.shared_reason(&license, "prod").is_some());
    assert!(policy.shared_reason(&license, "dev").is_none());
}

#[test]
fn the_json_schema_is_current_and_in_step_with_the_reader() {
    let current = schema::json_schema();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/secretref.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let shipped = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        shipped == current,
        "{path} is stale: run the tests once with UPDATE=1"
    );

    let schema: serde_json::Value = serde_json::from_str(&current).unwrap();
    for (pointer, keys) in [
        ("", read::TOP_KEYS),
        ("/$defs/Defaults", read::DEFAULT_KEYS),
        ("/$defs/Environment", read::ENVIRONMENT_KEYS),
        ("/$defs/Shared", shared::SHARED_KEYS),
        ("/$defs/SharedIdentity", shared::SHARED_IDENTITY_KEYS),
        ("/$defs/SharedRef", shared::SHARED_REF_KEYS),
        ("/$defs/SharedValue", shared::SHARED_VALUE_KEYS),
        ("/$defs/Test", read::CASE_KEYS),
    ] {
        let properties = schema
            .pointer(&format!("{pointer}/properties"))
            .and_then(serde_json::Value::as_object);
        let mut found: Vec<_> = properties
            .unwrap_or_else(|| panic!("{pointer}"))
            .keys()
            .collect();
        found.sort();
        assert_eq!(found, keys, "{pointer}");
    }
    let words = |pointer: &str| {
        let variants = schema
            .pointer(&format!("{pointer}/oneOf"))
            .and_then(serde_json::Value::as_array)
            .unwrap();
        variants
            .iter()
            .map(|variant| variant["const"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words("/$defs/Requirement"),
        Requirement::ALL.map(Requirement::name)
    );
    assert_eq!(
        words("/$defs/Operation"),
        Operation::ALL.map(Operation::name)
    );
}

#[test]
fn what_the_command_line_reads_decides_nothing() {
    let text = format!(
        "{DESIGN}\n[stores.vault.prod]\naddress = \"https://vault.example\"\n\n[[credentials.git]]\nurl = \"x\"\n"
    );
    let both = [policy(DESIGN), policy(&text)];
    let reference = reference("vault+prod://kv/db");
    let [one, other] = both.map(|policy| {
        policy
            .decide(&Request::open(Some("prod"), &reference))
            .message
            .clone()
    });
    assert_eq!(one, other);
}
