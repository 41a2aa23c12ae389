//! Blocks and their content, the same view over native and JSON syntax.

use std::borrow::Cow;

use hcl_syntax::{Body, Expr, ExprKind, Object, Span, Tuple};

use crate::facts::constant::constant_text;
use crate::facts::file::SourceFile;
use crate::finding::Place;

/// What a top-level block is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// `variable "name"`.
    Variable,
    /// `locals` (one block holds many), `local "name"` in Packer.
    Locals,
    /// `output "name"`.
    Output,
    /// `resource "type" "name"`: stored in state.
    Resource,
    /// `data "type" "name"`: stored in state.
    Data,
    /// `ephemeral "type" "name"`: never stored.
    Ephemeral,
    /// `provider "name"`.
    Provider,
    /// `module "name"`, terragrunt `unit` and `stack`.
    Module,
    /// `terraform`, `packer`.
    Terraform,
    /// Packer `source "type" "name"`.
    Source,
    /// The attributes that stand in a file outside every block (tfvars, terragrunt, backend files).
    File,
    /// Everything else: `job`, `build`, `check`, `moved`, `include`, `dependency` ...
    Other,
}

impl Role {
    /// The role of a block by its keyword.
    #[must_use]
    pub fn of(keyword: &str) -> Self {
        match keyword {
            "variable" => Self::Variable,
            "locals" | "local" => Self::Locals,
            "output" => Self::Output,
            "resource" => Self::Resource,
            "data" => Self::Data,
            "ephemeral" => Self::Ephemeral,
            "provider" => Self::Provider,
            "module" | "unit" | "stack" => Self::Module,
            "terraform" | "packer" => Self::Terraform,
            "source" => Self::Source,
            "" => Self::File,
            _ => Self::Other,
        }
    }
}

/// A top-level block of a file, or a file's own attributes ([`Role::File`]).
#[derive(Clone, Debug)]
pub struct Block<'a> {
    /// The file it stands in.
    pub file: &'a SourceFile,
    /// What it is for.
    pub role: Role,
    /// The keyword as written; empty for [`Role::File`].
    pub keyword: Cow<'a, str>,
    /// First label: the type of resources, data sources, ephemerals and sources, else the name.
    pub first: Option<Label<'a>>,
    /// Second label: the name of resources, data sources, ephemerals and sources.
    pub second: Option<Label<'a>>,
    /// What is inside.
    pub content: Content<'a>,
    /// From the keyword to the last label.
    pub header: Span,
    /// The whole block.
    pub span: Span,
}

/// A label with its place.
#[derive(Clone, Debug)]
pub struct Label<'a> {
    /// Without quotes.
    pub text: Cow<'a, str>,
    /// As written.
    pub span: Span,
}

impl<'a> Block<'a> {
    /// The type of a resource, data source, ephemeral or Packer source (`aws_db_instance`);
    /// the name of a provider (`aws`); empty for everything else.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self.role {
            Role::Resource | Role::Data | Role::Ephemeral | Role::Source | Role::Provider => {
                text(self.first.as_ref())
            }
            _ => "",
        }
    }

    /// The name people gave it; empty where a block has none (`terraform`, `locals`).
    #[must_use]
    pub fn name(&self) -> &str {
        match self.role {
            Role::Resource | Role::Data | Role::Ephemeral | Role::Source => {
                text(self.second.as_ref())
            }
            _ => text(self.first.as_ref()),
        }
    }

    /// Terraform's address of the block: `aws_db_instance.main`, `data.x.y`, `var.name`,
    /// `module.db`; the file's name for [`Role::File`] blocks of files that are no variable files.
    #[must_use]
    pub fn address(&self) -> String {
        let (kind, name) = (self.kind(), self.name());
        match self.role {
            Role::Resource => format!("{kind}.{name}"),
            Role::Data => format!("data.{kind}.{name}"),
            Role::Ephemeral => format!("ephemeral.{kind}.{name}"),
            Role::Source => format!("source.{kind}.{name}"),
            Role::Variable => format!("var.{name}"),
            Role::Output => format!("output.{name}"),
            Role::Module => format!("module.{name}"),
            Role::Provider => match self
                .content
                .attribute("alias")
                .and_then(|alias| constant_text(alias.value))
            {
                Some(alias) => format!("provider.{kind}.{alias}"),
                None => format!("provider.{kind}"),
            },
            Role::Locals => "local".to_owned(),
            Role::Terraform => self.keyword.clone().into_owned(),
            Role::File if self.file.kind.is_variable_file() => "var".to_owned(),
            Role::File => String::new(),
            Role::Other if name.is_empty() => self.keyword.clone().into_owned(),
            Role::Other => format!("{}.{name}", self.keyword),
        }
    }

    /// Where to point when the finding is about the block as a whole.
    #[must_use]
    pub fn header_place(&self) -> Place {
        self.file.place(self.header)
    }

    /// The value of an attribute directly inside.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Expr<'a>> {
        self.content
            .attribute(name)
            .map(|attribute| attribute.value)
    }

    /// True when the attribute is the constant `true`.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.value(name).is_some_and(is_true)
    }
}

/// True for the constant `true` (also written `"true"`).
#[must_use]
pub fn is_true(expr: Expr<'_>) -> bool {
    match expr.kind() {
        ExprKind::Bool(value) => value,
        _ => constant_text(expr).is_some_and(|text| text == "true"),
    }
}

fn text<'x>(label: Option<&'x Label<'_>>) -> &'x str {
    label.map_or("", |label| &label.text)
}

/// The inside of a block in either syntax.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Native syntax.
    Native(Body<'a>),
    /// JSON syntax: the object.
    Json(Expr<'a>),
}

/// An attribute with its places.
#[derive(Clone, Debug)]
pub struct Attribute<'a> {
    /// Its name without quotes.
    pub name: Cow<'a, str>,
    /// The name as written.
    pub name_span: Span,
    /// The value.
    pub value: Expr<'a>,
}

impl<'a> From<hcl_syntax::Attribute<'a>> for Attribute<'a> {
    fn from(attribute: hcl_syntax::Attribute<'a>) -> Self {
        let name_span = attribute.name_span();
        Self {
            name: Cow::Borrowed(attribute.name()),
            name_span,
            value: attribute.value(),
        }
    }
}

/// What comes from one syntax or the other. Asked for every block, so it is no chain of iterators.
enum Either<N, J> {
    Native(N),
    Json(J),
}

impl<T, N: Iterator<Item = T>, J: Iterator<Item = T>> Iterator for Either<N, J> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self {
            Self::Native(native) => native.next(),
            Self::Json(json) => json.next(),
        }
    }
}

impl Attribute<'_> {
    /// Name and value.
    #[must_use]
    pub fn span(&self) -> Span {
        Span {
            start: self.name_span.start,
            end: self.value.span().end.max(self.name_span.end),
        }
    }
}

impl<'a> Content<'a> {
    /// The attributes in source order. In JSON every member is one.
    pub fn attributes(self) -> impl Iterator<Item = Attribute<'a>> {
        match self {
            Self::Native(body) => Either::Native(body.attributes().map(Attribute::from)),
            Self::Json(expr) => Either::Json(members(expr)),
        }
    }

    /// The attribute of that name directly inside; the first one if it is repeated.
    #[must_use]
    pub fn attribute(self, name: &str) -> Option<Attribute<'a>> {
        match self {
            Self::Native(body) => body.attribute(name).map(Attribute::from),
            Self::Json(expr) => members(expr).find(|member| member.name == name),
        }
    }

    /// The contents of the nested blocks of that kind, in source order. In JSON: the object, or
    /// the objects of the array, under that name. Labels are not looked at.
    pub fn blocks(self, kind: &str) -> impl Iterator<Item = Content<'a>> {
        match self {
            Self::Native(body) => {
                Either::Native(body.blocks_of(kind).map(|block| Self::Native(block.body())))
            }
            Self::Json(_) => {
                let values = self.attribute(kind).into_iter();
                let objects = values.flat_map(|attribute| objects(attribute.value));
                Either::Json(objects.map(Self::Json))
            }
        }
    }

    /// The value at a path through nested blocks, objects and attributes: the first one found.
    #[must_use]
    pub fn at(self, path: &[&str]) -> Option<Expr<'a>> {
        let (&first, rest) = path.split_first()?;
        if let Some(attribute) = self.attribute(first) {
            if rest.is_empty() {
                return Some(attribute.value);
            }
            return objects(attribute.value).find_map(|object| Self::Json(object).at(rest));
        }
        self.blocks(first).find_map(|inner| inner.at(rest))
    }

    /// True when nothing is inside.
    #[must_use]
    pub fn is_empty(self) -> bool {
        match self {
            Self::Native(body) => body.items().next().is_none(),
            Self::Json(expr) => members(expr).next().is_none(),
        }
    }
}

/// The members of an object expression, in either syntax; empty for other expressions. Members
/// whose key is computed have an empty name.
pub fn members<'a>(expr: Expr<'a>) -> impl Iterator<Item = Attribute<'a>> {
    let object = match peel(expr).kind() {
        ExprKind::Object(object) => Some(object),
        _ => None,
    };
    object
        .into_iter()
        .flat_map(Object::items)
        .map(|(key, value)| Attribute {
            name: key_text(key).unwrap_or_default(),
            name_span: key.span(),
            value,
        })
}

/// The object itself, or the objects of a tuple.
pub fn objects<'a>(expr: Expr<'a>) -> impl Iterator<Item = Expr<'a>> {
    let expr = peel(expr);
    let (one, many) = match expr.kind() {
        ExprKind::Object(_) => (Some(expr), None),
        ExprKind::Tuple(items) => (None, Some(items)),
        _ => (None, None),
    };
    one.into_iter().chain(
        many.into_iter()
            .flat_map(Tuple::elements)
            .map(peel)
            .filter(|item| matches!(item.kind(), ExprKind::Object(_))),
    )
}

/// The expression inside parentheses.
#[must_use]
pub fn peel(expr: Expr<'_>) -> Expr<'_> {
    expr.unwrapped()
}

/// The constant text of an object key: a bare word, a quoted string or a number.
#[must_use]
pub fn key_text(key: Expr<'_>) -> Option<Cow<'_, str>> {
    key.bare_word()
        .map(Cow::Borrowed)
        .or_else(|| constant_text(key))
}
