//! Wire vectors seen from real Terraform, hostile bytes, and the round trip.

use proptest::prelude::*;
use secret_value::Secret;

use super::{decode, encode};
use crate::codec::CodecErrorKind;
use crate::number::Number;
use crate::types::Type;
use crate::value::{Dynamic, Value};

fn object(items: &[(&str, Value)]) -> Value {
    Value::Object(
        items
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
    )
}

fn number(text: &str) -> Value {
    Value::Number(Number::parse(text).unwrap())
}

/// Decodes to `value` and, when `both`, encodes to the same bytes.
fn check(bytes: &[u8], ty: &Type, value: &Value, both: bool) {
    assert_eq!(&decode(bytes, ty).unwrap(), value);
    if both {
        assert_eq!(encode(value, ty).unwrap(), bytes);
    }
}

#[test]
fn vectors_from_the_wire() {
    check(b"\xc0", &Type::String, &Value::Null, true);
    check(b"", &Type::String, &Value::Null, false);
    check(b"\xa30.1", &Type::Number, &number("0.1"), true);
    check(b"\xd4\x00\x00", &Type::String, &Value::unknown(), true);
    check(b"\xc3", &Type::Bool, &Value::Bool(true), true);
    check(
        b"\x91\xa1x",
        &Type::list(Type::String),
        &Value::List(vec!["x".into()]),
        true,
    );
    check(
        b"\x91\xa1x",
        &Type::set(Type::String),
        &Value::Set(vec!["x".into()]),
        true,
    );
}

#[test]
fn refined_unknowns_keep_what_is_useful() {
    let bytes = b"\xc7\x08\x0c\x82\x01\xc2\x02\xa3db/";
    let Value::Unknown(refinement) = decode(bytes, &Type::String).unwrap() else {
        panic!("unknown")
    };
    assert!(refinement.not_null);
    assert_eq!(refinement.prefix.as_deref(), Some("db/"));
    let Value::Unknown(refinement) = decode(bytes, &Type::Secret).unwrap() else {
        panic!("unknown")
    };
    assert_eq!(refinement.prefix, None, "the start of a secret is secret");
    let bounds = b"\xc7\x09\x0c\x83\x03\x92\x01\xc3\x01\xc2\x09\xc0";
    let Value::Unknown(refinement) = decode(bounds, &Type::Number).unwrap() else {
        panic!("unknown")
    };
    assert!(refinement.not_null, "bounds and unknown keys are skipped");
}

#[test]
fn dynamic_values_carry_their_type() {
    let ty = r#"["object",{"a":"number","b":["tuple",["string"]]}]"#;
    let bytes = [
        b"\x92\xc4\x32".as_slice(),
        ty.as_bytes(),
        b"\x82\xa1a\x01\xa1b\x91\xa1x",
    ]
    .concat();
    let value = Value::Dynamic(Box::new(Dynamic {
        ty: Type::from_json(ty.as_bytes()).unwrap(),
        value: object(&[("a", number("1")), ("b", Value::Tuple(vec!["x".into()]))]),
    }));
    check(&bytes, &Type::Dynamic, &value, true);
    check(b"\xd4\x00\x00", &Type::Dynamic, &Value::unknown(), true);
    check(b"\xc0", &Type::Dynamic, &Value::Null, true);
    check(
        b"\x92\xa8\"string\"\xa1x",
        &Type::SecretDynamic,
        &sealed("x"),
        false,
    );
}

fn sealed(text: &str) -> Value {
    Value::Dynamic(Box::new(Dynamic {
        ty: Type::Secret,
        value: Value::Secret(Secret::from_text(text.into())),
    }))
}

#[test]
fn every_width_of_number_is_read() {
    for bytes in [
        &b"\x07"[..],
        b"\xcc\x07",
        b"\xcd\0\x07",
        b"\xce\0\0\0\x07",
        b"\xcf\0\0\0\0\0\0\0\x07",
        b"\xd0\x07",
        b"\xd1\0\x07",
        b"\xd2\0\0\0\x07",
        b"\xd3\0\0\0\0\0\0\0\x07",
        b"\xca\x40\xe0\0\0",
        b"\xcb\x40\x1c\0\0\0\0\0\0",
        b"\xa17",
    ] {
        check(bytes, &Type::Number, &number("7"), false);
    }
    let written = |text: &str| encode(&number(text), &Type::Number).unwrap();
    assert_eq!(written("7.0"), b"\x07");
    assert_eq!(written("18446744073709551615"), b"\xb418446744073709551615");
    assert_eq!(
        encode(&Value::Number(Number::Float(0.5)), &Type::Number).unwrap()[0],
        0xcb
    );
    assert_eq!(
        encode(&Value::Number(Number::Float(f64::INFINITY)), &Type::Number).unwrap()[0],
        0xcb
    );
    assert!(matches!(
        decode(b"\xcb\x7f\xf8\0\0\0\0\0\0", &Type::Number)
            .unwrap_err()
            .kind,
        CodecErrorKind::NotANumber
    ));
}

#[test]
fn errors_name_the_place() {
    let ty = Type::object([("a", Type::list(Type::object([("b", Type::Number)])))]);
    let bad = |bytes: &[u8]| decode(bytes, &ty).unwrap_err().to_string();
    assert_eq!(
        bad(b"\x81\xa1a\x91\x81\xa1b\xa1x"),
        "a[0].b: the text is not a number"
    );
    assert_eq!(
        bad(b"\x81\xa1a\x91\x81\xa1b\xc3"),
        "a[0].b: expected number, found a bool"
    );
    assert_eq!(
        bad(b"\x81\xa1a\x91\x80"),
        "a[0].b: the attribute is missing"
    );
    assert_eq!(bad(b"\x81\xa1z\xc0"), "z: the schema has no such attribute");
    assert_eq!(bad(b"\x82\xa1a\xc0\xa1a\xc0"), "a key appears twice");
    assert_eq!(
        bad(b"\x81\xa1a\xdd\xff\xff\xff\xff"),
        "a[0]: the encoded value ends too early"
    );
    assert_eq!(
        bad(b"\xc0\xc0"),
        "the encoded value is followed by other bytes"
    );
}

#[test]
fn a_secret_that_is_not_normal_text_points_to_the_base64_attribute() {
    let ty = Type::object([("value", Type::Secret), ("value_base64", Type::Secret)]);
    let message = |bytes: &[u8]| {
        let value = object(&[("value", Value::Secret(Secret::new(bytes.to_vec())))]);
        encode(&value, &ty).unwrap_err().to_string()
    };
    assert!(message(b"\xff\xfe").contains("not valid UTF-8 text"));
    assert!(message(b"\xff\xfe").contains("use `value_base64`"));
    assert!(message("e\u{301}".as_bytes()).contains("normal form C"));
    let alone = encode(&Value::Secret(Secret::new(vec![0xff])), &Type::Secret)
        .unwrap_err()
        .to_string();
    assert!(alone.contains("a base64 attribute"));
    assert_eq!(
        encode(&Value::Secret(Secret::from_text("é".into())), &Type::Secret).unwrap(),
        "\u{a2}é".as_bytes()[1..].to_vec()
    );
}

#[test]
fn ordinary_text_is_normalised() {
    assert_eq!(
        encode(&"e\u{301}".into(), &Type::String).unwrap(),
        encode(&"é".into(), &Type::String).unwrap()
    );
}

#[test]
fn objects_are_written_whole_and_sorted() {
    let ty = Type::object([("b", Type::String), ("a", Type::String)]);
    assert_eq!(
        encode(&object(&[("b", "x".into())]), &ty).unwrap(),
        b"\x82\xa1a\xc0\xa1b\xa1x"
    );
    assert!(encode(&object(&[("c", Value::Null)]), &ty).is_err());
    assert!(encode(&Value::Bool(true), &ty).is_err());
}

fn types() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Bool),
        Just(Type::Number),
        Just(Type::String),
        Just(Type::Secret),
        Just(Type::Dynamic),
        Just(Type::SecretDynamic)
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(Type::list),
            inner.clone().prop_map(Type::set),
            inner.clone().prop_map(Type::map),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Type::Tuple),
            prop::collection::btree_map("[a-z]{1,3}", inner, 0..4).prop_map(Type::object),
        ]
    })
}

fn values(ty: &Type) -> BoxedStrategy<Value> {
    let known = match ty {
        Type::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Type::Number => prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(|value| Value::Number(Number::from(value))),
            any::<f64>().prop_filter_map("NaN", |value| Number::from_f64(value).map(Value::Number)),
            "-?[0-9]{1,40}\\.[0-9]{1,40}".prop_map(|text| number(&text)),
        ]
        .boxed(),
        Type::String => "[ -~éß漢]{0,40}".prop_map(Value::from).boxed(),
        Type::Secret => "[ -~éß漢]{0,300}"
            .prop_map(|text| Value::Secret(Secret::from_text(text)))
            .boxed(),
        Type::Dynamic => "[a-z]{0,9}"
            .prop_map(|text| {
                Value::Dynamic(Box::new(Dynamic {
                    ty: Type::list(Type::String),
                    value: Value::List(vec![text.into()]),
                }))
            })
            .boxed(),
        Type::SecretDynamic => "[a-z]{0,9}".prop_map(|text| sealed(&text)).boxed(),
        Type::List(element) => prop::collection::vec(values(element), 0..20)
            .prop_map(Value::List)
            .boxed(),
        Type::Set(element) => prop::collection::vec(values(element), 0..20)
            .prop_map(Value::Set)
            .boxed(),
        Type::Map(element) => prop::collection::btree_map("[a-z]{0,9}", values(element), 0..20)
            .prop_map(Value::Map)
            .boxed(),
        Type::Tuple(types) => types
            .iter()
            .map(values)
            .collect::<Vec<_>>()
            .prop_map(Value::Tuple)
            .boxed(),
        Type::Object(object) => {
            let names: Vec<_> = object.attributes.keys().cloned().collect();
            let items = object.attributes.values().map(values).collect::<Vec<_>>();
            items
                .prop_map(move |items| Value::Object(names.iter().cloned().zip(items).collect()))
                .boxed()
        }
    };
    prop_oneof![1 => Just(Value::Null), 1 => Just(Value::unknown()), 8 => known].boxed()
}

proptest! {
    #[test]
    fn values_round_trip((ty, value) in types().prop_flat_map(|ty| (Just(ty.clone()), values(&ty)))) {
        let bytes = encode(&value, &ty).unwrap();
        prop_assert_eq!(decode(&bytes, &ty).unwrap(), value);
    }

    #[test]
    fn hostile_bytes_never_panic(ty in types(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes, &ty);
    }

    #[test]
    fn damaged_values_never_panic((ty, value) in types().prop_flat_map(|ty| (Just(ty.clone()), values(&ty))), at: prop::sample::Index, byte: u8) {
        let mut bytes = encode(&value, &ty).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&bytes, &ty);
    }
}

#[test]
fn a_secret_that_is_no_text_is_refused_when_it_is_read() {
    let kind = |bytes: &[u8], ty: &Type| decode(bytes, ty).unwrap_err().kind;
    assert_eq!(kind(b"\xa1\x87", &Type::Secret), CodecErrorKind::NotUtf8);
    let dynamic = b"\x92\xc4\x08\"string\"\xa1\x87";
    assert_eq!(kind(dynamic, &Type::SecretDynamic), CodecErrorKind::NotUtf8);
}
