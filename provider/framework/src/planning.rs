//! The plan of a managed resource: what the framework decides, and how a resource adjusts it.

use crate::model::{Decoder, Field, Tristate, Unknowns};
use crate::path::{Path, Step};
use crate::schema::{Attribute, AttributeKind, Block, Nesting};
use crate::value::{Object, Value};
use crate::write_only;

/// A plan to create or change an object, as a resource sees it.
#[derive(Debug)]
pub struct Plan {
    prior: Option<Object>,
    config: Object,
    planned: Object,
    replace: Vec<Path>,
    private: Vec<u8>,
}

impl Plan {
    /// Makes the framework's plan.
    ///
    /// - `proposed` is Terraform's merge of configuration and stored state.
    /// - Write-only values never enter the plan.
    /// - When an object is created, or anything changes, computed attributes that the practitioner has not
    ///   set become unknown, but those marked to keep their stored value.
    pub(crate) fn new(
        block: &Block,
        prior: Value,
        config: Value,
        mut proposed: Value,
        private: Vec<u8>,
    ) -> Self {
        write_only::remove(block, &mut proposed);
        let prior = into_object(prior);
        let config = into_object(config).unwrap_or_default();
        let mut planned = into_object(proposed).unwrap_or_default();
        let mut replace = Vec::new();
        let changed = prior.as_ref() != Some(&planned);
        if changed {
            let mut planner = Planner {
                path: Path::root(),
                replace: &mut replace,
            };
            planner.block(block, prior.as_ref(), &config, &mut planned);
        }
        Self {
            prior,
            config,
            planned,
            replace,
            private,
        }
    }

    /// True when the object does not exist yet.
    #[must_use]
    pub fn is_create(&self) -> bool {
        self.prior.is_none()
    }

    /// True when the plan changes something.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.prior.as_ref() != Some(&self.planned)
    }

    /// An attribute of the stored state.
    #[must_use]
    pub fn prior<T: Field>(&self, name: &str) -> Tristate<T> {
        self.prior
            .as_ref()
            .map_or(Tristate::Null, |prior| get(prior, name))
    }

    /// An attribute of the configuration. Values of write-only attributes may be unknown now and different
    /// at apply: never plan anything from them.
    #[must_use]
    pub fn config<T: Field>(&self, name: &str) -> Tristate<T> {
        get(&self.config, name)
    }

    /// An attribute as planned.
    #[must_use]
    pub fn planned<T: Field>(&self, name: &str) -> Tristate<T> {
        get(&self.planned, name)
    }

    /// True when the planned value differs from the stored one; false on create.
    #[must_use]
    pub fn changes(&self, name: &str) -> bool {
        self.prior
            .as_ref()
            .is_some_and(|prior| prior.get(name) != self.planned.get(name))
    }

    /// Plans a value for a computed attribute.
    pub fn set(&mut self, name: &str, value: impl Field) {
        self.planned.insert(name.to_owned(), value.encode());
    }

    /// Leaves a computed attribute to the apply.
    pub fn set_unknown(&mut self, name: &str) {
        self.planned.insert(name.to_owned(), Value::unknown());
    }

    /// Plans the stored value of a computed attribute, if there is one.
    pub fn keep(&mut self, name: &str) {
        if let Some(value) = self.prior.as_ref().and_then(|prior| prior.get(name)) {
            self.planned.insert(name.to_owned(), value.clone());
        }
    }

    /// Replaces the object because of this attribute. Does nothing on create.
    pub fn replace(&mut self, path: impl Into<Path>) {
        let path = path.into();
        if self.prior.is_some() && !self.replace.contains(&path) {
            self.replace.push(path);
        }
    }

    /// The provider's notes, stored beside the state: never a secret.
    pub fn private_mut(&mut self) -> &mut Vec<u8> {
        &mut self.private
    }

    pub(crate) fn into_parts(self, block: &Block) -> (Value, Vec<Path>, Vec<u8>) {
        let mut planned = Value::Object(self.planned);
        write_only::remove(block, &mut planned);
        (planned, self.replace, self.private)
    }
}

fn into_object(value: Value) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

fn get<T: Field>(object: &Object, name: &str) -> Tristate<T> {
    let value = object.get(name).cloned().unwrap_or(Value::Null);
    let mut decoder = Decoder::new(Unknowns::Refuse);
    Tristate::decode(value, &mut decoder).unwrap_or(Tristate::Unknown)
}

/// Plans one object from its stored side, its configured side and the proposal.
type PlanObject<'f, P> = &'f mut dyn FnMut(&mut P, Option<&Object>, &Object, &mut Object);

/// Walks state, configuration and plan side by side.
struct Planner<'r> {
    path: Path,
    replace: &'r mut Vec<Path>,
}

impl Planner<'_> {
    fn block(
        &mut self,
        block: &Block,
        prior: Option<&Object>,
        config: &Object,
        planned: &mut Object,
    ) {
        self.attributes(&block.attributes, prior, config, planned);
        for nested in &block.blocks {
            let name = &nested.name;
            let Some(value) = planned.get_mut(name) else {
                continue;
            };
            let sides = (prior.and_then(|prior| prior.get(name)), config.get(name));
            self.within(Step::Attribute(name.clone()), |planner| {
                planner.each(
                    nested.nesting,
                    sides,
                    value,
                    &mut |planner, prior, config, planned| {
                        planner.block(&nested.block, prior, config, planned);
                    },
                );
            });
        }
    }

    fn attributes(
        &mut self,
        attributes: &[Attribute],
        prior: Option<&Object>,
        config: &Object,
        planned: &mut Object,
    ) {
        for attribute in attributes {
            let name = &attribute.name;
            let value = planned.entry(name.clone()).or_insert(Value::Null);
            let sides = (prior.and_then(|prior| prior.get(name)), config.get(name));
            self.within(Step::Attribute(name.clone()), |planner| {
                planner.attribute(attribute, sides, value);
            });
        }
    }

    fn attribute(
        &mut self,
        attribute: &Attribute,
        sides: (Option<&Value>, Option<&Value>),
        planned: &mut Value,
    ) {
        let (prior, config) = sides;
        let left_out = config.is_none_or(Value::is_null);
        if attribute.is_computed() && left_out {
            match prior.filter(|prior| attribute.keeps_state && !prior.is_null()) {
                Some(prior) => *planned = prior.clone(),
                None => *planned = Value::unknown(),
            }
        } else if let AttributeKind::Nested {
            nesting,
            attributes,
        } = &attribute.kind
        {
            self.each(
                *nesting,
                sides,
                planned,
                &mut |planner, prior, config, planned| {
                    planner.attributes(attributes, prior, config, planned);
                },
            );
        }
        if attribute.requires_replace && prior.is_some_and(|prior| prior != planned) {
            self.replace.push(self.path.clone());
        }
    }

    /// Pairs objects by position or key. Elements of sets cannot be paired, so they have no stored side;
    /// their configured side is found by position, which Terraform keeps in its proposal.
    fn each(
        &mut self,
        nesting: Nesting,
        (prior, config): (Option<&Value>, Option<&Value>),
        planned: &mut Value,
        plan: PlanObject<'_, Self>,
    ) {
        let nothing = Object::new();
        let mut one = |planner: &mut Self,
                       prior: Option<&Value>,
                       config: Option<&Value>,
                       planned: &mut Value| {
            if let Value::Object(planned) = planned {
                let config = config.and_then(Value::as_object).unwrap_or(&nothing);
                plan(planner, prior.and_then(Value::as_object), config, planned);
            }
        };
        match (nesting, planned) {
            (Nesting::Single | Nesting::Group, planned) => one(self, prior, config, planned),
            (Nesting::List, Value::List(items)) => {
                for (position, item) in items.iter_mut().enumerate() {
                    let index = Step::Index(i64::try_from(position).unwrap_or(i64::MAX));
                    let (prior, config) = (element(prior, position), element(config, position));
                    self.within(index, |planner| one(planner, prior, config, item));
                }
            }
            (Nesting::Set, Value::Set(items)) => {
                for (position, item) in items.iter_mut().enumerate() {
                    one(self, None, element(config, position), item);
                }
            }
            (Nesting::Map, Value::Map(items)) => {
                for (key, item) in items {
                    let (prior, config) = (member(prior, key), member(config, key));
                    self.within(Step::Key(key.clone()), |planner| {
                        one(planner, prior, config, item);
                    });
                }
            }
            _ => {}
        }
    }

    fn within(&mut self, step: Step, plan: impl FnOnce(&mut Self)) {
        self.path.push(step);
        plan(self);
        self.path.pop();
    }
}

fn element(value: Option<&Value>, position: usize) -> Option<&Value> {
    match value {
        Some(Value::List(items) | Value::Set(items)) => items.get(position),
        _ => None,
    }
}

fn member<'v>(value: Option<&'v Value>, key: &str) -> Option<&'v Value> {
    match value {
        Some(Value::Map(items)) => items.get(key),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Model, to_value};
    use secret_value::Secret;

    crate::model! {
        /// A thing.
        struct Thing {
            /// Changes replace.
            name: String = required().requires_replace(),
            /// Plain.
            note: Option<String> = optional(),
            /// Set by the provider once.
            id: Option<String> = computed().keeps_state(),
            /// Set by the provider at every change.
            version: Option<i64> = computed(),
            /// Either.
            region: Option<String> = optional().or_computed(),
            /// Written.
            value_wo: Option<Secret> = optional().write_only(),
            /// Blocks.
            part: Vec<Part> = block(),
        }
    }

    crate::model! {
        /// A part.
        struct Part {
            /// Size.
            size: i64 = required(),
            /// Set by the provider.
            serial: Option<i64> = computed().keeps_state(),
        }
    }

    fn config() -> Thing {
        Thing {
            name: "a".into(),
            note: None,
            id: None,
            version: None,
            region: None,
            value_wo: Some(Secret::from_text("v".into())),
            part: vec![Part {
                size: 1,
                serial: None,
            }],
        }
    }

    fn stored() -> Thing {
        let part = vec![Part {
            size: 1,
            serial: Some(9),
        }];
        let (id, version, region) = (Some("i".into()), Some(1), Some("eu".into()));
        Thing {
            id,
            version,
            region,
            value_wo: None,
            part,
            ..config()
        }
    }

    /// Terraform proposes the configuration, with computed gaps filled from the stored state.
    fn plan(prior: Option<Thing>, config: Thing, proposed: Thing) -> (Object, Vec<String>) {
        let prior = prior.map_or(Value::Null, to_value);
        let plan = Plan::new(
            &Thing::block(),
            prior,
            to_value(config),
            to_value(proposed),
            Vec::new(),
        );
        let (planned, replace, _) = plan.into_parts(&Thing::block());
        (
            into_object(planned).unwrap(),
            replace.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn creating_leaves_computed_attributes_to_the_apply() {
        let (planned, replace) = plan(None, config(), config());
        assert_eq!(planned["name"], "a".into());
        assert_eq!(planned["note"], Value::Null);
        for name in ["id", "version", "region"] {
            assert!(planned[name].is_unknown(), "{name}");
        }
        assert!(
            planned["value_wo"].is_null(),
            "a write-only value never enters the plan"
        );
        assert!(
            element(planned.get("part"), 0)
                .unwrap()
                .as_object()
                .unwrap()["serial"]
                .is_unknown()
        );
        assert!(replace.is_empty());
    }

    #[test]
    fn no_change_is_no_change() {
        let proposed = Thing {
            value_wo: config().value_wo,
            ..stored()
        };
        let (planned, replace) = plan(Some(stored()), config(), proposed);
        assert_eq!(Value::Object(planned), to_value(stored()));
        assert!(replace.is_empty());
    }

    #[test]
    fn a_change_keeps_what_is_marked_and_recomputes_the_rest() {
        let changed = |thing| Thing {
            note: Some("x".into()),
            ..thing
        };
        let (planned, replace) = plan(Some(stored()), changed(config()), changed(stored()));
        assert_eq!(planned["id"], "i".into());
        assert!(planned["version"].is_unknown());
        assert_eq!(
            element(planned.get("part"), 0)
                .unwrap()
                .as_object()
                .unwrap()["serial"],
            9.into()
        );
        assert!(replace.is_empty());
    }

    #[test]
    fn a_change_of_a_marked_attribute_replaces() {
        let changed = |thing| Thing {
            name: "b".into(),
            ..thing
        };
        let (_, replace) = plan(Some(stored()), changed(config()), changed(stored()));
        assert_eq!(replace, ["name"]);
    }

    #[test]
    fn a_resource_can_adjust_the_plan() {
        let block = Thing::block();
        let prior = to_value(stored());
        let proposed = to_value(Thing {
            note: Some("x".into()),
            ..stored()
        });
        let mut plan = Plan::new(&block, prior, to_value(config()), proposed, b"p".to_vec());
        assert!(
            plan.changes("note") && !plan.changes("name") && !plan.is_create() && plan.is_change()
        );
        assert_eq!(plan.prior::<i64>("version"), Tristate::Known(1));
        assert_eq!(plan.planned::<i64>("version"), Tristate::Unknown);
        assert!(plan.config::<Secret>("value_wo").is_set());
        plan.keep("version");
        plan.set("region", "us".to_owned());
        plan.set_unknown("id");
        plan.replace("region");
        plan.replace("region");
        let (planned, replace, private) = plan.into_parts(&block);
        let planned = into_object(planned).unwrap();
        assert_eq!(
            (&planned["version"], &planned["region"]),
            (&1.into(), &"us".into())
        );
        assert!(planned["id"].is_unknown());
        assert_eq!(
            (replace, private),
            (vec![Path::from("region")], b"p".to_vec())
        );
    }
}
