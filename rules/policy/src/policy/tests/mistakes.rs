//! Every mistake a policy file can hold, with the place and the words of its report.

use super::*;

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
            "[shared]\nidentities = [{ identity = \"x\" }]",
            "{ identity = \"x\" }",
            "has no `reason`",
        ),
        (
            "[shared]\nidentities = [{ identity = \"x\", role = \"x\", reason = \"y\" }]",
            "role",
            "has no key `role`",
        ),
        (
            "[shared]\nvalues = [{ address = \"x\", reason = \"y\", environments = [\"b\"] }]",
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
