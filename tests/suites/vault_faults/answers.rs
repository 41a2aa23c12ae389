//! Answers that are late, cut, of another kind, or from a server that nobody knows.

use std::time::Duration;

use e2e::servers::{Authority, Fault, FaultProxy, Flaw, Rule};

use super::stage::{Dev, LONG, database_consumer, value_consumer, within};

const REFERENCE: &str = "vault://kv/app#password";
const SECRET: &str = "/v1/kv/data/app";

/// What the run says when this happens to every read of the secret.
#[track_caller]
fn complaint_about(fault: Fault, settings: &str) -> String {
    let dev = Dev::new();
    let canary = dev.store_secret();
    dev.stage
        .configure_with(settings, &value_consumer(REFERENCE));
    dev.proxy.add(Rule::new(SECRET, fault));
    let said = within(Duration::from_secs(90), || dev.stage.fail(&["apply"]));
    assert!(!dev.stage.consumed());
    assert!(
        dev.proxy.count("GET", SECRET) <= 3,
        "tried {} times",
        dev.proxy.count("GET", SECRET)
    );
    dev.stage.assert_no_leak(&canary, &[&said]);
    dev.nothing_left();
    assert!(said.contains(REFERENCE), "names the reference: {said}");
    said
}

#[test]
fn a_slow_server_is_waited_for() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    dev.proxy
        .add(Rule::new("/v1/", Fault::Delay(Duration::from_secs(1))));
    dev.stage.configure(&value_consumer(REFERENCE));
    dev.stage.apply();
    assert_eq!(dev.stage.received("value"), canary.value());
    dev.nothing_left();
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let said = complaint_about(Fault::BlackHole, "    timeout = \"3s\"\n");
    assert!(said.contains("no answer within 3 s"), "{said}");
}

#[test]
fn a_slow_server_that_makes_leases_leaves_none_behind_an_impatient_run() {
    // The lease is made, but its answer comes too late: only the end of the token ends it.
    let (dev, postgres) = Dev::with_database(LONG);
    dev.proxy.add(Rule::new(
        "/v1/db/creds/",
        Fault::LateAnswer(Duration::from_secs(6)),
    ));
    dev.stage
        .configure_with("    timeout = \"3s\"\n", &database_consumer());
    let said = within(Duration::from_secs(90), || dev.stage.fail(&["apply"]));
    assert!(said.contains("no answer within 3 s"), "{said}");
    dev.nobody_left(&postgres);
}

#[test]
fn a_reset_connection_is_told() {
    let said = complaint_about(Fault::Reset, "");
    assert!(said.contains("connection"), "{said}");
}

#[test]
fn one_reset_is_made_good_by_asking_again() {
    let dev = Dev::new();
    let canary = dev.store_secret();
    dev.proxy.add(Rule::new(SECRET, Fault::Reset).times(1));
    dev.stage.configure(&value_consumer(REFERENCE));
    dev.stage.apply();
    assert_eq!(dev.stage.received("value"), canary.value());
    dev.nothing_left();
}

#[test]
fn json_that_ends_too_early_is_told_without_its_text() {
    let said = complaint_about(Fault::ShortBody(180), "");
    assert!(said.contains("JSON") || said.contains("answer"), "{said}");
}

#[test]
fn a_body_that_breaks_off_is_told() {
    let said = complaint_about(Fault::CutBody(180), "");
    assert!(said.contains("answer"), "{said}");
}

#[test]
fn a_page_of_a_proxy_is_recognised_whatever_its_status() {
    let said = complaint_about(Fault::HtmlPage(502), "");
    assert!(said.contains("in front of the server"), "{said}");
    let said = complaint_about(Fault::HtmlPage(200), "");
    assert!(
        said.contains("proxy") || said.contains("no JSON") || said.contains("not JSON"),
        "{said}"
    );
}

#[test]
fn a_wrong_certificate_ends_the_run_before_anything_is_sent() {
    let dev = Dev::new();
    dev.store_secret();
    let authority = Authority::new("company").unwrap();
    let stranger = Authority::new("stranger").unwrap();
    for certificate in [
        stranger.server_certificate().unwrap(),
        authority.flawed_certificate(Flaw::Expired).unwrap(),
        authority.flawed_certificate(Flaw::OtherHost).unwrap(),
    ] {
        let secure = FaultProxy::start_tls(dev.bao.address(), &certificate, &authority).unwrap();
        let ca = authority.write(&dev.stage.sandbox.path("")).unwrap();
        dev.stage.configure_with(
            &format!("    address = {:?}\n    ca_cert = {ca:?}\n", secure.url()),
            &value_consumer(REFERENCE),
        );
        let said = within(Duration::from_secs(60), || dev.stage.fail(&["apply"]));
        assert!(said.contains("certificate"), "{said}");
        assert_eq!(secure.requests().len(), 0);
    }
    dev.nothing_left();
}
