//! What holds for every text: it is reproduced, spans nest, reading everything never fails.

#![expect(clippy::expect_used, reason = "a failing helper is a failing test")]

use hcl_syntax::{
    Body, Expr, ExprKind, Item, LineIndex, MAX_ERRORS, Parsed, Part, Span, StepKind, Template,
    parse, parse_json,
};
use proptest::prelude::*;
use proptest::sample::select;

/// Checks everything there is to say about a parsed text.
fn check(parsed: &Parsed, text: &str) {
    assert_eq!(parsed.text(), text);
    let mut end = 0;
    for token in parsed.tokens() {
        assert_eq!(token.span.start, end, "tokens follow each other");
        end = token.span.end;
    }
    assert_eq!(end as usize, text.len(), "tokens cover the text");
    assert!(parsed.errors().len() <= MAX_ERRORS);
    for error in parsed.errors() {
        assert!(!parsed.slice(error.span).contains('\u{0}') || text.contains('\u{0}'));
        assert!(!error.message().is_empty() && !error.help().is_empty());
    }
    let comments: Vec<_> = parsed.comments().map(|c| c.span).collect();
    check_order(&comments, Span::new(0, text.len() as u32));
    check_body(parsed.body());
    if let Some(root) = parsed.root_expr() {
        check_expr(root);
        walk(root);
    }
}

/// Spans are in order, apart, and inside of `around`.
fn check_order(spans: &[Span], around: Span) {
    let mut end = around.start;
    for span in spans {
        assert!(
            end <= span.start && span.end <= around.end,
            "{span:?} in {around:?} after {end}"
        );
        end = span.end;
    }
}

fn check_body(body: Body<'_>) {
    let spans: Vec<_> = body.items().map(Item::span).collect();
    check_order(&spans, body.span());
    for item in body.items() {
        match item {
            Item::Attribute(attribute) => {
                check_order(
                    &[attribute.name_span(), attribute.value().span()],
                    attribute.span(),
                );
                assert!(!attribute.name().contains('\n'));
                check_expr(attribute.value());
                walk(attribute.value());
            }
            Item::Block(block) => {
                check_order(&[block.header_span(), block.body().span()], block.span());
                assert!(block.header_span().contains(block.kind_span()));
                let labels: Vec<_> = block.labels().map(|label| label.span).collect();
                check_order(&labels, block.header_span());
                check_body(block.body());
            }
        }
    }
}

fn walk(expr: Expr<'_>) {
    let mut start = expr.span().start;
    for inner in expr.walk() {
        assert!(expr.span().contains(inner.span()));
        assert!(
            start <= inner.span().start,
            "parents come first, then source order"
        );
        start = inner.span().start;
    }
}

fn check_expr(expr: Expr<'_>) {
    let children: Vec<_> = expr.children().map(Expr::span).collect();
    check_order(&children, expr.span());
    expr.children().for_each(check_expr);
    match expr.kind() {
        ExprKind::Template(template) => check_template(template),
        ExprKind::Traversal(traversal) => {
            let mut spans = vec![traversal.root_span()];
            spans.extend(traversal.steps().map(|step| step.span()));
            check_order(&spans, traversal.span());
            for step in traversal.steps() {
                assert!(!matches!(step.kind(), StepKind::Attribute(name) if name.contains('.')));
            }
        }
        ExprKind::Call(call) => assert!(call.span().contains(call.name_span())),
        ExprKind::Binary(binary) => {
            assert_eq!(binary.operands().count(), binary.operators().count() + 1);
        }
        ExprKind::For(each) => {
            let _ = (
                each.key_name(),
                each.value_name(),
                each.collection(),
                each.key(),
            );
        }
        _ => {}
    }
}

fn check_template(template: Template<'_>) {
    assert!(template.span().contains(template.content_span()));
    let _ = template.text();
    for part in template.parts() {
        match part {
            Part::Literal(literal) => {
                let value = literal.value();
                let mut before = literal.span().start;
                for (at, c) in value.char_indices() {
                    let offset = literal.source_offset(at);
                    assert!(before <= offset && offset <= literal.span().end);
                    before = offset;
                    let span = literal.source_span(at, at + c.len_utf8());
                    assert!(literal.span().contains(span) && span.start == offset);
                }
            }
            Part::Interpolation(expr) => assert!(template.span().contains(expr.span())),
            Part::Directive(directive) => {
                let _ = (
                    directive.kind(),
                    directive.expr(),
                    directive.names().count(),
                );
                assert!(template.span().contains(directive.span()));
            }
        }
    }
}

const FRAGMENTS: &[&str] = &[
    "a",
    "b_c",
    "é",
    "for",
    "in",
    "if",
    "else",
    "endif",
    "endfor",
    "null",
    "true",
    "1",
    "2.5e-3",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\n  ",
    "\n    ",
    "\t",
    "=",
    "==",
    "=>",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ",",
    ".",
    "...",
    ":",
    "::",
    "?",
    "\"",
    "\"",
    "\"x\"",
    "\\",
    "\\\"",
    "\\n",
    "\\u0041",
    "${",
    "%{",
    "~}",
    "$${",
    "${~",
    "%{ if x }",
    "%{ endif }",
    "<<EOT\n",
    "<<-EOT\n",
    "EOT",
    "\nEOT\n",
    "\n  EOT\n",
    "# c\n",
    "// c\n",
    "/* c */",
    "/*",
    "*/",
    "*",
    ".*",
    "[*]",
    "[0]",
    ".0",
    "-",
    "!",
    "&&",
    "||",
    "+",
    "%",
    "/",
    "<",
    ">",
    ";",
    "'",
    "“",
    "\u{feff}",
    "\u{0}",
    "name = ",
    "\nresource \"a\" \"b\" {\n",
    "x = \"${",
    "[for k, v in a : k]",
    "{for k, v in a : k => v...}",
];

const JSON_FRAGMENTS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\"a\"",
    "\"${b}\"",
    "\"${c(\\\"d\\\")} \\n\"",
    "\\u0024{",
    "\\\"",
    "\\",
    "1",
    "-0.5e+7",
    "01",
    "true",
    "null",
    "word",
    "\n",
    " ",
    "// c\n",
    "/*",
    "é",
    "\"%{ if a }\\u00e9%{ endif }\"",
    "\"${<<E\\nx\\ny\\nE\\n}\"",
    "\"\\ud83d\\ude00\"",
];

const VALID: &str = r#"
variable "x" { default = "a" }
resource "aws_db_instance" "main" {
  name     = "db-${var.env}-%{ if var.x }y%{ else }z%{ endif }"
  password = <<-EOT
      first $${x}
    second ${jsonencode({ a = "b", "c" : [1, 2,] })}
  EOT
  tags = merge(local.tags, { Name = "é", (var.k) = var.list[*].id })
  count = var.a > 1 && !var.b ? length(var.c.*.d) : -1 /* why */ # end
  dynamic "x" {
    for_each = { for k, v in var.m : k => v... if v != null }
    content { y = provider::p::f(x.value...) }
  }
}
"#;

/// Cuts, doubles or replaces a piece of a text at character boundaries.
fn mutate(text: &str, edits: &[(u16, u8, &'static str)]) -> String {
    let mut text = text.to_owned();
    for &(at, len, insert) in edits {
        let start = text.floor_char_boundary(at as usize % (text.len() + 1));
        let end = text.floor_char_boundary((start + len as usize).min(text.len()));
        text.replace_range(start..end.max(start), insert);
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        check(&parse(text.as_str()), &text);
        check(&parse_json(text.as_str()), &text);
    }

    #[test]
    fn fragments(parts in prop::collection::vec(select(FRAGMENTS), 0..60)) {
        let text = parts.concat();
        check(&parse(text.as_str()), &text);
    }

    #[test]
    fn json_fragments(parts in prop::collection::vec(select(JSON_FRAGMENTS), 0..40)) {
        let text = parts.concat();
        check(&parse_json(text.as_str()), &text);
    }

    #[test]
    fn mutations(edits in prop::collection::vec((any::<u16>(), 0_u8..12, select(FRAGMENTS)), 1..4)) {
        let text = mutate(VALID, &edits);
        check(&parse(text.as_str()), &text);
    }

    #[test]
    fn positions_lead_back(text in any::<String>(), at in any::<prop::sample::Index>()) {
        use hcl_syntax::ColumnUnit::{Scalar, Utf8, Utf16};
        let lines = LineIndex::new(&text);
        let offset = text.floor_char_boundary(at.index(text.len() + 1)) as u32;
        let before_newline = text[offset as usize..].starts_with('\n') && text[..offset as usize].ends_with('\r');
        for unit in [Utf8, Utf16, Scalar] {
            let position = lines.position(&text, offset, unit);
            let back = lines.offset(&text, position, unit);
            prop_assert!(back == offset || before_newline || text[back as usize..].starts_with('\r'));
        }
    }
}

#[test]
fn the_valid_text_is_valid() {
    let parsed = parse(VALID);
    assert_eq!(parsed.errors(), []);
    let block = parsed
        .body()
        .blocks_of("resource")
        .next()
        .expect("resource");
    assert_eq!(block.body().items().count(), 5);
    check(&parsed, VALID);
}
