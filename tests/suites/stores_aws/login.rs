//! Logins of a run. Moto checks here, with the signer of the official SDK for Python, that every call is signed by
//! whom it should be, and that this one has the right.

use e2e::Canary;
use e2e::servers::{Algorithm, OidcIssuer};
use e2e::stage::{consumer, value, value_consumer};
use serde_json::json;

use super::place::Aws;

/// A secret, and somebody with a key who may do `actions` and nothing else.
fn limited(actions: &[&str]) -> (Aws, Canary, String) {
    let mut aws = Aws::new();
    let canary = Canary::random();
    aws.secret("prod/db", &json!({ "SecretString": canary.value() }));
    let (id, key) = aws.moto.user("run", actions).unwrap();
    aws.stage.sandbox.set_env("AWS_ACCESS_KEY_ID", &id);
    aws.stage.sandbox.set_env("AWS_SECRET_ACCESS_KEY", &key);
    (aws, canary, key)
}

#[test]
fn a_plan_needs_the_right_to_describe_and_no_other() {
    let (aws, canary, _) = limited(&[
        "secretsmanager:DescribeSecret",
        "secretsmanager:ListSecretVersionIds",
        "ssm:DescribeParameters",
        "kms:DescribeKey",
    ]);
    aws.parameter("/prod/db", "SecureString", canary.value());
    let made = aws.moto.call("TrentService.CreateKey", &json!({})).unwrap();
    let key = made["KeyMetadata"]["KeyId"].as_str().unwrap();
    let text = format!(
        "ephemeral \"secretref_aws_kms\" \"x\" {{\n  ref        = \"aws-kms://{key}\"\n  ciphertext = \"AAAA\"\n  applying   = terraform.applying\n}}\n\n"
    );
    aws.stage
        .write(&(text + &value_consumer("aws-sm://prod/db") + &value("p", "aws-ssm://prod/db")));
    let planned = aws.run_checked(&["plan"]);
    aws.stage.assert_no_leak(&canary, &[&planned.text()]);
    for target in [
        "secretsmanager.DescribeSecret",
        "AmazonSSM.DescribeParameters",
        "TrentService.DescribeKey",
    ] {
        assert!(aws.proxy.calls(target) > 0, "{target}");
    }
}

/// One run, four logins: the user of the variables, the role of a profile, and a role of that user that writes to both
/// stores. Each may do what it does and no more.
#[test]
fn every_login_signs_its_own_calls() {
    let (aws, canary, own) = limited(&[
        "secretsmanager:GetSecretValue",
        "secretsmanager:BatchGetSecretValue",
        "sts:AssumeRole",
    ]);
    aws.parameter("/prod/db", "SecureString", canary.value());
    let reader = aws
        .moto
        .role(
            "reader",
            &["ssm:GetParameter", "secretsmanager:GetSecretValue"],
        )
        .unwrap();
    let writer = aws
        .moto
        .role("writer", &["secretsmanager:*", "ssm:*"])
        .unwrap();
    let (id, key) = aws.moto.user("shared", &["sts:AssumeRole"]).unwrap();
    let profiles = format!(
        "[profile base]\naws_access_key_id = {id}\naws_secret_access_key = {key}\n\n[profile app]\nrole_arn = {reader}\nsource_profile = base\n"
    );
    std::fs::create_dir(aws.stage.sandbox.path("home/.aws")).unwrap();
    std::fs::write(aws.stage.sandbox.path("home/.aws/config"), profiles).unwrap();
    let text = format!(
        r#"
provider "secretref" {{
  aws "profile" {{
    profile = "app"
  }}
  aws "role" {{
    assume_role {{
      role_arn = "{writer}"
    }}
  }}
}}

ephemeral "secretref_value" "user" {{
  ref = "aws-sm://prod/db"
}}

ephemeral "secretref_value" "profile" {{
  ref = "aws-ssm+profile://prod/db"
}}

resource "secretref_secret" "written" {{
  for_each = toset(["aws-sm+role://prod/made", "aws-ssm+role://prod/made"])
  ref      = each.value
  generate {{}}
}}

"#
    );
    aws.stage.write(
        &(text
            + &consumer(&[
                ("user", "ephemeral.secretref_value.user.value"),
                ("profile", "ephemeral.secretref_value.profile.value"),
            ])),
    );
    let applied = aws.run_checked(&["apply"]);
    for name in ["user", "profile"] {
        assert_eq!(aws.stage.received(name), canary.value(), "{name}");
    }
    assert_eq!(aws.stored("prod/made").unwrap().len(), 32);
    assert!(aws.stored_parameter("/prod/made").is_some());
    aws.stage.assert_no_leak(&canary, &[&applied.text()]);
    for secret in [&key, &own] {
        let trace = std::fs::read(aws.stage.sandbox.project().join("trace.log")).unwrap();
        assert!(Canary::of(secret).search("log", &trace).is_empty());
    }
}

#[test]
fn the_wrong_account_and_a_wrong_key_are_refused() {
    let (mut aws, canary, _) = limited(&["secretsmanager:GetSecretValue"]);
    let text = "provider \"secretref\" {\n  aws \"default\" {\n    allowed_account_ids = [\"999999999999\"]\n  }\n}\n\n";
    aws.stage
        .write(&(text.to_owned() + &value_consumer("aws-sm://prod/db")));
    let said = aws.stage.fail(&["apply"]);
    assert!(
        said.contains("123456789012") && said.contains("allowed_account_ids"),
        "{said}"
    );
    let read = aws
        .proxy
        .requests()
        .iter()
        .filter(|call| call.target().is_some())
        .count();
    assert_eq!(read, 0, "nothing is read with it");

    aws.stage.sandbox.set_env("AWS_SECRET_ACCESS_KEY", "wrong");
    aws.stage.write(&value_consumer("aws-sm://prod/db"));
    aws.moto.check_callers(true).unwrap();
    let wrong = aws.stage.fail(&["apply"]);
    assert!(wrong.contains("aws-sm://prod/db"), "{wrong}");
    assert!(!aws.stage.consumed());
    aws.stage.assert_no_leak(&canary, &[&said, &wrong]);
}

/// Moto checks no identity token, and no unsigned call at all when it checks signatures: OpenBao judges tokens of the
/// same issuer in `servers/doubles.rs`.
#[test]
fn the_identity_of_the_run_is_a_login() {
    let mut aws = Aws::new();
    let canary = Canary::random();
    aws.secret("prod/db", &json!({ "SecretString": canary.value() }));
    let role = aws.moto.role("ci", &["secretsmanager:*"]).unwrap();
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    let proof = issuer
        .token("sts.amazonaws.com", &json!({ "sub": "ci" }))
        .unwrap();
    let file = aws.stage.sandbox.path("token");
    std::fs::write(&file, &proof).unwrap();
    let file = file.display().to_string();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", ""),
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("SECRETREF_ID_TOKEN", &proof),
    ] {
        aws.stage.sandbox.set_env(name, value);
    }
    let provider = format!(
        "provider \"secretref\" {{\n  aws \"default\" {{\n    web_identity {{\n      role_arn = \"{role}\"\n    }}\n  }}\n}}\n\n"
    );
    aws.stage
        .write(&(provider + &value_consumer("aws-sm://prod/db")));
    aws.proxy.watch("AssumeRoleWithWebIdentity");
    let mut outputs = vec![aws.stage.apply().text()];
    let logins = |aws: &Aws| {
        let requests = aws.proxy.requests().into_iter();
        requests.filter(|request| request.watched).count()
    };
    // A provider runs for the plan and one for the apply.
    assert!((1..=2).contains(&logins(&aws)), "{}", logins(&aws));

    // The variables that clouds give to a pod, without a block.
    aws.proxy.forget();
    aws.stage.sandbox.set_env("SECRETREF_ID_TOKEN", "");
    aws.stage.sandbox.set_env("AWS_ROLE_ARN", &role);
    aws.stage
        .sandbox
        .set_env("AWS_WEB_IDENTITY_TOKEN_FILE", &file);
    aws.stage.write(&value_consumer("aws-sm://prod/db"));
    outputs.push(
        aws.stage
            .run(&["apply", "-replace=terraform_data.consumer"])
            .text(),
    );
    assert!((1..=2).contains(&logins(&aws)), "{}", logins(&aws));
    assert_eq!(aws.stage.received("value"), canary.value());
    let outputs: Vec<_> = outputs.iter().map(String::as_str).collect();
    aws.stage.assert_no_leak(&canary, &outputs);
    aws.stage.assert_no_leak(&Canary::of(&proof), &outputs);
}
