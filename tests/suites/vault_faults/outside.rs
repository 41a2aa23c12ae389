//! What others do to the server while a run is under way.

use std::time::Duration;

use e2e::Canary;
use e2e::processes::wait_until;
use e2e::servers::LeasePeriod;
use serde_json::json;

use super::stage::{Dev, LONG, database_consumer, value_consumer, within};

/// Ends every token that the run made.
fn revoke_tokens_of_the_run(dev: &Dev) {
    let tokens = dev.tokens_of_the_run();
    assert!(!tokens.is_empty());
    for accessor in tokens {
        dev.admin()
            .write(
                "auth/token/revoke-accessor",
                &json!({ "accessor": accessor }),
            )
            .unwrap();
    }
}

#[test]
fn a_token_that_is_revoked_from_outside_takes_its_credentials_along() {
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&database_consumer());
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    assert_eq!(postgres.roles().unwrap().len(), 1);
    revoke_tokens_of_the_run(&dev);
    wait_until("the login to be dropped", || {
        postgres.roles().unwrap().is_empty()
    });
    dev.stage.let_go();
    let (code, said) = within(Duration::from_secs(60), || terraform.finish());
    // The consumer was served, and what had to end has ended.
    assert_eq!(code, Some(0), "{said}");
    dev.nobody_left(&postgres);
    dev.stage
        .assert_no_leak(&Canary::of(&dev.stage.received("password")), &[&said]);
}

#[test]
fn a_token_that_is_revoked_before_the_run_is_told() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    let token = dev
        .admin()
        .create_token(&json!({ "policies": ["run"] }))
        .unwrap();
    let mut stage = super::stage::Stage::without_login(&dev.proxy.url());
    stage.sandbox.set_env("VAULT_TOKEN", &token);
    stage.configure_alone(&value_consumer("vault://kv/app#password"));
    let planned = stage.terraform(&["plan", "-out", "saved"]);
    assert_eq!(planned.status.code(), Some(0), "{}", planned.text());
    dev.admin()
        .write("auth/token/revoke", &json!({ "token": token }))
        .unwrap();
    let said = within(Duration::from_secs(60), || stage.fail(&["apply", "saved"]));
    assert!(said.contains("token is not valid any more"), "{said}");
    stage.assert_no_leak(&canary, &[&said]);
    stage.assert_no_leak(&Canary::of(&token), &[&said]);
}

#[test]
fn a_role_that_is_deleted_between_plan_and_apply_is_told() {
    let (dev, postgres) = Dev::with_database(LONG);
    dev.stage.configure(&database_consumer());
    let planned = dev.stage.terraform(&["plan", "-out", "saved"]);
    assert_eq!(planned.status.code(), Some(0), "{}", planned.text());
    dev.admin().delete("db/roles/app").unwrap();
    let said = within(Duration::from_secs(60), || {
        dev.stage.fail(&["apply", "saved"])
    });
    assert!(said.contains("no such role"), "{said}");
    assert!(said.contains("vault://db/creds/app"), "{said}");
    assert!(!dev.stage.consumed());
    dev.nobody_left(&postgres);
}

#[test]
fn a_lease_that_reaches_its_longest_time_is_told_and_gone() {
    let (dev, postgres) = Dev::with_database(LeasePeriod {
        default_seconds: 3,
        max_seconds: 6,
    });
    dev.stage.configure(&database_consumer());
    dev.stage.hold();
    let terraform = dev.stage.start(&["apply"]);
    dev.stage.wait_for_consumer();
    wait_until("the lease to end", || postgres.roles().unwrap().is_empty());
    // Whoever still used the credential failed at some point: the run says why.
    dev.stage.let_go();
    let (code, said) = within(Duration::from_secs(60), || terraform.finish());
    assert!(
        said.contains("could not be renewed during the run"),
        "exit {code:?}: {said}"
    );
    dev.nobody_left(&postgres);
    dev.stage
        .assert_no_leak(&Canary::of(&dev.stage.received("password")), &[&said]);
}

#[test]
fn a_database_that_is_down_is_told_without_its_address_or_user() {
    let (dev, postgres) = Dev::with_database(LONG);
    let password = Canary::of(postgres.password());
    drop(postgres);
    dev.stage.configure(&database_consumer());
    let said = within(Duration::from_secs(120), || dev.stage.fail(&["apply"]));
    assert!(said.contains("failed inside"), "{said}");
    dev.stage.assert_no_leak(&password, &[&said]);
    dev.nothing_left();
}
