//! Selection case by case, and over arbitrary input.

use proptest::prelude::*;

use super::*;

fn reference(text: &str) -> SecretRef {
    text.parse().unwrap()
}

fn payload(body: &[u8]) -> SecretPayload {
    SecretPayload::opaque(Secret::new(body.to_vec()), Metadata::default())
}

#[track_caller]
fn gives(selector: &str, body: &str, expected: &str) {
    let reference = reference(&format!("local://a/b{selector}"));
    let value = select(&reference, &payload(body.as_bytes())).unwrap();
    assert_eq!(
        value,
        Secret::from_text(expected.into()),
        "{selector} in {body}"
    );
}

#[track_caller]
fn fails(selector: &str, body: &str, kind: ErrorKind, words: &[&str]) {
    let reference = reference(&format!("local://a/b{selector}"));
    let error = select(&reference, &payload(body.as_bytes())).unwrap_err();
    let shown = format!("{error:?}");
    assert_eq!(error.kind(), kind, "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word:?} is missing in: {shown}");
    }
    assert!(!shown.contains("SECRET"), "{shown}");
}

#[test]
fn without_a_selector_the_value_comes_as_stored() {
    gives("", "plain text\n", "plain text\n");
    gives("", "", "");
    gives("", "[1,2]", "[1,2]");
    gives("", "\"quoted\"", "\"quoted\"");
    gives("", "42", "42");
    gives("", "{not json", "{not json");
}

#[test]
fn a_structured_secret_without_a_selector_lists_its_keys() {
    let body = r#"{"user":"SECRET","password":"SECRET"}"#;
    fails(
        "",
        body,
        ErrorKind::InvalidReference,
        &["`user`, `password`", "`#user`", "`#/`"],
    );
    fails("", "{}", ErrorKind::InvalidReference, &["empty object"]);
    fails(
        "#/db",
        r#"{"db":{"a/b":"SECRET"}}"#,
        ErrorKind::InvalidReference,
        &["`#/db`", "`a/b`", "`#/db/<key>`"],
    );
    let many = format!(
        "{{{}}}",
        (0..30)
            .map(|n| format!("\"k{n}\":1"))
            .collect::<Vec<_>>()
            .join(",")
    );
    fails(
        "",
        &many,
        ErrorKind::InvalidReference,
        &["`k9` and 20 more"],
    );
}

#[test]
fn keys_and_pointers_select_members() {
    let body = r#"{"user":"u","tls.crt":"c","n":12345678901234567890.10,"t":true,"list":["x",{"y":"z"}],"a/b":{"~":"w"}}"#;
    gives("#user", body, "u");
    gives("#/user", body, "u");
    gives("#tls.crt", body, "c");
    gives("#n", body, "12345678901234567890.10");
    gives("#t", body, "true");
    gives("#/list/0", body, "x");
    gives("#/list/1/y", body, "z");
    gives("#list", body, r#"["x",{"y":"z"}]"#);
    gives("#/a~1b/~0", body, "w");
    gives("#/", body, body);
    gives("#/list/1/", body, r#"{"y":"z"}"#);
    gives("#/", "[1]", "[1]");
    gives("#/", r#"{"":"empty key"}"#, "empty key");
    gives("#k", r#"{"k":1,"k":2}"#, "2");
}

#[test]
fn strings_are_unescaped() {
    gives(
        "#k",
        r#"{"k":"a\"\\\/\b\f\n\r\té\ud83d\ude00 é😀"}"#,
        "a\"\\/\u{8}\u{c}\n\r\té😀 é😀",
    );
    fails(
        "#k",
        r#"{"k":"SECRET\ud800"}"#,
        ErrorKind::InvalidReference,
        &["surrogate"],
    );
    fails(
        "#k",
        r#"{"k":"SECRET\ud800\u0041"}"#,
        ErrorKind::InvalidReference,
        &["surrogate"],
    );
}

#[test]
fn what_is_not_there_names_what_is_near() {
    let body = r#"{"password":"SECRET","list":[1],"null":null,"text":"SECRET"}"#;
    fails(
        "#pasword",
        body,
        ErrorKind::NotFound,
        &["no key `pasword`", "did you mean `password`?"],
    );
    fails(
        "#unrelated",
        body,
        ErrorKind::NotFound,
        &["there are: `password`, `list`"],
    );
    fails(
        "#/list/1",
        body,
        ErrorKind::NotFound,
        &["list of 1", "no place 1"],
    );
    fails(
        "#/list/x",
        body,
        ErrorKind::InvalidReference,
        &["not a place in a list"],
    );
    fails(
        "#/list/00",
        body,
        ErrorKind::InvalidReference,
        &["not a place in a list"],
    );
    fails(
        "#/list/+0",
        body,
        ErrorKind::InvalidReference,
        &["not a place in a list"],
    );
    fails("#null", body, ErrorKind::NotFound, &["`#/null` is null"]);
    fails(
        "#/text/more",
        body,
        ErrorKind::InvalidReference,
        &["`#/text` is a single value"],
    );
    fails(
        "#key",
        "SECRET text",
        ErrorKind::InvalidReference,
        &["not JSON", "remove the selector"],
    );
    fails(
        &format!("#{}", "/a".repeat(40)),
        body,
        ErrorKind::InvalidReference,
        &["more than 32 steps"],
    );
}

#[test]
fn encodings_are_undone_after_selection() {
    gives("?encoding=base64#k", r#"{"k":"aGVsbG8="}"#, "hello");
    gives("?encoding=base64", "aGVs\nbG8=\n", "hello");
    gives("?encoding=base64url", "aGVsbG8", "hello");
    gives("?encoding=base64url", "aGVsbG8=", "hello");
    gives("?encoding=hex", "68656C6c6f\n", "hello");
    for encoding in ["base64", "base64url", "hex"] {
        let selector = format!("?encoding={encoding}");
        fails(
            &selector,
            "SECRET!",
            ErrorKind::InvalidReference,
            &[encoding],
        );
    }
}

#[test]
fn fields_must_be_fields() {
    let broken = SecretPayload::fields(Secret::from_text("text".into()), Metadata::default());
    let error = select(&reference("local://a"), &broken).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Integrity);
}

#[test]
fn only_what_is_missing_is_optional() {
    let optional = reference("local://a?optional=true#k");
    let answer = |body: &str| Ok(Leased::forever(payload(body.as_bytes())));
    let not_found = StoreError::new(ErrorKind::NotFound, Operation::Open, "no");
    let denied = StoreError::new(ErrorKind::PermissionDenied, Operation::Open, "no");
    assert!(
        resolve(&optional, Err(not_found.clone()))
            .unwrap()
            .is_none()
    );
    assert!(
        resolve(&optional, answer(r#"{"other":1}"#))
            .unwrap()
            .is_none()
    );
    assert!(
        resolve(&optional, answer(r#"{"k":""}"#))
            .unwrap()
            .unwrap()
            .value
            .value
            .is_empty()
    );
    assert!(resolve(&optional, Err(denied)).is_err());
    assert!(resolve(&optional, answer("text")).is_err());
    let error = resolve(&reference("local://a#k"), Err(not_found)).unwrap_err();
    assert_eq!(error.context("reference"), Some("local://a#k"));
}

#[test]
fn text_must_survive_unchanged() {
    let reference = reference("local://a");
    let check = |bytes: &[u8]| require_text(&reference, &Secret::new(bytes.to_vec()));
    check("é plain 😀".as_bytes()).unwrap();
    check(b"").unwrap();
    for bytes in [
        &b"\xff\xfe"[..],
        "e\u{301}".as_bytes(),
        "\u{212b}".as_bytes(),
    ] {
        let error = check(bytes).unwrap_err();
        assert!(error.help().unwrap().contains("base64"), "{error:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_select_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..200), selector in "(#/?[a-z0-9/]{1,6})?") {
        if let Ok(reference) = format!("local://a{selector}").parse() {
            let _ = select(&reference, &payload(&bytes));
        }
    }

    #[test]
    fn every_string_survives_json(text in any::<String>()) {
        let body = serde_json::json!({ "k": text }).to_string();
        let value = select(&reference("local://a#k"), &payload(body.as_bytes())).unwrap();
        prop_assert_eq!(value, Secret::from_text(text));
    }

    #[test]
    fn deep_nesting_costs_no_stack(depth in 1usize..20_000) {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let _ = select(&reference("local://a#/0/0/0"), &payload(body.as_bytes()));
    }
}
