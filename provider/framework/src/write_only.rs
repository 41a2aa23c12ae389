//! Write-only attributes: where they are set, and keeping their values out of every answer.
//!
//! A value returned for a write-only attribute makes Terraform drop the object from state, so nulling is
//! done here, once, for every response.

use crate::path::Path;
use crate::schema::Block;
use crate::schema::walk::visit_attributes;
use crate::value::Value;

/// Replaces every write-only value by null.
pub(crate) fn remove(block: &Block, value: &mut Value) {
    visit_attributes(block, value, &mut |_, attribute, value| {
        if attribute.write_only {
            *value = Value::Null;
        }
    });
}

/// Paths of the write-only attributes that are set.
pub(crate) fn set_paths(block: &Block, config: &mut Value) -> Vec<Path> {
    let mut paths = Vec::new();
    visit_attributes(block, config, &mut |path, attribute, value| {
        if attribute.write_only && !value.is_null() {
            paths.push(path.clone());
        }
    });
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, to_value};
    use secret_value::Secret;
    use std::collections::BTreeMap;

    crate::model! {
        /// Outer.
        struct Outer {
            /// Kept.
            name: String = required(),
            /// Written.
            value_wo: Option<Secret> = optional().write_only(),
            /// Nested attributes.
            users: Option<Vec<Inner>> = optional(),
            /// Blocks.
            host: BTreeMap<String, Inner> = block(),
        }
    }

    crate::model! {
        /// Inner.
        struct Inner {
            /// Written.
            password_wo: Option<Secret> = optional().write_only(),
        }
    }

    fn inner() -> Inner {
        Inner {
            password_wo: Some(Secret::from_text("p".into())),
        }
    }

    fn outer() -> Value {
        to_value(Outer {
            name: "n".into(),
            value_wo: Some(Secret::from_text("v".into())),
            users: Some(vec![inner()]),
            host: [("a".to_owned(), inner())].into(),
        })
    }

    #[test]
    fn values_are_removed_at_every_depth() {
        let mut value = outer();
        let block = Outer::block();
        let paths: Vec<_> = set_paths(&block, &mut value)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            paths,
            [
                "value_wo",
                "users[0].password_wo",
                "host[\"a\"].password_wo"
            ]
        );
        remove(&block, &mut value);
        assert_eq!(set_paths(&block, &mut value), []);
        assert_eq!(value.as_object().unwrap()["name"], "n".into());
    }
}
