//! Three OpenBao servers over raft.

use e2e::servers::{Client, OpenBaoCluster};
use serde_json::{Value, json};

#[test]
fn it_survives_a_crash_a_broken_network_and_a_seal_as_a_cluster_does() {
    let mut cluster = OpenBaoCluster::start().unwrap();
    let admin = cluster.admin().unwrap();
    admin.mount("kv1", "kv", &Value::Null).unwrap();
    admin.write("kv1/a", &json!({ "k": "canary" })).unwrap();

    // The leader crashes: another takes over, and the node comes back as a follower.
    let first = cluster.leader().unwrap();
    cluster.kill(first).unwrap();
    let second = cluster.leader().unwrap();
    assert_ne!(first, second);
    let read = |cluster: &OpenBaoCluster, node| cluster.node(node).unwrap().read("kv1/a").unwrap();
    assert_eq!(read(&cluster, second)["data"]["k"], "canary");
    cluster.restart(first).unwrap();

    // A paused follower answers again once the network is back.
    let follower = (0..3).find(|index| *index != second).unwrap();
    cluster.pause(follower).unwrap();
    cluster
        .admin()
        .unwrap()
        .write("kv1/b", &json!({ "k": "v" }))
        .unwrap();
    cluster.resume(follower).unwrap();
    assert_eq!(read(&cluster, follower)["data"]["k"], "canary");

    let audit = cluster.audit_log().unwrap();
    assert!(audit.contains("kv1/a"));
    assert!(
        !audit.contains("canary"),
        "the audit log holds digests only"
    );

    cluster.seal_all().unwrap();
    for index in 0..3 {
        let answer = cluster
            .node(index)
            .unwrap()
            .send("GET", "kv1/a", None)
            .unwrap();
        assert_eq!(answer.status, 503, "{}", answer.body);
    }
}

#[test]
fn a_client_certificate_logs_in() {
    let cluster = OpenBaoCluster::start().unwrap();
    let admin = cluster.admin().unwrap();
    admin.enable_auth("cert", "cert").unwrap();
    admin
        .write(
            "auth/cert/certs/ci",
            &json!({
                "certificate": cluster.authority().certificate_pem(),
                "allowed_common_names": ["ci"],
            }),
        )
        .unwrap();
    let address = cluster.addresses()[cluster.leader().unwrap()].to_owned();
    let login = |client: Client| {
        client
            .send(
                "POST",
                "/v1/auth/cert/login",
                Some(&json!({ "name": "ci" })),
            )
            .unwrap()
            .status
    };
    let authority = cluster.authority();
    assert_eq!(
        login(Client::with_certificate(&address, authority, "ci").unwrap()),
        200
    );
    assert_eq!(
        login(Client::with_certificate(&address, authority, "other").unwrap()),
        400
    );
    assert_eq!(login(Client::new(&address, Some(authority)).unwrap()), 400);
}
