//! The JSON syntax: values, templates inside strings, and their places.

use hcl_syntax::{Expr, ExprKind, Parsed, Part, SyntaxErrorKind, parse_json};

fn valid(text: &str) -> Parsed {
    let parsed = parse_json(text);
    assert_eq!(parsed.errors(), [], "{text}");
    parsed
}

fn root(parsed: &Parsed) -> Expr<'_> {
    parsed.root_expr().unwrap_or_else(|| panic!("no value"))
}

fn items<'a>(expr: Expr<'a>) -> Vec<(String, Expr<'a>)> {
    let ExprKind::Object(object) = expr.kind() else {
        panic!("{expr:?}");
    };
    let key = |key: Expr<'_>| key.template().map(|t| t.text().into_owned());
    object
        .items()
        .map(|(k, v)| (key(k).unwrap_or_default(), v))
        .collect()
}

/// Our reading of a text without templates as serde_json's value.
fn to_value(expr: Expr<'_>) -> serde_json::Value {
    use serde_json::Value;
    match expr.kind() {
        ExprKind::Bool(value) => Value::Bool(value),
        ExprKind::Number(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        ExprKind::Template(template) => Value::String(template.text().into_owned()),
        ExprKind::Tuple(tuple) => tuple.elements().map(to_value).collect(),
        ExprKind::Object(_) => items(expr)
            .into_iter()
            .map(|(k, v)| (k, to_value(v)))
            .collect(),
        _ => Value::Null,
    }
}

#[test]
fn values_are_those_of_serde_json() {
    let texts = [
        r#"{"a": [1, -2.5e+3, true, false, null, {}, []], "b\n\"\\\/\b\f\u00e9\ud83d\ude00": "c"}"#,
        "\u{feff}[\r\n\t\"x\"\r\n]\n",
        r#""\ud83d""#,
        "0",
    ];
    for text in texts {
        let parsed = valid(text);
        let plain = text.trim_start_matches('\u{feff}');
        // A lone surrogate has no value in serde_json; ours is the replacement character.
        let want: serde_json::Value =
            serde_json::from_str(plain).unwrap_or_else(|_| "\u{fffd}".into());
        assert_eq!(to_value(root(&parsed)), want, "{text}");
    }
}

#[test]
fn spans_are_those_of_the_source() {
    let text = r#"{"resource": {"a": {"b": {"password": "hunter2"}}}}"#;
    let parsed = valid(text);
    let found = root(&parsed)
        .walk()
        .filter_map(Expr::template)
        .find(|t| t.as_literal().as_deref() == Some("hunter2"));
    let span = found.map(|t| (t.span(), t.content_span()));
    let span = span.unwrap_or_else(|| panic!("not found"));
    assert_eq!(parsed.slice(span.0), "\"hunter2\"");
    assert_eq!(parsed.slice(span.1), "hunter2");
}

#[test]
fn strings_are_templates_with_places() {
    let text = r#"{"a": "x\n${jsonencode(\"b \\\"c\\\" \\n\")} $${d} ${var.e}"}"#;
    let parsed = valid(text);
    let value = items(root(&parsed))[0].1;
    let parts: Vec<_> = value
        .template()
        .map(|t| t.parts().collect())
        .unwrap_or_default();
    assert_eq!(parts.len(), 4);
    let Part::Literal(first) = &parts[0] else {
        panic!("{parts:?}");
    };
    assert_eq!(first.value(), "x\n");
    assert_eq!(
        first.source_offset(1),
        text.find("\\n").map_or(0, |at| at as u32)
    );
    let Part::Interpolation(call) = parts[1] else {
        panic!("{parts:?}");
    };
    assert_eq!(
        parsed.slice(call.span()),
        r#"jsonencode(\"b \\\"c\\\" \\n\")"#
    );
    let inner = call.children().next().and_then(Expr::template);
    assert_eq!(
        inner.and_then(hcl_syntax::Template::as_literal).as_deref(),
        Some("b \"c\" \n")
    );
    let Part::Literal(middle) = &parts[2] else {
        panic!("{parts:?}");
    };
    assert_eq!(middle.value(), " ${d} ");
    let Part::Interpolation(name) = parts[3] else {
        panic!("{parts:?}");
    };
    assert_eq!(name.text(), "var.e");
}

#[test]
fn keys_that_occur_twice_are_kept() {
    let parsed = valid(r#"{"a": 1, "a": 2}"#);
    let values: Vec<_> = items(root(&parsed)).iter().map(|(_, v)| v.text()).collect();
    assert_eq!(values, ["1", "2"]);
}

#[test]
fn broken_texts_give_errors_and_what_is_left() {
    use SyntaxErrorKind as E;
    let cases = [
        (r#"{"a": 1 "b": 2}"#, E::JsonExpectedComma, 2),
        (r#"{"a": 1, "b": 2,}"#, E::JsonTrailingComma, 2),
        (r#"{"a" 1, "b": 2}"#, E::JsonExpectedColon, 3),
        (r#"{a: 1, "b": 2}"#, E::JsonExpectedKey, 2),
        ("{\"a\": \"x\n, \"b\": 2}", E::UnclosedString, 2),
        (r#"{"a": 01, "b": 2}"#, E::InvalidNumber, 2),
        (r#"{"a": "\q", "b": 2}"#, E::InvalidEscape, 2),
        ("{\"a\": 1, // x\n \"b\": 2}", E::JsonComment, 2),
        (r#"{"a": 1, "b": 2"#, E::UnclosedObject, 2),
        (r#"{"a": 1, "b": [2}"#, E::UnclosedBracket, 2),
        (r#"{"a": yes, "b": 2}"#, E::JsonExpectedValue, 2),
        (r#"{"a": 1, "b": 2} 3"#, E::JsonTrailing, 2),
    ];
    for (text, error, keys) in cases {
        let parsed = parse_json(text);
        assert_eq!(parsed.errors()[0].kind, error, "{text}");
        let items = items(root(&parsed));
        assert_eq!(items.len(), keys, "{text}");
        assert!(
            items
                .iter()
                .any(|(key, value)| key == "b" && value.text().contains('2')),
            "{text}"
        );
    }
    let empty = parse_json("");
    assert_eq!(empty.errors()[0].kind, E::JsonExpectedValue);
    assert!(matches!(root(&empty).kind(), ExprKind::Missing));
}
