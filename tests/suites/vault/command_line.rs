//! Leases of the command line: those of `run` live as long as the command, those of `credential` end by themselves.

use std::process::Stdio;
use std::time::Duration;

use e2e::binaries::Binaries;
use e2e::servers::LeasePeriod;
use serde_json::Value;

use super::stage::{Dev, LONG};

/// Lets the command line log in as the run of Terraform would; with further `settings` of the store.
fn configure(dev: &Dev, settings: &str) {
    let role = dev.admin().read("auth/approle/role/run/role-id").unwrap();
    let role = role["data"]["role_id"].as_str().unwrap();
    let text = format!(
        "[stores.vault.default]\n{settings}\n[stores.vault.default.auth.approle]\nrole_id = \"{role}\"\n\
         secret_id_env = \"SECRET_ID\"\n"
    );
    dev.stage.sandbox.write("secretref.toml", &text).unwrap();
}

#[test]
fn what_a_command_gets_lives_as_long_as_the_command() {
    let period = LeasePeriod {
        default_seconds: 8,
        max_seconds: 120,
    };
    let (dev, postgres) = Dev::with_database(period);
    let stage = &dev.stage;
    configure(&dev, "");
    stage.hold();
    let program = Binaries::build().unwrap().provider;
    let mut command = stage.sandbox.command(program, &stage.sandbox.project());
    command
        .args(["run", "-e", "H_user=vault://db/creds/app#username"])
        .args(["-e", "H_password=vault://db/creds/app#password"])
        .args(["--", "sh", "consumer.sh"])
        .stdin(Stdio::null());
    let mut child = command.spawn().unwrap();
    stage.wait_for_consumer();
    let (user, password) = (stage.received("user"), stage.received("password"));
    assert_eq!(postgres.roles().unwrap(), [&*user], "one credential");
    std::thread::sleep(Duration::from_secs(10));
    assert!(postgres.can_login(&user, &password).unwrap(), "extended");
    stage.let_go();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    dev.nobody_left(&postgres);
}

#[test]
fn what_a_helper_hands_out_stays_until_the_time_it_says() {
    let (dev, postgres) = Dev::with_database(LONG);
    configure(&dev, "token_ttl = \"2m\"\n");
    let sandbox = &dev.stage.sandbox;
    let provider = |arguments: &[&str]| {
        sandbox
            .provider(&sandbox.project(), arguments, "")
            .unwrap()
            .expect_code(0)
            .unwrap()
            .stdout
    };
    let said = provider(&["credential", "kubernetes", "vault://db/creds/app#password"]);
    let answer: Value = serde_json::from_str(&said).unwrap();
    let password = answer["status"]["token"].as_str().unwrap();
    let ends = answer["status"]["expirationTimestamp"].as_str().unwrap();
    let left =
        ends.parse::<jiff::Timestamp>().unwrap().as_second() - jiff::Timestamp::now().as_second();
    assert!((30..=121).contains(&left), "it ends with its token: {left}");
    let roles = postgres.roles().unwrap();
    assert!(postgres.can_login(&roles[0], password).unwrap());
    let listed = provider(&["lease", "list"]);
    assert!(listed.contains("vault://db/creds/app"), "{listed}");
    assert!(!listed.contains(password));
}
