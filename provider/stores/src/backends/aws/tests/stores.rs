//! `aws-sm://` and `aws-ssm://`.

use std::sync::Arc;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use secret_policy::Scheme;
use serde_json::json;

use super::double::{Double, Fault};
use super::*;
use crate::conformance::{Bench, Fault as Hardship, Fixture, Sample, conformance, hardship};
use crate::store::{Precondition, SecretStore, WriteRequest};
use crate::{Operation, Retry};

fn conforms(double: &Double, stores: &Stores, [present, missing, free]: [&str; 3]) {
    let fixture = Fixture {
        store: stores.store(&reference(present)).unwrap(),
        present: reference(present),
        value: secret(CANARY),
        missing: reference(missing),
        free: Some(reference(free)),
    };
    block_on(conformance(&fixture)).unwrap();
    block_on(hardship(
        &fixture,
        &Trouble {
            double,
            place: fixture.present.clone(),
        },
    ))
    .unwrap();
}

/// Samples and faults of the double. A bad certificate is met from outside, where servers have some.
struct Trouble<'a> {
    double: &'a Double,
    place: SecretRef,
}

impl Bench for Trouble<'_> {
    fn sample(&self, sample: Sample) -> Option<SecretRef> {
        let name = format!("sample-{sample:?}");
        let content = sample.content();
        let text = String::from_utf8(content.clone());
        let mut state = self.double.state();
        match (self.place.scheme(), text) {
            // AWS stores no empty values, and parameters are short texts.
            _ if content.is_empty() => return None,
            (Scheme::AwsSsm, Ok(text)) if text.len() <= 4096 => {
                services::put_parameter(&mut state, &name, &text);
            }
            (Scheme::AwsSsm, _) => return None,
            (_, Ok(text)) => {
                services::put_secret(&mut state, &name, &json!({ "SecretString": text }));
            }
            (_, Err(_)) => {
                let encoded = BASE64_STANDARD.encode(&content);
                services::put_secret(&mut state, &name, &json!({ "SecretBinary": encoded }));
            }
        }
        Some(reference(&format!("{}://{name}", self.place.scheme())))
    }

    fn faulty(&self, fault: Hardship) -> Option<Arc<dyn SecretStore>> {
        let double = Double::start();
        double.put_secret("prod/db", CANARY);
        double.put_parameter("/prod/db", CANARY);
        {
            let mut state = double.state();
            let mut always = |fault: Fault| state.faults.extend(std::iter::repeat_n(fault, 50));
            match fault {
                Hardship::Throttled => always(Fault::Error("ThrottlingException")),
                Hardship::Silent => always(Fault::Wait(Duration::from_secs(60))),
                Hardship::Redirect => always(Fault::Redirect("https://evil.example/".to_owned())),
                Hardship::NoRight | Hardship::MetadataOnly => {
                    for action in ["GetSecretValue", "GetParameter"] {
                        state.denied.insert(action.to_owned());
                    }
                }
                // A server that tells its time is believed; this one does not.
                Hardship::ClockSkew => {
                    state.ahead = 3600;
                    state.no_date = true;
                }
                Hardship::BadCertificate => return None,
            }
        }
        Some(stores(&double).store(&self.place).unwrap())
    }
}

#[test]
fn secrets_manager_conforms() {
    let double = Double::start();
    double.put_secret("prod/db", "before");
    double.put_secret("prod/db", CANARY);
    for days in [0, 7] {
        let stores = configured(&double, Settings::new().with("recovery_window_days", days));
        let free = format!("aws-sm://free/{days}");
        conforms(
            &double,
            &stores,
            ["aws-sm://prod/db", "aws-sm://prod/none", &free],
        );
    }
}

#[test]
fn parameter_store_conforms() {
    let double = Double::start();
    double.put_parameter("/prod/db", "before");
    double.put_parameter("/prod/db", CANARY);
    let places = [
        "aws-ssm://prod/db",
        "aws-ssm://prod/none",
        "aws-ssm://free/place",
    ];
    conforms(&double, &stores(&double), places);
}

#[test]
fn secrets_are_named_by_arn_version_stage_and_selector() {
    let double = Double::start();
    double.put_secret("prod/db", r#"{"user":"ana","deep":{"p":"one"}}"#);
    double.put_secret("prod/db", r#"{"user":"bob","deep":{"p":"two"}}"#);
    let (arn, first) = {
        let state = double.state();
        let found = &state.secrets["prod/db"];
        (found.arn.clone(), found.versions[0].id.clone())
    };
    let stores = stores(&double);
    for (text, expected) in [
        ("aws-sm://prod/db#user".to_owned(), "bob"),
        ("aws-sm://prod/db#/deep/p".to_owned(), "two"),
        (format!("aws-sm://{arn}#user"), "bob"),
        (format!("aws-sm://{}#user", &arn[..arn.len() - 7]), "bob"),
        (format!("aws-sm://prod/db?version={first}#user"), "ana"),
        ("aws-sm://prod/db?stage=AWSPREVIOUS#user".to_owned(), "ana"),
    ] {
        assert_eq!(value(&stores, &text), secret(expected), "{text}");
    }
    fails(
        &stores,
        "aws-sm://prod/db?stage=NONE",
        ErrorKind::NotFound,
        &["stage `NONE`", "region"],
    );
    fails(
        &stores,
        "aws-sm://prod/db#pasword",
        ErrorKind::NotFound,
        &["user"],
    );
    let long = "0".repeat(40);
    fails(
        &stores,
        &format!("aws-sm://prod/db?version={long}"),
        ErrorKind::NotFound,
        &["no version"],
    );
    double.put_secret("text", "plain");
    fails(
        &stores,
        "aws-sm://text#x",
        ErrorKind::InvalidReference,
        &["not JSON"],
    );
}

#[test]
fn bytes_are_given_as_stored() {
    let double = Double::start();
    let bytes = vec![0, 159, 146, 150];
    services::put_secret(
        &mut double.state(),
        "binary",
        &json!({ "SecretBinary": BASE64_STANDARD.encode(&bytes) }),
    );
    assert_eq!(
        value(&stores(&double), "aws-sm://binary"),
        Secret::new(bytes)
    );
}

fn many(stores: &Stores, texts: &[String]) -> Vec<Result<Option<Leased<Selected>>>> {
    let references: Vec<_> = texts.iter().map(|text| reference(text)).collect();
    block_on(stores.open_many(&references, &FetchOptions::default()))
}

#[test]
fn a_hundred_secrets_need_five_requests() {
    let double = Double::start();
    let names: Vec<_> = (0..100).map(|number| format!("many/{number}")).collect();
    for name in &names {
        double.put_secret(name, &format!("value of {name}"));
    }
    let texts: Vec<_> = names
        .iter()
        .map(|name| format!("aws-sm://{name}"))
        .collect();
    let answers = many(&stores(&double), &texts);
    for (name, answer) in names.iter().zip(answers) {
        let opened = answer.unwrap().unwrap();
        assert_eq!(opened.value.value, secret(&format!("value of {name}")));
        assert!(opened.value.metadata.version.is_some());
    }
    assert_eq!(double.take_log(), ["BatchGetSecretValue"; 5]);
}

#[test]
fn a_batch_has_partial_errors_and_pages() {
    let double = Double::start();
    for number in 0..7 {
        double.put_secret(&format!("s/{number}"), CANARY);
    }
    double
        .state()
        .denied
        .insert("GetSecretValue s/3".to_owned());
    double.state().page = Some(3);
    let mut texts: Vec<_> = (0..8)
        .map(|number| format!("aws-sm://s/{number}"))
        .collect();
    texts.push("aws-sm://s/1?stage=AWSCURRENT".to_owned());
    texts.push("aws-sm://s/1?stage=AWSPREVIOUS".to_owned());
    let answers = many(&stores(&double), &texts);
    for (number, answer) in answers.into_iter().enumerate() {
        match number {
            3 => drop(refused(
                answer,
                ErrorKind::PermissionDenied,
                &["secretsmanager:GetSecretValue"],
            )),
            7 | 9 => drop(refused(answer, ErrorKind::NotFound, &["no such secret"])),
            _ => assert_eq!(
                answer.unwrap().unwrap().value.value,
                secret(CANARY),
                "{number}"
            ),
        }
    }
}

#[test]
fn without_the_right_to_batch_secrets_are_read_one_by_one() {
    let double = Double::start();
    for number in 0..4 {
        double.put_secret(&format!("s/{number}"), CANARY);
    }
    double
        .state()
        .denied
        .insert("BatchGetSecretValue".to_owned());
    let stores = stores(&double);
    let texts: Vec<_> = (0..4)
        .map(|number| format!("aws-sm://s/{number}"))
        .collect();
    for _ in 0..2 {
        assert!(many(&stores, &texts).iter().all(Result::is_ok));
    }
    let log = double.take_log();
    assert_eq!(
        log.iter()
            .filter(|action| *action == "BatchGetSecretValue")
            .count(),
        1
    );
    assert_eq!(
        log.iter()
            .filter(|action| *action == "GetSecretValue")
            .count(),
        8
    );
}

#[test]
fn metadata_needs_no_right_to_read_values() {
    let double = Double::start();
    double.put_secret("prod/db", CANARY);
    double.put_secret("prod/db", CANARY);
    double.put_parameter("/prod/db", CANARY);
    {
        let mut state = double.state();
        for action in [
            "GetSecretValue",
            "BatchGetSecretValue",
            "GetParameter",
            "GetParameters",
        ] {
            state.denied.insert(action.to_owned());
        }
        state.secrets.get_mut("prod/db").unwrap().rotation = Some(2.0e9);
    }
    let stores = stores(&double);
    let facts = block_on(stores.metadata(&reference("aws-sm://prod/db"))).unwrap();
    assert_eq!(facts.versions, Some(2));
    assert!(facts.number.is_some() && facts.created.is_some() && facts.updated.is_some());
    assert_eq!(facts.rotation_due.unwrap().as_second(), 2_000_000_000);
    assert_eq!(facts.labels["team"], "payments");
    let before =
        block_on(stores.metadata(&reference("aws-sm://prod/db?stage=AWSPREVIOUS"))).unwrap();
    assert_ne!(before.version, facts.version);
    double
        .state()
        .denied
        .insert("ListSecretVersionIds".to_owned());
    let fewer = block_on(stores.metadata(&reference("aws-sm://prod/db"))).unwrap();
    assert_eq!((fewer.version, fewer.versions), (facts.version, None));
    let facts = block_on(stores.metadata(&reference("aws-ssm://prod/db"))).unwrap();
    assert_eq!(facts.number, Some(1));
    assert!(facts.author.unwrap().ends_with("user/me"));
    assert_eq!(facts.expires.unwrap().to_string(), "2031-12-02T21:34:33Z");
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::PermissionDenied,
        &["secretsmanager:GetSecretValue"],
    );
    fails(
        &stores,
        "aws-ssm://prod/db",
        ErrorKind::PermissionDenied,
        &["ssm:GetParameter"],
    );
}

#[test]
fn removed_secrets_are_missing_and_can_be_written_anew() {
    let double = Double::start();
    double.put_secret("prod/db", CANARY);
    let stores = stores(&double);
    let place = reference("aws-sm://prod/db");
    block_on(stores.remove(&place)).unwrap();
    assert!(
        double.state().secrets["prod/db"].deleted.is_some(),
        "it can be restored"
    );
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::NotFound,
        &["removed"],
    );
    assert!(
        open_with(
            &stores,
            "aws-sm://prod/db?optional=true",
            &FetchOptions::default()
        )
        .unwrap()
        .is_none()
    );
    block_on(stores.write(&place, &WriteRequest::if_absent(secret("again")))).unwrap();
    assert_eq!(value(&stores, "aws-sm://prod/db"), secret("again"));
}

#[test]
fn a_write_that_is_tried_again_stores_one_version() {
    let double = Double::start();
    double.put_secret("prod/db", "before");
    let stores = stores(&double);
    let place = reference("aws-sm://prod/db");
    let request = WriteRequest::new(secret("after"));
    let first = block_on(stores.write(&place, &request)).unwrap();
    // As if the answer was lost.
    let second = block_on(stores.write(&place, &request)).unwrap();
    assert_eq!(first.version, second.version);
    assert_eq!(double.state().secrets["prod/db"].versions.len(), 2);
    assert_eq!(double.state().last_token, first.version);
    // Going back to an older value is a new version all the same.
    block_on(stores.write(&place, &WriteRequest::new(secret("other")))).unwrap();
    let back = block_on(stores.write(&place, &request)).unwrap();
    assert_ne!(back.version, first.version);
    assert_eq!(value(&stores, "aws-sm://prod/db"), secret("after"));
}

#[test]
fn a_conditional_write_loses_against_a_write_in_between() {
    let double = Double::start();
    double.put_secret("prod/db", "before");
    let stores = stores(&double);
    let place = reference("aws-sm://prod/db");
    let version = block_on(stores.metadata(&place)).unwrap().version.unwrap();
    double.put_secret("prod/db", "by somebody else");
    let request = WriteRequest {
        precondition: Precondition::Version(version),
        ..WriteRequest::new(secret("mine"))
    };
    refused(
        block_on(stores.write(&place, &request)),
        ErrorKind::Conflict,
        &["somebody else"],
    );
    assert_eq!(
        value(&stores, "aws-sm://prod/db"),
        secret("by somebody else")
    );
}

#[test]
fn values_that_aws_does_not_store_are_refused_before_asking() {
    let double = Double::start();
    let stores = stores(&double);
    for (place, size, kind) in [
        ("aws-sm://x", 65_537, ErrorKind::TooLarge),
        ("aws-sm://x", 0, ErrorKind::InvalidReference),
        ("aws-ssm://x", 8193, ErrorKind::TooLarge),
    ] {
        let request = WriteRequest::new(Secret::new(vec![b'x'; size]));
        refused(
            block_on(stores.write(&reference(place), &request)),
            kind,
            &[],
        );
    }
    let request = WriteRequest::new(Secret::new(vec![0, 255]));
    let answer = block_on(stores.write(&reference("aws-ssm://x"), &request));
    refused(answer, ErrorKind::InvalidReference, &["base64"]);
    assert!(double.state().parameters.is_empty() && double.state().secrets.is_empty());
}

#[test]
fn parameters_are_read_in_batches_by_version_and_label() {
    let double = Double::start();
    let names: Vec<_> = (0..25).map(|number| format!("many/{number}")).collect();
    for name in &names {
        double.put_parameter(&format!("/{name}"), "old");
        double.put_parameter(&format!("/{name}"), &format!("value of {name}"));
    }
    double.state().parameters.get_mut("/many/0").unwrap()[0]
        .labels
        .push("blue".to_owned());
    double.put_parameter("plain", CANARY);
    let stores = stores(&double);
    let mut texts: Vec<_> = names
        .iter()
        .map(|name| format!("aws-ssm://{name}"))
        .collect();
    texts.extend(
        [
            "aws-ssm://many/0?version=1",
            "aws-ssm://many/0?stage=blue",
            "aws-ssm://none",
            "aws-ssm://plain",
            "aws-ssm:///many/1",
            "aws-ssm://many/0?version=9",
        ]
        .map(str::to_owned),
    );
    texts.push("aws-ssm://arn:aws:ssm:eu-west-1:123456789012:parameter/many/2".to_owned());
    let answers = many(&stores, &texts);
    let opened = |place: usize| {
        answers[place]
            .as_ref()
            .unwrap()
            .as_ref()
            .unwrap()
            .value
            .value
            .clone()
    };
    for (place, name) in names.iter().enumerate() {
        assert_eq!(opened(place), secret(&format!("value of {name}")));
    }
    assert_eq!((opened(25), opened(26)), (secret("old"), secret("old")));
    assert_eq!(
        (opened(28), opened(29)),
        (secret(CANARY), secret("value of many/1"))
    );
    assert_eq!(opened(31), secret("value of many/2"));
    for place in [27, 30] {
        assert_eq!(
            answers[place].as_ref().unwrap_err().kind(),
            ErrorKind::NotFound
        );
    }
    let mut log = double.take_log();
    log.sort();
    let expected = [
        "GetParameter",
        "GetParameters",
        "GetParameters",
        "GetParameters",
    ];
    assert_eq!(log, expected, "31 names, one of them asked for in two ways");
    let facts = block_on(stores.metadata(&reference("aws-ssm://many/0?stage=blue"))).unwrap();
    assert_eq!(facts.number, Some(1));
}

#[test]
fn one_forbidden_parameter_does_not_hide_the_others() {
    let double = Double::start();
    for number in 0..3 {
        double.put_parameter(&format!("/p/{number}"), CANARY);
    }
    double.state().denied.insert("GetParameter /p/1".to_owned());
    let texts: Vec<_> = (0..3)
        .map(|number| format!("aws-ssm://p/{number}"))
        .collect();
    let mut answers = many(&stores(&double), &texts).into_iter();
    assert!(answers.next().unwrap().is_ok());
    refused(
        answers.next().unwrap(),
        ErrorKind::PermissionDenied,
        &["ssm:GetParameter"],
    );
    assert!(answers.next().unwrap().is_ok());
}

#[test]
fn trouble_has_the_same_kinds_as_everywhere() {
    let double = Double::start();
    double.put_secret("prod/db", CANARY);
    double.put_parameter("/prod/db", CANARY);
    let stores = stores(&double);
    let faults: [(Fault, ErrorKind, Retry, &str); 7] = [
        (
            Fault::Error("ThrottlingException"),
            ErrorKind::Throttled,
            Retry::Later,
            "slow down",
        ),
        (
            Fault::Error("InternalServiceError"),
            ErrorKind::Unavailable,
            Retry::Later,
            "for the moment",
        ),
        (
            Fault::Error("DecryptionFailure"),
            ErrorKind::PermissionDenied,
            Retry::Never,
            "key",
        ),
        (
            Fault::Error("AccessDeniedException"),
            ErrorKind::PermissionDenied,
            Retry::Never,
            "allow `",
        ),
        (
            Fault::Error("Strange"),
            ErrorKind::Unavailable,
            Retry::Never,
            "Strange",
        ),
        (Fault::Page, ErrorKind::Unavailable, Retry::Later, "proxy"),
        (
            Fault::Redirect("https://evil.example/".to_owned()),
            ErrorKind::Config,
            Retry::Never,
            "redirect",
        ),
    ];
    for text in ["aws-sm://prod/db", "aws-ssm://prod/db"] {
        for (fault, kind, retry, word) in &faults {
            double.state().faults.push_back(fault.clone());
            let error = fails(&stores, text, *kind, &[word]);
            assert_eq!(error.retry(), *retry, "{error:?}");
            assert_eq!(error.operation(), Operation::Open);
        }
    }
}

#[test]
fn throttling_is_waited_out() {
    let double = Double::start();
    double.put_secret("prod/db", CANARY);
    let patient = Stores::new(environment(&variables(&double)), layers(4));
    for _ in 0..3 {
        double
            .state()
            .faults
            .push_back(Fault::Error("ThrottlingException"));
    }
    assert_eq!(value(&patient, "aws-sm://prod/db"), secret(CANARY));
    assert_eq!(double.take_log().len(), 4);
    // A limit in the block goes before the layer's, and is not multiplied by it.
    let limited = Stores::new(environment(&variables(&double)), layers(4))
        .with_block("aws", "default", Settings::new().with("max_attempts", 2))
        .unwrap();
    for _ in 0..2 {
        double
            .state()
            .faults
            .push_back(Fault::Error("ThrottlingException"));
    }
    fails(&limited, "aws-sm://prod/db", ErrorKind::Throttled, &[]);
    assert_eq!(double.take_log().len(), 2);
}

#[test]
fn a_slow_service_is_a_timeout_and_a_call_can_be_given_up() {
    let double = Double::start();
    double.put_secret("prod/db", CANARY);
    let hasty = Layers {
        timeout: Duration::from_millis(100),
        ..layers(1)
    };
    let stores = Stores::new(environment(&variables(&double)), hasty);
    value(&stores, "aws-sm://prod/db");
    double
        .state()
        .faults
        .push_back(Fault::Wait(Duration::from_secs(2)));
    let begin = std::time::Instant::now();
    fails(&stores, "aws-sm://prod/db", ErrorKind::Timeout, &["0.1 s"]);
    assert!(begin.elapsed() < Duration::from_secs(1));
    // Nothing is left behind by the call that was dropped.
    assert_eq!(value(&stores, "aws-sm://prod/db"), secret(CANARY));
}

#[test]
fn a_wrong_clock_is_put_right() {
    let double = Double::start();
    double.put_secret("prod/db", CANARY);
    for ahead in [3600, -86_400] {
        double.state().ahead = ahead;
        let stores = stores(&double);
        double.take_log();
        assert_eq!(
            value(&stores, "aws-sm://prod/db"),
            secret(CANARY),
            "{ahead}"
        );
        assert_eq!(double.take_log().len(), 2);
        assert_eq!(value(&stores, "aws-sm://prod/db"), secret(CANARY));
        assert_eq!(double.take_log().len(), 1, "the clock is known now");
    }
}
