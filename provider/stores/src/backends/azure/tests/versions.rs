//! Facts out of lists of versions.

use serde_json::{Value, json};

use super::super::versions::{Version, facts, is_version, newest};
use crate::error::Operation;

fn version(id: &str, created: i64, more: Value) -> Version {
    let mut attributes = json!({ "enabled": true, "created": created, "updated": created });
    if let (Some(attributes), Value::Object(more)) = (attributes.as_object_mut(), more) {
        attributes.extend(more);
    }
    let id = format!("https://kv.vault.azure.net/secrets/db/{id}");
    serde_json::from_value(json!({ "id": id, "attributes": attributes })).unwrap()
}

#[test]
fn the_newest_version_is_the_current_one() {
    let versions = [
        version("b", 20, json!({ "exp": 4_000_000_000_i64 })),
        version("a", 10, json!({})),
    ];
    let current = facts(&versions, None).unwrap();
    assert_eq!(current.version.as_deref(), Some("b"));
    assert_eq!((current.number, current.versions), (Some(20), Some(2)));
    assert_eq!(current.created.unwrap().as_second(), 10);
    assert_eq!(current.updated.unwrap().as_second(), 20);
    assert_eq!(current.expires.unwrap().as_second(), 4_000_000_000);
    assert_eq!(facts(&versions, Some("A")).unwrap().number, Some(10));
    assert_eq!(facts(&versions, Some("c")), None);
    assert_eq!(facts(&[], None), None);
    assert_eq!(newest(&versions).unwrap().name(), "b");
}

#[test]
fn two_versions_of_one_second_are_not_guessed() {
    let versions = [version("a", 10, json!({})), version("b", 10, json!({}))];
    let current = facts(&versions, None).unwrap();
    assert_eq!((current.version, current.number), (None, Some(10)));
    assert_eq!(
        facts(&versions, Some("b")).unwrap().version.as_deref(),
        Some("b")
    );
}

#[test]
fn secrets_are_used_in_their_time_only() {
    let past = json!({ "exp": 1 });
    let future = json!({ "nbf": 4_000_000_000_i64 });
    let check = |more: &Value| {
        version("a", 10, more.clone())
            .attributes
            .check_window(Operation::Open)
    };
    assert!(check(&json!({ "nbf": 1, "exp": 4_000_000_000_i64 })).is_ok());
    assert!(
        check(&past)
            .unwrap_err()
            .to_string()
            .contains("expired at 1970")
    );
    assert!(
        check(&future)
            .unwrap_err()
            .to_string()
            .contains("before 2096")
    );
    let noted = version("a", 10, json!({ "enabled": false })).facts().notes;
    assert!(noted[0].contains("disabled"), "{noted:?}");
}

#[test]
fn hostile_numbers_are_no_times() {
    let odd = version("a", i64::MIN, json!({ "exp": i64::MAX, "nbf": i64::MIN }));
    let found = facts(&[odd], None).unwrap();
    assert_eq!(
        (found.number, found.updated, found.expires),
        (None, None, None)
    );
}

#[test]
fn versions_are_thirty_two_digits() {
    assert!(is_version("4387e9f3d6e14c459867679a90fd0f79"));
    for text in [
        "",
        "999999",
        "4387e9f3d6e14c459867679a90fd0f7z",
        "../../keys",
    ] {
        assert!(!is_version(text), "{text}");
    }
}
