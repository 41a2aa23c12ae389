//! What a provider, resource, data source or action accepts and returns.
//!
//! A [`Schema`] is usually made by [`model!`](crate::model!) from a documented struct; this module is what the
//! macro builds on and what hand-written schemas use. [`Schema::validate`] finds every mistake that
//! Terraform would reject at run time, so that a unit test finds it first.

mod validate;
pub(crate) mod walk;

pub use validate::SchemaProblem;

use crate::types::{ObjectType, Type};

/// A versioned block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// Version of the stored form; raise it when a state written earlier needs an upgrade.
    pub version: i64,
    /// The content.
    pub block: Block,
}

/// Attributes and nested blocks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block {
    /// Markdown; may be empty.
    pub description: String,
    /// What to use instead, when the whole thing is deprecated.
    pub deprecated: Option<String>,
    /// The attributes, in the order of declaration.
    pub attributes: Vec<Attribute>,
    /// The nested blocks, in the order of declaration.
    pub blocks: Vec<NestedBlock>,
}

/// Who sets an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The practitioner must.
    Required,
    /// The practitioner may.
    Optional,
    /// The provider does.
    Computed,
    /// The practitioner may, else the provider does.
    OptionalComputed,
}

/// One attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Name in the configuration.
    pub name: String,
    /// Type, or nested attributes.
    pub kind: AttributeKind,
    /// Who sets it.
    pub mode: Mode,
    /// Markdown.
    pub description: String,
    /// Hidden in Terraform's output.
    pub sensitive: bool,
    /// Reaches the provider in the configuration only and is never stored.
    pub write_only: bool,
    /// What to use instead, when deprecated.
    pub deprecated: Option<String>,
    /// A changed value replaces the object (managed resources).
    pub requires_replace: bool,
    /// When computed, the stored value is kept across updates instead of becoming unknown (managed
    /// resources).
    pub keeps_state: bool,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeKind {
    /// A value of this type.
    Type(Type),
    /// Objects described attribute by attribute.
    Nested {
        /// How many, and how they are addressed.
        nesting: Nesting,
        /// Their attributes.
        attributes: Vec<Attribute>,
    },
    /// A Rust type that has no Terraform counterpart; the text says why. Always a problem.
    Unsupported(&'static str),
}

/// How nested objects are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nesting {
    /// At most one.
    Single,
    /// Exactly one; when left out, one with nothing set (blocks only).
    Group,
    /// In order.
    List,
    /// Without order.
    Set,
    /// By a text key; the label of a block.
    Map,
}

/// A nested block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NestedBlock {
    /// Name in the configuration.
    pub name: String,
    /// How many, and how they are addressed.
    pub nesting: Nesting,
    /// The content.
    pub block: Block,
    /// Fewest blocks (list and set); for single blocks, 1 makes it required.
    pub min_items: u32,
    /// Most blocks (list and set); 0 is no limit.
    pub max_items: u32,
}

impl Schema {
    /// A schema of version 0.
    #[must_use]
    pub fn new(block: Block) -> Self {
        Self { version: 0, block }
    }

    /// The type of its values.
    #[must_use]
    pub fn ty(&self) -> Type {
        self.block.ty()
    }
}

impl Block {
    /// An empty block with a Markdown description.
    #[must_use]
    pub fn new(description: impl Into<String>) -> Self {
        Self {
            description: description.into(),
            ..Self::default()
        }
    }

    /// Adds an attribute.
    #[must_use]
    pub fn attribute(mut self, attribute: Attribute) -> Self {
        self.attributes.push(attribute);
        self
    }

    /// Adds a nested block.
    #[must_use]
    pub fn block(mut self, block: NestedBlock) -> Self {
        self.blocks.push(block);
        self
    }

    /// The object type of its values.
    #[must_use]
    pub fn ty(&self) -> Type {
        let attributes = self
            .attributes
            .iter()
            .map(|attribute| (attribute.name.clone(), attribute.ty()));
        let blocks = self
            .blocks
            .iter()
            .map(|block| (block.name.clone(), block.nesting.of(block.block.ty())));
        Type::Object(ObjectType {
            attributes: attributes.chain(blocks).collect(),
            ..ObjectType::default()
        })
    }
}

impl Attribute {
    /// An attribute of a type, with no flag set.
    #[must_use]
    pub fn new(name: impl Into<String>, ty: Type, mode: Mode) -> Self {
        Self::with_kind(name, AttributeKind::Type(ty), mode)
    }

    /// An attribute of this kind, with no flag set.
    #[must_use]
    pub fn with_kind(name: impl Into<String>, kind: AttributeKind, mode: Mode) -> Self {
        Self {
            name: name.into(),
            kind,
            mode,
            description: String::new(),
            sensitive: false,
            write_only: false,
            deprecated: None,
            requires_replace: false,
            keeps_state: false,
        }
    }

    /// Sets the Markdown description.
    #[must_use]
    pub fn describe(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The type of its values. Text of sensitive and write-only attributes of any type is held as secrets.
    #[must_use]
    pub fn ty(&self) -> Type {
        match &self.kind {
            AttributeKind::Type(Type::Dynamic) if self.sensitive || self.write_only => {
                Type::SecretDynamic
            }
            AttributeKind::Type(ty) => ty.clone(),
            AttributeKind::Nested {
                nesting,
                attributes,
            } => nesting.of(Type::object(
                attributes
                    .iter()
                    .map(|inner| (inner.name.clone(), inner.ty())),
            )),
            AttributeKind::Unsupported(_) => Type::Dynamic,
        }
    }

    /// True when the provider may fill it.
    #[must_use]
    pub fn is_computed(&self) -> bool {
        matches!(self.mode, Mode::Computed | Mode::OptionalComputed)
    }
}

impl NestedBlock {
    /// A nested block without limits.
    #[must_use]
    pub fn new(name: impl Into<String>, nesting: Nesting, block: Block) -> Self {
        Self {
            name: name.into(),
            nesting,
            block,
            min_items: 0,
            max_items: 0,
        }
    }
}

impl Nesting {
    /// The type of all the objects together.
    #[must_use]
    pub fn of(self, object: Type) -> Type {
        match self {
            Self::Single | Self::Group => object,
            Self::List => Type::list(object),
            Self::Set => Type::set(object),
            Self::Map => Type::map(object),
        }
    }
}
