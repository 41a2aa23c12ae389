//! `secretref_secret` in both stores: made, rotated, replaced, removed.

use e2e::Canary;
use e2e::sandbox::Outcome;
use serde_json::json;

use super::place::Aws;

/// One secret and one parameter with values from a variable, one of each that is made at random.
const CONFIGURATION: &str = r#"
provider "secretref" {
  aws "default" {
    recovery_window_days = 0
  }
}

variable "token" {
  type      = string
  ephemeral = true
}

variable "token_version" {
  type = number
}

variable "rotation" {
  type = string
}

resource "secretref_secret" "given" {
  for_each         = toset(["aws-sm://prod/given", "aws-ssm://prod/given"])
  ref              = each.value
  value_wo         = var.token
  value_wo_version = var.token_version
}

resource "secretref_secret" "made" {
  for_each = toset(["aws-sm://prod/made", "aws-ssm://prod/made"])
  ref      = each.value
  generate {
    length   = 40
    rotation = var.rotation
  }
}

output "versions" {
  value = { for key, secret in merge(secretref_secret.given, secretref_secret.made) : key => secret.version }
}
"#;

fn apply(aws: &Aws, command: &str, token: (&Canary, &str), rotation: &str) -> Outcome {
    let variables = aws.stage.variables(&[
        ("token", token.0.value()),
        ("token_version", token.1),
        ("rotation", rotation),
    ]);
    aws.stage.run(&[command, &variables])
}

fn parameter(aws: &Aws, name: &str) -> (String, u64, String) {
    let found = aws.stored_parameter(name).unwrap();
    let text = |key: &str| found[key].as_str().unwrap().to_owned();
    (
        text("Value"),
        found["Version"].as_u64().unwrap(),
        text("Type"),
    )
}

#[test]
fn secrets_are_made_rotated_and_removed() {
    let aws = Aws::new();
    let (first, second) = (Canary::random(), Canary::random());
    aws.stage.write(CONFIGURATION);
    let mut outputs = vec![apply(&aws, "apply", (&first, "1"), "a").text()];
    assert_eq!(aws.stored("prod/given").unwrap(), first.value());
    let secure = "SecureString".to_owned();
    assert_eq!(
        parameter(&aws, "/prod/given"),
        (first.value().to_owned(), 1, secure.clone())
    );
    let made = Canary::of(&aws.stored("prod/made").unwrap());
    let made_parameter = Canary::of(&parameter(&aws, "/prod/made").0);
    assert_eq!((made.value().len(), made_parameter.value().len()), (40, 40));

    // Nothing changed: nothing is written.
    aws.proxy.forget();
    outputs.push(apply(&aws, "apply", (&second, "1"), "a").text());
    assert_eq!(aws.stored("prod/given").unwrap(), first.value());
    assert_eq!(
        aws.proxy.calls("secretsmanager.PutSecretValue")
            + aws.proxy.calls("AmazonSSM.PutParameter"),
        0
    );

    outputs.push(apply(&aws, "apply", (&second, "2"), "b").text());
    assert_eq!(aws.stored("prod/given").unwrap(), second.value());
    assert_eq!(
        parameter(&aws, "/prod/given"),
        (second.value().to_owned(), 2, secure)
    );
    let rotated = Canary::of(&aws.stored("prod/made").unwrap());
    assert_ne!(rotated.value(), made.value());
    assert_ne!(parameter(&aws, "/prod/made").0, made_parameter.value());
    let staged = json!({ "SecretId": "prod/given", "VersionStage": "AWSPREVIOUS" });
    let before = aws
        .moto
        .call("secretsmanager.GetSecretValue", &staged)
        .unwrap();
    assert_eq!(
        before["SecretString"],
        first.value(),
        "the value before is kept as such"
    );

    outputs.push(apply(&aws, "destroy", (&second, "2"), "b").text());
    for name in ["prod/given", "prod/made"] {
        assert_eq!(aws.stored(name), None, "{name}");
        assert!(
            aws.stored_parameter(&format!("/{name}")).is_none(),
            "{name}"
        );
    }
    for reference in ["aws-sm://prod/given", "aws-ssm://prod/given"] {
        let accesses = aws.accesses(reference);
        let count = |wanted: &str| accesses.iter().filter(|access| *access == wanted).count();
        assert_eq!(
            (count("write ok"), count("remove ok")),
            (2, 1),
            "{accesses:?}"
        );
    }
    let outputs: Vec<_> = outputs.iter().map(String::as_str).collect();
    for canary in [&first, &second, &made, &made_parameter, &rotated] {
        aws.stage.assert_no_leak(canary, &outputs);
    }
}

#[test]
fn what_others_stored_is_neither_overwritten_nor_removed_for_good() {
    let aws = Aws::new();
    aws.secret("prod/given", &json!({ "SecretString": "theirs" }));
    aws.parameter("/prod/given", "String", "theirs");
    let resource = |name: &str, reference: &str| {
        format!(
            "resource \"secretref_secret\" \"{name}\" {{\n  ref              = \"{reference}\"\n  value_wo         = \"ours\"\n  value_wo_version = 1\n}}\n\n"
        )
    };
    aws.stage
        .write(&(resource("a", "aws-sm://prod/given") + &resource("b", "aws-ssm://prod/given")));
    let said = aws.stage.fail(&["apply"]);
    assert_eq!(said.matches("Error:").count(), 2, "{said}");
    assert_eq!(aws.stored("prod/given").unwrap(), "theirs");
    assert_eq!(parameter(&aws, "/prod/given").0, "theirs");

    // Without a setting a removed secret can be restored, and writing it again restores it.
    aws.stage.write(&resource("c", "aws-sm://prod/other"));
    aws.stage.apply();
    aws.stage.run(&["destroy"]);
    let described = aws
        .moto
        .call(
            "secretsmanager.DescribeSecret",
            &json!({ "SecretId": "prod/other" }),
        )
        .unwrap();
    assert!(!described["DeletedDate"].is_null(), "{described}");
    aws.stage.apply();
    assert_eq!(aws.stored("prod/other").unwrap(), "ours");
}
