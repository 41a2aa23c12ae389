//! What is made for one run: plain text of ciphertexts, sessions, logins.

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine as _};
use e2e::Canary;
use e2e::servers::{Algorithm, MOTO_ACCOUNT, OidcIssuer};
use e2e::stage::consumer;
use serde_json::json;

use super::place::Aws;

#[test]
fn ciphertexts_are_decrypted_with_their_key_and_context() {
    let aws = Aws::new();
    let canary = Canary::random();
    let made = aws.moto.call("TrentService.CreateKey", &json!({})).unwrap();
    let key = made["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned();
    let alias = json!({ "AliasName": "alias/app", "TargetKeyId": key });
    aws.moto.call("TrentService.CreateAlias", &alias).unwrap();
    let encrypt = |plain: &[u8]| {
        let body = json!({
            "KeyId": key, "Plaintext": BASE64_STANDARD.encode(plain), "EncryptionContext": { "app": "payments" },
        });
        let answer = aws.moto.call("TrentService.Encrypt", &body).unwrap();
        answer["CiphertextBlob"].as_str().unwrap().to_owned()
    };
    let document = json!({ "password": canary.value() }).to_string();
    let resource = |name: &str, reference: &str, ciphertext: &str| {
        format!(
            "ephemeral \"secretref_aws_kms\" \"{name}\" {{\n  ref        = \"{reference}\"\n  ciphertext = \"{ciphertext}\"\n  \
             context    = {{ app = \"payments\" }}\n  applying   = terraform.applying\n}}\n\n"
        )
    };
    let text = resource(
        "text",
        "aws-kms://alias/app#/",
        &encrypt(document.as_bytes()),
    ) + &resource("bytes", &format!("aws-kms://{key}"), &encrypt(&[0, 255]));
    aws.stage.write(
        &(text
            + &consumer(&[
                ("password", "ephemeral.secretref_aws_kms.text.json.password"),
                ("bytes", "ephemeral.secretref_aws_kms.bytes.value_base64"),
            ])),
    );
    let planned = aws.stage.run(&["plan", "-out=plan"]);
    assert_eq!(
        aws.proxy.calls("TrentService.Decrypt"),
        0,
        "a plan decrypts nothing"
    );
    assert!(aws.proxy.calls("TrentService.DescribeKey") > 0);
    let applied = aws.stage.run(&["apply", "plan"]);
    assert_eq!(aws.stage.received("password"), canary.value());
    assert_eq!(
        aws.stage.received("bytes"),
        BASE64_STANDARD.encode([0, 255])
    );
    assert_eq!(aws.proxy.calls("TrentService.Decrypt"), 2);
    aws.stage
        .assert_no_leak(&canary, &[&planned.text(), &applied.text()]);

    let other = std::fs::read_to_string(aws.stage.sandbox.project().join("main.tf")).unwrap();
    aws.stage
        .sandbox
        .write("main.tf", &other.replace("payments", "elsewhere"))
        .unwrap();
    let said = aws
        .stage
        .fail(&["apply", "-replace=terraform_data.consumer"]);
    assert!(said.contains("aws-kms://alias/app"), "{said}");
}

/// A session of each kind and a login of each kind; the first session reads a secret afterwards.
#[test]
fn sessions_and_logins_are_made_for_one_run() {
    let mut aws = Aws::new();
    let issuer = OidcIssuer::start(Algorithm::Es256).unwrap();
    let role = aws
        .moto
        .role("app", &["secretsmanager:GetSecretValue"])
        .unwrap();
    let proof = issuer
        .token("sts.amazonaws.com", &json!({ "sub": "ci" }))
        .unwrap();
    aws.stage.sandbox.set_env("SECRETREF_ID_TOKEN", &proof);
    let canary = Canary::random();
    aws.secret("prod/db", &json!({ "SecretString": canary.value() }));
    let text = format!(
        r#"
ephemeral "secretref_aws_session" "role" {{
  ref          = "aws-sts://{role}"
  duration     = "20m"
  session_name = "apply"
  policy       = jsonencode({{ Version = "2012-10-17", Statement = [] }})
  tags         = {{ team = "payments" }}
  external_id  = "x"
  applying     = terraform.applying
}}

ephemeral "secretref_aws_session" "web" {{
  ref          = "aws-sts://{role}"
  web_identity = true
  applying     = terraform.applying
}}

ephemeral "secretref_aws_rds_token" "db" {{
  ref      = "aws-rds://db.abc.eu-west-1.rds.amazonaws.com:5432/app"
  applying = terraform.applying
}}

ephemeral "secretref_aws_eks_token" "cluster" {{
  ref      = "aws-eks://prod"
  applying = terraform.applying
}}

ephemeral "secretref_aws_ecr_token" "registry" {{
  ref      = "aws-ecr://{MOTO_ACCOUNT}"
  applying = terraform.applying
}}

"#
    );
    aws.stage.write(
        &(text
            + &consumer(&[
                ("id", "ephemeral.secretref_aws_session.role.access_key_id"),
                (
                    "key",
                    "ephemeral.secretref_aws_session.role.secret_access_key",
                ),
                (
                    "token",
                    "ephemeral.secretref_aws_session.role.session_token",
                ),
                ("arn", "ephemeral.secretref_aws_session.role.arn"),
                (
                    "ttl",
                    "ephemeral.secretref_aws_session.role.lease.ttl_seconds",
                ),
                ("web", "ephemeral.secretref_aws_session.web.session_token"),
                ("db", "ephemeral.secretref_aws_rds_token.db.token"),
                ("port", "ephemeral.secretref_aws_rds_token.db.port"),
                ("cluster", "ephemeral.secretref_aws_eks_token.cluster.token"),
                (
                    "user",
                    "ephemeral.secretref_aws_ecr_token.registry.username",
                ),
                (
                    "registry",
                    "ephemeral.secretref_aws_ecr_token.registry.password",
                ),
                (
                    "endpoint",
                    "ephemeral.secretref_aws_ecr_token.registry.endpoint",
                ),
            ])),
    );
    let planned = aws.stage.run(&["plan", "-out=plan"]);
    let asked = aws.proxy.requests().len();
    assert_eq!(
        aws.proxy
            .calls("AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"),
        0
    );
    let applied = aws.stage.run(&["apply", "plan"]);
    // Two sessions and one login of the registry; the other logins are signed without asking.
    assert_eq!(
        aws.proxy.requests().len() - asked,
        3,
        "{:?}",
        aws.proxy.requests()
    );
    let received = |name: &str| aws.stage.received(name);
    assert!(
        received("arn").ends_with("assumed-role/app/apply"),
        "{}",
        received("arn")
    );
    let ttl: u64 = received("ttl").parse().unwrap();
    assert!((1100..=1200).contains(&ttl), "{ttl}");
    let db = received("db");
    assert!(
        db.starts_with("db.abc.eu-west-1.rds.amazonaws.com:5432/?"),
        "{db}"
    );
    for part in [
        "DBUser=app",
        "%2Feu-west-1%2Frds-db%2F",
        "X-Amz-Expires=900",
        "X-Amz-Signature=",
    ] {
        assert!(db.contains(part), "{part}: {db}");
    }
    assert_eq!(received("port"), "5432");
    let cluster = received("cluster");
    let url = BASE64_URL_SAFE_NO_PAD
        .decode(cluster.strip_prefix("k8s-aws-v1.").unwrap())
        .unwrap();
    let url = String::from_utf8(url).unwrap();
    assert!(
        url.contains("X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"),
        "{url}"
    );
    assert_eq!(received("user"), "AWS");
    assert!(received("endpoint").contains(MOTO_ACCOUNT));
    for name in ["key", "token", "web", "db", "cluster", "registry"] {
        let made = Canary::of(&received(name));
        aws.stage
            .assert_no_leak(&made, &[&planned.text(), &applied.text()]);
    }

    // The session is good for what the role may do: moto checks its signature and its rights.
    for (variable, name) in [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("AWS_SESSION_TOKEN", "token"),
    ] {
        let value = aws.stage.received(name);
        aws.stage.sandbox.set_env(variable, &value);
    }
    aws.stage.write(
        "ephemeral \"secretref_value\" \"x\" {\n  ref = \"aws-sm://prod/db\"\n}\n\nresource \"terraform_data\" \"consumer\" {\n  \
         provisioner \"local-exec\" {\n    command = \"sh consumer.sh\"\n    environment = {\n      H_value = ephemeral.secretref_value.x.value\n    }\n  }\n}\n",
    );
    aws.run_checked(&["apply", "-replace=terraform_data.consumer"]);
    assert_eq!(aws.stage.received("value"), canary.value());
}
