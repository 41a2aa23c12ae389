//! Who refers to what inside one module: an index over every reference, made once, when somebody asks.

use std::borrow::Cow;
use std::sync::Arc;

use hcl_syntax::{Body, Expr, ExprKind, Item};
use rustc_hash::FxHashMap;

use crate::facts::block::{Attribute, Content, objects};
use crate::facts::module::{BlockId, Module};
use crate::facts::reference::{Reference, Subject};

/// Deeper nesting is not looked into.
const MAX_DEPTH: usize = 200;

/// One reference and where it stands.
#[derive(Clone, Debug)]
pub struct Use<'a> {
    /// The top-level block it stands in.
    pub block: BlockId,
    /// Names of nested blocks, outermost first, then the attribute's.
    pub path: Arc<[Cow<'a, str>]>,
    /// The attribute whose value refers.
    pub attribute: Attribute<'a>,
    /// The reference as written.
    pub expr: Expr<'a>,
    /// What it means.
    pub reference: Reference<'a>,
}

impl Use<'_> {
    /// Names from the block to the attribute.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> + Clone {
        self.path.iter().map(|name| &**name)
    }
}

/// Every reference of a module's configuration, by what it starts at.
#[derive(Debug, Default)]
pub struct Uses<'a> {
    all: Vec<Use<'a>>,
    by_subject: FxHashMap<Subject<'a>, Vec<u32>>,
}

impl<'a> Uses<'a> {
    /// The references that start at `subject`, in source order.
    pub fn of<'s>(
        &'s self,
        subject: &Subject<'a>,
    ) -> impl Iterator<Item = &'s Use<'a>> + use<'s, 'a> {
        let found = self.by_subject.get(subject).into_iter().flatten();
        found.map(|&index| &self.all[index as usize])
    }

    pub(crate) fn build(module: &Module<'a>) -> Self {
        let mut uses = Self::default();
        for (index, block) in module.blocks.iter().enumerate() {
            if block.file.kind.is_record() {
                continue;
            }
            let mut walk = Walk {
                block: BlockId(index as u32),
                uses: &mut uses,
                path: Vec::new(),
            };
            match block.content {
                Content::Native(body) => walk.body(body, 0),
                Content::Json(_) => walk.members(block.content, 0),
            }
        }
        uses
    }

    fn add(&mut self, found: Use<'a>) {
        let index = self.all.len() as u32;
        self.by_subject
            .entry(found.reference.subject.clone())
            .or_default()
            .push(index);
        self.all.push(found);
    }
}

struct Walk<'w, 'a> {
    block: BlockId,
    uses: &'w mut Uses<'a>,
    path: Vec<Cow<'a, str>>,
}

impl<'a> Walk<'_, 'a> {
    fn body(&mut self, body: Body<'a>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for item in body.items() {
            match item {
                Item::Attribute(attribute) => self.attribute(&attribute.into()),
                Item::Block(block) => {
                    let before = self.path.len();
                    // `dynamic "x" { content {` is the block `x`, as everywhere in the facts.
                    match block.kind() {
                        "dynamic" => self.path.extend(block.label(0).map(|label| label.text)),
                        "content" => {}
                        kind => self.path.push(Cow::Borrowed(kind)),
                    }
                    self.body(block.body(), depth + 1);
                    self.path.truncate(before);
                }
            }
        }
    }

    /// JSON syntax does not tell blocks from objects: every member with objects inside counts as one.
    fn members(&mut self, content: Content<'a>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for attribute in content.attributes() {
            let mut inner = objects(attribute.value).peekable();
            if inner.peek().is_none() {
                self.attribute(&attribute);
                continue;
            }
            self.path.push(attribute.name.clone());
            for object in inner {
                self.members(Content::Json(object), depth + 1);
            }
            self.path.pop();
        }
    }

    fn attribute(&mut self, attribute: &Attribute<'a>) {
        let mut path: Option<Arc<[Cow<'a, str>]>> = None;
        for expr in attribute.value.walk() {
            let ExprKind::Traversal(traversal) = expr.kind() else {
                continue;
            };
            let reference = Reference::of(traversal);
            // Keys of objects look like references, too.
            if matches!(reference.subject, Subject::Other(_)) {
                continue;
            }
            let path = path.get_or_insert_with(|| {
                let names = self.path.iter().cloned();
                names.chain([attribute.name.clone()]).collect()
            });
            self.uses.add(Use {
                block: self.block,
                path: path.clone(),
                attribute: attribute.clone(),
                expr,
                reference,
            });
        }
    }
}
