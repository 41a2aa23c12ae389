//! Measures recovery: how many strings keep their exact path after one damage in mid-file.
//!
//! `cargo run --release -p hcl-syntax --example damage -- FOLDER`. For every kind of damage each
//! valid file is broken once near its middle and parsed again. A second argument, the name of a
//! damage, shows the files that lose much to it. A string's path is the chain of
//! block types, labels, attribute names and object keys that lead to it.

#![expect(
    clippy::print_stdout,
    reason = "a measuring program reports on standard output"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use hcl_syntax::{Body, Expr, ExprKind, Item, Parsed, TokenKind, parse};

type Strings = BTreeMap<(String, String), usize>;

fn collect_body(body: Body<'_>, path: &str, out: &mut Strings) {
    for item in body.items() {
        match item {
            Item::Attribute(attribute) => {
                collect(
                    attribute.value(),
                    &format!("{path}/{}", attribute.name()),
                    out,
                );
            }
            Item::Block(block) => {
                let mut path = format!("{path}/{}", block.kind());
                for label in block.labels() {
                    path = format!("{path} {}", label.text);
                }
                collect_body(block.body(), &path, out);
            }
        }
    }
}

fn collect(expr: Expr<'_>, path: &str, out: &mut Strings) {
    match expr.kind() {
        ExprKind::Template(template) => {
            let key = (path.to_owned(), template.text().into_owned());
            *out.entry(key).or_default() += 1;
        }
        ExprKind::Object(object) => {
            for (key, value) in object.items() {
                collect(value, &format!("{path}.{}", key.text()), out);
            }
        }
        _ => {
            for child in expr.children() {
                collect(child, path, out);
            }
        }
    }
}

fn strings(parsed: &Parsed) -> Strings {
    let mut out = Strings::new();
    collect_body(parsed.body(), "", &mut out);
    out
}

/// A damage: the tokens it may hit, and what takes their place.
struct Damage {
    name: &'static str,
    hits: fn(TokenKind, &str) -> bool,
    replacement: &'static str,
    /// Whether the replacement goes in front of the token instead.
    insert: bool,
    /// Whether the token must be the first of its line, and the line's indentation is repeated.
    whole_line: bool,
}

const fn cut(name: &'static str, hits: fn(TokenKind, &str) -> bool) -> Damage {
    Damage {
        name,
        hits,
        replacement: "",
        insert: false,
        whole_line: false,
    }
}

const fn insert(name: &'static str, replacement: &'static str) -> Damage {
    Damage {
        name,
        hits: |kind, _| kind == TokenKind::Ident,
        replacement,
        insert: true,
        whole_line: false,
    }
}

/// A line of its own before the line of a name, indented like it.
const fn line(name: &'static str, text: &'static str) -> Damage {
    Damage {
        whole_line: true,
        ..insert(name, text)
    }
}

const DAMAGES: &[Damage] = &[
    cut("opening quote missing", |kind, _| {
        kind == TokenKind::OpenQuote
    }),
    cut("closing quote missing", |kind, _| {
        kind == TokenKind::CloseQuote
    }),
    cut("{ missing", |_, text| text == "{"),
    cut("} missing", |_, text| text == "}"),
    cut("[ missing", |_, text| text == "["),
    cut("] missing", |_, text| text == "]"),
    cut("( missing", |_, text| text == "("),
    cut(") missing", |_, text| text == ")"),
    cut("= missing", |_, text| text == "="),
    cut(", missing", |_, text| text == ","),
    cut("${ missing", |kind, _| kind == TokenKind::OpenInterpolation),
    cut("} of ${ missing", |kind, _| {
        kind == TokenKind::CloseTemplate
    }),
    cut("heredoc start missing", |kind, _| {
        kind == TokenKind::OpenHeredoc
    }),
    cut("heredoc end missing", |kind, _| {
        kind == TokenKind::CloseHeredoc
    }),
    cut("newline missing", |kind, _| kind == TokenKind::Newline),
    cut("name missing", |kind, _| kind == TokenKind::Ident),
    insert("stray quote", "\""),
    insert("stray {", "{"),
    insert("stray }", "}"),
    insert("stray [", "["),
    insert("stray ]", "]"),
    insert("stray (", "("),
    insert("stray )", ")"),
    insert("stray ${", "${"),
    insert("stray <<EOT", "<<EOT\n"),
    insert("stray /*", "/*"),
    line("half-typed item", "foo = \n"),
    line("half-typed block", "foo \"bar\n"),
    line("half-typed name", "foo\n"),
    line("half-typed reference", "foo = var.\n"),
];

fn apply(damage: &Damage, parsed: &Parsed) -> Option<String> {
    let text = parsed.text();
    let middle = text.len() as u32 / 2;
    let hit = parsed.tokens().find(|t| {
        t.span.start >= middle
            && (damage.hits)(t.kind, parsed.slice(t.span))
            && (!damage.whole_line || indent(text, t.span.start).is_some())
    })?;
    let (start, end) = (hit.span.start as usize, hit.span.end as usize);
    let rest = if damage.insert { start } else { end };
    let indent = if damage.whole_line {
        indent(text, hit.span.start)?
    } else {
        ""
    };
    let (before, after) = (&text[..start], &text[rest..]);
    Some(format!("{before}{}{indent}{after}", damage.replacement))
}

/// The blanks before the first token of a line.
fn indent(text: &str, offset: u32) -> Option<&str> {
    let before = &text[..offset as usize];
    let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    line.trim().is_empty().then_some(line)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "tf" || e == "hcl") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        println!("name a folder");
        return ExitCode::from(2);
    };
    let verbose = std::env::args().nth(2);
    let parsed: Vec<_> = files(&folder)
        .iter()
        .step_by(37)
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .map(parse)
        .filter(|parsed| parsed.errors().is_empty())
        .collect();
    println!("{} files", parsed.len());
    for damage in DAMAGES {
        let verbose = verbose.as_deref() == Some(damage.name);
        let (mut hit, mut total, mut kept) = (0, 0, 0);
        for parsed in &parsed {
            let Some(broken) = apply(damage, parsed) else {
                continue;
            };
            hit += 1;
            let after = strings(&parse(broken.as_str()));
            let before = strings(parsed);
            let in_file: usize = before.values().sum();
            let shared = |(key, count): (&_, &usize)| *count.min(after.get(key).unwrap_or(&0));
            let kept_in_file: usize = before.iter().map(shared).sum();
            total += in_file;
            kept += kept_in_file;
            if verbose && in_file - kept_in_file > 8 {
                println!(
                    "{}: {in_file} to {kept_in_file}\n{broken}\n-----",
                    damage.name
                );
            }
        }
        let share = 100.0 * kept as f64 / total.max(1) as f64;
        println!(
            "{share:6.2} %  {:<24} {hit} files, {total} strings",
            damage.name
        );
    }
    ExitCode::SUCCESS
}
