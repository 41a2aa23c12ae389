//! Models as schema, decoder and encoder.

use std::collections::BTreeMap;

use secret_value::Secret;

use super::{
    Failed, Field, Fields, Model, SetOf, Tristate, Unknowns, from_value, optional, to_value,
};
use crate::number::Number;
use crate::schema::{Block, Mode, NestedBlock, Nesting, Schema};
use crate::types::Type;
use crate::value::{Dynamic, Object, Value};

crate::model! {
    /// Everything at once.
    ///
    /// Second paragraph.
    #[derive(PartialEq)]
    struct Everything {
        /// A name.
        name: String = required(),
        /// A port.
        port: Option<u16> = optional(),
        /// Labels.
        labels: Option<BTreeMap<String, String>> = optional().or_computed(),
        /// Tags.
        tags: Option<SetOf<i64>> = optional(),
        /// A secret.
        secret: Option<Secret> = optional().write_only(),
        /// Anything.
        any: Option<Dynamic> = computed().sensitive(),
        /// Perhaps.
        maybe: Tristate<f64> = optional().deprecated("use `port`"),
        /// Inner objects.
        inner: Option<Vec<Inner>> = optional(),
        /// One block.
        one: Inner = block(),
        /// Maybe a block.
        r#type: Option<Inner> = block(),
        /// Many blocks.
        many: Vec<Inner> = block().at_most(3),
        /// Labelled blocks.
        vault: BTreeMap<String, Inner> = block(),
    }
}

crate::model! {
    /// Inner.
    #[derive(PartialEq)]
    struct Inner {
        /// An exact number.
        size: Number = required(),
    }
}

fn inner(text: &str) -> Inner {
    Inner {
        size: Number::parse(text).unwrap(),
    }
}

fn everything() -> Everything {
    Everything {
        name: "n".into(),
        port: Some(8200),
        labels: None,
        tags: Some(SetOf(vec![2, 1])),
        secret: Some(Secret::from_text("s3cret".into())),
        any: Some(Dynamic {
            ty: Type::Bool,
            value: Value::Bool(true),
        }),
        maybe: Tristate::Unknown,
        inner: Some(vec![inner("0.1")]),
        one: inner("1"),
        r#type: None,
        many: vec![],
        vault: [("prod".to_owned(), inner("2"))].into(),
    }
}

fn encoded(change: impl FnOnce(&mut Object)) -> Value {
    let mut object = Model::encode(everything());
    change(&mut object);
    Value::Object(object)
}

#[test]
fn the_schema_is_what_the_struct_says() {
    let block = Everything::block();
    assert_eq!(Schema::new(block.clone()).validate(), []);
    assert_eq!(
        block.description,
        "Everything at once.\n\nSecond paragraph."
    );
    assert_eq!(block.attributes[0].mode, Mode::Required);
    assert_eq!(block.attributes[2].mode, Mode::OptionalComputed);
    assert!(block.attributes[4].write_only);
    assert_eq!(block.attributes[5].ty(), Type::SecretDynamic);
    assert_eq!(
        block.attributes[6].deprecated.as_deref(),
        Some("use `port`")
    );
    let blocks: Vec<_> = block
        .blocks
        .iter()
        .map(|nested| {
            (
                nested.name.as_str(),
                nested.nesting,
                nested.min_items,
                nested.max_items,
            )
        })
        .collect();
    assert_eq!(
        blocks,
        [
            ("one", Nesting::Single, 1, 1),
            ("type", Nesting::Single, 0, 0),
            ("many", Nesting::List, 0, 3),
            ("vault", Nesting::Map, 0, 0)
        ]
    );
}

#[test]
fn values_round_trip_through_the_wire() {
    let ty = Everything::block().ty();
    let bytes = crate::codec::msgpack::encode(&to_value(everything()), &ty).unwrap();
    let back = crate::codec::msgpack::decode(&bytes, &ty).unwrap();
    let back: Everything = from_value(back, Unknowns::Refuse).unwrap();
    assert_eq!(back, everything());
}

#[test]
fn every_problem_is_reported_with_its_path() {
    let value = encoded(|object| {
        object.insert("name".into(), Value::Null);
        object.insert("port".into(), Value::from(70_000));
        object.insert(
            "many".into(),
            Value::List(vec![Value::Object(
                [("size".to_owned(), Value::unknown())].into(),
            )]),
        );
        object.insert(
            "vault".into(),
            Value::Map([("dev".to_owned(), Value::Object(Object::new()))].into()),
        );
    });
    let problems = from_value::<Everything>(value, Unknowns::Refuse).unwrap_err();
    let problems: Vec<_> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.path, problem.summary))
        .collect();
    assert_eq!(
        problems,
        [
            "name: Missing value",
            "port: Number out of range",
            "many[0].size: Value not known yet",
            "vault[\"dev\"].size: Missing value"
        ]
    );
}

#[test]
fn unknown_values_can_count_as_null() {
    let value = encoded(|object| {
        object.insert("labels".into(), Value::unknown());
    });
    assert!(from_value::<Everything>(value.clone(), Unknowns::Refuse).is_err());
    assert_eq!(
        from_value::<Everything>(value, Unknowns::AsNull)
            .unwrap()
            .labels,
        None
    );
}

crate::model! {
    /// Mistakes.
    struct Mistakes {
        /// Not an option.
        absent: String = optional(),
        /// Not a model.
        scalar: String = block(),
        /// Plain secret.
        plain: Option<String> = optional().sensitive(),
        /// List of lists of models.
        lists: Option<Vec<Vec<Inner>>> = optional(),
    }
}

#[test]
fn mistakes_in_a_model_are_found_by_validate() {
    let problems: Vec<_> = Schema::new(Mistakes::block())
        .validate()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(problems.len(), 4, "{problems:?}");
    assert!(problems[0].contains("absent: an attribute that may be absent"));
    assert!(problems[1].contains("scalar: a block must be a model"));
    assert!(problems[2].contains("plain: text of a sensitive"));
    assert!(problems[3].contains("lists: collections of collections"));
}

/// A block whose names come from data.
struct Stores(BTreeMap<String, BTreeMap<String, BTreeMap<String, Option<String>>>>);

/// Kinds of stores, each with its attributes and their descriptions.
const KINDS: [(&str, &[(&str, &str)]); 2] = [
    ("local", &[("path", "The file.")]),
    (
        "vault",
        &[("address", "Where it is."), ("namespace", "Its namespace.")],
    ),
];

impl Model for Stores {
    fn block() -> Block {
        KINDS
            .iter()
            .fold(Block::new("Stores."), |block, (kind, attributes)| {
                let content = attributes.iter().fold(
                    Block::new(format!("A {kind} store.")),
                    |content, (name, description)| {
                        content.field::<Option<String>>(name, optional(), description)
                    },
                );
                block.block(NestedBlock::new(*kind, Nesting::Map, content))
            })
    }

    fn decode(fields: &mut Fields<'_>) -> Result<Self, Failed> {
        let kinds: Vec<_> = KINDS
            .iter()
            .map(|(kind, attributes)| {
                let stores = fields.take_with(kind, |value, decoder| {
                    decoder.entries(value, |store, decoder| {
                        decoder.object(store, |fields| {
                            let read = attributes
                                .iter()
                                .map(|(name, _)| Ok(((*name).to_owned(), fields.take(name)?)));
                            read.collect()
                        })
                    })
                });
                stores.map(|stores| ((*kind).to_owned(), stores))
            })
            .collect();
        kinds.into_iter().collect::<Result<_, _>>().map(Self)
    }

    fn encode(self) -> Object {
        let encoded = self.0.into_iter().map(|(kind, stores)| {
            let stores = stores.into_iter().map(|(label, store)| {
                let store = store
                    .into_iter()
                    .map(|(name, value)| (name, Field::encode(value)));
                (label, Value::Object(store.collect()))
            });
            (kind, Value::Map(stores.collect()))
        });
        encoded.collect()
    }
}

#[test]
fn names_and_texts_of_a_block_may_come_from_data() {
    let schema = Schema::new(Stores::block());
    assert_eq!(schema.validate(), []);
    assert_eq!(
        schema.block.blocks[1].block.attributes[0].description,
        "Where it is."
    );
    let store = |address: Value| {
        let fields = [
            ("address".to_owned(), address),
            ("namespace".to_owned(), Value::Null),
        ];
        Value::Object(fields.into())
    };
    let stores = |address| {
        let prod = Value::Map([("prod".to_owned(), store(address))].into());
        Value::Object(
            [
                ("local".to_owned(), Value::Map(Object::new())),
                ("vault".to_owned(), prod),
            ]
            .into(),
        )
    };
    let value = stores("https://vault".into());
    let read: Stores = from_value(value.clone(), Unknowns::Refuse).unwrap();
    assert_eq!(
        read.0["vault"]["prod"]["address"].as_deref(),
        Some("https://vault")
    );
    assert_eq!(to_value(read), value);
    let problems = from_value::<Stores>(stores(true.into()), Unknowns::Refuse)
        .map(|_| ())
        .unwrap_err();
    assert_eq!(
        problems.iter().next().unwrap().path.to_string(),
        "vault[\"prod\"].address"
    );
}
