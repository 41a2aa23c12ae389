//! OpenBao in memory.

use e2e::servers::{LeasePeriod, OpenBao, Postgres};
use serde_json::{Value, json};

const PERIOD: LeasePeriod = LeasePeriod {
    default_seconds: 600,
    max_seconds: 1200,
};

#[test]
fn secrets_policies_and_tokens_work() {
    let server = OpenBao::dev().unwrap();
    let admin = server.admin();
    admin.mount("kv", "kv", &json!({ "version": "2" })).unwrap();
    admin
        .write("kv/data/app", &json!({ "data": { "password": "p" } }))
        .unwrap();
    assert_eq!(
        admin.read("kv/data/app").unwrap()["data"]["data"]["password"],
        "p"
    );
    assert_eq!(admin.list("kv/metadata").unwrap(), ["app"]);
    assert_eq!(admin.list("kv/metadata/none").unwrap(), [""; 0]);

    admin
        .policy(
            "reader",
            "path \"kv/data/app\" { capabilities = [\"read\"] }",
        )
        .unwrap();
    let before = admin.token_accessors().unwrap();
    let token = admin
        .create_token(&json!({ "policies": ["reader"], "ttl": "5m" }))
        .unwrap();
    assert_eq!(admin.token_accessors().unwrap().len(), before.len() + 1);
    let reader = server.as_token(&token).unwrap();
    assert!(reader.read("kv/data/app").is_ok());
    assert_eq!(
        reader.send("GET", "kv/data/other", None).unwrap().status,
        403
    );
    reader
        .write("auth/token/revoke-self", &Value::Null)
        .unwrap();
    assert_eq!(admin.token_accessors().unwrap(), before);
}

#[test]
fn database_credentials_log_in_until_their_lease_ends() {
    let server = OpenBao::dev().unwrap();
    let postgres = Postgres::start().unwrap();
    let admin = server.admin();
    admin.connect_database("db", &postgres).unwrap();
    admin.database_role("db", "app", PERIOD).unwrap();
    let issued = admin.read("db/creds/app").unwrap();
    let user = issued["data"]["username"].as_str().unwrap();
    let password = issued["data"]["password"].as_str().unwrap();
    let lease = issued["lease_id"].as_str().unwrap();
    // The other lease is that of the root token.
    assert!(admin.leases("").unwrap().contains(&lease.to_owned()));
    assert_eq!(admin.leases("db/creds/").unwrap(), [lease]);
    assert_eq!(postgres.roles().unwrap(), [user]);
    assert!(postgres.can_login(user, password).unwrap());
    assert!(!postgres.can_login(user, "wrong").unwrap());
    admin
        .write(
            "sys/leases/revoke",
            &json!({ "lease_id": lease, "sync": true }),
        )
        .unwrap();
    assert_eq!(admin.leases("db").unwrap(), [""; 0]);
    assert_eq!(postgres.roles().unwrap(), [""; 0]);
    assert!(!postgres.can_login(user, password).unwrap());
}

#[test]
fn two_servers_share_nothing() {
    let one = OpenBao::dev().unwrap();
    let other = OpenBao::dev().unwrap();
    one.admin().mount("kv1", "kv", &Value::Null).unwrap();
    one.admin().write("kv1/a", &json!({ "k": "v" })).unwrap();
    assert_eq!(
        other.admin().send("GET", "kv1/a", None).unwrap().status,
        404
    );
}

/// Runs itself once more, as the process that is killed.
#[cfg(target_os = "linux")]
#[test]
fn a_server_whose_test_dies_ends_too() {
    const CHILD: &str = "SECRETREF_TEST_DYING_PARENT";
    if std::env::var_os(CHILD).is_some() {
        let server = OpenBao::dev().unwrap();
        println!("server={}", server.process_id());
        std::thread::sleep(std::time::Duration::from_secs(60));
        return;
    }
    use std::io::BufRead as _;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "openbao::a_server_whose_test_dies_ends_too",
            "--nocapture",
        ])
        .env(CHILD, "1")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let server = output
        .lines()
        .map_while(Result::ok)
        .find_map(|line| Some(line.split_once("server=")?.1.trim().to_owned()))
        .unwrap();
    let process = std::path::PathBuf::from(format!("/proc/{server}"));
    assert!(process.exists());
    child.kill().unwrap();
    child.wait().unwrap();
    e2e::processes::wait_until("the server to end", || !process.exists());
}
