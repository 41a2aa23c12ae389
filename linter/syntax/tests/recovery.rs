//! Broken texts: which error, where, and how much of the rest is still read.

use hcl_syntax::{Body, Item, Parsed, SyntaxErrorKind as E, parse};

/// The names of a body as a tree: `a b{c d}`.
fn outline(body: Body<'_>) -> String {
    let name = |item| match item {
        Item::Attribute(attribute) => attribute.name().to_owned(),
        Item::Block(block) => format!("{}{{{}}}", block.kind(), outline(block.body())),
    };
    body.items().map(name).collect::<Vec<_>>().join(" ")
}

/// Checks the first error's kind and text, and the outline.
fn check(text: &str, error: E, at: &str, want: &str) -> Parsed {
    let parsed = parse(text);
    let first = parsed
        .errors()
        .first()
        .unwrap_or_else(|| panic!("no error: {text}"));
    assert_eq!(
        (first.kind, parsed.slice(first.span)),
        (error, at),
        "{text}"
    );
    assert_eq!(outline(parsed.body()), want, "{text}");
    parsed
}

#[test]
fn errors_name_the_place_and_the_rest_is_read() {
    let cases = [
        ("= 1\nb = 2\n", E::ExpectedItem, "=", "b"),
        ("a\nb = 2\n", E::ExpectedEqualsOrBlock, "\n", "a{} b"),
        ("a: 1\nb = 2\n", E::ExpectedEqualsOrBlock, ":", "a b"),
        ("a =\nb = 2\n", E::ExpectedExpression, "\n", "a b"),
        ("a = 1 b = 2\n", E::MissingNewlineAfterAttribute, "b", "a b"),
        (
            "a = 1, b = 2\n",
            E::MissingNewlineAfterAttribute,
            ",",
            "a b",
        ),
        ("a {} b = 2\n", E::MissingNewlineAfterBlock, "b", "a{} b"),
        (
            "a { b = 1, c = 2 }\nd = 3\n",
            E::SingleLineBlock,
            ",",
            "a{b c} d",
        ),
        ("a \"x\"\nb = 2\n", E::ExpectedBlockBody, "\n", "a b"),
        (
            "a \"${x}\" {\n}\nb = 2\n",
            E::TemplateInLabel,
            "\"${x}\"",
            "a{} b",
        ),
        (
            "a {\n  b = 1\n\nc {\n  d = 2\n}\n",
            E::UnclosedBlock,
            "a",
            "a{b} c{d}",
        ),
        ("}\nb = 2\n", E::UnexpectedClosingBrace, "}", "b"),
        ("a = 1\na = 2\n", E::DuplicateAttribute, "a", "a a"),
        ("a = (1\nb = 2\n", E::UnclosedParen, "(", "a b"),
        ("a = [1,\nb = 2\n", E::UnclosedBracket, "[", "a b"),
        (
            "x {\n  a = {\n    k = 1\n}\nb = 2\n",
            E::UnclosedObject,
            "{",
            "x{a} b",
        ),
        ("a = [1 2]\nb = 2\n", E::ExpectedComma, "2", "a b"),
        (
            "a = { k = 1 l = 2 }\nb = 2\n",
            E::ExpectedItemSeparator,
            "l",
            "a b",
        ),
        ("a = { k 1 }\nb = 2\n", E::ExpectedKeySeparator, "1", "a b"),
        ("a = x ? 1\nb = 2\n", E::ExpectedColon, "\n", "a b"),
        ("a = x.\nb = 2\n", E::ExpectedAttributeName, ".", "a b"),
        ("a = x.0.1\nb = 2\n", E::LegacyIndexChain, "0.1", "a b"),
        ("a = f(x..., y)\nb = 2\n", E::ExpansionNotLast, ",", "a b"),
        ("a = x::\nb = 2\n", E::ExpectedFunctionName, "\n", "a b"),
        ("a = [for x : y]\nb = 2\n", E::InvalidFor, ":", "a b"),
        ("a = \"x\nb = 2\n", E::UnclosedString, "\"", "a b"),
        ("a = \"${x\"\nb = 2\n", E::UnclosedString, "\"", "a b"),
        ("a = \"${x\nb = 2\n", E::UnclosedTemplate, "${", "a b"),
        ("a = \"${x y}\"\nb = 2\n", E::ExtraInTemplate, "y", "a b"),
        (
            "a = \"%{ while x }\"\nb = 2\n",
            E::InvalidDirective,
            "while",
            "a b",
        ),
        (
            "a = \"%{ if x }\"\nb = 2\n",
            E::UnbalancedDirective,
            "%{ if x }",
            "a b",
        ),
        ("a = \"\\q\"\nb = 2\n", E::InvalidEscape, "\\", "a b"),
        ("a = 1.2.3\nb = 2\n", E::InvalidNumber, "1.2.3", "a b"),
        ("a = 1;\nb = 2\n", E::InvalidCharacter, ";", "a b"),
        ("a = 'x'\nb = 2\n", E::InvalidCharacter, "'", "a b"),
        ("a = 1 /* x\nb = 2\n", E::UnclosedComment, "/*", "a b"),
        ("a = <<EOT x\nb = 2\n", E::InvalidHeredocStart, "<", "a b"),
        (
            "a = <<EOT\n  x\nb = 2\n",
            E::UnclosedHeredoc,
            "<<EOT\n",
            "a b",
        ),
        (
            "<<<<<<< HEAD\na = 1\n=======\na = 2\n>>>>>>> x\nb = 3\n",
            E::ExpectedItem,
            "<",
            "HEAD{} a a x{} b",
        ),
    ];
    for (text, error, at, want) in cases {
        check(text, error, at, want);
    }
}

#[test]
fn indentation_shows_where_a_block_was_to_end() {
    let text = "a {\n  b {\n    c = 1\n\n  d = 2\n}\n\ne \"f\" {\n  g = [\n    1,\n    2,\n  h = 3\n}\ni = 4\n";
    let parsed = parse(text);
    assert_eq!(outline(parsed.body()), "a{b{c} d} e{g h} i");
}

#[test]
fn strings_in_broken_places_are_still_read() {
    let texts = [
        "a = [\n  \"secret\"\n",
        "a {\n  b = \"secret\n",
        "a = f(\"secret\"\nb = 1\n",
        "a \"secret\"\n",
        "a = {\n  b = { c = \"secret\"\n",
        "a = \"${f(\"secret\")\nb = 1\n",
        "a = \n  \"secret\",\n]\n",
        "a = <<EOT\nsecret\n",
    ];
    for text in texts {
        let parsed = parse(text);
        assert!(!parsed.errors().is_empty());
        let found = parsed
            .body()
            .items()
            .flat_map(all_values)
            .flat_map(hcl_syntax::Expr::walk)
            .filter_map(hcl_syntax::Expr::template)
            .any(|t| t.text().contains("secret") && t.is_literal());
        assert!(found, "{text}");
    }
}

fn all_values(item: Item<'_>) -> Vec<hcl_syntax::Expr<'_>> {
    match item {
        Item::Attribute(attribute) => vec![attribute.value()],
        Item::Block(block) => block.body().items().flat_map(all_values).collect(),
    }
}

#[test]
fn errors_are_bounded_and_the_last_says_so() {
    let parsed = parse("= 1\n".repeat(1000));
    assert_eq!(parsed.errors().len(), hcl_syntax::MAX_ERRORS);
    assert_eq!(parsed.errors().last().map(|e| e.kind), Some(E::TooMany));
}

#[test]
fn old_syntax_that_real_files_have_is_accepted() {
    let texts = [
        "\"key\" = \"value\"\n",
        "x = \"${var.y}\"\n",
        "variable \"x\" { type = \"list\" }\n",
        "path \"secret/*\" {\n  capabilities = [\"read\"]\n}\n",
        "\u{feff}x = 1",
        "x = {\n  \"a\" : 1,\n  b = 2\n}\n",
        "x = a.b.0.c\n",
        "x = <<EOT\na\nEOT",
    ];
    for text in texts {
        assert_eq!(parse(text).errors(), [], "{text}");
    }
    let parsed = parse("\"key\" = \"value\"\n");
    assert!(parsed.body().attribute("key").is_some());
}
