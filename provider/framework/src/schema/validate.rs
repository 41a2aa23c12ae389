//! The rules Terraform applies to schemas, checked before it does.

use std::collections::BTreeSet;
use std::fmt;

use super::{Attribute, AttributeKind, Block, NestedBlock, Nesting, Schema};
use crate::path::Path;
use crate::types::Type;

/// Names that Terraform takes for itself in every block that has its own top level.
const RESERVED: &[&str] = &[
    "connection",
    "count",
    "depends_on",
    "for_each",
    "lifecycle",
    "locals",
    "provider",
    "provisioner",
];

/// One broken rule, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaProblem {
    /// The attribute or block.
    pub path: Path,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for SchemaProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl Schema {
    /// Every rule this schema breaks; empty when Terraform will accept it. Call it in a test.
    #[must_use]
    pub fn validate(&self) -> Vec<SchemaProblem> {
        let mut check = Check::default();
        if self.version < 0 {
            check.report("the version must not be negative");
        }
        for name in self
            .block
            .attributes
            .iter()
            .map(|attribute| &attribute.name)
        {
            check.reserved(name);
        }
        for name in self.block.blocks.iter().map(|block| &block.name) {
            check.reserved(name);
        }
        check.block(&self.block, false);
        check.problems
    }
}

#[derive(Default)]
struct Check {
    path: Path,
    problems: Vec<SchemaProblem>,
}

impl Check {
    fn block(&mut self, block: &Block, in_set: bool) {
        let mut names = BTreeSet::new();
        for attribute in &block.attributes {
            self.within(&attribute.name, |check| {
                check.name(&attribute.name, &mut names);
                check.attribute(attribute, in_set);
            });
        }
        for nested in &block.blocks {
            self.within(&nested.name, |check| {
                check.name(&nested.name, &mut names);
                check.limits(nested);
                check.block(&nested.block, in_set || nested.nesting == Nesting::Set);
            });
        }
    }

    fn attribute(&mut self, attribute: &Attribute, in_set: bool) {
        if attribute.description.trim().is_empty() {
            self.report("it has no description; write a doc comment");
        }
        if attribute.write_only && attribute.mode == super::Mode::Computed {
            self.report(
                "a write-only attribute is set by the practitioner, so it cannot be computed",
            );
        }
        if attribute.write_only && in_set {
            self.report("a set cannot contain write-only attributes");
        }
        if attribute.keeps_state && !attribute.is_computed() {
            self.report("only a computed attribute can keep its stored value");
        }
        match &attribute.kind {
            AttributeKind::Type(ty) => self.leaf(attribute, ty, in_set),
            AttributeKind::Nested {
                nesting: Nesting::Group,
                ..
            } => {
                self.report("nested attributes cannot be a group; use a single object");
            }
            AttributeKind::Nested {
                nesting,
                attributes,
            } => {
                let inner = Block {
                    attributes: attributes.clone(),
                    ..Block::default()
                };
                self.block(&inner, in_set || *nesting == Nesting::Set);
            }
            AttributeKind::Unsupported(why) => self.report(why),
        }
    }

    fn leaf(&mut self, attribute: &Attribute, ty: &Type, in_set: bool) {
        let hidden = attribute.sensitive || attribute.write_only;
        let dynamic = |ty: &Type| matches!(ty, Type::Dynamic | Type::SecretDynamic);
        if hidden && plain_text(ty) {
            self.report("text of a sensitive or write-only attribute must be held in a Secret");
        }
        if !hidden && ty.any(&|ty| matches!(ty, Type::Secret | Type::SecretDynamic)) {
            self.report("an attribute that holds a Secret must be sensitive or write-only");
        }
        if ty.any(&|ty| matches!(ty, Type::Set(element) if element.any(&dynamic)))
            || (in_set && ty.any(&dynamic))
        {
            self.report("a set cannot contain values of any type");
        }
        if ty.any(&|ty| matches!(ty, Type::Object(object) if !object.optional.is_empty())) {
            self.report("a schema cannot have optional object attributes; use nested attributes");
        }
    }

    fn limits(&mut self, nested: &NestedBlock) {
        let (min, max) = (nested.min_items, nested.max_items);
        match nested.nesting {
            Nesting::Single if min != max || max > 1 => {
                self.report("a single block is required (1 and 1) or optional (0 and 0)");
            }
            Nesting::Group | Nesting::Map if min != 0 || max != 0 => {
                self.report("a group or map of blocks cannot have limits");
            }
            Nesting::List | Nesting::Set if max != 0 && min > max => {
                self.report("more blocks required than allowed");
            }
            _ => {}
        }
    }

    fn name<'n>(&mut self, name: &'n str, names: &mut BTreeSet<&'n str>) {
        let valid = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || !name.bytes().all(valid) || name.as_bytes()[0].is_ascii_digit() {
            self.report("a name consists of a-z, 0-9 and _ and does not start with a digit");
        }
        if !names.insert(name) {
            self.report("the name is used twice");
        }
    }

    fn reserved(&mut self, name: &str) {
        if RESERVED.contains(&name) {
            self.within(name, |check| {
                check.report("Terraform takes this name for itself");
            });
        }
    }

    fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        self.path
            .push(crate::path::Step::Attribute(name.to_owned()));
        check(self);
        self.path.pop();
    }

    fn report(&mut self, message: &str) {
        self.problems.push(SchemaProblem {
            path: self.path.clone(),
            message: message.to_owned(),
        });
    }
}

fn plain_text(ty: &Type) -> bool {
    match ty {
        Type::String => true,
        Type::List(element) | Type::Set(element) | Type::Map(element) => plain_text(element),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Mode;
    use super::*;

    fn attribute(name: &str, ty: Type) -> Attribute {
        Attribute::new(name, ty, Mode::Optional).describe("text")
    }

    #[track_caller]
    fn check(block: Block, expected: &[&str]) {
        let problems: Vec<_> = Schema::new(block)
            .validate()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(problems.len(), expected.len(), "{problems:?}");
        for (problem, expected) in problems.iter().zip(expected) {
            assert!(problem.contains(expected), "{problem} lacks {expected}");
        }
    }

    fn one(attribute: Attribute) -> Block {
        Block::new("").attribute(attribute)
    }

    #[test]
    fn a_good_schema_has_no_problem() {
        let secret = Attribute {
            sensitive: true,
            ..attribute("value", Type::Secret)
        };
        let any = Attribute {
            write_only: true,
            ..attribute("any", Type::Dynamic)
        };
        let nested = NestedBlock::new(
            "vault",
            Nesting::Map,
            one(attribute("address", Type::String)),
        );
        check(one(secret).attribute(any).block(nested), &[]);
    }

    #[test]
    fn names_are_checked() {
        check(
            one(attribute("Name", Type::Bool)),
            &["Name: a name consists"],
        );
        check(one(attribute("1st", Type::Bool)), &["a name consists"]);
        check(
            one(attribute("a", Type::Bool)).attribute(attribute("a", Type::Bool)),
            &["used twice"],
        );
        let block = NestedBlock::new("a", Nesting::List, Block::default());
        check(
            one(attribute("a", Type::Bool)).block(block),
            &["used twice"],
        );
        check(one(attribute("count", Type::Bool)), &["takes this name"]);
    }

    #[test]
    fn flags_are_checked() {
        let written = |attribute| Attribute {
            write_only: true,
            ..attribute
        };
        let computed = Attribute {
            mode: Mode::Computed,
            ..attribute("a", Type::Secret)
        };
        check(one(written(computed)), &["cannot be computed"]);
        check(one(attribute("a", Type::Secret)), &["must be sensitive"]);
        check(
            one(written(attribute("a", Type::map(Type::String)))),
            &["held in a Secret"],
        );
        check(
            one(Attribute {
                keeps_state: true,
                ..attribute("a", Type::Bool)
            }),
            &["only a computed"],
        );
        check(
            one(Attribute {
                description: String::new(),
                ..attribute("a", Type::Bool)
            }),
            &["no description"],
        );
    }

    #[test]
    fn sets_hold_neither_dynamic_nor_write_only_values() {
        let block = |inner| Block::new("").block(NestedBlock::new("s", Nesting::Set, one(inner)));
        check(
            block(attribute("a", Type::Dynamic)),
            &["s.a: a set cannot contain values of any type"],
        );
        check(
            block(Attribute {
                write_only: true,
                ..attribute("a", Type::Secret)
            }),
            &["write-only"],
        );
        check(
            one(attribute("a", Type::set(Type::Dynamic))),
            &["values of any type"],
        );
        let nested = AttributeKind::Nested {
            nesting: Nesting::Set,
            attributes: vec![attribute("a", Type::Dynamic)],
        };
        check(
            one(Attribute::with_kind("n", nested, Mode::Optional).describe("x")),
            &["n.a: a set"],
        );
    }

    #[test]
    fn block_limits_are_checked() {
        let block = |nesting, min_items, max_items| {
            Block::new("").block(NestedBlock {
                min_items,
                max_items,
                ..NestedBlock::new("b", nesting, Block::default())
            })
        };
        check(block(Nesting::Single, 1, 1), &[]);
        check(block(Nesting::Single, 0, 1), &["required (1 and 1)"]);
        check(block(Nesting::Map, 1, 0), &["cannot have limits"]);
        check(block(Nesting::List, 3, 2), &["more blocks"]);
        check(block(Nesting::List, 3, 0), &[]);
    }
}
