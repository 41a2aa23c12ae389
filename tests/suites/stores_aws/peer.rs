//! The real AWS provider consumes what ours opens, in write-only arguments. Where it cannot be had, a provider with
//! its schema says whether the configuration is valid, and that is all; which of the two judged is printed.

use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::Canary;
use e2e::judge::Judge;
use e2e::sandbox::Installation;
use e2e::stage::{said, with_flags};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::place::Aws;

const CONFIGURATION: &str = r#"terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
    secretref = {
      source = "secretref/secretref"
    }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

ephemeral "secretref_values" "database" {
  refs = {
    password = "aws-sm://source/db#password"
    token    = "aws-ssm://source/token"
  }
  applying = terraform.applying
}

data "secretref_metadata" "database" {
  ref = "aws-sm://source/db"
}

resource "aws_secretsmanager_secret" "copy" {
  name = "copy/db"
}

resource "aws_secretsmanager_secret_version" "copy" {
  secret_id                = aws_secretsmanager_secret.copy.id
  secret_string_wo         = ephemeral.secretref_values.database.values.password
  secret_string_wo_version = data.secretref_metadata.database.version_number
}

resource "aws_ssm_parameter" "copy" {
  name             = "/copy/token"
  type             = "SecureString"
  value_wo         = ephemeral.secretref_values.database.values.token
  value_wo_version = 1
}

resource "aws_db_instance" "app" {
  identifier          = "app"
  engine              = "postgres"
  instance_class      = "db.t3.micro"
  allocated_storage   = 20
  username            = "app"
  password_wo         = ephemeral.secretref_values.database.values.password
  password_wo_version = data.secretref_metadata.database.version_number
  skip_final_snapshot = true
  depends_on          = [aws_secretsmanager_secret_version.copy, aws_ssm_parameter.copy]
}
"#;

/// Bound on the whole apply.
const PATIENCE: Duration = Duration::from_secs(180);

#[test]
fn values_reach_write_only_arguments_of_the_aws_provider() {
    let mut aws = Aws::with(Installation::Mirror);
    let (password, token) = (Canary::random(), Canary::random());
    let document = json!({ "user": "app", "password": password.value() }).to_string();
    aws.secret("source/db", &json!({ "SecretString": document }));
    aws.parameter("/source/token", "SecureString", token.value());
    let judge = Judge::of_aws();
    judge.install(&aws.stage.sandbox).unwrap();
    // At that level the AWS provider itself logs what it reads back.
    aws.stage.sandbox.set_env("TF_LOG", "INFO");
    aws.stage.sandbox.write("main.tf", CONFIGURATION).unwrap();
    aws.stage.run(&["init"]);
    if !judge.is_real() {
        aws.stage.run(&["validate"]);
        eprintln!(
            "write-only arguments: valid, nothing applied; judged by {}",
            judge.description()
        );
        return;
    }
    aws.proxy.watch(password.value());
    let output = apply_until_the_database_is_made(&aws);
    assert_eq!(aws.stored("copy/db").unwrap(), password.value());
    let copy = aws.stored_parameter("/copy/token").unwrap();
    assert_eq!(copy["Value"], token.value());
    assert!(databases(&aws).contains("<DBInstanceIdentifier>app<"));
    // The secret's value once, and once the password of the database.
    let carried: Vec<_> = aws
        .proxy
        .requests()
        .into_iter()
        .filter(|request| request.watched)
        .collect();
    assert_eq!(carried.len(), 2, "{carried:?}");
    assert_eq!(
        carried
            .iter()
            .filter(|request| request.target().is_none())
            .count(),
        1
    );
    let state =
        std::fs::read_to_string(aws.stage.sandbox.project().join("terraform.tfstate")).unwrap();
    for kind in [
        "aws_secretsmanager_secret_version",
        "aws_ssm_parameter",
        "aws_db_instance",
    ] {
        assert!(state.contains(kind), "{kind}: {output}");
    }
    for canary in [&password, &token] {
        aws.stage.assert_no_leak(canary, &[&output]);
    }
    eprintln!("write-only arguments: applied by {}", judge.description());
}

/// The databases that moto has, as XML.
fn databases(aws: &Aws) -> String {
    let action = [("Action", "DescribeDBInstances")];
    aws.moto.query("rds", "2014-10-31", &action).unwrap()
}

/// Applies, and asks Terraform to stop when the database was asked for: the provider would wait a minute and a half
/// before it believes that it is there.
fn apply_until_the_database_is_made(aws: &Aws) -> String {
    let sandbox = &aws.stage.sandbox;
    let mut child = sandbox
        .terraform_command(&sandbox.project(), &with_flags(&["apply"]))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    let made = || databases(aws).contains("<DBInstanceIdentifier>app<");
    while !made() && child.try_wait().unwrap().is_none() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(200));
    }
    if child.try_wait().unwrap().is_none() {
        // The answer has to arrive before the provider can say what it made.
        std::thread::sleep(Duration::from_secs(5));
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    }
    said(&child.wait_with_output().unwrap())
}
