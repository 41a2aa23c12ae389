//! What stands after `=` in a model: who sets a field, and how it is treated.

use super::{Field, Shape};
use crate::schema::{Attribute, AttributeKind, Block, Mode, NestedBlock, Nesting};

/// Who sets a field and how it is treated; see [`required`], [`optional`], [`computed`] and [`block`].
#[derive(Debug, Clone)]
pub struct Flags {
    role: Role,
    sensitive: bool,
    write_only: bool,
    requires_replace: bool,
    keeps_state: bool,
    deprecated: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Attribute(Mode),
    Block {
        group: bool,
        min_items: u32,
        max_items: u32,
    },
}

/// The practitioner must set it.
#[must_use]
pub fn required() -> Flags {
    Flags::new(Role::Attribute(Mode::Required))
}

/// The practitioner may set it. Follow with [`Flags::or_computed`] when the provider fills the gap.
#[must_use]
pub fn optional() -> Flags {
    Flags::new(Role::Attribute(Mode::Optional))
}

/// The provider sets it.
#[must_use]
pub fn computed() -> Flags {
    Flags::new(Role::Attribute(Mode::Computed))
}

/// It is a nested block.
#[must_use]
pub fn block() -> Flags {
    Flags::new(Role::Block {
        group: false,
        min_items: 0,
        max_items: 0,
    })
}

impl Flags {
    fn new(role: Role) -> Self {
        Self {
            role,
            sensitive: false,
            write_only: false,
            requires_replace: false,
            keeps_state: false,
            deprecated: None,
        }
    }

    /// When the practitioner leaves it out, the provider sets it.
    #[must_use]
    pub fn or_computed(mut self) -> Self {
        self.role = Role::Attribute(Mode::OptionalComputed);
        self
    }

    /// Hidden in Terraform's output. Every secret must be, also in ephemeral resources.
    #[must_use]
    pub fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Reaches the provider in the configuration only and is never stored.
    #[must_use]
    pub fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }

    /// A changed value replaces the object instead of updating it (managed resources).
    #[must_use]
    pub fn requires_replace(mut self) -> Self {
        self.requires_replace = true;
        self
    }

    /// A computed value stays as stored when the object is updated, instead of becoming unknown (managed
    /// resources).
    #[must_use]
    pub fn keeps_state(mut self) -> Self {
        self.keeps_state = true;
        self
    }

    /// Deprecated; the text says what to use instead.
    #[must_use]
    pub fn deprecated(mut self, instead: impl Into<String>) -> Self {
        self.deprecated = Some(instead.into());
        self
    }

    /// Fewest blocks.
    #[must_use]
    pub fn at_least(mut self, count: u32) -> Self {
        if let Role::Block { min_items, .. } = &mut self.role {
            *min_items = count;
        }
        self
    }

    /// Most blocks.
    #[must_use]
    pub fn at_most(mut self, count: u32) -> Self {
        if let Role::Block { max_items, .. } = &mut self.role {
            *max_items = count;
        }
        self
    }

    /// A single block that is there with nothing set when the practitioner leaves it out.
    #[must_use]
    pub fn group(mut self) -> Self {
        if let Role::Block { group, .. } = &mut self.role {
            *group = true;
        }
        self
    }

    fn attribute<T: Field>(self, name: &str, mode: Mode, description: &str) -> Attribute {
        let kind = match T::shape() {
            _ if (mode != Mode::Required || self.write_only) && !T::NULLABLE => {
                AttributeKind::Unsupported(
                    "an attribute that may be absent needs the type Option or Tristate",
                )
            }
            Shape::Type(ty) => AttributeKind::Type(ty),
            Shape::Nested(_, block) if !block.blocks.is_empty() => {
                AttributeKind::Unsupported("nested attributes cannot contain blocks")
            }
            Shape::Nested(nesting, block) => AttributeKind::Nested {
                nesting,
                attributes: block.attributes,
            },
            Shape::Unsupported(why) => AttributeKind::Unsupported(why),
        };
        Attribute {
            sensitive: self.sensitive,
            write_only: self.write_only,
            requires_replace: self.requires_replace,
            keeps_state: self.keeps_state,
            deprecated: self.deprecated,
            ..Attribute::with_kind(name, kind, mode).describe(description)
        }
    }
}

impl Block {
    /// Adds a field of a model: an attribute or a nested block, as `flags` say.
    #[must_use]
    pub fn field<T: Field>(self, name: &str, flags: Flags, description: &str) -> Self {
        match flags.role {
            Role::Attribute(mode) => self.attribute(flags.attribute::<T>(name, mode, description)),
            Role::Block {
                group,
                min_items,
                max_items,
            } => match T::shape() {
                Shape::Nested(nesting, mut block) => {
                    if !description.is_empty() {
                        description.clone_into(&mut block.description);
                    }
                    block.deprecated = flags.deprecated.or(block.deprecated);
                    let once = u32::from(nesting == Nesting::Single && !T::NULLABLE && !group);
                    let nesting = if group { Nesting::Group } else { nesting };
                    let (min_items, max_items) = (min_items.max(once), max_items.max(once));
                    self.block(NestedBlock {
                        min_items,
                        max_items,
                        ..NestedBlock::new(name, nesting, block)
                    })
                }
                Shape::Type(_) | Shape::Unsupported(_) => {
                    let kind = AttributeKind::Unsupported(
                        "a block must be a model, or Option, Vec, SetOf or BTreeMap of one",
                    );
                    self.attribute(
                        Attribute::with_kind(name, kind, Mode::Optional).describe(description),
                    )
                }
            },
        }
    }
}
