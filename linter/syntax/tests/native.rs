//! The native syntax: what the views say about small texts.

#![expect(clippy::expect_used, reason = "a failing helper is a failing test")]

use hcl_syntax::{Expr, ExprKind, Parsed, Part, StepKind, parse};

/// Parses a text that must be free of errors.
fn valid(text: &str) -> Parsed {
    let parsed = parse(text);
    assert_eq!(parsed.errors(), [], "{text}");
    parsed
}

/// Runs `check` on the value of `x = <text>`.
fn check_value(text: &str, check: impl Fn(Expr<'_>)) {
    let parsed = valid(&format!("x = {text}\n"));
    check(parsed.body().attribute("x").expect("attribute").value());
}

/// The value of a template without sequences.
fn check_string(text: &str, value: &str) {
    check_value(text, |expr| {
        let template = expr.template().expect("template");
        assert_eq!(template.as_literal().as_deref(), Some(value), "{text}");
    });
}

#[test]
fn attributes_blocks_and_labels_have_names_and_spans() {
    let text = "a = 1\nresource \"aws_x\" main {\n  b = 2\n  inner { c = 3 }\n}\n";
    let parsed = valid(text);
    let body = parsed.body();
    assert_eq!(
        body.attributes()
            .map(hcl_syntax::Attribute::name)
            .collect::<Vec<_>>(),
        ["a"]
    );
    let block = body.blocks().next().expect("block");
    assert_eq!(block.kind(), "resource");
    let labels: Vec<_> = block.labels().map(|l| l.text.into_owned()).collect();
    assert_eq!(labels, ["aws_x", "main"]);
    assert_eq!(parsed.slice(block.header_span()), "resource \"aws_x\" main");
    assert_eq!(block.body().items().count(), 2);
    let inner = block.body().blocks_of("inner").next().expect("inner");
    assert_eq!(inner.body().attribute("c").expect("c").value().text(), "3");
}

#[test]
fn strings_are_decoded() {
    check_string(r#""""#, "");
    check_string(r#""a b""#, "a b");
    check_string(r#""a\n\t\"\\ \u00e9\U0001F600""#, "a\n\t\"\\ é😀");
    check_string(r#""$${a} %%{b} $$ $$$${c} $a""#, "${a} %{b} $$ $$${c} $a");
}

#[test]
fn heredocs_are_decoded() {
    check_string("<<EOT\n  a\n b \\n\nEOT", "  a\n b \\n\n");
    check_string("<<-EOT\n    a\n\n      b\n    EOT", "a\n\n  b\n");
    check_string("<<EOT\nEOT", "");
    check_string("<<EOT\r\na\r\nEOT", "a\r\n");
}

#[test]
fn templates_have_parts() {
    check_value(
        r#""a ${var.b}-%{ if c }d%{ else }e%{ endif ~}  f""#,
        |expr| {
            let parts: Vec<_> = expr.template().expect("template").parts().collect();
            let text: Vec<_> = parts
                .iter()
                .map(|part| match part {
                    Part::Literal(literal) => literal.value().into_owned(),
                    Part::Interpolation(expr) => format!("${}", expr.text()),
                    Part::Directive(directive) => format!("%{:?}", directive.kind()),
                })
                .collect();
            let want = ["a ", "$var.b", "-", "%If", "d", "%Else", "e", "%EndIf", "f"];
            assert_eq!(text, want);
        },
    );
}

#[test]
fn decoded_offsets_lead_back_to_the_source() {
    let parsed = valid("x = <<-EOT\n    ab\n    c$${d\n  EOT\n");
    let expr = parsed.body().attribute("x").expect("x").value();
    let literal = expr
        .template()
        .expect("template")
        .literal()
        .expect("literal");
    let value = literal.value();
    assert_eq!(value, "ab\nc${d\n");
    for (what, source) in [("ab", "ab"), ("c", "c"), ("${", "$${"), ("d", "d")] {
        let at = value.find(what).expect("there");
        let span = literal.source_span(at, at + what.len());
        assert_eq!(parsed.slice(span), source);
    }
}

#[test]
fn traversals_have_steps() {
    check_value("a.b[0].c[\"k\"].*.d[*].e.0", |expr| {
        let ExprKind::Traversal(traversal) = expr.kind() else {
            panic!("{expr:?}");
        };
        assert_eq!(traversal.root(), "a");
        let steps: Vec<_> = traversal
            .steps()
            .map(|step| match step.kind() {
                StepKind::Attribute(name) => name.to_owned(),
                StepKind::Index(key) => format!("[{}]", key.text()),
                StepKind::AttributeSplat => ".*".to_owned(),
                StepKind::FullSplat => "[*]".to_owned(),
            })
            .collect();
        assert_eq!(
            steps,
            ["b", "[0]", "c", "[\"k\"]", ".*", "d", "[*]", "e", "[0]"]
        );
    });
}

#[test]
fn operators_bind_by_precedence() {
    check_value("a || b && -c.d + 2 * 3 - 1 == 4", |expr| {
        let ExprKind::Binary(or) = expr.kind() else {
            panic!("{expr:?}");
        };
        let texts: Vec<_> = or.operands().map(Expr::text).collect();
        assert_eq!(texts, ["a", "b && -c.d + 2 * 3 - 1 == 4"]);
        let and = or.operands().nth(1).expect("and");
        let ExprKind::Binary(and) = and.kind() else {
            panic!("{and:?}");
        };
        let equal = and.operands().nth(1).expect("equal");
        let ExprKind::Binary(equal) = equal.kind() else {
            panic!("{equal:?}");
        };
        let sum = equal.operands().next().expect("sum");
        let ExprKind::Binary(sum) = sum.kind() else {
            panic!("{sum:?}");
        };
        let texts: Vec<_> = sum.operands().map(Expr::text).collect();
        assert_eq!(texts, ["-c.d", "2 * 3", "1"]);
        assert_eq!(sum.operators().count(), 2);
    });
}

#[test]
fn calls_and_collections_have_elements() {
    check_value(
        "provider::a::f(1, [2, 3,], {k = 4, \"l\" : 5\n m = 6}...)",
        |expr| {
            let ExprKind::Call(call) = expr.kind() else {
                panic!("{expr:?}");
            };
            assert_eq!(call.name(), "provider::a::f");
            assert!(call.expand_final());
            let args: Vec<_> = call.args().collect();
            let ExprKind::Object(object) = args[2].kind() else {
                panic!("{args:?}");
            };
            let items: Vec<_> = object.items().map(|(k, v)| (k.text(), v.text())).collect();
            assert_eq!(items, [("k", "4"), ("\"l\"", "5"), ("m", "6")]);
        },
    );
}

#[test]
fn for_expressions_have_parts() {
    check_value("{ for k, v in a.b : k => v... if v != null }", |expr| {
        let ExprKind::For(each) = expr.kind() else {
            panic!("{expr:?}");
        };
        assert_eq!((each.key_name(), each.value_name()), (Some("k"), Some("v")));
        assert_eq!(each.collection().expect("collection").text(), "a.b");
        assert_eq!(each.key().expect("key").text(), "k");
        assert_eq!(each.value().expect("value").text(), "v");
        assert_eq!(each.condition().expect("condition").text(), "v != null");
        assert!(each.groups() && each.makes_object());
    });
}

#[test]
fn comments_are_kept() {
    let parsed = valid("# a\nx = 1 // b\n/* c\n */ y = /* d */ 2\n");
    let contents: Vec<_> = parsed.comments().map(|c| c.content()).collect();
    assert_eq!(contents, ["a", "b", "c", "d"]);
}

#[test]
fn walking_finds_every_expression_in_source_order() {
    check_value("f(\"${a}\", [b.c[d]]) ? {e = g} : h", |expr| {
        let names: Vec<_> = expr
            .walk()
            .filter_map(|e| match e.kind() {
                ExprKind::Traversal(t) => Some(t.root()),
                _ => None,
            })
            .collect();
        assert_eq!(names, ["a", "b", "d", "e", "g", "h"]);
    });
}

/// Values that Terraform 1.11 computes for the same texts, with `local.t` as `true`.
#[test]
fn layout_of_templates_follows_terraform() {
    let cases = [
        (
            "<<-EOT\n      a\n    \n    b\n      \n      c\n    EOT",
            "  a\n    \nb\n      \n  c\n",
        ),
        (
            "<<-EOT\n    %{~ if local.t ~}\n      x\n    %{~ endif ~}\n    y\n  EOT",
            "      x\n    y\n",
        ),
        (
            "<<EOT\na %{ if local.t ~}\n\n   x\n%{~ endif }\nz\nEOT",
            "a \n   x\nz\n",
        ),
        (r#""a\n \t${~ "b" ~}\n  \\n c""#, "ab\\n c"),
        (
            r#""$$$${x} $$ %%%{ q } %{ if true }q%{ endif } %% $""#,
            "$$${x} $$ %%{ q } q %% $",
        ),
        (
            "<<-EOT\n    a ${local.t} b\n  ${local.t}\n      c\n  EOT",
            "  a true b\ntrue\n    c\n",
        ),
        ("<<-EOT\n\t  a\n\t b\n  EOT", " a\nb\n"),
        ("<<EOT\nx\n   ${~ local.t ~}\n   y\nEOT", "x\ntrue   y\n"),
        (
            r#""a ${~ local.t ~} \u0041 ${local.t ~} $${b} ~ $x""#,
            "atrueA true${b} ~ $x",
        ),
        (
            "<<-EOT\n    $${a}\n      $b %%{c}\n    \\t\"\\\n  EOT",
            "${a}\n  $b %{c}\n\\t\"\\\n",
        ),
    ];
    for (text, value) in cases {
        check_value(text, |expr| assert_eq!(evaluate(expr), value, "{text}"));
    }
}

/// The value of a template whose conditions are true and whose references are `true`.
fn evaluate(expr: Expr<'_>) -> String {
    let Some(template) = expr.template() else {
        return "true".to_owned();
    };
    let part = |part| match part {
        Part::Literal(literal) => literal.value().into_owned(),
        Part::Interpolation(expr) => evaluate(expr),
        Part::Directive(_) => String::new(),
    };
    template.parts().map(part).collect()
}

/// The tree keeps the length of a name in a byte; names can be longer, quoted, or of any script.
#[test]
fn names_of_any_length_and_script_are_whole() {
    let long = "n".repeat(300);
    for name in ["a", "größe-1", &long[..255], &long[..256], &long] {
        let text = format!("{name} = {name}.{name}\n{name} \"label\" {{\n  {name} = 1\n}}\n");
        let parsed = valid(&text);
        let attribute = parsed.body().attribute(name).expect("attribute");
        let ExprKind::Traversal(traversal) = attribute.value().kind() else {
            panic!("no traversal");
        };
        assert_eq!(traversal.root(), name);
        assert_eq!(parsed.slice(traversal.root_span()), name);
        let step = traversal
            .steps()
            .next()
            .and_then(hcl_syntax::Step::attribute);
        assert_eq!(step, Some(name));
        let block = parsed.body().blocks().next().expect("block");
        assert_eq!(block.kind(), name);
        assert!(block.body().attribute(name).is_some());
    }
    let parsed = valid("x = a. /* here */ b\n");
    let value = parsed.body().attribute("x").expect("attribute").value();
    let ExprKind::Traversal(traversal) = value.kind() else {
        panic!("no traversal");
    };
    let step = traversal
        .steps()
        .next()
        .and_then(hcl_syntax::Step::attribute);
    assert_eq!((traversal.root(), step), ("a", Some("b")));
}

#[test]
fn blanks_between_tokens_do_not_matter() {
    let parsed = valid("a\t = \t[ 1 ,\t2 ]  \n\tb   \"x\"  {\t}\n  c = \"${ d }\" \n");
    let names: Vec<_> = parsed
        .body()
        .items()
        .map(|item| parsed.slice(item.span()))
        .collect();
    assert_eq!(
        names,
        ["a\t = \t[ 1 ,\t2 ]", "b   \"x\"  {\t}", "c = \"${ d }\""]
    );
}
