//! Hostile and odd input of the parsers. Files of the real `sops` are in the tests of the store.

use proptest::prelude::*;

use super::super::tree::{MAX_DEPTH, Node};
use super::*;

fn reason(path: &str, text: &str) -> Reason {
    read(path, text).err().unwrap_or_default()
}

#[test]
fn what_is_no_sops_file_says_why_and_quotes_nothing() {
    for (path, text, word) in [
        ("a.yaml", "", "`sops` entry"),
        ("a.yaml", "plumAnchor: 1", "`sops` entry"),
        ("a.yaml", "sops: plumAnchor", "`sops` entry"),
        ("a.yaml", "- plumAnchor", "no map"),
        ("a.yaml", "plumAnchor: [", "no YAML"),
        ("a.yaml", "a: 1\na: 2\nsops: {}", "twice"),
        ("a.yaml", "a: &x plumAnchor\nb: *x\nsops: {}", "alias"),
        ("a.yaml", "a: !!binary plumAnchor\nsops: {}", "tag"),
        ("a.yaml", "? [a]\n: plumAnchor\nsops: {}", "no text"),
        ("a.yaml", "1: plumAnchor\nsops: {}", "no text"),
        ("a.yaml", "a: 99999999999999999999\nsops: {}", "too large"),
        ("a.json", "[]", "no object"),
        ("a.json", "{\"plumAnchor\":", "cut off"),
        ("a.json", "plumAnchor", "no JSON"),
        ("a.json", "{\"a\":1,\"a\":2,\"sops\":{}}", "twice"),
        ("a.json", "{} {}", "no JSON"),
        ("a.env", "plumAnchor", "line 1"),
        ("a.env", "A=1", "`sops` entry"),
        ("a.env", "A=1\nA=2\nsops_mac=x", "twice"),
        ("a.env", "sops_age__list_1__map_enc=x", "incomplete"),
        ("a.env", "sops_age__list_99999999999=x", "no place"),
        ("a.env", "sops_a=1\nsops_a__map_b=2", "contradict"),
        ("a.env", "sops_a=1\nsops_a=2", "twice"),
        ("a.ini", "[plumAnchor", "line 1"),
        ("a.ini", "plumAnchor", "line 1"),
        ("a.ini", "a = `plumAnchor", "line 1"),
        ("a.txt", "plumAnchor", "format"),
    ] {
        let reason = reason(path, text);
        assert!(reason.contains(word), "{text:?}: {reason}");
        assert!(!reason.contains("plumAnchor"), "{reason}");
    }
}

#[test]
fn nesting_is_limited_and_never_overflows() {
    for depth in [MAX_DEPTH * 2, 200_000] {
        let yaml = format!("a: {}{}\nsops: {{}}", "[".repeat(depth), "]".repeat(depth));
        assert!(!reason("a.yaml", &yaml).is_empty());
        let json = format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(!reason("a.json", &json).is_empty());
        let flat = format!("sops_a{}=1", "__map_a".repeat(depth));
        assert!(!reason("a.env", &flat).is_empty());
    }
}

#[test]
fn ini_values_follow_the_rules_of_the_library_of_sops() {
    let text = "\
first = 1\r
[s]
a=b=c
\"quoted = key\" : v
`back = key`= v
tick = ` x # y `
triple = \"\"\"one
two\"\"\"
single = 'x'
double = \"x\"
both = 'x' 'y'
comment = x ; y
[sops]
mac = m
";
    let (_, encrypted) = read("a.ini", text).unwrap();
    let shown: Vec<_> = encrypted.documents[0]
        .iter()
        .flat_map(|section| match &section.node {
            Node::Map(items) => items
                .iter()
                .map(|item| {
                    format!(
                        "{}/{}={}",
                        section.key,
                        item.key,
                        item.node.as_text().unwrap()
                    )
                })
                .collect(),
            _ => Vec::new(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "DEFAULT/first=1",
            "s/a=b=c",
            "s/quoted = key=v",
            "s/back = key=v",
            "s/tick= x # y ",
            "s/triple=one\ntwo",
            "s/single=x",
            "s/double=x",
            "s/both='x' 'y'",
            "s/comment=x",
        ]
    );
}

#[test]
fn comments_of_yaml_find_their_entries() {
    let text = "\
# head

a: 1 # of a
b: # of b
  # of c
  c: 'it''s # none'
  d: |
    # none
  # end of b
e: \"x # none\" # of e
# of f
f:
  - x
  # of y
  - y # also y
g: x#none
sops: {}
";
    let (_, encrypted) = read("a.yaml", text).unwrap();
    let mut shown = Vec::new();
    fn walk(items: &[Item], shown: &mut Vec<String>) {
        for item in items {
            if !item.comments.is_empty() {
                shown.push(format!("{}:{}", item.key, item.comments.join("|")));
            }
            if let Node::Map(inner) | Node::List(inner) = &item.node {
                walk(inner, shown);
            }
        }
    }
    walk(&encrypted.documents[0], &mut shown);
    assert_eq!(
        shown,
        [
            "a: head| of a",
            "b: of b",
            "c: of c",
            "e: of e",
            "f: of f",
            ": of y| also y"
        ]
    );
}

proptest! {
    #[test]
    fn parsers_are_total(text in "\\PC{0,200}", ending in "(yaml|json|env|ini|bin)") {
        let _ = read(&format!("a.{ending}"), &text);
    }

    #[test]
    fn yaml_like_texts_are_read_or_refused(text in "[-:#&*!|>'\"%@`{}\\[\\],?a-c0-2 \n\t.~_]{0,80}") {
        let _ = read("a.yaml", &text);
        let _ = read("a.ini", &text);
        let _ = read("a.env", &text);
    }
}
