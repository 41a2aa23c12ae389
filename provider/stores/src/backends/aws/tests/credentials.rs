//! Where credentials come from: every part of the chain that can be played here, roles, guards and expiry.

use std::path::Path;

use super::double::{ACCOUNT, Double, SESSION_KEY};
use super::server::{Answer, serve};
use super::*;
use crate::Stores;
use crate::identity::{IdentitySource, IdentityTokens};

/// Variables without an access key, in the home `folder`.
fn keyless(double: &Double, folder: &Path) -> Vec<(&'static str, String)> {
    let mut all = variables(double);
    all.retain(|(name, _)| !name.contains("ACCESS_KEY") && *name != "HOME");
    all.push(("HOME", folder.display().to_string()));
    all
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn with_secret() -> Double {
    let double = Double::start();
    double.put_secret("prod/db", CANARY);
    double
}

fn opens(stores: &Stores) {
    assert_eq!(value(stores, "aws-sm://prod/db"), secret(CANARY));
}

fn keys() -> String {
    format!(
        "aws_access_key_id = {}\naws_secret_access_key = {}\n",
        KEY.0, KEY.1
    )
}

/// An unsigned identity token for `audience`.
fn id_token(audience: &str) -> String {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let claims =
        serde_json::json!({ "aud": audience, "exp": 4_000_000_000_u64, "sub": "repo:acme/infra" });
    format!(
        "{}.{}.{}",
        part(r#"{"alg":"RS256"}"#),
        part(&claims.to_string()),
        part("s")
    )
}

#[test]
fn profiles_come_from_shared_files() {
    let double = with_secret();
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        ".aws/credentials",
        &format!("[default]\n{}", keys()),
    );
    let mut variables = keyless(&double, folder.path());
    opens(&Stores::new(environment(&variables), layers(1)));
    let elsewhere = write(folder.path(), "other", &format!("[team]\n{}", keys()));
    std::fs::remove_file(folder.path().join(".aws/credentials")).unwrap();
    let settings = Settings::new()
        .with("profile", "team")
        .with("shared_credentials_files", vec![elsewhere.clone()]);
    let stores = Stores::new(environment(&variables), layers(1))
        .with_block("aws", "default", settings)
        .unwrap();
    opens(&stores);
    variables.push(("AWS_PROFILE", "team".to_owned()));
    variables.push(("AWS_SHARED_CREDENTIALS_FILE", elsewhere));
    opens(&Stores::new(environment(&variables), layers(1)));
    let settings = Settings::new().with("shared_config_files", vec!["none.ini".to_owned()]);
    let stores = Stores::new(environment(&variables), layers(1))
        .with_block("aws", "default", settings)
        .unwrap();
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::Config,
        &["none.ini"],
    );
}

#[test]
fn a_profile_of_the_block_goes_before_keys_in_variables() {
    let double = with_secret();
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        ".aws/credentials",
        &format!("[team]\n{}", keys()),
    );
    let mut variables = keyless(&double, folder.path());
    variables.push(("AWS_ACCESS_KEY_ID", "AKIASOMEBODYELSE".to_owned()));
    variables.push(("AWS_SECRET_ACCESS_KEY", "theirs".to_owned()));
    variables.push(("AWS_SESSION_TOKEN", "theirs".to_owned()));
    let with = |profile: &str| {
        Stores::new(environment(&variables), layers(1))
            .with_block("aws", "default", Settings::new().with("profile", profile))
            .unwrap()
    };
    opens(&with("team"));
    let none = ["no AWS credentials"];
    fails(&with("none"), "aws-sm://prod/db", ErrorKind::Config, &none);
}

#[test]
fn region_and_addresses_come_from_the_profile_too() {
    let double = with_secret();
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[default]\nregion = eu-west-1\nservices = here\n{}\n[services here]\nsecrets_manager =\n  endpoint_url = {}\n",
        keys(),
        double.address
    );
    write(folder.path(), ".aws/config", &text);
    let mut variables = keyless(&double, folder.path());
    variables.retain(|(name, _)| !matches!(*name, "AWS_REGION" | "AWS_ENDPOINT_URL"));
    opens(&Stores::new(environment(&variables), layers(1)));
}

#[test]
fn a_role_in_a_profile_is_assumed() {
    let double = with_secret();
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[profile base]\n{}\n[default]\nrole_arn = arn:aws:iam::{ACCOUNT}:role/ci\nsource_profile = base\n",
        keys()
    );
    write(folder.path(), ".aws/config", &text);
    opens(&Stores::new(
        environment(&keyless(&double, folder.path())),
        layers(1),
    ));
    assert_eq!(double.take_log(), ["AssumeRole", "GetSecretValue"]);
}

#[cfg(unix)]
#[test]
fn a_process_gives_credentials() {
    let double = with_secret();
    let folder = tempfile::tempdir().unwrap();
    let json = serde_json::json!({ "Version": 1, "AccessKeyId": KEY.0, "SecretAccessKey": KEY.1 });
    let answer = write(folder.path(), "answer.json", &json.to_string());
    write(
        folder.path(),
        ".aws/config",
        &format!("[default]\ncredential_process = cat {answer}\n"),
    );
    opens(&Stores::new(
        environment(&keyless(&double, folder.path())),
        layers(1),
    ));
}

#[test]
fn an_sso_session_gives_credentials() {
    let double = with_secret();
    double
        .state()
        .sessions
        .insert("ASIASSO".to_owned(), ("sso-token".to_owned(), false));
    let portal = serve(|request| {
        assert!(
            request.path().starts_with("/federation/credentials"),
            "{}",
            request.target
        );
        assert_eq!(
            request.header("x-amz-sso_bearer_token"),
            Some("cached-token")
        );
        let body = serde_json::json!({ "roleCredentials": {
            "accessKeyId": "ASIASSO", "secretAccessKey": SESSION_KEY, "sessionToken": "sso-token",
            "expiration": 4_000_000_000_000_u64,
        } });
        Answer {
            status: 200,
            body: body.to_string(),
            ..Answer::default()
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[default]\nsso_start_url = https://acme.awsapps.com/start\nsso_region = eu-west-1\n\
         sso_account_id = {ACCOUNT}\nsso_role_name = reader\n"
    );
    write(folder.path(), ".aws/config", &text);
    let cached =
        serde_json::json!({ "accessToken": "cached-token", "expiresAt": "2090-01-01T00:00:00Z" });
    write(
        folder.path(),
        ".aws/sso/cache/token.json",
        &cached.to_string(),
    );
    rename_to_sha1(folder.path(), "https://acme.awsapps.com/start");
    let mut variables = keyless(&double, folder.path());
    variables.push(("AWS_ENDPOINT_URL_SSO", portal));
    opens(&Stores::new(environment(&variables), layers(1)));
}

/// Gives the one cached token the name that it must have: the SHA-1 of the start URL.
fn rename_to_sha1(home: &Path, start_url: &str) {
    let output = std::process::Command::new("sha1sum")
        .stdin({
            let path = home.join("url");
            std::fs::write(&path, start_url).unwrap();
            std::fs::File::open(path).unwrap()
        })
        .output()
        .expect("sha1sum of coreutils is needed");
    let name = String::from_utf8(output.stdout).unwrap();
    let name = name.split(' ').next().unwrap();
    let cache = home.join(".aws/sso/cache");
    let entry = std::fs::read_dir(&cache)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    std::fs::rename(entry, cache.join(format!("{name}.json"))).unwrap();
}

#[test]
fn a_container_gives_credentials() {
    let double = with_secret();
    double
        .state()
        .sessions
        .insert("ASIATASK".to_owned(), ("task-token".to_owned(), false));
    let agent = serve(|request| {
        // EKS Pod Identity and ECS alike: a token in a file proves who asks.
        assert_eq!(request.header("authorization"), Some("pod-token"));
        let body = serde_json::json!({
            "AccessKeyId": "ASIATASK", "SecretAccessKey": SESSION_KEY, "Token": "task-token",
            "Expiration": "2090-01-01T00:00:00Z", "AccountId": ACCOUNT,
        });
        Answer {
            status: 200,
            body: body.to_string(),
            ..Answer::default()
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let token = write(folder.path(), "token", "pod-token");
    let mut variables = keyless(&double, folder.path());
    variables.push((
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        format!("{agent}/v1/credentials"),
    ));
    variables.push(("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token));
    opens(&Stores::new(environment(&variables), layers(1)));
}

#[test]
fn an_instance_gives_credentials_and_region() {
    let double = with_secret();
    double
        .state()
        .sessions
        .insert("ASIAEC2".to_owned(), ("ec2-token".to_owned(), false));
    let metadata = serve(|request| {
        let body = match request.path() {
            "/latest/api/token" if request.method == "PUT" => "imds-token".to_owned(),
            _ if request.header("x-aws-ec2-metadata-token") != Some("imds-token") => {
                return Answer {
                    status: 401,
                    ..Answer::default()
                };
            }
            "/latest/meta-data/placement/region" => "eu-west-1".to_owned(),
            path if path.ends_with("/security-credentials/")
                || path.ends_with("/security-credentials-extended/") =>
            {
                "web".to_owned()
            }
            path if path.ends_with("/web") => serde_json::json!({
                "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2026-01-01T00:00:00Z",
                "AccessKeyId": "ASIAEC2", "SecretAccessKey": SESSION_KEY, "Token": "ec2-token",
                "Expiration": "2090-01-01T00:00:00Z", "AccountId": ACCOUNT,
            })
            .to_string(),
            _ => {
                return Answer {
                    status: 404,
                    ..Answer::default()
                };
            }
        };
        Answer {
            status: 200,
            body,
            headers: vec![("x-aws-ec2-metadata-token-ttl-seconds", "21600".to_owned())],
            ..Answer::default()
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let mut variables = keyless(&double, folder.path());
    variables.retain(|(name, _)| !matches!(*name, "AWS_EC2_METADATA_DISABLED" | "AWS_REGION"));
    variables.push(("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata));
    opens(&Stores::new(environment(&variables), layers(1)));
}

#[test]
fn a_web_identity_comes_from_variables_or_from_the_run() {
    let double = with_secret();
    let folder = tempfile::tempdir().unwrap();
    let token = write(folder.path(), "token", &id_token("sts.amazonaws.com"));
    let mut named = keyless(&double, folder.path());
    named.push(("AWS_WEB_IDENTITY_TOKEN_FILE", token.clone()));
    named.push(("AWS_ROLE_ARN", format!("arn:aws:iam::{ACCOUNT}:role/pod")));
    opens(&Stores::new(environment(&named), layers(1)));
    assert_eq!(
        double.take_log(),
        ["AssumeRoleWithWebIdentity", "GetSecretValue"]
    );

    let role = Settings::new().with("role_arn", format!("arn:aws:iam::{ACCOUNT}:role/ci"));
    let from_run = |audience: &str| {
        let environment = environment(&keyless(&double, folder.path()));
        let file = write(folder.path(), "run-token", &id_token(audience));
        let identity = IdentityTokens::new(&environment, IdentitySource::File(file.into()));
        Stores::new(environment, layers(1))
            .with_identity(std::sync::Arc::new(identity))
            .with_block(
                "aws",
                "default",
                Settings::new().with("web_identity", role.clone()),
            )
            .unwrap()
    };
    let stores = from_run("sts.amazonaws.com");
    opens(&stores);
    opens(&stores);
    assert_eq!(
        double.take_log(),
        [
            "AssumeRoleWithWebIdentity",
            "GetSecretValue",
            "GetSecretValue"
        ]
    );
    assert_eq!(
        double.state().forms.last().unwrap()["RoleSessionName"],
        "secretref"
    );
    fails(
        &from_run("vault"),
        "aws-sm://prod/db",
        ErrorKind::Config,
        &["for `vault`"],
    );
}

#[test]
fn a_role_of_the_block_is_assumed_and_renewed() {
    let double = with_secret();
    let group = Settings::new()
        .with("role_arn", format!("arn:aws:iam::{ACCOUNT}:role/reader"))
        .with("external_id", "acme")
        .with(
            "tags",
            std::collections::BTreeMap::from([("team".to_owned(), "x".to_owned())]),
        );
    let stores = configured(&double, Settings::new().with("assume_role", group));
    opens(&stores);
    let form = double.state().forms.pop().unwrap();
    assert_eq!(form["ExternalId"], "acme");
    assert_eq!(form["Tags.member.1.Key"], "team");
    // The session expires early: it is replaced, and the read goes on.
    for (_, expired) in double.state().sessions.values_mut() {
        *expired = true;
    }
    double.take_log();
    opens(&stores);
    assert_eq!(
        double.take_log(),
        ["GetSecretValue", "AssumeRole", "GetSecretValue"]
    );
    let group = Settings::new().with("role_arn", format!("arn:aws:iam::{ACCOUNT}:role/forbidden"));
    let stores = configured(&double, Settings::new().with("assume_role", group));
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::PermissionDenied,
        &["sts:AssumeRole"],
    );
}

#[test]
fn addresses_of_the_block_go_before_fips_and_dual_stack() {
    let double = with_secret();
    let group = Settings::new().with("role_arn", format!("arn:aws:iam::{ACCOUNT}:role/reader"));
    let settings = Settings::new()
        .with("use_fips", true)
        .with("use_dualstack", true)
        .with("endpoint", double.address.as_str())
        .with("assume_role", group);
    opens(&configured(&double, settings));
}

#[test]
fn expired_and_unknown_credentials_say_so() {
    let double = with_secret();
    double
        .state()
        .sessions
        .insert("ASIAOLD".to_owned(), ("old".to_owned(), true));
    let mut variables = variables(&double);
    for (name, value) in &mut variables {
        match *name {
            "AWS_ACCESS_KEY_ID" => *value = "ASIAOLD".to_owned(),
            "AWS_SECRET_ACCESS_KEY" => *value = SESSION_KEY.to_owned(),
            _ => {}
        }
    }
    variables.push(("AWS_SESSION_TOKEN", "old".to_owned()));
    let stores = Stores::new(environment(&variables), layers(1));
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::PermissionDenied,
        &["expired", "log in again"],
    );
    variables.retain(|(name, _)| *name != "AWS_SESSION_TOKEN");
    let stores = Stores::new(environment(&variables), layers(1));
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::PermissionDenied,
        &["does not accept the credentials"],
    );
}

#[test]
fn a_wrong_key_makes_a_wrong_signature() {
    let double = with_secret();
    let mut variables = variables(&double);
    for (name, value) in &mut variables {
        if *name == "AWS_SECRET_ACCESS_KEY" {
            value.push('x');
        }
    }
    let stores = Stores::new(environment(&variables), layers(1));
    let words = [
        "InvalidSignatureException",
        "does not accept the credentials",
    ];
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::PermissionDenied,
        &words,
    );
}

#[test]
fn nothing_to_log_in_with_and_no_region_say_what_to_do() {
    let double = with_secret();
    let folder = tempfile::tempdir().unwrap();
    let mut variables = keyless(&double, folder.path());
    let stores = Stores::new(environment(&variables), layers(1));
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::Config,
        &["no AWS credentials", "web_identity"],
    );
    variables.retain(|(name, _)| *name != "AWS_REGION");
    let stores = Stores::new(environment(&variables), layers(1));
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::Config,
        &["no AWS region", "AWS_REGION"],
    );
}

#[test]
fn an_account_that_is_not_allowed_is_refused_before_anything_is_read() {
    let double = with_secret();
    let guarded = |accounts: &[&str]| {
        let accounts: Vec<_> = accounts.iter().map(|id| (*id).to_owned()).collect();
        configured(
            &double,
            Settings::new().with("allowed_account_ids", accounts),
        )
    };
    let stores = guarded(&["999999999999"]);
    fails(
        &stores,
        "aws-sm://prod/db",
        ErrorKind::PermissionDenied,
        &[ACCOUNT, "allowed_account_ids"],
    );
    assert_eq!(double.take_log(), ["GetCallerIdentity"]);
    let stores = guarded(&["999999999999", ACCOUNT]);
    opens(&stores);
    opens(&stores);
    assert_eq!(
        double.take_log(),
        ["GetCallerIdentity", "GetSecretValue", "GetSecretValue"]
    );
}

#[test]
fn static_keys_in_a_block_are_refused_unless_allowed() {
    let double = with_secret();
    let settings = Settings::new()
        .with("access_key_id", secret(KEY.0))
        .with("secret_access_key", secret(KEY.1));
    let folder = tempfile::tempdir().unwrap();
    let environment = environment(&keyless(&double, folder.path()));
    let error = Stores::new(environment.clone(), layers(1))
        .with_block("aws", "default", settings.clone())
        .unwrap_err();
    assert!(error.to_string().contains("static credential"), "{error}");
    let stores = Stores::new(environment, layers(1))
        .allow_static_credentials(true)
        .with_block("aws", "default", settings)
        .unwrap();
    opens(&stores);
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let double = Double::start();
    let role = |name: &str| {
        Settings::new()
            .with("role_arn", "arn:aws:iam::1:role/x")
            .with("session_name", name)
    };
    for (settings, word) in [
        (
            Settings::new().with("recovery_window_days", 3),
            "recovery_window_days",
        ),
        (Settings::new().with("max_attempts", 0), "max_attempts"),
        (
            Settings::new().with("parameter_tier", "Huge"),
            "parameter_tier",
        ),
        (
            Settings::new().with("assume_role", Settings::new()),
            "role_arn",
        ),
        (
            Settings::new().with("assume_role", role("a b")),
            "session name",
        ),
        (Settings::new().with("endpoint", "ftp://x"), "endpoint"),
        (
            Settings::new().with(
                "endpoints",
                std::collections::BTreeMap::from([("s3".to_owned(), "https://x".to_owned())]),
            ),
            "s3",
        ),
    ] {
        fails(
            &configured(&double, settings),
            "aws-sm://x",
            ErrorKind::Config,
            &[word],
        );
    }
    let mut variables = variables(&double);
    variables.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    let stores = Stores::new(environment(&variables), layers(1))
        .with_block("aws", "default", Settings::new().with("region", "EU West"))
        .unwrap();
    fails(
        &stores,
        "aws-sm://x",
        ErrorKind::Config,
        &["EU West", "eu-central-1"],
    );
}

#[test]
fn blocks_have_their_own_accounts() {
    let double = with_secret();
    let other = Double::start();
    other.put_secret("prod/db", "other");
    let stores = stores(&double)
        .with_block(
            "aws",
            "other",
            Settings::new().with("endpoint", other.address.as_str()),
        )
        .unwrap();
    opens(&stores);
    assert_eq!(value(&stores, "aws-sm+other://prod/db"), secret("other"));
    fails(
        &stores,
        "aws-sm+none://prod/db",
        ErrorKind::Config,
        &["no store `none`"],
    );
}
