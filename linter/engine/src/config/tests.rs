//! Configuration texts and what is said about them.

use jiff::civil::date;
use secretlint_core::{Rule, Severity};

use super::*;

fn parse_in(path: &str, root: &str, text: &str) -> Config {
    let rules: [&dyn Rule; 0] = [];
    let names = RuleNames::new(&rules);
    Config::parse(
        Path::new(path),
        text,
        Path::new(root),
        &names,
        date(2026, 6, 1),
    )
}

fn parse(text: &str) -> Config {
    parse_in("/p/secretlint.toml", "/p", text)
}

/// `the bytes at fault: message; help` of each mistake.
fn mistakes(text: &str) -> Vec<String> {
    let config = parse(text);
    let said = |trouble: &Trouble| {
        let (start, end) = (trouble.span.0 as usize, trouble.span.1 as usize);
        format!(
            "{}: {}; {}",
            &text[start..end],
            trouble.message,
            trouble.help
        )
    };
    config
        .mistakes
        .iter()
        .flat_map(|file| &file.troubles)
        .map(said)
        .collect()
}

#[test]
fn a_full_configuration_is_understood() {
    let text = r#"
baseline = "accepted.json"
digest-key = "0123456789abcdefgh"

[files]
exclude = ["vendor", "**/fixtures/**"]
hidden = true
max-bytes = 1000

[rules]
syntax-error = "note"
flow = "off"

[[overrides]]
paths = ["tests/**"]
rules = { unused-suppression = "off" }

[[allow]]
rules = ["config"]
paths = ["legacy"]
addresses = ["aws_db_instance.*"]
fingerprints = ["00112233445566778899aabbccddeeff"]
reason = "moved next month"
until = "2027-01-31"

[suppressions]
require-reason = true

[environments]
prod = ["customers/**"]
"#;
    let config = parse(text);
    assert_eq!(mistakes(text), [""; 0]);
    assert!(config.files.hidden && config.require_reason && config.key.is_private());
    assert!(
        config.files.is_excluded("vendor/a/b.tf") && config.files.is_excluded("x/fixtures/b.tf")
    );
    assert!(!config.files.is_excluded("src/vendor.tf"));
    let of = |path| {
        config
            .environments()
            .of_path(path)
            .map(|environment| environment.name.to_string())
    };
    assert_eq!(of("customers/a/main.tf").as_deref(), Some("prod"));
    assert_eq!(of("live/dev/main.tf").as_deref(), Some("dev"));
    assert_eq!(of("main.tf"), None);
    let meta = crate::own::unused_suppression();
    assert_eq!(
        config.severity(meta, "a.tf", Severity::Note),
        Some(Severity::Note)
    );
    assert_eq!(config.severity(meta, "tests/a.tf", Severity::Note), None);
}

#[test]
fn every_mistake_is_reported_with_its_place() {
    for (text, expected) in [
        (
            "[file]\n",
            "file: unknown key `file`; did you mean `files`?",
        ),
        (
            "[files]\nhiden = true",
            "hiden: unknown key `hiden`; did you mean `hidden`?",
        ),
        (
            "[files]\nhidden = 1",
            "1: expected a boolean, found an integer;",
        ),
        (
            "[rules]\nsyntax-error = \"warnin\"",
            "warnin: unknown value \"warnin\"; did you mean \"warning\"?",
        ),
        ("[rules]\nsyntax-error = 1", "1: expected one of \"off\""),
        (
            "[rules]\nsintax-error = \"off\"",
            "unknown rule or family `sintax-error`; did you mean `syntax-error`?",
        ),
        ("[[allow]]\npaths = [\"x\"]", "`reason` is missing"),
        ("[[allow]]\nreason = \"x\"", "would accept every finding"),
        (
            "[[allow]]\npaths = [\"x\"]\nreason = \" \"",
            "the reason is empty",
        ),
        (
            "[[allow]]\npaths = [\"x\"]\nreason = \"x\"\nuntil = \"soon\"",
            "\"soon\": \"soon\" is no date",
        ),
        ("[files]\nexclude = [\"a[\"]", "\"a[\": bad glob"),
        (
            "digest-key = \"short\"",
            "\"short\": the key is shorter than 16 characters",
        ),
        ("baseline = [", "not readable"),
        ("baseline = []", "expected a string, found an array"),
    ] {
        let said = mistakes(text);
        assert_eq!(said.len(), 1, "{text}: {said:?}");
        assert!(said[0].contains(expected), "{text}: {said:?}");
    }
}

#[test]
fn all_mistakes_of_a_file_are_reported() {
    let text = "[files]\nhiden = true\nmax-bytes = \"1\"\n[rules]\nx = \"bad\"\n";
    assert_eq!(mistakes(text).len(), 3);
}

#[test]
fn paths_are_seen_from_the_configuration_file() {
    let text = "[files]\nexclude = [\"live/old/**\"]";
    let below = parse_in("/p/secretlint.toml", "/p/live", text);
    assert!(below.files.is_excluded("old/a.tf"));
    assert_eq!(below.project_path("old/a.tf"), "live/old/a.tf");
    let above = parse_in("/p/q/secretlint.toml", "/p", text);
    assert!(above.files.is_excluded("q/live/old/a.tf"));
    assert!(
        !above.files.is_excluded("live/old/a.tf"),
        "outside the project"
    );
    assert_eq!(above.project_path("q/a.tf"), "a.tf");
}

#[test]
fn the_shipped_schema_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/secretlint.schema.json");
    let current = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let shipped = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        shipped == current,
        "run the tests of this crate with UPDATE=1 and commit {path}"
    );
}

#[test]
fn patterns_of_ones_own_are_understood() {
    let pattern = r#"
[[patterns]]
id = "acme-token"
summary = "Acme token"
keywords = ["acme_"]
regex = '\b(?P<secret>acme_[0-9a-f]{32})\b'
match = ['token = "acme_{{hex 32}}"']
ignore = ['token = "acme_x"']
"#;
    let config = parse(pattern);
    assert_eq!(mistakes(pattern), [""; 0]);
    assert_eq!(config.patterns.unwrap().patterns().len(), 1);
    let misspelt = pattern.replace("keywords", "keyword");
    let said = mistakes(&misspelt).join("\n");
    assert!(said.contains("did you mean `keywords`?"), "{said}");
}
