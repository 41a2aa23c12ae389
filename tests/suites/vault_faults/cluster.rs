//! A cluster of three that loses its leader, its network or its keys while a run is under way.

use std::time::Duration;

use e2e::Canary;
use e2e::processes::wait_until;
use e2e::servers::{OpenBaoCluster, Postgres};
use serde_json::json;

use super::stage::{LONG, Stage, database_consumer, value_consumer, within};

/// Longer than any election, shorter than the patience of a test.
const TOKEN_TTL: Duration = Duration::from_secs(60);

/// A cluster with a database, and a stage before one of its standbys.
struct Installation {
    stage: Stage,
    cluster: OpenBaoCluster,
    postgres: Postgres,
    standby: usize,
}

impl Installation {
    fn new() -> Self {
        let cluster = OpenBaoCluster::start().unwrap();
        let postgres = Postgres::start().unwrap();
        let admin = cluster.admin().unwrap();
        admin.mount("kv", "kv", &json!({ "version": "2" })).unwrap();
        admin.connect_database("db", &postgres).unwrap();
        admin.database_role("db", "app", LONG).unwrap();
        let leader = cluster.leader().unwrap();
        let standby = (0..3).find(|index| *index != leader).unwrap();
        let mut stage = Stage::new(&admin, cluster.addresses()[standby]);
        let ca = cluster.ca_file().display().to_string();
        stage.sandbox.set_env("VAULT_CACERT", &ca);
        // The run may make a token of its own, whose end ends everything.
        admin
            .policy(
                "run",
                "path \"kv/*\" { capabilities = [\"read\"] }\n\
                 path \"db/creds/*\" { capabilities = [\"read\"] }\n\
                 path \"auth/token/create\" { capabilities = [\"update\"] }\n",
            )
            .unwrap();
        Self {
            stage,
            cluster,
            postgres,
            standby,
        }
    }

    /// Settings of the store block: where a standby may send requests when it cannot pass them on itself,
    /// which happens while a leader is chosen; and how long what a run cannot end lives at most.
    fn settings(&self) -> String {
        let hosts: Vec<_> = self
            .cluster
            .addresses()
            .iter()
            .map(|address| address.trim_start_matches("https://").to_owned())
            .collect();
        format!(
            "    redirect_hosts = {hosts:?}\n    token_ttl = \"{}s\"\n",
            TOKEN_TTL.as_secs()
        )
    }

    /// Lets the run go on with an address that is not the leader's, which is returned.
    fn behind_a_standby(&mut self) -> usize {
        let leader = self.cluster.leader().unwrap();
        self.standby = (0..3).find(|index| *index != leader).unwrap();
        let address = self.cluster.addresses()[self.standby].to_owned();
        self.stage.sandbox.set_env("VAULT_ADDR", &address);
        leader
    }

    /// Whether no lease is left; the leader may change while it is asked.
    fn is_without_leases(&self) -> bool {
        let leases = self.cluster.admin().and_then(|admin| admin.leases("db"));
        leases.is_ok_and(|leases| leases.is_empty())
    }

    #[track_caller]
    fn nobody_left(&self) {
        wait_until("all leases to end", || self.is_without_leases());
        wait_until("all logins to be dropped", || {
            self.postgres.roles().unwrap().is_empty()
        });
    }

    /// After the cluster lost its leader: what was opened has ended with the run. Where choosing another one took
    /// longer than Terraform waits for a provider, the run says so, and it ends with the token of the run.
    #[track_caller]
    fn nobody_left_or_told(&self, said: &str) {
        if said.contains("not revoked") {
            self.nobody_left();
        } else {
            // As soon as there is a leader that can tell; long before the token ends.
            wait_until("a leader", || self.cluster.leader().is_ok());
            within(TOKEN_TTL / 2, || self.nobody_left());
        }
    }
}

#[test]
fn a_leader_that_crashes_during_the_apply_is_outlived() {
    let mut place = Installation::new();
    place
        .stage
        .configure_with(&place.settings(), &database_consumer());
    place.stage.hold();
    let terraform = place.stage.start(&["apply"]);
    place.stage.wait_for_consumer();
    let password = place.stage.received("password");
    assert_eq!(place.postgres.roles().unwrap().len(), 1);
    let leader = place.cluster.leader().unwrap();
    place.cluster.kill(leader).unwrap();
    place.stage.let_go();
    let (code, said) = within(Duration::from_secs(90), || terraform.finish());
    assert_eq!(code, Some(0), "{said}");
    place.nobody_left_or_told(&said);
    let audit = place.cluster.audit_log().unwrap();
    let canary = Canary::of(&password);
    assert!(canary.search("audit", audit.as_bytes()).is_empty());
    place.stage.assert_no_leak(&canary, &[&said]);

    // A run that begins while a leader is chosen waits for it.
    place.cluster.restart(leader).unwrap();
    place.stage.terraform(&["destroy"]);
    let leader = place.behind_a_standby();
    place.cluster.kill(leader).unwrap();
    let terraform = place.stage.start(&["apply"]);
    let (code, said) = within(Duration::from_secs(90), || terraform.finish());
    assert_eq!(code, Some(0), "{said}");
    assert_ne!(place.stage.received("password"), password);
    place.nobody_left_or_told(&said);
}

#[test]
fn a_seal_during_the_apply_is_told_and_the_login_ends_after_the_unseal() {
    let mut place = Installation::new();
    place
        .stage
        .configure_with("    token_ttl = \"15s\"\n", &database_consumer());
    place.stage.hold();
    let terraform = place.stage.start(&["apply"]);
    place.stage.wait_for_consumer();
    let password = place.stage.received("password");
    place.cluster.seal_all().unwrap();
    place.stage.let_go();
    let (_, said) = within(Duration::from_secs(90), || terraform.finish());
    assert!(said.contains("sealed"), "{said}");
    assert_eq!(
        place.postgres.roles().unwrap().len(),
        1,
        "a sealed server cannot revoke"
    );
    place.cluster.unseal_all().unwrap();
    place.nobody_left();
    place.stage.assert_no_leak(&Canary::of(&password), &[&said]);

    // Before a run, it is told at once.
    place.stage.terraform(&["destroy"]);
    place.cluster.seal_all().unwrap();
    let said = within(Duration::from_secs(30), || place.stage.fail(&["apply"]));
    assert!(said.contains("sealed"), "{said}");
}

#[test]
fn a_node_behind_a_broken_network_is_given_up_in_time() {
    let place = Installation::new();
    let admin = place.cluster.admin().unwrap();
    let canary = Canary::random();
    admin
        .write(
            "kv/data/app",
            &json!({ "data": { "password": canary.value() } }),
        )
        .unwrap();
    place.stage.configure_with(
        "    timeout = \"4s\"\n",
        &value_consumer("vault://kv/app#password"),
    );
    place.cluster.pause(place.standby).unwrap();
    let said = within(Duration::from_secs(60), || place.stage.fail(&["apply"]));
    assert!(said.contains("no answer within 4 s"), "{said}");
    assert!(!place.stage.consumed());
    place.cluster.resume(place.standby).unwrap();
    wait_until("the network to be back", || {
        place.stage.terraform(&["apply"]).status.success()
    });
    assert_eq!(place.stage.received("value"), canary.value());
    place.stage.assert_no_leak(&canary, &[&said]);
    place.nobody_left();
}

#[test]
fn a_leader_behind_a_broken_network_is_outlived() {
    let place = Installation::new();
    place
        .stage
        .configure_with(&place.settings(), &database_consumer());
    place.stage.hold();
    let terraform = place.stage.start(&["apply"]);
    place.stage.wait_for_consumer();
    let leader = place.cluster.leader().unwrap();
    place.cluster.pause(leader).unwrap();
    place.stage.let_go();
    let (code, said) = within(Duration::from_secs(120), || terraform.finish());
    place.cluster.resume(leader).unwrap();
    assert_eq!(code, Some(0), "{said}");
    place.nobody_left_or_told(&said);
    place
        .stage
        .assert_no_leak(&Canary::of(&place.stage.received("password")), &[&said]);
}

#[test]
fn a_client_certificate_logs_in() {
    let place = Installation::new();
    let admin = place.cluster.admin().unwrap();
    let canary = Canary::random();
    admin
        .write(
            "kv/data/app",
            &json!({ "data": { "password": canary.value() } }),
        )
        .unwrap();
    admin.enable_auth("cert", "cert").unwrap();
    admin
        .write(
            "auth/cert/certs/ci",
            &json!({
                "certificate": place.cluster.authority().certificate_pem(),
                "allowed_common_names": ["ci"],
                "token_policies": ["run"],
            }),
        )
        .unwrap();
    let certificate = place.cluster.client_certificate("ci").unwrap();
    let mut stage = Stage::without_login(place.cluster.addresses()[place.standby]);
    let (certificate, key) = certificate
        .write(&stage.sandbox.path(""), "client")
        .unwrap();
    let ca = place.cluster.ca_file().display().to_string();
    stage.sandbox.set_env("VAULT_CACERT", &ca);
    stage.configure_with(
        &format!("    client_cert = {certificate:?}\n    client_key  = {key:?}\n    auth {{\n      cert {{}}\n    }}\n"),
        &value_consumer("vault://kv/app#password"),
    );
    let applied = stage.apply();
    assert_eq!(stage.received("value"), canary.value());
    stage.assert_no_leak(&canary, &[&applied.text()]);
    place.nobody_left();
}
