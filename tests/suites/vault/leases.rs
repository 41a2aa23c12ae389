//! However a run ends, the database credential that it opened ends with it.

use std::time::Duration;

use e2e::Canary;
use e2e::processes::{provider_ids, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use super::stage::{Dev, LONG, consumer, database_consumer, within};

#[test]
fn a_credential_logs_in_while_applying_and_is_gone_after_the_run() {
    let (dev, postgres) = Dev::with_database(LONG);
    let stage = &dev.stage;
    stage.configure(&database_consumer());
    stage.hold();
    let terraform = stage.start(&["apply"]);
    stage.wait_for_consumer();
    let (user, password) = (stage.received("user"), stage.received("password"));
    assert!(postgres.can_login(&user, &password).unwrap());
    assert_eq!(
        postgres.roles().unwrap(),
        [&*user],
        "two references to one path are one credential"
    );
    stage.let_go();
    let (code, said) = terraform.finish();
    assert_eq!(code, Some(0), "{said}");
    dev.nobody_left(&postgres);
    assert!(!postgres.can_login(&user, &password).unwrap());
    stage.assert_no_leak(&Canary::of(&password), &[&said]);
}

#[test]
fn a_plan_opens_no_credential() {
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&database_consumer());
    let planned = dev.stage.terraform(&["plan"]);
    assert_eq!(planned.status.code(), Some(0), "{}", planned.text());
    assert_eq!(dev.proxy.count("GET", "/v1/db/creds/"), 0);
    dev.nobody_left(&postgres);
}

#[test]
fn a_consumer_that_fails_leaves_nothing() {
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&database_consumer());
    dev.stage.let_fail();
    let said = dev.stage.fail(&["apply"]);
    assert!(said.contains("local-exec"), "{said}");
    assert!(dev.stage.consumed());
    dev.nobody_left(&postgres);
    dev.stage
        .assert_no_leak(&Canary::of(&dev.stage.received("password")), &[&said]);
}

#[test]
fn an_interrupt_leaves_nothing() {
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&database_consumer());
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    terraform.signal(Signal::INT);
    let (code, said) = within(Duration::from_secs(60), || terraform.finish());
    assert_eq!(code, Some(1), "{said}");
    dev.stage.provider_ended();
    dev.nobody_left(&postgres);
    dev.stage
        .assert_no_leak(&Canary::of(&dev.stage.received("password")), &[&said]);
}

#[test]
fn killing_terraform_leaves_nothing() {
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&database_consumer());
    dev.stage.hold();
    let mut terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    terraform.kill_terraform();
    within(Duration::from_secs(30), || dev.stage.provider_ended());
    dev.nobody_left(&postgres);
    dev.stage
        .assert_no_leak(&Canary::of(&dev.stage.received("password")), &[]);
}

#[test]
fn killing_the_provider_leaves_nothing_beyond_the_life_of_its_token() {
    // Its login is good for an hour and has no right beyond those of the default policy.
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage
        .configure_with("    token_ttl = \"10s\"\n", &database_consumer());
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    for provider in provider_ids(&dev.stage.sandbox) {
        kill_process(Pid::from_raw(provider).unwrap(), Signal::KILL).unwrap();
    }
    dev.stage.let_go();
    let (code, _) = terraform.finish();
    assert_eq!(code, Some(1), "Terraform notices that the provider is gone");
    assert_eq!(postgres.roles().unwrap().len(), 1, "nobody could revoke");
    within(Duration::from_secs(25), || {
        wait_until("the token of the run to end", || {
            postgres.roles().unwrap().is_empty()
        });
    });
    assert_eq!(dev.admin().leases("db").unwrap(), [""; 0]);
    dev.stage
        .assert_no_leak(&Canary::of(&dev.stage.received("password")), &[]);
}

#[test]
fn what_a_killed_provider_left_is_listed_and_ended_by_hand() {
    let (mut dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&grant_children(&dev));
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    for provider in provider_ids(&dev.stage.sandbox) {
        kill_process(Pid::from_raw(provider).unwrap(), Signal::KILL).unwrap();
    }
    dev.stage.let_go();
    terraform.finish();
    assert_eq!(postgres.roles().unwrap().len(), 1, "nobody could revoke");

    let token = dev.bao.root_token().to_owned();
    dev.stage.sandbox.set_env("VAULT_TOKEN", &token);
    let project = dev.stage.sandbox.project();
    let listed = dev
        .stage
        .sandbox
        .provider(&project, &["lease", "list"], "")
        .unwrap()
        .expect_code(0)
        .unwrap();
    assert!(
        listed.stdout.contains("vault://db/creds/app"),
        "{}",
        listed.text()
    );
    assert!(listed.stdout.contains("left over"), "{}", listed.text());
    dev.stage
        .sandbox
        .provider(&project, &["lease", "revoke", "--all"], "")
        .unwrap()
        .expect_code(0)
        .unwrap();
    dev.nobody_left(&postgres);
    let listed = dev
        .stage
        .sandbox
        .provider(&project, &["lease", "list"], "")
        .unwrap();
    assert!(listed.stdout.contains("No leases"), "{}", listed.text());
}

#[test]
fn a_lease_is_renewed_for_as_long_as_the_run_lasts() {
    let (dev, postgres) = Dev::with_database(e2e::servers::LeasePeriod {
        default_seconds: 4,
        max_seconds: 600,
    });
    dev.stage.configure(&database_consumer());
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    std::thread::sleep(Duration::from_secs(9));
    let (user, password) = (dev.stage.received("user"), dev.stage.received("password"));
    assert!(postgres.can_login(&user, &password).unwrap());
    assert!(
        dev.proxy.count("POST", "/v1/sys/leases/renew")
            + dev.proxy.count("PUT", "/v1/sys/leases/renew")
            >= 2
    );
    dev.stage.let_go();
    let (code, said) = terraform.finish();
    assert_eq!(code, Some(0), "{said}");
    dev.nobody_left(&postgres);
}

#[test]
fn the_result_says_what_the_lease_is() {
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&format!(
        "ephemeral \"secretref_value\" \"db\" {{\n  ref      = \"vault://db/creds/app#password\"\n  applying = terraform.applying\n}}\n\n{}",
        consumer(&[
            ("password", "ephemeral.secretref_value.db.value"),
            ("ttl", "ephemeral.secretref_value.db.lease.ttl_seconds"),
            ("renewable", "ephemeral.secretref_value.db.lease.renewable"),
            ("revocable", "ephemeral.secretref_value.db.lease.revocable"),
        ])
    ));
    dev.stage.apply();
    assert_eq!(dev.stage.received("ttl"), "600");
    assert_eq!(dev.stage.received("renewable"), "true");
    assert_eq!(dev.stage.received("revocable"), "true");
    dev.nobody_left(&postgres);
}

/// Lets the run make tokens of its own, and returns the configuration of a database consumer.
fn grant_children(dev: &Dev) -> String {
    dev.admin()
        .policy(
            "run",
            "path \"db/creds/*\" { capabilities = [\"read\"] }\n\
             path \"auth/token/create\" { capabilities = [\"update\"] }\n",
        )
        .unwrap();
    database_consumer()
}
