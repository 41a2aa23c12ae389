//! What a host reads from the schemas a provider sends.

use tfplugin::proto;

use crate::types::{Type, TypeError};
use crate::value::{Object, Value};

use proto::schema::nested_block::NestingMode;
use proto::schema::object::NestingMode as ObjectNesting;
use proto::schema::{Attribute, Block, NestedBlock};

/// The type of the values of a block.
pub(super) fn block_type(block: &Block) -> Result<Type, TypeError> {
    let mut members = Vec::new();
    for attribute in &block.attributes {
        members.push((attribute.name.clone(), attribute_type(attribute)?));
    }
    for nested in &block.block_types {
        let inner = block_type(inner_block(nested))?;
        members.push((
            nested.type_name.clone(),
            match nested.nesting() {
                NestingMode::List => Type::list(inner),
                NestingMode::Set => Type::set(inner),
                NestingMode::Map => Type::map(inner),
                NestingMode::Single | NestingMode::Group | NestingMode::Invalid => inner,
            },
        ));
    }
    Ok(Type::object(members))
}

fn attribute_type(attribute: &Attribute) -> Result<Type, TypeError> {
    let Some(nested) = &attribute.nested_type else {
        return Type::from_json(&attribute.r#type);
    };
    let members = nested
        .attributes
        .iter()
        .map(|inner| Ok((inner.name.clone(), attribute_type(inner)?)));
    let inner = Type::object(members.collect::<Result<Vec<_>, TypeError>>()?);
    Ok(match nested.nesting() {
        ObjectNesting::List => Type::list(inner),
        ObjectNesting::Set => Type::set(inner),
        ObjectNesting::Map => Type::map(inner),
        ObjectNesting::Single | ObjectNesting::Invalid => inner,
    })
}

/// A core dereferences the block without a check; here a missing one is an empty one that no check passes.
pub(super) fn inner_block(nested: &NestedBlock) -> &Block {
    static EMPTY: std::sync::OnceLock<Block> = std::sync::OnceLock::new();
    nested
        .block
        .as_ref()
        .unwrap_or_else(|| EMPTY.get_or_init(Block::default))
}

/// A configuration as a core sends it: attributes left out are null, blocks left out are empty.
pub(super) fn complete(block: &Block, mut config: Object) -> Value {
    for attribute in &block.attributes {
        config.entry(attribute.name.clone()).or_insert(Value::Null);
    }
    for nested in &block.block_types {
        let value = config.remove(&nested.type_name).unwrap_or(Value::Null);
        config.insert(nested.type_name.clone(), complete_block(nested, value));
    }
    Value::Object(config)
}

fn complete_block(nested: &NestedBlock, value: Value) -> Value {
    let inner = |value| match value {
        Value::Object(object) => complete(inner_block(nested), object),
        other => other,
    };
    match (nested.nesting(), value) {
        (NestingMode::List, Value::Null) => Value::List(Vec::new()),
        (NestingMode::Set, Value::Null) => Value::Set(Vec::new()),
        (NestingMode::Map, Value::Null) => Value::Map(Object::new()),
        (NestingMode::Group, Value::Null) => complete(inner_block(nested), Object::new()),
        (_, Value::List(items)) => Value::List(items.into_iter().map(inner).collect()),
        (_, Value::Set(items)) => Value::Set(items.into_iter().map(inner).collect()),
        (_, Value::Map(items)) => Value::Map(
            items
                .into_iter()
                .map(|(key, item)| (key, inner(item)))
                .collect(),
        ),
        (_, value) => inner(value),
    }
}
