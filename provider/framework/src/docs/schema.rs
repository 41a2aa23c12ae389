//! The schema section of a page.

use std::fmt::Write as _;

use crate::schema::{Attribute, AttributeKind, Block, Mode, NestedBlock, Nesting};
use crate::types::Type;

const WRITE_ONLY: &str = "[Write-only](https://developer.hashicorp.com/terraform/language/manage-sensitive-data/write-only)";

/// Renders a block: required, optional and read-only members, then what is nested in it.
pub(super) fn render(block: &Block) -> String {
    let mut writer = Writer {
        text: "## Schema\n".to_owned(),
        nested: Vec::new(),
    };
    writer.members(&block.attributes, &block.blocks, "");
    while !writer.nested.is_empty() {
        let Nested {
            path,
            attributes,
            blocks,
        } = writer.nested.remove(0);
        writer.line(&format!(
            "\n<a id=\"nested--{}\"></a>\n### Nested Schema for `{path}`",
            anchor(&path)
        ));
        writer.members(&attributes, &blocks, &path);
    }
    writer.text
}

/// Something nested that gets a section of its own.
struct Nested {
    path: String,
    attributes: Vec<Attribute>,
    blocks: Vec<NestedBlock>,
}

struct Writer {
    text: String,
    nested: Vec<Nested>,
}

impl Writer {
    fn members(&mut self, attributes: &[Attribute], blocks: &[NestedBlock], path: &str) {
        let level = if path.is_empty() { "\n### " } else { "\n" };
        let groups = [
            (
                if path.is_empty() {
                    "Required"
                } else {
                    "Required:"
                },
                Group::Required,
            ),
            (
                if path.is_empty() {
                    "Optional"
                } else {
                    "Optional:"
                },
                Group::Optional,
            ),
            (
                if path.is_empty() {
                    "Read-Only"
                } else {
                    "Read-Only:"
                },
                Group::ReadOnly,
            ),
        ];
        for (title, group) in groups {
            let mut lines = Vec::new();
            for attribute in attributes
                .iter()
                .filter(|attribute| group.has_attribute(attribute))
            {
                lines.push(self.attribute(attribute, path));
            }
            for nested in blocks.iter().filter(|nested| group.has_block(nested)) {
                lines.push(self.block(nested, path));
            }
            if !lines.is_empty() {
                self.line(&format!("{level}{title}\n\n{}", lines.join("\n")));
            }
        }
    }

    fn attribute(&mut self, attribute: &Attribute, path: &str) -> String {
        let (ty, link) = match &attribute.kind {
            AttributeKind::Nested {
                nesting,
                attributes,
            } => {
                let ty = match nesting {
                    Nesting::Single | Nesting::Group => "Attributes",
                    Nesting::List => "Attributes List",
                    Nesting::Set => "Attributes Set",
                    Nesting::Map => "Attributes Map",
                };
                (
                    ty.to_owned(),
                    self.nest(path, &attribute.name, attributes.clone(), Vec::new()),
                )
            }
            AttributeKind::Type(_) | AttributeKind::Unsupported(_) => {
                (type_name(&attribute.ty()), String::new())
            }
        };
        let mut flags = vec![ty];
        flags.extend(attribute.sensitive.then(|| "Sensitive".to_owned()));
        flags.extend(
            attribute
                .deprecated
                .is_some()
                .then(|| "Deprecated".to_owned()),
        );
        flags.extend(attribute.write_only.then(|| WRITE_ONLY.to_owned()));
        let instead = attribute
            .deprecated
            .as_ref()
            .map(|instead| format!(" {instead}"))
            .unwrap_or_default();
        let description = flowing(&attribute.description);
        format!(
            "- `{}` ({}) {description}{instead}{link}",
            attribute.name,
            flags.join(", ")
        )
    }

    fn block(&mut self, nested: &NestedBlock, path: &str) -> String {
        let kind = match nested.nesting {
            Nesting::Single | Nesting::Group => "Block",
            Nesting::List => "Block List",
            Nesting::Set => "Block Set",
            Nesting::Map => "Block Map",
        };
        let limits = match (nested.nesting, nested.min_items, nested.max_items) {
            (Nesting::List | Nesting::Set, 0, 0)
            | (Nesting::Single | Nesting::Group | Nesting::Map, ..) => String::new(),
            (_, min, 0) => format!(", Min: {min}"),
            (_, 0, max) => format!(", Max: {max}"),
            (_, min, max) => format!(", Min: {min}, Max: {max}"),
        };
        let inner = &nested.block;
        let link = self.nest(
            path,
            &nested.name,
            inner.attributes.clone(),
            inner.blocks.clone(),
        );
        format!(
            "- `{}` ({kind}{limits}) {}{link}",
            nested.name,
            flowing(&inner.description)
        )
    }

    /// Remembers a section for later and gives the link to it.
    fn nest(
        &mut self,
        path: &str,
        name: &str,
        attributes: Vec<Attribute>,
        blocks: Vec<NestedBlock>,
    ) -> String {
        let path = if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        };
        let link = format!(
            " (see [below for nested schema](#nested--{}))",
            anchor(&path)
        );
        self.nested.push(Nested {
            path,
            attributes,
            blocks,
        });
        link
    }

    fn line(&mut self, line: &str) {
        // Writing into memory cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

#[derive(Clone, Copy)]
enum Group {
    Required,
    Optional,
    ReadOnly,
}

impl Group {
    fn has_attribute(self, attribute: &Attribute) -> bool {
        match self {
            Self::Required => attribute.mode == Mode::Required,
            Self::Optional => matches!(attribute.mode, Mode::Optional | Mode::OptionalComputed),
            Self::ReadOnly => attribute.mode == Mode::Computed,
        }
    }

    fn has_block(self, nested: &NestedBlock) -> bool {
        match self {
            Self::Required => nested.min_items > 0,
            Self::Optional => nested.min_items == 0,
            Self::ReadOnly => false,
        }
    }
}

/// The type as pages name it, such as `Map of String`.
pub(super) fn type_name(ty: &Type) -> String {
    match ty {
        Type::Bool => "Boolean".into(),
        Type::Number => "Number".into(),
        Type::String | Type::Secret => "String".into(),
        Type::Dynamic | Type::SecretDynamic => "Dynamic".into(),
        Type::List(element) => format!("List of {}", type_name(element)),
        Type::Set(element) => format!("Set of {}", type_name(element)),
        Type::Map(element) => format!("Map of {}", type_name(element)),
        Type::Tuple(_) => "Tuple".into(),
        Type::Object(_) => "Object".into(),
    }
}

fn anchor(path: &str) -> String {
    path.replace('.', "--")
}

/// A description inside a list item: later lines keep to the item.
fn flowing(description: &str) -> String {
    description.replace('\n', "\n  ")
}
