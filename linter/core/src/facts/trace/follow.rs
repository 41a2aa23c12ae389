//! From a reference to the values behind it: the steps between symbols.

use std::borrow::Cow;

use hcl_syntax::{Body, Expr, Span};

use super::{
    Hop, HopKind, MAX_RESULTS, MAX_SYMBOLS, MAX_TASKS, Next, Passed, Scope, Search, Source, Task,
};
use crate::facts::block::{Block, Content, Role, members};
use crate::facts::constant::constant_string;
use crate::facts::file::SourceFile;
use crate::facts::module::{Call, Module};
use crate::facts::reference::{Reference, Step, Subject};
use crate::facts::terragrunt::named_file;
use crate::facts::workspace::resolve;

impl<'r, 'a> Search<'r, 'a> {
    pub(super) fn follow(
        &mut self,
        scope: Scope<'r, 'a>,
        expr: Expr<'a>,
        mut reference: Reference<'a>,
        outer: &[Step<'a>],
    ) {
        let module = scope.module;
        // What is taken out of the referred value on the way belongs to the reference:
        // `local.db.arn` with `local.db = module.db.secret` is `module.db.secret.arn`.
        reference.path.extend_from_slice(outer);
        if self.is_seen(module, &reference) {
            return;
        }
        if self.seen.len() + self.trace.sources.len() >= MAX_SYMBOLS {
            self.trace.complete = false;
            return;
        }
        let steps = &reference.path[..];
        let found = match &reference.subject {
            Subject::Variable(name) => self.variable(scope, name, steps),
            Subject::Local(name) => match module.local(name, scope.file) {
                Some(local) => {
                    let next = Next {
                        module,
                        block: module.block(local.block),
                        kind: HopKind::Local,
                        name: name.clone(),
                    };
                    self.enqueue(scope, next, local.value, steps.to_vec());
                    true
                }
                None => false,
            },
            Subject::Module(name) => self.output(scope, name, steps),
            Subject::Other(word) if word == "each" => self.each(scope, steps),
            Subject::Other(word) if word == "include" => self.include(scope, steps),
            Subject::Other(word) => self.iterator(scope, expr, word, steps),
            Subject::Object { mode, kind, name } => {
                if let Some(block) = module.object(*mode, kind, name) {
                    self.argument(scope, block, steps);
                }
                // An object is a source even when the argument is given: the value is stored there.
                false
            }
            Subject::Dependency(name) => self.dependency(scope, name, steps),
        };
        if found {
            self.trace.passed.push(Passed {
                module: module.id,
                symbol: reference.subject.clone(),
            });
            self.seen.push((module.id, reference));
        } else {
            self.source(scope, expr, reference);
        }
    }

    /// Sources are seen as well as what was gone through.
    fn is_seen(&self, module: &Module<'a>, reference: &Reference<'a>) -> bool {
        let sources = self.trace.sources.iter();
        let mut seen = sources
            .map(|source| (source.module, &source.reference))
            .chain(self.seen.iter().map(|(module, seen)| (*module, seen)));
        seen.any(|seen| seen == (module.id, reference))
    }

    fn source(&mut self, scope: Scope<'r, 'a>, expr: Expr<'a>, reference: Reference<'a>) {
        if self.trace.sources.len() >= MAX_RESULTS {
            self.trace.complete = false;
            self.seen.push((scope.module.id, reference));
            return;
        }
        let (way, place) = (self.way(scope.parent), scope.file.place(expr.span()));
        self.trace.sources.push(Source {
            reference,
            module: scope.module.id,
            place,
            whole: scope.whole,
            way,
        });
    }

    fn variable(&mut self, scope: Scope<'r, 'a>, name: &str, steps: &[Step<'a>]) -> bool {
        let (module, workspace) = (scope.module, self.workspace);
        let before = self.queue.len();
        if let Some(variable) = module.variable(name)
            && let Some(default) = variable.default
        {
            let next = Next {
                module,
                block: module.block(variable.block),
                kind: HopKind::Default,
                name: variable.name.clone(),
            };
            self.enqueue(scope, next, default, steps.to_vec());
        }
        for (from, assignment) in workspace.assignments_to(module, name) {
            let next = Next {
                module: from,
                block: from.block(assignment.block),
                kind: HopKind::Assignment,
                name: assignment.attribute.name.clone(),
            };
            self.enqueue(scope, next, assignment.attribute.value, steps.to_vec());
        }
        for (caller, call) in workspace.callers_of(module.id).take(MAX_TASKS) {
            if let Some(input) = call.inputs.iter().find(|input| input.name == name) {
                let next = Next {
                    module: caller,
                    block: caller.block(call.block),
                    kind: HopKind::Input,
                    name: input.name.clone(),
                };
                self.enqueue(scope, next, input.value, steps.to_vec());
            } else if call.name.is_empty() {
                self.included_inputs(scope, caller, (call, name), steps);
            }
        }
        self.queue.len() > before
    }

    fn output(&mut self, scope: Scope<'r, 'a>, name: &str, steps: &[Step<'a>]) -> bool {
        let Some(target) = scope.module.call(name).and_then(|call| call.target) else {
            return false;
        };
        let module = self.workspace.module(target);
        let Some((name, rest)) = first_key(steps) else {
            return false;
        };
        let Some(output) = module.output(name) else {
            return false;
        };
        let Some(value) = output.value else {
            return false;
        };
        let next = Next {
            module,
            block: module.block(output.block),
            kind: HopKind::Output,
            name: name.clone(),
        };
        self.enqueue(scope, next, value, rest.to_vec());
        true
    }

    fn each(&mut self, scope: Scope<'r, 'a>, steps: &[Step<'a>]) -> bool {
        let Some(block) = scope.block else {
            return false;
        };
        let Some((Step::Key(word), rest)) = steps.split_first() else {
            return false;
        };
        let Some(collection) = (word == "value").then(|| block.value("for_each")).flatten() else {
            return false;
        };
        let mut path = vec![Step::Any];
        path.extend_from_slice(rest);
        let next = Next {
            module: scope.module,
            block,
            kind: HopKind::Collection,
            name: Cow::Borrowed("for_each"),
        };
        self.enqueue(scope, next, collection, path);
        true
    }

    /// `setting.value.password` inside `dynamic "setting"`: an element of what the block runs over.
    fn iterator(
        &mut self,
        scope: Scope<'r, 'a>,
        expr: Expr<'a>,
        word: &str,
        steps: &[Step<'a>],
    ) -> bool {
        let (Some(block), [Step::Key(part), rest @ ..]) = (scope.block, steps) else {
            return false;
        };
        let Content::Native(body) = block.content else {
            return false;
        };
        let Some(collection) = (part == "value")
            .then(|| dynamic_collection(body, expr.span(), word))
            .flatten()
        else {
            return false;
        };
        let mut path = vec![Step::Any];
        path.extend_from_slice(rest);
        let next = Next {
            module: scope.module,
            block,
            kind: HopKind::Collection,
            name: Cow::Borrowed("for_each"),
        };
        self.enqueue(scope, next, collection, path);
        true
    }

    /// Terragrunt's `dependency.db.outputs.password`: the output of the module that the file in
    /// `config_path` calls.
    fn dependency(&mut self, scope: Scope<'r, 'a>, name: &str, steps: &[Step<'a>]) -> bool {
        let [Step::Key(outputs), Step::Key(output), rest @ ..] = steps else {
            return false;
        };
        let own = scope.module.blocks_of(Role::Other);
        let mut own = own.filter(|block| block.file.id == scope.file.id);
        let named = own.find(|block| block.keyword == "dependency" && block.name() == name);
        let path = named
            .and_then(|block| block.value("config_path"))
            .and_then(constant_string);
        let folder = path.and_then(|path| resolve(scope.file.folder(), &format!("./{path}")));
        let called = folder.and_then(|folder| {
            let module = self.workspace.module_at(&folder)?;
            module.calls.iter().find_map(|call| call.target)
        });
        let Some(module) = called.filter(|_| outputs == "outputs") else {
            return false;
        };
        let module = self.workspace.module(module);
        let found = module
            .output(output)
            .and_then(|output| Some((output, output.value?)));
        let Some((found, value)) = found else {
            return false;
        };
        let next = Next {
            module,
            block: module.block(found.block),
            kind: HopKind::Output,
            name: output.clone(),
        };
        self.enqueue(scope, next, value, rest.to_vec());
        true
    }

    /// `include.root.locals.x`: the file that the block `include "root"` names.
    fn include(&mut self, scope: Scope<'r, 'a>, steps: &[Step<'a>]) -> bool {
        let Some((Step::Key(name), rest)) = steps.split_first() else {
            return false;
        };
        let own = scope.module.blocks_of(Role::Other);
        let mut own = own.filter(|block| block.file.id == scope.file.id);
        let named = own.find(|block| block.keyword == "include" && block.name() == name);
        let path = named.and_then(|block| block.value("path"));
        path.is_some_and(|path| self.terragrunt(scope, path, rest))
    }

    /// `locals.x` or `inputs.x` of the terragrunt file that an expression names.
    pub(super) fn terragrunt(
        &mut self,
        scope: Scope<'r, 'a>,
        file: Expr<'a>,
        steps: &[Step<'a>],
    ) -> bool {
        let Some((module, file)) = named_file(self.workspace, scope.file, file) else {
            return false;
        };
        // `merge(include.root.inputs, { … })` hands on all of them.
        if let [Step::Key(list)] = steps
            && list == "inputs"
        {
            return self.whole_inputs(scope, module, file);
        }
        let [Step::Key(list), Step::Key(name), rest @ ..] = steps else {
            return false;
        };
        let own = module.blocks_of(Role::File);
        let mut own = own.filter(|block| block.file.id == file.id);
        let (block, value, rest) = match &**list {
            "locals" => match module.local(name, file) {
                Some(local) => (module.block(local.block), local.value, rest),
                None => return false,
            },
            "inputs" => match own
                .next()
                .and_then(|block| Some((block, block.value("inputs")?)))
            {
                Some((block, inputs)) => (block, inputs, &steps[1..]),
                None => return false,
            },
            _ => return false,
        };
        let next = Next {
            module,
            block,
            kind: HopKind::Local,
            name: name.clone(),
        };
        self.enqueue(scope, next, value, rest.to_vec());
        true
    }

    fn whole_inputs(
        &mut self,
        scope: Scope<'r, 'a>,
        module: &'r Module<'a>,
        file: &SourceFile,
    ) -> bool {
        let own = module.blocks_of(Role::File);
        let mut own = own.filter(|block| block.file.id == file.id);
        let Some((block, inputs)) = own
            .next()
            .and_then(|block| Some((block, block.value("inputs")?)))
        else {
            return false;
        };
        let next = Next {
            module,
            block,
            kind: HopKind::Input,
            name: Cow::Borrowed("inputs"),
        };
        self.enqueue(scope, next, inputs, Vec::new());
        true
    }

    /// What the files that a terragrunt file includes give to a variable.
    fn included_inputs(
        &mut self,
        scope: Scope<'r, 'a>,
        caller: &'r Module<'a>,
        (call, name): (&'r Call<'a>, &str),
        steps: &[Step<'a>],
    ) {
        let file = caller.block(call.block).file;
        let includes = caller
            .blocks_of(Role::Other)
            .filter(|block| block.keyword == "include" && block.file.id == file.id);
        for path in includes.filter_map(|include| include.value("path")) {
            let Some((module, file)) = named_file(self.workspace, file, path) else {
                continue;
            };
            let own = module.blocks_of(Role::File);
            let mut own = own.filter(|block| block.file.id == file.id);
            let found = own.next().and_then(|block| {
                let inputs = block.value("inputs")?;
                let input = members(inputs).find(|member| member.name == name)?;
                Some((block, input))
            });
            if let Some((block, input)) = found {
                let next = Next {
                    module,
                    block,
                    kind: HopKind::Input,
                    name: input.name.clone(),
                };
                self.enqueue(scope, next, input.value, steps.to_vec());
            }
        }
    }

    fn argument(&mut self, scope: Scope<'r, 'a>, block: &'r Block<'a>, steps: &[Step<'a>]) {
        let Some((name, rest)) = first_key(steps) else {
            return;
        };
        if let Some(value) = block.value(name) {
            let next = Next {
                module: scope.module,
                block,
                kind: HopKind::Argument,
                name: name.clone(),
            };
            self.enqueue(scope, next, value, rest.to_vec());
        }
    }

    fn enqueue(
        &mut self,
        from: Scope<'r, 'a>,
        next: Next<'r, 'a>,
        expr: Expr<'a>,
        path: Vec<Step<'a>>,
    ) {
        if self.queue.len() >= MAX_TASKS {
            self.trace.complete = false;
            return;
        }
        let file = next.block.file;
        let hop = Hop {
            place: file.place(expr.span()),
            kind: next.kind,
            name: next.name,
        };
        self.hops.push((hop, from.parent));
        let scope = Scope {
            module: next.module,
            file,
            block: Some(next.block),
            parent: Some(self.hops.len() - 1),
            whole: from.whole,
        };
        self.queue.push(Task { scope, expr, path });
    }

    pub(super) fn way(&self, at: Option<usize>) -> Vec<Hop<'a>> {
        let back = || std::iter::successors(at, |index| self.hops[*index].1);
        let mut way = Vec::with_capacity(back().count());
        way.extend(back().map(|index| self.hops[index].0.clone()));
        way.reverse();
        way
    }
}

/// What the `dynamic` block runs over whose iterator is `word` and inside which `span` stands.
fn dynamic_collection<'a>(body: Body<'a>, span: Span, word: &str) -> Option<Expr<'a>> {
    let inside = |block: &hcl_syntax::Block<'a>| {
        let own = block.span();
        own.start <= span.start && span.end <= own.end
    };
    let block = body.blocks().find(inside)?;
    // The innermost block of that name is meant.
    if let Some(inner) = dynamic_collection(block.body(), span, word) {
        return Some(inner);
    }
    let named = match block.body().attribute("iterator") {
        Some(iterator) => iterator.value().text() == word,
        None => block.label(0).is_some_and(|label| label.text == word),
    };
    (block.kind() == "dynamic" && named)
        .then(|| block.body().attribute("for_each"))
        .flatten()
        .map(hcl_syntax::Attribute::value)
}

/// The first key of a path and what follows it; skips the index of counted objects:
/// `module.db[0].password`.
fn first_key<'p, 'a>(path: &'p [Step<'a>]) -> Option<(&'p Cow<'a, str>, &'p [Step<'a>])> {
    path.iter()
        .enumerate()
        .find_map(|(index, step)| match step {
            Step::Key(key) => Some((key, &path[index + 1..])),
            Step::Index(_) | Step::Any => None,
        })
}
