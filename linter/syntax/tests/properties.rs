//! Generated texts: what holds for every text holds for them.

#[path = "support/checks.rs"]
mod checks;

use checks::check;
use hcl_syntax::{LineIndex, parse, parse_json};
use proptest::prelude::*;
use proptest::sample::select;

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

#[test]
fn readers_may_recurse_into_any_text() {
    let units = [
        "[",
        "(",
        "{a=",
        "\"${",
        "f(",
        "-",
        "a?b:",
        "a[",
        "a||b&&c==d<e+f*(",
        "[for a in ",
        "a {\n",
    ];
    for unit in units {
        let text = format!("x = {}", unit.repeat(20_000));
        check(&parse(text.as_str()), &text);
        let text = format!("x {{\n{}", unit.repeat(20_000));
        check(&parse(text.as_str()), &text);
    }
    let text = "[{\"a\":".repeat(20_000);
    check(&parse_json(text.as_str()), &text);
}
