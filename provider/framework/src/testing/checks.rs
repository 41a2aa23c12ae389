//! What the cores demand of plans and results. Values are compared attribute by attribute at the top level,
//! where the cores' rules about who may set what apply.

use tfplugin::proto::schema::{Attribute, Block};

use super::host::HostError;
use super::schema::inner_block;
use crate::value::{Object, Value};

/// Checks a planned or opened object against the configuration and what was stored before.
pub(super) fn plan(
    block: &Block,
    prior: Option<&Object>,
    config: &Value,
    planned: &Value,
) -> Result<(), HostError> {
    let (Some(config), Some(planned)) = (config.as_object(), planned.as_object()) else {
        return Err(HostError::refused(
            "planned for absence but config wants existence",
        ));
    };
    for attribute in &block.attributes {
        let name = attribute.name.as_str();
        let (wanted, found) = (get(config, name), get(planned, name));
        let before = prior.map_or(&Value::Null, |prior| get(prior, name));
        if !acceptable(attribute, before, wanted, found) {
            return Err(HostError::refused(format!("invalid plan for {name}")));
        }
    }
    for nested in &block.block_types {
        if count(get(config, &nested.type_name)) != count(get(planned, &nested.type_name)) {
            return Err(HostError::refused(format!(
                "wrong number of {} blocks",
                nested.type_name
            )));
        }
    }
    Ok(())
}

fn acceptable(attribute: &Attribute, before: &Value, wanted: &Value, found: &Value) -> bool {
    if attribute.write_only {
        return found.is_null();
    }
    let free = attribute.computed && (!attribute.optional || wanted.is_null());
    // Values inside nested attributes may be computed, so only their presence is checked.
    let nested = attribute.nested_type.is_some() && count(wanted) == count(found);
    let equal_to_before = found == before && !before.is_null() && !wanted.is_null();
    free || found == wanted || equal_to_before || nested
}

/// Checks a new object against what was planned.
pub(super) fn result(block: &Block, planned: &Value, new: &Value) -> Result<(), HostError> {
    if planned.is_null() != new.is_null() {
        return Err(HostError::refused(
            "the object is there although it should not be, or the other way round",
        ));
    }
    let (Some(planned), Some(new_object)) = (planned.as_object(), new.as_object()) else {
        return Ok(());
    };
    stored(block, new)?;
    for (name, promised) in planned {
        if promised.is_wholly_known() && promised != get(new_object, name) {
            return Err(HostError::refused(format!(
                "inconsistent result after apply: {name}"
            )));
        }
    }
    Ok(())
}

/// Checks an object that goes into state: wholly known, and nothing write-only in it.
pub(super) fn stored(block: &Block, value: &Value) -> Result<(), HostError> {
    if !value.is_wholly_known() {
        return Err(HostError::refused("unknown values in the new state"));
    }
    match first_write_only(block, value) {
        Some(name) => Err(HostError::refused(format!(
            "a value for the write-only attribute {name}"
        ))),
        None => Ok(()),
    }
}

/// Checks a configuration that a provider has written: there, and without what only a provider sets.
pub(super) fn configurable(block: &Block, config: &Value) -> Result<(), HostError> {
    let config = config
        .as_object()
        .ok_or_else(|| HostError::refused("there is no configuration"))?;
    let wrong = block.attributes.iter().find(|attribute| {
        let settable = (attribute.required || attribute.optional) && !attribute.write_only;
        let set = !get(config, &attribute.name).is_null();
        (set && !settable) || (attribute.required && !set)
    });
    match wrong {
        Some(attribute) => Err(HostError::refused(format!(
            "the configuration of {} is not one",
            attribute.name
        ))),
        None => Ok(()),
    }
}

fn first_write_only(block: &Block, value: &Value) -> Option<String> {
    match value {
        Value::List(items) | Value::Set(items) => {
            items.iter().find_map(|item| first_write_only(block, item))
        }
        Value::Map(items) => items
            .values()
            .find_map(|item| first_write_only(block, item)),
        Value::Object(object) => {
            let attributes = block.attributes.iter();
            let own = attributes.filter(|attribute| {
                attribute.write_only && !get(object, &attribute.name).is_null()
            });
            let blocks = block.block_types.iter();
            own.map(|attribute| attribute.name.clone())
                .next()
                .or_else(|| {
                    blocks
                        .map(|nested| (inner_block(nested), get(object, &nested.type_name)))
                        .find_map(|(block, value)| first_write_only(block, value))
                })
        }
        _ => None,
    }
}

pub(super) fn get<'v>(object: &'v Object, name: &str) -> &'v Value {
    object.get(name).unwrap_or(&Value::Null)
}

fn count(value: &Value) -> Option<usize> {
    match value {
        Value::Null => None,
        Value::List(items) | Value::Set(items) => Some(items.len()),
        Value::Map(items) => Some(items.len()),
        _ => Some(1),
    }
}
