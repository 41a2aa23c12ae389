//! Visiting every attribute of a value together with its schema.

use super::{Attribute, AttributeKind, Block, Nesting};
use crate::path::{Path, Step};
use crate::value::{Object, Value};

/// Calls `visit` for every attribute of `value`, outer before inner, with its path. Elements of sets get
/// the path of their set.
pub(crate) fn visit_attributes(
    block: &Block,
    value: &mut Value,
    visit: &mut dyn FnMut(&Path, &Attribute, &mut Value),
) {
    Walk {
        path: Path::root(),
        visit,
    }
    .block(block, value);
}

struct Walk<'v> {
    path: Path,
    visit: &'v mut dyn FnMut(&Path, &Attribute, &mut Value),
}

impl Walk<'_> {
    fn block(&mut self, block: &Block, value: &mut Value) {
        let Value::Object(object) = value else { return };
        self.attributes(&block.attributes, object);
        for nested in &block.blocks {
            let Some(inner) = object.get_mut(&nested.name) else {
                continue;
            };
            self.within(Step::Attribute(nested.name.clone()), |walk| {
                walk.each(nested.nesting, inner, &mut |walk, item| {
                    walk.block(&nested.block, item);
                });
            });
        }
    }

    fn attributes(&mut self, attributes: &[Attribute], object: &mut Object) {
        for attribute in attributes {
            let Some(value) = object.get_mut(&attribute.name) else {
                continue;
            };
            self.within(Step::Attribute(attribute.name.clone()), |walk| {
                (walk.visit)(&walk.path, attribute, value);
                let AttributeKind::Nested {
                    nesting,
                    attributes,
                } = &attribute.kind
                else {
                    return;
                };
                walk.each(*nesting, value, &mut |walk, item| {
                    if let Value::Object(object) = item {
                        walk.attributes(attributes, object);
                    }
                });
            });
        }
    }

    fn each(
        &mut self,
        nesting: Nesting,
        value: &mut Value,
        visit: &mut dyn FnMut(&mut Self, &mut Value),
    ) {
        match (nesting, value) {
            (Nesting::Single | Nesting::Group, value) => visit(self, value),
            (Nesting::Set, Value::Set(items)) => {
                items.iter_mut().for_each(|item| visit(self, item));
            }
            (Nesting::List, Value::List(items)) => {
                for (position, item) in items.iter_mut().enumerate() {
                    let index = Step::Index(i64::try_from(position).unwrap_or(i64::MAX));
                    self.within(index, |walk| visit(walk, item));
                }
            }
            (Nesting::Map, Value::Map(items)) => {
                for (key, item) in items {
                    self.within(Step::Key(key.clone()), |walk| visit(walk, item));
                }
            }
            _ => {}
        }
    }

    fn within(&mut self, step: Step, visit: impl FnOnce(&mut Self)) {
        self.path.push(step);
        visit(self);
        self.path.pop();
    }
}
