//! Where a value comes from: literals and sources behind an expression, with the way they took.
//!
//! [`trace`] follows locals, variables (default, variable files, values that local callers give),
//! outputs of local modules, arguments of objects, conditionals, templates and the functions that
//! hand their arguments on. It is a breadth-first search over symbols: each symbol is looked at
//! once per query, within fixed bounds, so cycles end, nothing recurses across symbols, and the
//! answer depends on the configuration alone.

mod follow;

use std::borrow::Cow;

use hcl_syntax::{Call as CallExpr, Expr, ExprKind, For, Part, Template, Traversal};

use crate::facts::block::{Block, key_text, peel};
use crate::facts::constant::constant_text;
use crate::facts::file::SourceFile;
use crate::facts::functions::{Passes, passes};
use crate::facts::module::{Module, ModuleId};
use crate::facts::reference::{Reference, Step, Subject};
use crate::facts::referred::{referred_path, template_words};
use crate::facts::workspace::Workspace;
use crate::finding::Place;

/// Symbols followed per query.
const MAX_SYMBOLS: usize = 96;
/// Values followed per query: a symbol has many when its module has many callers.
const MAX_TASKS: usize = 256;
/// Expressions looked at per query.
const MAX_EXPRESSIONS: usize = 4096;
/// Literals and sources kept per query.
const MAX_RESULTS: usize = 64;
/// Nesting inside one expression.
const MAX_DEPTH: usize = 100;

/// What is behind an expression.
#[derive(Clone, Debug, Default)]
pub struct Trace<'a> {
    /// Constants that can become the value, or a part of it.
    pub literals: Vec<Origin<'a>>,
    /// What the value is read from where the configuration does not say it.
    pub sources: Vec<Source<'a>>,
    /// Every local, variable, input and output the search went through.
    pub passed: Vec<Passed<'a>>,
    /// False when a bound was reached or something could not be followed, so more may exist.
    pub complete: bool,
}

/// A constant behind an expression.
#[derive(Clone, Debug)]
pub struct Origin<'a> {
    /// Its text, decoded.
    pub text: Cow<'a, str>,
    /// The literal.
    pub expr: Expr<'a>,
    /// Where it stands.
    pub place: Place,
    /// True when the value is this constant (possibly as one of several); false when the constant
    /// is a part of it, through a template or a function such as `format` or `jsonencode`.
    pub whole: bool,
    /// From the expression asked about to the literal.
    pub way: Vec<Hop<'a>>,
}

/// Something outside the text that a value is read from.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// What is referred to, down to the part of it that was asked for.
    pub reference: Reference<'a>,
    /// The module in which the reference stands.
    pub module: ModuleId,
    /// Where it stands.
    pub place: Place,
    /// See [`Origin::whole`].
    pub whole: bool,
    /// From the expression asked about to the reference.
    pub way: Vec<Hop<'a>>,
}

/// One step of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop<'a> {
    /// Where the next expression stands.
    pub place: Place,
    /// How the search got there.
    pub kind: HopKind,
    /// Name of the local, variable, input, output or argument.
    pub name: Cow<'a, str>,
}

/// How a search went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HopKind {
    /// To a local's value.
    Local,
    /// To a variable's default.
    Default,
    /// To a value in a variable file.
    Assignment,
    /// To the value a caller gives.
    Input,
    /// To an output of a called module.
    Output,
    /// To an argument of a resource, data source or ephemeral resource.
    Argument,
    /// To the collection a block or `for` expression runs over.
    Collection,
}

/// A symbol a search went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed<'a> {
    /// The module it belongs to.
    pub module: ModuleId,
    /// What it is.
    pub symbol: Subject<'a>,
}

/// An expression and the names that are valid there.
#[derive(Clone, Copy)]
struct Scope<'r, 'a> {
    module: &'r Module<'a>,
    file: &'a SourceFile,
    /// For `each.value` and `self`.
    block: Option<&'r Block<'a>>,
    parent: Option<usize>,
    whole: bool,
}

struct Task<'r, 'a> {
    scope: Scope<'r, 'a>,
    expr: Expr<'a>,
    path: Vec<Step<'a>>,
}

/// Where a search goes on.
struct Next<'r, 'a> {
    module: &'r Module<'a>,
    block: &'r Block<'a>,
    kind: HopKind,
    name: Cow<'a, str>,
}

struct Search<'r, 'a> {
    workspace: &'r Workspace<'a>,
    trace: Trace<'a>,
    queue: Vec<Task<'r, 'a>>,
    hops: Vec<(Hop<'a>, Option<usize>)>,
    /// What it went through; see also the sources.
    seen: Vec<(ModuleId, Reference<'a>)>,
    expressions: usize,
    /// `for` variables and their collections, innermost last.
    bindings: Vec<(&'a str, Expr<'a>)>,
}

/// What is behind `expr`, which stands in `block` of `module`.
#[must_use]
pub fn trace<'a>(
    workspace: &Workspace<'a>,
    module: &Module<'a>,
    block: &Block<'a>,
    expr: Expr<'a>,
) -> Trace<'a> {
    let mut search = Search {
        workspace,
        trace: Trace {
            complete: true,
            ..Trace::default()
        },
        queue: Vec::new(),
        hops: Vec::new(),
        seen: Vec::new(),
        expressions: 0,
        bindings: Vec::new(),
    };
    let scope = Scope {
        module,
        file: block.file,
        block: Some(block),
        parent: None,
        whole: true,
    };
    search.walk(scope, expr, &[], 0);
    let mut next = 0;
    while next < search.queue.len() {
        let Task { scope, expr, path } = &mut search.queue[next];
        let (scope, expr, path) = (*scope, *expr, std::mem::take(path));
        search.walk(scope, expr, &path, 0);
        next += 1;
    }
    search.trace
}

impl<'r, 'a> Search<'r, 'a> {
    fn walk(&mut self, scope: Scope<'r, 'a>, expr: Expr<'a>, path: &[Step<'a>], depth: usize) {
        self.expressions += 1;
        if depth > MAX_DEPTH || self.expressions > MAX_EXPRESSIONS {
            self.trace.complete = false;
            return;
        }
        let expr = peel(expr);
        match expr.kind() {
            ExprKind::Null | ExprKind::Missing => {}
            ExprKind::Number(_) | ExprKind::Bool(_) => self.literal(scope, expr, path),
            ExprKind::Template(template) => self.template(scope, expr, template, path, depth),
            ExprKind::Traversal(traversal) => {
                if !self.element(scope, traversal, path, depth) {
                    self.follow(scope, expr, Reference::of(traversal), path);
                }
            }
            ExprKind::Tuple(items) => {
                let (wanted, rest) = split(path);
                for (index, item) in items.elements().enumerate() {
                    match wanted {
                        Some(Step::Index(n)) if *n != index as u64 => {}
                        // A list has no names: it is one that `flatten` takes away.
                        Some(Step::Key(_)) => self.walk(scope, item, path, depth + 1),
                        _ => self.walk(scope, item, rest, depth + 1),
                    }
                }
            }
            ExprKind::Object(members) => {
                let (wanted, rest) = split(path);
                for (key, value) in members.items() {
                    self.expressions += 1;
                    match wanted {
                        Some(Step::Key(name)) if key_text(key).is_some_and(|key| key != *name) => {}
                        Some(Step::Index(_)) => {}
                        _ => self.walk(scope, value, rest, depth + 1),
                    }
                }
            }
            ExprKind::Conditional(conditional) => {
                self.walk(scope, conditional.true_value(), path, depth + 1);
                self.walk(scope, conditional.false_value(), path, depth + 1);
            }
            ExprKind::Call(call) => self.call(scope, call, path, depth),
            ExprKind::Index(index) => {
                let mut longer: Vec<Step<'a>> = index.steps().map(Step::of).collect();
                longer.extend_from_slice(path);
                self.walk(scope, index.base(), &longer, depth + 1);
            }
            ExprKind::For(for_expr) => self.comprehension(scope, for_expr, path, depth),
            _ => self.trace.complete = false,
        }
    }

    /// The value of each element, in which the `for` variable stands for an element.
    fn comprehension(
        &mut self,
        scope: Scope<'r, 'a>,
        for_expr: For<'a>,
        path: &[Step<'a>],
        depth: usize,
    ) {
        let Some(value) = for_expr.value() else {
            return;
        };
        let binding = for_expr.value_name().zip(for_expr.collection());
        self.bindings.extend(binding);
        // Keys are computed, so a wanted one may be any of them. A list has none: see above.
        let rest = match split(path) {
            (Some(Step::Key(_)), _) if !for_expr.makes_object() => path,
            (_, rest) => rest,
        };
        self.walk(scope, value, rest, depth + 1);
        if binding.is_some() {
            self.bindings.pop();
        }
    }

    /// A `for` variable: an element of its collection, in which the variable is not known yet.
    fn element(
        &mut self,
        scope: Scope<'r, 'a>,
        traversal: Traversal<'a>,
        path: &[Step<'a>],
        depth: usize,
    ) -> bool {
        let root = traversal.root();
        let Some(index) = self.bindings.iter().rposition(|(name, _)| *name == root) else {
            return false;
        };
        let inner = self.bindings.split_off(index);
        let mut steps = vec![Step::Any];
        steps.extend(traversal.steps().map(Step::of));
        steps.extend_from_slice(path);
        self.walk(scope, inner[0].1, &steps, depth + 1);
        self.bindings.extend(inner);
        true
    }

    fn literal(&mut self, scope: Scope<'r, 'a>, expr: Expr<'a>, path: &[Step<'a>]) {
        if path.iter().all(|step| *step == Step::Any)
            && let Some(text) = constant_text(expr)
        {
            self.origin(scope, expr, text, scope.file.place(expr.span()));
        }
    }

    fn origin(&mut self, scope: Scope<'r, 'a>, expr: Expr<'a>, text: Cow<'a, str>, place: Place) {
        if self.trace.literals.len() >= MAX_RESULTS {
            self.trace.complete = false;
            return;
        }
        let way = self.way(scope.parent);
        self.trace.literals.push(Origin {
            text,
            expr,
            place,
            whole: scope.whole,
            way,
        });
    }

    fn template(
        &mut self,
        scope: Scope<'r, 'a>,
        expr: Expr<'a>,
        template: Template<'a>,
        path: &[Step<'a>],
        depth: usize,
    ) {
        if template.is_literal() {
            return self.literal(scope, expr, path);
        }
        let parts = template.parts();
        let whole = scope.whole && parts.len() == 1;
        let scope = Scope { whole, ..scope };
        for part in parts {
            match part {
                Part::Literal(literal) if !literal.raw().trim().is_empty() => {
                    self.origin(
                        scope,
                        expr,
                        literal.value(),
                        scope.file.place(literal.span()),
                    );
                }
                Part::Interpolation(inner) => {
                    self.walk(scope, inner, if whole { path } else { &[] }, depth + 1);
                }
                _ => {}
            }
        }
    }

    fn call(&mut self, scope: Scope<'r, 'a>, call: CallExpr<'a>, path: &[Step<'a>], depth: usize) {
        let name = call.name();
        if matches!(name, "jsondecode" | "yamldecode") {
            // What is taken out of the document is named by the path: `jsondecode(x).username`.
            let scope = Scope {
                whole: false,
                ..scope
            };
            if let Some(document) = call.args().next() {
                self.walk(scope, document, path, depth + 1);
            }
            return;
        }
        if name == "templatefile" {
            return self.template_file(scope, call, depth);
        }
        if name == "lookup" {
            return self.lookup(scope, call, path, depth);
        }
        if name == "read_terragrunt_config" {
            let found = call
                .args()
                .next()
                .is_some_and(|file| self.terragrunt(scope, file, path));
            self.trace.complete &= found;
            return;
        }
        match passes(name) {
            Passes::Nothing => self.trace.complete = false,
            Passes::Whole(range) => {
                for argument in call.args().skip(range.start).take(range.len()) {
                    self.walk(scope, argument, path, depth + 1);
                }
            }
            // The argument is the collection itself, or one more level around the value.
            Passes::Elements(range) => {
                for argument in call.args().skip(range.start).take(range.len()) {
                    let mut longer = vec![Step::Any];
                    longer.extend_from_slice(path);
                    self.walk(scope, argument, &longer, depth + 1);
                }
            }
            Passes::Part(range) => {
                let scope = Scope {
                    whole: false,
                    ..scope
                };
                // A document that is decoded around it: `jsondecode(base64decode(x)).client_email`.
                let path = if name == "base64decode" { path } else { &[] };
                for argument in call.args().skip(range.start).take(range.len()) {
                    self.walk(scope, argument, path, depth + 1);
                }
            }
        }
    }

    /// The variables that the template uses, when it is in the tree; else all that it is given.
    fn template_file(&mut self, scope: Scope<'r, 'a>, call: CallExpr<'a>, depth: usize) {
        let mut arguments = call.args();
        let (Some(path), Some(given)) = (arguments.next(), arguments.next()) else {
            return;
        };
        let scope = Scope {
            whole: false,
            ..scope
        };
        let file = referred_path(scope.file, path).and_then(|path| self.workspace.file_at(&path));
        let ExprKind::Object(members) = peel(given).kind() else {
            return self.walk(scope, given, &[], depth + 1);
        };
        let words = file.map(|file| template_words(file.text()));
        for (key, value) in members.items() {
            self.expressions += 1;
            let key = key_text(key);
            let used = words
                .as_ref()
                .is_none_or(|words| key.is_none_or(|key| words.contains(&*key)));
            if used {
                self.walk(scope, value, &[], depth + 1);
            }
        }
    }

    fn lookup(
        &mut self,
        scope: Scope<'r, 'a>,
        call: CallExpr<'a>,
        path: &[Step<'a>],
        depth: usize,
    ) {
        let mut arguments = call.args();
        let (Some(map), key) = (arguments.next(), arguments.next()) else {
            return;
        };
        let mut longer = vec![key.and_then(constant_text).map_or(Step::Any, Step::Key)];
        longer.extend_from_slice(path);
        self.walk(scope, map, &longer, depth + 1);
        if let Some(default) = arguments.next() {
            self.walk(scope, default, path, depth + 1);
        }
    }
}

/// The next step, if any, and the rest.
fn split<'p, 'a>(path: &'p [Step<'a>]) -> (Option<&'p Step<'a>>, &'p [Step<'a>]) {
    match path.split_first() {
        Some((first, rest)) => (Some(first), rest),
        None => (None, path),
    }
}
