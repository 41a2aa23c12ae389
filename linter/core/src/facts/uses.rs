//! Who refers to what inside one module.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use hcl_syntax::{Body, Expr, ExprKind, Item, Span};
use rustc_hash::FxHashMap;

use crate::facts::block::{Attribute, Block, Content, objects};
use crate::facts::module::{BlockId, Module};
use crate::facts::places::Places;
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

/// Who asks often gets an index; before that, a search for the name is quicker.
const FEW: u32 = 64;

/// The references of a module's configuration.
#[derive(Debug, Default)]
pub(crate) struct Uses<'a> {
    asked: AtomicU32,
    index: OnceLock<Index<'a>>,
}

impl<'a> Uses<'a> {
    /// Those that start at `subject`, in source order. `module` is the one that has these uses.
    pub(crate) fn of(&self, module: &Module<'a>, subject: &Subject<'a>) -> Vec<Use<'a>> {
        if self.asked.fetch_add(1, Ordering::Relaxed) < FEW {
            return search(module, subject);
        }
        let index = self.index.get_or_init(|| Index::build(module));
        let found = index.by_subject.get(subject).into_iter().flatten();
        found
            .map(|&found| index.all[found as usize].clone())
            .collect()
    }
}

/// Every reference, by what it starts at.
#[derive(Debug, Default)]
struct Index<'a> {
    all: Vec<Use<'a>>,
    by_subject: FxHashMap<Subject<'a>, Vec<u32>>,
}

impl<'a> Index<'a> {
    fn build(module: &Module<'a>) -> Self {
        let mut index = Self::default();
        for (id, block) in configured(module) {
            Walk::within(None, None, &mut |found| {
                let number = index.all.len() as u32;
                let subject = found.reference.subject.clone();
                index.by_subject.entry(subject).or_default().push(number);
                index.all.push(found);
            })
            .block(id, block);
        }
        index
    }
}

/// The references that start at `subject`: in values in which its words stand, as they are written.
fn search<'a>(module: &Module<'a>, subject: &Subject<'a>) -> Vec<Use<'a>> {
    let (first, name) = match subject {
        Subject::Variable(name) => ("var", name),
        Subject::Local(name) => ("local", name),
        Subject::Module(name) => ("module", name),
        Subject::Dependency(name) => ("dependency", name),
        Subject::Object { kind, name, .. } => (&**kind, name),
        Subject::Other(_) => return Vec::new(),
    };
    let finder = memchr::memmem::Finder::new(first);
    let mut all = Vec::new();
    let mut places = Places::default();
    let mut searched = None;
    for (id, block) in configured(module) {
        let file = block.file;
        // JSON can write a letter in many ways.
        let places = (!file.kind.is_json()).then(|| {
            if searched != Some(file.id) {
                searched = Some(file.id);
                places.search(file.text(), &finder, |rest| may_be_followed(rest, name));
            }
            &places
        });
        Walk::within(places, Some(subject), &mut |found| all.push(found)).block(id, block);
    }
    all
}

/// False where a word ends otherwise, is in quotes, or has another name behind it.
fn may_be_followed(rest: &str, name: &str) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    match rest.as_bytes() {
        [b'.', first, ..] if is_name(first) => rest[1..].starts_with(name),
        [first, ..] => !is_name(first) && *first != b'"',
        [] => false,
    }
}

fn configured<'m, 'a>(
    module: &'m Module<'a>,
) -> impl Iterator<Item = (BlockId, &'m Block<'a>)> + use<'m, 'a> {
    let blocks = (0..).map(BlockId).zip(&module.blocks);
    blocks.filter(|(_, block)| !block.file.kind.is_record())
}

struct Walk<'w, 'a> {
    block: BlockId,
    path: Vec<Cow<'a, str>>,
    /// Where something stands that must be inside of what is looked into.
    places: Option<&'w Places>,
    /// What references must start at.
    subject: Option<&'w Subject<'a>>,
    add: &'w mut dyn FnMut(Use<'a>),
}

impl<'w, 'a> Walk<'w, 'a> {
    fn within(
        places: Option<&'w Places>,
        subject: Option<&'w Subject<'a>>,
        add: &'w mut dyn FnMut(Use<'a>),
    ) -> Self {
        Self {
            block: BlockId(0),
            path: Vec::new(),
            places,
            subject,
            add,
        }
    }

    fn block(&mut self, id: BlockId, block: &Block<'a>) {
        self.block = id;
        match block.content {
            Content::Native(body) if self.looks_into(block.span) => self.body(body, 0),
            Content::Native(_) => {}
            Content::Json(_) => self.members(block.content, 0),
        }
    }

    fn looks_into(&self, span: Span) -> bool {
        self.places.is_none_or(|places| places.any_in(span))
    }

    fn body(&mut self, body: Body<'a>, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for item in body.items() {
            if !self.looks_into(item.span()) {
                continue;
            }
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
            let other = matches!(reference.subject, Subject::Other(_));
            if other
                || self
                    .subject
                    .is_some_and(|wanted| *wanted != reference.subject)
            {
                continue;
            }
            let path = path.get_or_insert_with(|| {
                let names = self.path.iter().cloned();
                names.chain([attribute.name.clone()]).collect()
            });
            (self.add)(Use {
                block: self.block,
                path: path.clone(),
                attribute: attribute.clone(),
                expr,
                reference,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{FileKind, ModuleId, SourceFile};
    use crate::finding::FileId;

    #[test]
    fn a_search_finds_what_the_index_lists() {
        let text = "resource \"a_b\" \"c\" {\n  d = a_b.c.id\n  e = [var.x, a_b.c2, \"${a_b.c[0].f}\"]\n}\n\
            resource \"a_b\" \"g\" {\n  dynamic \"h\" {\n    content { i = { j = local . k } }\n  }\n}\n\
            output \"l\" {\n  value = var[\"x\"]\n  m = data.a_b\n    .c.n\n}\n\
            locals {\n  o = \"a_b.c local.k\"\n  p = f(module.q.r, ephemeral.a_b.c)\n  s = local.k2\n}\n";
        let json = "{\"locals\": {\"t\": \"${var.\\u0078}\", \"u\": [\"${local.k}\"]}}";
        let native = SourceFile::new(FileId(0), "a.tf", FileKind::Terraform, text);
        let json = SourceFile::new(FileId(1), "b.tf.json", FileKind::TerraformJson, json);
        let module = Module::build(ModuleId(0), "", vec![&native, &json]);
        let index = Index::build(&module);
        assert_eq!(index.by_subject.len(), 8);
        for Use { reference, .. } in &index.all {
            let subject = &reference.subject;
            let listed = index.by_subject[subject].iter();
            let listed = listed.map(|&found| &index.all[found as usize]);
            let place = |found: &Use<'_>| (found.block, found.expr.span());
            let listed: Vec<_> = listed.map(place).collect();
            let found = search(&module, subject);
            assert_eq!(found.iter().map(place).collect::<Vec<_>>(), listed);
        }
    }
}
