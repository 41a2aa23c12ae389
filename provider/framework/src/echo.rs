//! What Terraform demands of results: arguments unchanged, nothing unset that was not asked for, nothing
//! unknown.
//!
//! Terraform refuses a result that breaks this and then never closes the resource, so it is checked here,
//! where the lease can still be given back.

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::path::{Path, Step};
use crate::schema::{Attribute, AttributeKind, Block, Nesting};
use crate::value::{Object, Value};

/// Checks `result` against `config` and puts the practitioner's own spelling of equal values (such as
/// `1.50`) back in place.
///
/// # Errors
/// One diagnostic for each attribute at fault.
pub(crate) fn settle(block: &Block, config: &Value, result: &mut Value) -> Result<(), Diagnostics> {
    let mut echo = Echo {
        path: Path::root(),
        problems: Diagnostics::new(),
    };
    match (config, result) {
        (Value::Object(config), Value::Object(result)) => echo.block(block, config, result),
        _ => echo.problem("the result is no object"),
    }
    if echo.problems.is_empty() {
        Ok(())
    } else {
        Err(echo.problems)
    }
}

/// Reports every unknown value in `value`.
///
/// # Errors
/// When there is one.
pub(crate) fn require_known(value: &Value) -> Result<(), Diagnostics> {
    let Value::Object(object) = value else {
        return Ok(());
    };
    let mut echo = Echo {
        path: Path::root(),
        problems: Diagnostics::new(),
    };
    for (name, value) in object {
        if !value.is_wholly_known() {
            echo.within(Step::Attribute(name.clone()), |echo| {
                echo.problem("it is not known");
            });
        }
    }
    if echo.problems.is_empty() {
        Ok(())
    } else {
        Err(echo.problems)
    }
}

struct Echo {
    path: Path,
    problems: Diagnostics,
}

impl Echo {
    fn block(&mut self, block: &Block, config: &Object, result: &mut Object) {
        self.attributes(&block.attributes, config, result);
        for nested in &block.blocks {
            let config = config.get(&nested.name).unwrap_or(&Value::Null);
            let result = result.entry(nested.name.clone()).or_insert(Value::Null);
            self.within(Step::Attribute(nested.name.clone()), |echo| {
                echo.each(
                    nested.nesting,
                    config,
                    result,
                    &mut |echo, config, result| {
                        echo.block(&nested.block, config, result);
                    },
                );
            });
        }
    }

    fn attributes(&mut self, attributes: &[Attribute], config: &Object, result: &mut Object) {
        for attribute in attributes {
            let config = config.get(&attribute.name).unwrap_or(&Value::Null);
            let result = result.entry(attribute.name.clone()).or_insert(Value::Null);
            self.within(Step::Attribute(attribute.name.clone()), |echo| {
                echo.attribute(attribute, config, result);
            });
        }
    }

    fn attribute(&mut self, attribute: &Attribute, config: &Value, result: &mut Value) {
        if config.is_null() {
            if !result.is_wholly_known() {
                self.problem("it is not known");
            } else if !attribute.is_computed() && !result.is_null() {
                self.problem(
                    "it is set, although the configuration does not set it and it is not computed",
                );
            }
            return;
        }
        match &attribute.kind {
            AttributeKind::Nested {
                nesting,
                attributes,
            } => {
                self.each(*nesting, config, result, &mut |echo, config, result| {
                    echo.attributes(attributes, config, result);
                });
            }
            _ if config == result => result.clone_from(config),
            _ => self.problem("it differs from the configuration"),
        }
    }

    fn each(
        &mut self,
        nesting: Nesting,
        config: &Value,
        result: &mut Value,
        check: &mut dyn FnMut(&mut Self, &Object, &mut Object),
    ) {
        match (nesting, config, result) {
            (_, Value::Null, Value::Null) => {}
            (Nesting::Single | Nesting::Group, Value::Object(config), Value::Object(result)) => {
                check(self, config, result);
            }
            (Nesting::List, Value::List(config), Value::List(result))
                if config.len() == result.len() =>
            {
                for (position, (config, result)) in config.iter().zip(result).enumerate() {
                    let index = Step::Index(i64::try_from(position).unwrap_or(i64::MAX));
                    self.within(index, |echo| echo.element(config, result, check));
                }
            }
            (Nesting::Set, Value::Set(config), Value::Set(result))
                if config.len() == result.len() =>
            {
                for (config, result) in config.iter().zip(result) {
                    self.element(config, result, check);
                }
            }
            (Nesting::Map, Value::Map(config), Value::Map(result))
                if config.keys().eq(result.keys()) =>
            {
                for ((key, config), result) in config.iter().zip(result.values_mut()) {
                    self.within(Step::Key(key.clone()), |echo| {
                        echo.element(config, result, check);
                    });
                }
            }
            _ => self.problem("its elements differ from the configuration"),
        }
    }

    fn element(
        &mut self,
        config: &Value,
        result: &mut Value,
        check: &mut dyn FnMut(&mut Self, &Object, &mut Object),
    ) {
        match (config, result) {
            (Value::Object(config), Value::Object(result)) => check(self, config, result),
            (Value::Null, Value::Null) => {}
            _ => self.problem("its elements differ from the configuration"),
        }
    }

    fn within(&mut self, step: Step, check: impl FnOnce(&mut Self)) {
        self.path.push(step);
        check(self);
        self.path.pop();
    }

    fn problem(&mut self, what: &str) {
        let detail = format!(
            "The provider made a result that Terraform would refuse: {what}. This is a bug in the provider."
        );
        self.problems.push(
            Diagnostic::error("Provider made an invalid result")
                .detail(detail)
                .at(self.path.clone()),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, SetOf, to_value};
    use crate::number::Number;

    crate::model! {
        /// Model.
        struct Thing {
            /// Set by the practitioner.
            size: Number = required(),
            /// Perhaps set.
            note: Option<String> = optional(),
            /// Set by the provider.
            value: Option<String> = computed(),
            /// Either.
            region: Option<String> = optional().or_computed(),
            /// Nested.
            parts: Option<Vec<Part>> = optional(),
            /// Blocks.
            host: SetOf<Part> = block(),
        }
    }

    crate::model! {
        /// Part.
        struct Part {
            /// Set by the practitioner.
            name: String = required(),
            /// Set by the provider.
            serial: Option<i64> = computed(),
        }
    }

    fn part(name: &str, serial: Option<i64>) -> Part {
        Part {
            name: name.into(),
            serial,
        }
    }

    fn config() -> Thing {
        Thing {
            size: Number::parse("1.50").unwrap(),
            note: None,
            value: None,
            region: Some("eu".into()),
            parts: Some(vec![part("a", None)]),
            host: SetOf(vec![part("b", None)]),
        }
    }

    fn result() -> Thing {
        Thing {
            value: Some("v".into()),
            parts: Some(vec![part("a", Some(1))]),
            host: SetOf(vec![part("b", Some(2))]),
            ..config()
        }
    }

    #[track_caller]
    fn check(result: Thing, expected: &[&str]) {
        let mut result = to_value(result);
        let found = match settle(&Thing::block(), &to_value(config()), &mut result) {
            Ok(()) => Vec::new(),
            Err(problems) => problems
                .iter()
                .map(|problem| problem.path.to_string())
                .collect(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn computed_values_are_free_at_every_depth() {
        check(result(), &[]);
    }

    #[test]
    fn arguments_must_come_back_unchanged() {
        check(
            Thing {
                size: Number::Int(2),
                ..result()
            },
            &["size"],
        );
        check(
            Thing {
                region: None,
                ..result()
            },
            &["region"],
        );
        check(
            Thing {
                parts: Some(vec![part("x", None)]),
                ..result()
            },
            &["parts[0].name"],
        );
        check(
            Thing {
                parts: None,
                ..result()
            },
            &["parts"],
        );
        check(
            Thing {
                host: SetOf(vec![]),
                ..result()
            },
            &["host"],
        );
    }

    #[test]
    fn nothing_may_be_set_that_is_not_computed() {
        check(
            Thing {
                note: Some("x".into()),
                ..result()
            },
            &["note"],
        );
    }

    #[test]
    fn nothing_may_be_unknown() {
        let mut value = to_value(result());
        if let Value::Object(object) = &mut value {
            object.insert("value".into(), Value::unknown());
        }
        let problems = settle(&Thing::block(), &to_value(config()), &mut value).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().path, "value".into());
        assert!(require_known(&value).is_err());
    }

    #[test]
    fn the_spelling_of_the_practitioner_is_kept() {
        let mut value = to_value(Thing {
            size: Number::from_f64(1.5).unwrap(),
            ..result()
        });
        settle(&Thing::block(), &to_value(config()), &mut value).unwrap();
        let Value::Number(size) = &value.as_object().unwrap()["size"] else {
            panic!("number")
        };
        assert_eq!(size.to_string(), "1.50");
    }
}
