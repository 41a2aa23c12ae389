//! The policy of the design, its mistakes, and what must hold for every policy.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

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
        policy.shared_reason(&reference("aws-sm://shared/ca-bundle")),
        Some("public CA bundle")
    );
    assert_eq!(policy.shared_reason(&reference("aws-sm://prod/db")), None);
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    for (text, at, words) in [
        ("a = ", "", "not TOML"),
        ("a = 1\na = 2", "a", "not TOML"),
        (
            "environment = {}",
            "environment",
            "did you mean `environments`?",
        ),
        (
            "environments = 1",
            "1",
            "`environments` is a number; write a table",
        ),
        (
            "[environments]\na = \"x\"",
            "x",
            "environment `a` is a string",
        ),
        ("[environments.\"a b\"]", "a b", "not a name"),
        ("[environments.a]\nref = []", "ref", "did you mean `refs`?"),
        (
            "[environments.a]\nrefs = \"env://A\"",
            "env://A",
            "write a list in brackets",
        ),
        (
            "[environments.a]\nrefs = [1]",
            "1",
            "write a string in quotes",
        ),
        (
            "[environments.a]\nrefs = [\"valt://**\"]",
            "valt://**",
            "did you mean `vault`?",
        ),
        (
            "[environments.a]\nrefs = [\"env://A\", \"env://A\"]",
            "env://A",
            "twice",
        ),
        ("[environments.a]\npaths = [\"[a\"]", "[a", "not a glob"),
        ("[environments.a]\npaths = [\"\"]", "", "empty"),
        (
            "[environments.a]\npaths = [\"../x\"]",
            "../x",
            "leaves the folder",
        ),
        (
            "[environments.a]\npaths = [\"x\"]\n[environments.b]\npaths = [\"x\"]",
            "x",
            "also belongs to environment `a`",
        ),
        (
            "[environments.a]\nmax_ttl = \"1 hour\"",
            "1 hour",
            "length of time",
        ),
        (
            "[environments.a]\nmax_age = 90",
            "90",
            "`max_age` is a number",
        ),
        (
            "[environments.a]\nrequire = [\"lease\"]",
            "lease",
            "did you mean `leased`?",
        ),
        (
            "[environments.a]\nextends = \"b\"",
            "b",
            "there is no environment `b` to extend",
        ),
        (
            "[environments.a]\nextends = \"a\"",
            "a",
            "in a circle: a -> a",
        ),
        (
            "[environments.prod]\n[environments.a]\nextends = \"production\"",
            "production",
            "did you mean `prod`?",
        ),
        (
            "[environments.a]\nidentities = [{ sub = \"x\" }]",
            "{ sub = \"x\" }",
            "no `issuer`",
        ),
        (
            "[environments.a]\nidentities = [{ issuer = \"x\" }]",
            "{ issuer = \"x\" }",
            "demands no claim",
        ),
        (
            "[environments.a]\nidentities = [{ issuer = \"*\", sub = \"x\" }]",
            "*",
            "matched exactly",
        ),
        (
            "[environments.a]\nidentities = [{ issuer = \"x\", sub = [] }]",
            "[]",
            "the claim `sub` is a list",
        ),
        (
            "[shared]\nrefs = [{ ref = \"env://A\" }]",
            "{ ref = \"env://A\" }",
            "has no `reason`",
        ),
        (
            "[shared]\nrefs = [{ ref = \"env://A\", reason = \" \" }]",
            " ",
            "has no `reason`",
        ),
        (
            "[shared]\nrefs = [{ ref = \"env://A\", reason = \"x\", environments = [\"b\"] }]",
            "b",
            "no environment `b`",
        ),
        (
            "[[tests]]\nallow = [\"env://A\"]",
            "",
            "has no `environment`",
        ),
        (
            "[[tests]]\nenvironment = \"b\"\nallow = [\"env://A\"]",
            "b",
            "define it under [environments]",
        ),
        (
            "[environments.a]\n[[tests]]\nenvironment = \"a\"",
            "",
            "expects nothing",
        ),
        (
            "[environments.a]\n[[tests]]\nenvironment = \"a\"\nallow = [\"env://**\"]",
            "env://**",
            "patterns",
        ),
        (
            "[environments.a]\n[[tests]]\nenvironment = \"a\"\nallow = []\noperation = \"read\"",
            "read",
            "use one of open",
        ),
    ] {
        let error = Policy::parse("p.toml", text).expect_err(text);
        let [diagnostic] = &error.0[..] else {
            panic!("{text}: {error}")
        };
        let span = &text[diagnostic.span.start..diagnostic.span.end];
        assert!(at.is_empty() || span == at, "{text}: {span:?} {error}");
        assert!(error.to_string().contains(words), "{text}: {error}");
        assert!(error.to_string().starts_with("p.toml:"), "{error}");
    }
}

#[test]
fn mistakes_are_reported_together_in_order() {
    let error = Policy::parse("p", "[environments.a]\nrefs = [\"x\"]\nmax_ttl = \"y\"\n[environments.b]\nextends = \"c\"\n[environments.c]\nextends = \"b\"").unwrap_err();
    let lines: Vec<_> = error.0.iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [2, 3, 5, 7]);
}

#[test]
fn size_is_bounded() {
    let error = Policy::parse("p", &"#".repeat(read::MAX_BYTES + 1)).unwrap_err();
    assert!(error.to_string().contains("1 MiB"), "{error}");
    let many: String = (0..300)
        .map(|number| format!("[environments.e{number}]\n"))
        .collect();
    let error = Policy::parse("p", &many).unwrap_err();
    assert!(error.to_string().contains("at most 256"), "{error}");
}

#[test]
fn the_number_of_mistakes_is_bounded() {
    for element in ["\"valt://x\",", "1,", "\"env://A\","] {
        let text = format!("[environments.a]\nrefs = [{}]", element.repeat(50_000));
        let error = Policy::parse("p", &text).unwrap_err();
        assert_eq!(error.0.len(), PolicyError::MOST, "{element}");
    }
}

#[test]
fn an_empty_policy_is_valid_and_allows_what_nothing_denies() {
    assert!(policy("").environments().is_empty());
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
        ("/$defs/Shared", read::SHARED_KEYS),
        ("/$defs/SharedRef", read::SHARED_REF_KEYS),
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

const REFERENCES: &[&str] = &[
    "vault://kv/a",
    "vault+prod://kv/a#x",
    "vault+dev://kv/b/c?version=2",
    "aws-sm://prod/a",
    "aws-sm://arn:aws:secretsmanager:r:1:secret:prod/a-AbCdEf",
    "env://A",
    "file:///etc/a",
];
const PATTERNS: &[&str] = &[
    "*://**",
    "vault://**",
    "vault+*://**",
    "vault+prod://kv/*",
    "vault+dev://**/c",
    "aws-sm://prod/**",
    "aws-sm://**#x",
    "env://**",
    "file:///**",
    "env://A",
];

fn pattern_list() -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(PATTERNS, 0..PATTERNS.len())
}

fn written(refs: &[&str], deny: &[&str]) -> Policy {
    policy(&format!(
        "[environments.a]\nrefs = {refs:?}\nwrites = {refs:?}\ndeny = {deny:?}"
    ))
}

proptest! {
    #[test]
    fn any_text_is_a_policy_or_has_mistakes_inside_it(text in prop_oneof![
        any::<String>(),
        "(\\[environments\\.a\\]\n|\\[\\[tests\\]\\]\n|(refs|deny|paths|extends|identities|max_ttl) ?= ?(\\[\"(env://\\*\\*|a)\"\\]|\"a\"|1|\\{a=1\\}|é|\\[\\[)\n?){0,8}",
    ]) {
        if let Err(error) = Policy::parse("p", &text) {
            prop_assert!(!error.0.is_empty());
            for mistake in &error.0 {
                prop_assert!(text.get(mistake.span.start..mistake.span.end).is_some(), "{mistake}");
            }
        }
    }

    #[test]
    fn what_is_denied_is_never_allowed(refs in pattern_list(), deny in pattern_list(), reference in prop::sample::select(REFERENCES)) {
        let reference: SecretRef = reference.parse().unwrap();
        let policy = written(&refs, &deny);
        let touched = deny.iter().any(|text| RefPattern::parse(text).unwrap().touches(&reference));
        for operation in Operation::ALL {
            let decision = policy.decide(&Request::open(Some("a"), &reference).operation(operation));
            prop_assert!(!(touched && decision.is_allowed()), "{}", decision);
        }
    }

    #[test]
    fn removing_a_reference_or_adding_a_denial_never_allows_more(
        refs in pattern_list(), deny in pattern_list(), index in any::<prop::sample::Index>(), more in prop::sample::select(PATTERNS),
        reference in prop::sample::select(REFERENCES),
    ) {
        let reference: SecretRef = reference.parse().unwrap();
        let mut fewer = refs.clone();
        if !fewer.is_empty() {
            fewer.remove(index.index(fewer.len()));
        }
        let mut stricter = deny.clone();
        if !stricter.contains(&more) {
            stricter.push(more);
        }
        let allowed = |policy: &Policy| Operation::ALL.map(|operation| policy.decide(&Request::open(Some("a"), &reference).operation(operation)).is_allowed());
        let before = allowed(&written(&refs, &deny));
        for after in [allowed(&written(&fewer, &deny)), allowed(&written(&refs, &stricter))] {
            prop_assert!(before.iter().zip(after).all(|(before, after)| *before || !after));
        }
    }

    #[test]
    fn covering_implies_touching(pattern in prop::sample::select(PATTERNS), reference in prop::sample::select(REFERENCES)) {
        let pattern = RefPattern::parse(pattern).unwrap();
        let reference: SecretRef = reference.parse().unwrap();
        prop_assert!(!pattern.covers(&reference) || pattern.touches(&reference));
    }

    // What the linter can know, it knows: it asks with an unknown caller, the provider with a known one.
    #[test]
    fn linter_and_provider_agree(
        refs in pattern_list(), deny in pattern_list(), reference in prop::sample::select(REFERENCES),
        require in prop::sample::subsequence(Requirement::ALL.map(Requirement::name).to_vec(), 0..4),
        limits in any::<bool>(), operation in prop::sample::select(Operation::ALL.to_vec()), caller in 0..3_usize, audited in any::<bool>(),
    ) {
        let reference: SecretRef = reference.parse().unwrap();
        let limits = if limits { "max_age = \"1d\"" } else { "" };
        let policy = policy(&format!(
            "[environments.a]\nrefs = {refs:?}\nwrites = {refs:?}\ndeny = {deny:?}\nrequire = {require:?}\n{limits}\nidentities = [{{ issuer = \"i\", sub = \"s\" }}]"
        ));
        let right = Claims { issuer: "i".to_owned(), claims: [("sub".to_owned(), vec!["s".to_owned()])].into() };
        let wrong = Claims { issuer: "i".to_owned(), ..Claims::default() };
        let caller = [Caller::Unidentified, Caller::Identified(&right), Caller::Identified(&wrong)][caller];
        let asked = Request::open(Some("a"), &reference).operation(operation);
        let linter = policy.decide(&asked);
        let provider = policy.decide(&asked.caller(caller).audited(audited));
        if linter.is_allowed() {
            let only_known_at_run_time = [Reason::IdentityMissing, Reason::IdentityMismatch, Reason::NotAudited];
            prop_assert!(provider.is_allowed() || only_known_at_run_time.contains(&provider.reason), "{}", provider);
            if provider.is_allowed() {
                prop_assert_eq!(provider, linter);
            }
        } else {
            prop_assert!(!provider.is_allowed(), "{}", linter);
        }
    }
}
