//! What is brought into a value under its own names: the members of locals that are merged there, the
//! variables that a template is rendered with.

use std::borrow::Cow;

use hcl_syntax::{Call, Expr, ExprKind, For};
use secretlint_core::Cx;
use secretlint_core::facts::{
    Attribute, Block, Mode, Position, Reference, SourceFile, Step, Subject, constant_string,
    members, peel, referred_path,
};

use crate::values::line_before;

/// Locals within locals that are looked into, and maps around a value.
const MAX_DEPTH: usize = 8;

/// A value with its name, the block it stands in, and the expression that brings it.
pub(crate) struct Brought<'r, 'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Expr<'a>,
    pub(crate) block: &'r Block<'a>,
    pub(crate) by: Expr<'a>,
}

/// The members of maps, and of lists of pairs, that stand in locals under other names than `known`.
pub(crate) fn by_locals<'r, 'a>(
    cx: &Cx<'r, 'a>,
    position: &Position<'r, 'a>,
    known: fn(&str) -> bool,
) -> Vec<Brought<'r, 'a>> {
    let mut search = Search {
        cx,
        known,
        found: Vec::new(),
        seen: Vec::new(),
    };
    if !matches!(position.expr.kind(), ExprKind::Template(_)) {
        search.walk(position.block, position.expr, None, 0);
    }
    search.found
}

struct Search<'s, 'r, 'a> {
    cx: &'s Cx<'r, 'a>,
    known: fn(&str) -> bool,
    found: Vec<Brought<'r, 'a>>,
    seen: Vec<Cow<'a, str>>,
}

impl<'r, 'a> Search<'_, 'r, 'a> {
    /// `by` is what stands in the value itself and leads here; there it is none, and members are looked at
    /// where they stand.
    fn walk(&mut self, block: &'r Block<'a>, expr: Expr<'a>, by: Option<Expr<'a>>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let expr = peel(expr);
        match expr.kind() {
            ExprKind::Traversal(traversal) => {
                self.local(block, &Reference::of(traversal), by.unwrap_or(expr), depth);
            }
            ExprKind::Call(call) if takes_maps(call) => {
                for argument in call.args() {
                    self.walk(block, argument, by, depth + 1);
                }
            }
            ExprKind::Conditional(conditional) => {
                for branch in [conditional.true_value(), conditional.false_value()] {
                    self.walk(block, branch, by, depth + 1);
                }
            }
            ExprKind::Tuple(list) => {
                for element in list.elements() {
                    match by {
                        Some(by) if members(element).next().is_some() => {
                            self.pair(block, element, by);
                        }
                        _ => self.walk(block, element, by, depth + 1),
                    }
                }
            }
            ExprKind::For(run) if takes_values(run) => {
                if let Some(collection) = run.collection() {
                    self.walk(block, collection, by.or(Some(collection)), depth + 1);
                }
            }
            ExprKind::Object(_) => {
                let Some(by) = by else { return };
                self.found.extend(members(expr).map(|member| Brought {
                    name: member.name,
                    value: member.value,
                    block,
                    by,
                }));
            }
            _ => {}
        }
    }

    fn local(
        &mut self,
        block: &'r Block<'a>,
        reference: &Reference<'a>,
        by: Expr<'a>,
        depth: usize,
    ) {
        let Subject::Local(name) = &reference.subject else {
            return;
        };
        if (self.known)(name) || self.seen.contains(name) {
            return;
        }
        let module = self.cx.module;
        let Some(local) = module.local(name, block.file) else {
            return;
        };
        let mut value = local.value;
        for step in &reference.path {
            let member = match step {
                Step::Key(key) if !(self.known)(key) => {
                    members(value).find(|member| member.name == *key)
                }
                _ => None,
            };
            let Some(member) = member else { return };
            value = member.value;
        }
        self.seen.push(name.clone());
        self.walk(module.block(local.block), value, Some(by), depth + 1);
        self.seen.pop();
    }

    /// `{ name = "DB_PASSWORD", value = … }`
    fn pair(&mut self, block: &'r Block<'a>, pair: Expr<'a>, by: Expr<'a>) {
        let named = |names: [&str; 2]| {
            members(pair).find(|member: &Attribute<'a>| names.contains(&&*member.name))
        };
        let name = named(["name", "Name"]).and_then(|name| constant_string(name.value));
        if let (Some(name), Some(value)) = (name, named(["value", "Value"])) {
            self.found.push(Brought {
                name,
                value: value.value,
                block,
                by,
            });
        }
    }
}

fn takes_maps(call: Call<'_>) -> bool {
    matches!(
        call.name(),
        "merge" | "concat" | "flatten" | "try" | "coalesce" | "tomap"
    )
}

/// Not `{ name = key, valueFrom = value }`, nor what takes names only.
fn takes_values(run: For<'_>) -> bool {
    const REFERS: &[&str] = &["valueFrom", "value_from", "secret"];
    run.value().is_some_and(|value| {
        let text = value.text();
        let uses = |expr: Expr<'_>| match expr.kind() {
            ExprKind::Traversal(traversal) => run.value_name() == Some(traversal.root()),
            _ => false,
        };
        !REFERS.iter().any(|word| text.contains(word)) && value.walk().any(uses)
    })
}

/// The variables of a template that is rendered here (`templatefile`, `data.template_file.x.rendered`) and
/// that its text puts where `shows` says so of a line; all of them when the text is not in the tree.
pub(crate) fn by_template<'r, 'a>(
    cx: &Cx<'r, 'a>,
    position: &Position<'r, 'a>,
    shows: fn(&str) -> bool,
) -> Vec<Brought<'r, 'a>> {
    let expr = peel(position.expr);
    let (block, template, vars) = match expr.kind() {
        ExprKind::Call(call) if call.name() == "templatefile" => {
            let mut arguments = call.args();
            let (Some(path), Some(vars)) = (arguments.next(), arguments.next()) else {
                return Vec::new();
            };
            (position.block, read(cx, position.block.file, path), vars)
        }
        ExprKind::Traversal(traversal) => {
            let Some(block) = template_file(cx, &Reference::of(traversal)) else {
                return Vec::new();
            };
            let Some(vars) = block.value("vars") else {
                return Vec::new();
            };
            let template = block.value("template").and_then(|template| {
                let template = peel(template);
                match template.kind() {
                    ExprKind::Call(call) if call.name() == "file" => {
                        read(cx, block.file, call.args().next()?)
                    }
                    _ => Some(template.text()),
                }
            });
            (block, template, vars)
        }
        _ => return Vec::new(),
    };
    let shown = |name: &str| {
        template.is_none_or(|text| {
            text.match_indices(name).any(|(at, _)| {
                let before = line_before(text, at);
                let open = before.ends_with("${") || before.contains("${") && before.contains('(');
                open && shows(before)
            })
        })
    };
    members(vars)
        .filter(|member| shown(&member.name))
        .map(|member| Brought {
            name: member.name,
            value: member.value,
            block,
            by: member.value,
        })
        .collect()
}

fn read<'a>(cx: &Cx<'_, 'a>, from: &SourceFile, path: Expr<'a>) -> Option<&'a str> {
    let file = cx.workspace.file_at(&referred_path(from, path)?)?;
    Some(file.text())
}

fn template_file<'r, 'a>(cx: &Cx<'r, 'a>, reference: &Reference<'a>) -> Option<&'r Block<'a>> {
    let Subject::Object {
        mode: Mode::Data,
        kind,
        name,
    } = &reference.subject
    else {
        return None;
    };
    (kind == "template_file" && reference.attribute() == Some("rendered"))
        .then(|| cx.module.object(Mode::Data, kind, name))?
}
