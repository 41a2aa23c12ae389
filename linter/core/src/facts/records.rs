//! Plan and state JSON as blocks, so that the same rules see what is already stored.
//!
//! Each stored object becomes a block of its mode and type with its attributes inside; outputs and
//! plan variables become blocks too.

use std::borrow::Cow;

use hcl_syntax::{Expr, Span};

use crate::facts::block::{Block, Content, Label, Role, members, objects};
use crate::facts::constant::constant_string;
use crate::facts::file::SourceFile;

/// Nesting of child modules that is looked into.
const MAX_DEPTH: usize = 64;

/// The blocks of a plan or state file.
pub(crate) fn record_blocks<'a>(file: &'a SourceFile, out: &mut Vec<Block<'a>>) {
    let Some(root) = file.parsed.root_expr() else {
        return;
    };
    let root = Content::Json(root);
    let mut records = Records { file, out };
    records.named(root, "outputs", Role::Output, "output");
    records.named(root, "variables", Role::Variable, "variable");
    for resource in root.blocks("resources") {
        records.stored(resource);
    }
    for values in ["values", "planned_values"]
        .iter()
        .flat_map(|name| root.blocks(name))
    {
        records.named(values, "outputs", Role::Output, "output");
        for module in values.blocks("root_module") {
            records.module(module, 0);
        }
    }
}

struct Records<'o, 'a> {
    file: &'a SourceFile,
    out: &'o mut Vec<Block<'a>>,
}

impl<'a> Records<'_, 'a> {
    /// `"outputs": {"name": {"value": …}}`.
    fn named(&mut self, content: Content<'a>, list: &str, role: Role, keyword: &'static str) {
        let Some(list) = content.attribute(list) else {
            return;
        };
        for member in members(list.value) {
            for object in objects(member.value) {
                let label = Label {
                    text: member.name.clone(),
                    span: member.name_span,
                };
                self.push((role, keyword), Some(label), None, object);
            }
        }
    }

    /// An entry of a state file: `{"mode", "type", "name", "instances": [{"attributes": …}]}`.
    fn stored(&mut self, resource: Content<'a>) {
        for instance in resource.blocks("instances") {
            if let Some(attributes) = instance.attribute("attributes") {
                self.object(resource, attributes.value);
            }
        }
    }

    /// A module of `show -json`: `{"resources": [{"values": …}], "child_modules": [ … ]}`.
    fn module(&mut self, module: Content<'a>, depth: usize) {
        for resource in module.blocks("resources") {
            if let Some(values) = resource.attribute("values") {
                self.object(resource, values.value);
            }
        }
        if depth < MAX_DEPTH {
            for child in module.blocks("child_modules") {
                self.module(child, depth + 1);
            }
        }
    }

    fn object(&mut self, resource: Content<'a>, attributes: Expr<'a>) {
        let label = |name: &str| {
            let attribute = resource.attribute(name)?;
            Some(Label {
                text: constant_string(attribute.value)?,
                span: attribute.value.span(),
            })
        };
        let role = match label("mode").as_ref().map(|mode| &*mode.text) {
            Some("data") => (Role::Data, "data"),
            _ => (Role::Resource, "resource"),
        };
        for object in objects(attributes) {
            self.push(role, label("type"), label("name"), object);
        }
    }

    fn push(
        &mut self,
        (role, keyword): (Role, &'static str),
        first: Option<Label<'a>>,
        second: Option<Label<'a>>,
        object: Expr<'a>,
    ) {
        let span = object.span();
        let header = second.as_ref().or(first.as_ref()).map_or(
            Span {
                start: span.start,
                end: span.start,
            },
            |l| l.span,
        );
        self.out.push(Block {
            file: self.file,
            role,
            keyword: Cow::Borrowed(keyword),
            first,
            second,
            content: Content::Json(object),
            header,
            span,
        });
    }
}
