//! Secrets and parameters, one and many.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use e2e::Canary;
use e2e::servers::{Fault, Rule};
use e2e::stage::{consumer, value, value_consumer};
use serde_json::json;

use super::place::Aws;

const GET: &str = "secretsmanager.GetSecretValue";
const BATCH: &str = "secretsmanager.BatchGetSecretValue";

#[test]
fn secrets_are_named_by_name_arn_version_and_stage() {
    let aws = Aws::new();
    let canary = Canary::random();
    let (old, new) = (
        "0123456789abcdef0123456789abcdef-old",
        "0123456789abcdef0123456789abcdef-new",
    );
    let document = |password: &str| {
        json!({ "password": password, "hosts": ["a", "b"], "port": 5432 }).to_string()
    };
    let first = json!({ "SecretString": document("first"), "ClientRequestToken": old });
    let arn = aws.secret("prod/db", &first)["ARN"]
        .as_str()
        .unwrap()
        .to_owned();
    let second = json!({
        "SecretId": "prod/db", "SecretString": document(canary.value()), "ClientRequestToken": new,
    });
    aws.moto
        .call("secretsmanager.PutSecretValue", &second)
        .unwrap();
    let bytes = BASE64_STANDARD.encode([0, 255, 10, 128]);
    aws.secret("prod/key", &json!({ "SecretBinary": bytes }));
    let refs = [
        ("name", "aws-sm://prod/db#password".to_owned()),
        ("arn", format!("aws-sm://{arn}#password")),
        (
            "version",
            format!("aws-sm://prod/db?version={old}#password"),
        ),
        (
            "stage",
            "aws-sm://prod/db?stage=AWSPREVIOUS#password".to_owned(),
        ),
        ("pointer", "aws-sm://prod/db#/hosts/1".to_owned()),
        ("whole", "aws-sm://prod/db#/".to_owned()),
        ("bytes", "aws-sm://prod/key".to_owned()),
    ];
    let values: String = refs.iter().map(|(name, text)| value(name, text)).collect();
    aws.stage.write(
        &(values
            + &consumer(&[
                ("name", "ephemeral.secretref_value.name.value"),
                ("arn", "ephemeral.secretref_value.arn.value"),
                ("version", "ephemeral.secretref_value.version.value"),
                ("stage", "ephemeral.secretref_value.stage.value"),
                ("pointer", "ephemeral.secretref_value.pointer.value"),
                ("port", "ephemeral.secretref_value.whole.json.port"),
                ("current", "ephemeral.secretref_value.whole.version"),
                ("bytes", "ephemeral.secretref_value.bytes.value_base64"),
            ])),
    );
    let planned = aws.stage.run(&["plan", "-out=plan"]);
    assert_eq!(aws.proxy.calls(GET), 0, "a plan reads no value");
    assert!(aws.proxy.calls("secretsmanager.DescribeSecret") > 0);
    let applied = aws.stage.run(&["apply", "plan"]);
    for (name, expected) in [
        ("name", canary.value()),
        ("arn", canary.value()),
        ("version", "first"),
        ("stage", "first"),
        ("pointer", "b"),
        ("port", "5432"),
        ("current", new),
        ("bytes", &bytes),
    ] {
        assert_eq!(aws.stage.received(name), expected, "{name}");
    }
    assert!(aws.proxy.calls(GET) <= refs.len());
    let accesses = aws.accesses("aws-sm://prod/db#password");
    assert!(accesses.contains(&"metadata ok".to_owned()), "{accesses:?}");
    assert!(accesses.contains(&"open ok".to_owned()), "{accesses:?}");
    aws.stage
        .assert_no_leak(&canary, &[&planned.text(), &applied.text()]);
}

#[test]
fn parameters_are_named_by_path_arn_version_and_label() {
    let aws = Aws::new();
    let canary = Canary::random();
    aws.parameter("/prod/db/password", "SecureString", "first");
    let label = json!({ "Name": "/prod/db/password", "ParameterVersion": 1, "Labels": ["blue"] });
    aws.moto
        .call("AmazonSSM.LabelParameterVersion", &label)
        .unwrap();
    aws.parameter("/prod/db/password", "SecureString", canary.value());
    aws.parameter("flat", "String", "plain");
    aws.parameter("/list", "StringList", "a,b");
    let arn = aws.stored_parameter("/prod/db/password").unwrap()["ARN"]
        .as_str()
        .unwrap()
        .to_owned();
    let values: String = [
        ("path", "aws-ssm://prod/db/password".to_owned()),
        ("slash", "aws-ssm:///prod/db/password".to_owned()),
        ("arn", format!("aws-ssm://{arn}")),
        ("version", "aws-ssm://prod/db/password?version=1".to_owned()),
        ("label", "aws-ssm://prod/db/password?stage=blue".to_owned()),
        ("flat", "aws-ssm://flat".to_owned()),
        ("list", "aws-ssm:///list".to_owned()),
    ]
    .iter()
    .map(|(name, text)| value(name, text))
    .collect();
    aws.stage.write(
        &(values
            + &consumer(&[
                ("path", "ephemeral.secretref_value.path.value"),
                ("slash", "ephemeral.secretref_value.slash.value"),
                ("arn", "ephemeral.secretref_value.arn.value"),
                ("version", "ephemeral.secretref_value.version.value"),
                ("label", "ephemeral.secretref_value.label.value"),
                ("flat", "ephemeral.secretref_value.flat.value"),
                ("list", "ephemeral.secretref_value.list.value"),
                ("number", "ephemeral.secretref_value.path.version"),
            ])),
    );
    let applied = aws.stage.apply();
    for (name, expected) in [
        ("path", canary.value()),
        ("slash", canary.value()),
        ("arn", canary.value()),
        ("version", "first"),
        ("label", "first"),
        ("flat", "plain"),
        ("list", "a,b"),
        ("number", "2"),
    ] {
        assert_eq!(aws.stage.received(name), expected, "{name}");
    }
    aws.stage.assert_no_leak(&canary, &[&applied.text()]);
}

/// A map of `count` references, and all values joined.
fn many(name: &str, count: usize, reference: impl Fn(usize) -> String) -> (String, String) {
    let refs: String = (0..count)
        .map(|index| format!("    k{index:02} = \"{}\"\n", reference(index)))
        .collect();
    let text =
        format!("ephemeral \"secretref_values\" \"{name}\" {{\n  refs = {{\n{refs}  }}\n}}\n\n");
    let joined = format!("join(\",\", values(ephemeral.secretref_values.{name}.values))");
    (text, joined)
}

#[test]
fn many_are_read_with_few_calls_and_one_by_one_where_that_is_refused() {
    let aws = Aws::new();
    let canary = Canary::random();
    for index in 0..25 {
        aws.secret(
            &format!("s{index}"),
            &json!({ "SecretString": format!("{}-{index}", canary.value()) }),
        );
    }
    for index in 0..12 {
        aws.parameter(
            &format!("/p/{index}"),
            "SecureString",
            &format!("{index}-{}", canary.value()),
        );
    }
    let (secrets, all_secrets) = many("secrets", 25, |index| format!("aws-sm://s{index}"));
    let (parameters, all_parameters) =
        many("parameters", 12, |index| format!("aws-ssm://p/{index}"));
    let expected: Vec<_> = (0..25)
        .map(|index| format!("{}-{index}", canary.value()))
        .collect();
    aws.stage.write(
        &(secrets
            + &parameters
            + &consumer(&[("secrets", &all_secrets), ("parameters", &all_parameters)])),
    );
    let applied = aws.stage.apply();
    assert_eq!(aws.stage.received("secrets"), expected.join(","));
    assert_eq!(aws.stage.received("parameters").split(',').count(), 12);
    // Opened while planning and while applying: two walks.
    assert_eq!(aws.proxy.calls(BATCH), 2 * 2);
    assert_eq!(aws.proxy.calls(GET), 0);
    assert_eq!(aws.proxy.calls("AmazonSSM.GetParameters"), 2 * 2);
    assert_eq!(aws.proxy.requests().len(), 8, "and nothing else is asked");

    aws.deny(BATCH);
    aws.proxy.forget();
    let again = aws
        .stage
        .run(&["apply", "-replace=terraform_data.consumer"]);
    assert_eq!(aws.stage.received("secrets"), expected.join(","));
    assert_eq!(aws.proxy.calls(GET), 2 * 25);
    assert!(aws.proxy.calls(BATCH) <= 2 * 2);
    aws.stage
        .assert_no_leak(&canary, &[&applied.text(), &again.text()]);
}

#[test]
fn one_that_cannot_be_had_does_not_hide_the_others() {
    let aws = Aws::new();
    let canary = Canary::random();
    aws.secret("there", &json!({ "SecretString": canary.value() }));
    aws.secret("gone", &json!({ "SecretString": "x" }));
    let gone = json!({ "SecretId": "gone", "RecoveryWindowInDays": 7 });
    aws.moto.call("secretsmanager.DeleteSecret", &gone).unwrap();
    let values = |refs: &str| {
        format!(
            "ephemeral \"secretref_values\" \"x\" {{\n  refs = {{\n    there = \"aws-sm://there\"\n{refs}  }}\n}}\n\n{}",
            consumer(&[
                ("there", "ephemeral.secretref_values.x.values.there"),
                (
                    "count",
                    "length([for v in values(ephemeral.secretref_values.x.values) : v if v != null])"
                ),
            ])
        )
    };
    aws.stage.write(&values(
        "    none = \"aws-sm://none\"\n    gone = \"aws-sm://gone\"\n",
    ));
    let said = aws.stage.fail(&["apply"]);
    assert_eq!(said.matches("Error:").count(), 2, "{said}");
    for part in ["aws-sm://none", "no such secret", "aws-sm://gone"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("aws-sm://there"), "{said}");
    assert!(!aws.stage.consumed());
    aws.stage
        .write(&values("    none = \"aws-sm://none?optional=true\"\n"));
    let applied = aws.stage.apply();
    assert_eq!(aws.stage.received("there"), canary.value());
    assert_eq!(aws.stage.received("count"), "1");
    aws.stage.assert_no_leak(&canary, &[&said, &applied.text()]);
}

#[test]
fn facts_need_no_right_to_read_values_and_refusals_say_what_is_missing() {
    let aws = Aws::new();
    let canary = Canary::random();
    aws.secret("prod/db", &json!({ "SecretString": canary.value() }));
    aws.parameter("/prod/db", "SecureString", canary.value());
    aws.deny(GET);
    aws.deny("AmazonSSM.GetParameter");
    let facts = "\
data \"secretref_metadata\" \"secret\" {\n  ref = \"aws-sm://prod/db\"\n}\n
data \"secretref_metadata\" \"parameter\" {\n  ref = \"aws-ssm://prod/db\"\n}\n
output \"facts\" {\n  value = [data.secretref_metadata.secret.versions, data.secretref_metadata.parameter.version_number]\n}\n\n";
    aws.stage.write(
        &(facts.to_owned()
            + &value_consumer("aws-sm://prod/db")
            + &value("p", "aws-ssm://prod/db")),
    );
    let planned = aws.stage.run(&["plan", "-out=plan"]);
    assert!(planned.text().contains("facts = ["), "{}", planned.text());
    assert_eq!(aws.proxy.calls(GET), 0);
    let said = aws.stage.fail(&["apply", "plan"]);
    for part in [
        "aws-sm://prod/db",
        "secretsmanager:GetSecretValue",
        "aws-ssm://prod/db",
        "ssm:GetParameter",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!aws.stage.consumed());
    let accesses = aws.accesses("aws-sm://prod/db");
    assert!(
        accesses
            .iter()
            .any(|access| access.starts_with("open ") && access != "open ok"),
        "{accesses:?}"
    );
    aws.stage.assert_no_leak(&canary, &[&planned.text(), &said]);
}

#[test]
fn a_service_that_asks_to_slow_down_is_asked_again() {
    let aws = Aws::new();
    aws.secret("prod/db", &json!({ "SecretString": "slow" }));
    let fault = Fault::Status {
        status: 400,
        headers: Vec::new(),
        body: json!({ "__type": "ThrottlingException", "message": "Rate exceeded" }).to_string(),
    };
    aws.proxy.add(Rule::new("/", fault).target(GET).times(2));
    aws.stage.write(&value_consumer("aws-sm://prod/db"));
    aws.stage.apply();
    assert_eq!(aws.stage.received("value"), "slow");
    assert_eq!(aws.proxy.calls(GET), 3);
}
