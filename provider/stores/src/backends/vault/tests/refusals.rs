//! What the server, or something in between, says no with.

use std::time::{Duration, Instant};

use serde_json::json;

use super::double::Double;
use super::{reference, run, stores};
use crate::blocks::Settings;
use crate::{ErrorKind, FetchOptions, StoreError};

/// Opens one value when the read is answered so.
fn refused(status: u16, headers: &str, body: &str) -> (StoreError, usize) {
    let double = Double::start();
    double.put("a", json!({ "b": "plumAnchor-1" }));
    for _ in 0..10 {
        double.answer("kv/data/a", status, headers, body);
    }
    let (stores, _folder) = stores(
        &double,
        "good",
        Settings::new().with("timeout", Duration::from_secs(5)),
    );
    let error = run(stores.open(&reference("vault://kv/a#b"), &FetchOptions::default()));
    (error.unwrap_err(), double.count("kv/data/a"))
}

#[test]
fn a_sealed_server_is_reported_at_once() {
    let before = Instant::now();
    let (error, asked) = refused(503, "", r#"{"errors":["Vault is sealed"]}"#);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("sealed"), "{error}");
    assert_eq!(asked, 1);
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[test]
fn what_may_work_later_is_tried_again_within_limits() {
    for (status, body, kind) in [
        (
            429,
            r#"{"errors":["request path \"kv/a\": rate limit quota exceeded"]}"#,
            ErrorKind::Throttled,
        ),
        (
            412,
            r#"{"errors":["required index state not present"]}"#,
            ErrorKind::Unavailable,
        ),
        (
            502,
            "<html>bad gateway plumAnchor-2</html>",
            ErrorKind::Unavailable,
        ),
    ] {
        let (error, asked) = refused(status, "", body);
        assert_eq!(error.kind(), kind, "{error:?}");
        assert_eq!(asked, 3, "{status}");
        assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
    }
    // Longer than the budget: not waited for.
    let before = Instant::now();
    let (_, asked) = refused(429, "retry-after: 60\r\n", "{}");
    assert_eq!(asked, 1);
    assert!(before.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_cluster_that_chooses_a_leader_is_waited_for() {
    for (status, body) in [
        (
            500,
            r#"{"errors":["local node not active but active cluster node not found"]}"#,
        ),
        (503, "<html>no server is available</html>"),
    ] {
        let double = Double::start();
        double.put("a", json!({ "b": "c" }));
        for _ in 0..4 {
            double.answer("kv/data/a", status, "", body);
        }
        let open = |settings: Settings| {
            let (stores, _folder) = stores(&double, "good", settings);
            run(stores.open(&reference("vault://kv/a#b"), &FetchOptions::default())).map(drop)
        };
        open(Settings::new()).unwrap();
        assert_eq!(double.count("kv/data/a"), 5, "longer than two attempts");
        double.answer("kv/data/a", status, "", body);
        open(Settings::new().with("max_retries", 0_u64)).unwrap_err();
        assert_eq!(
            double.count("kv/data/a"),
            6,
            "unless nothing is tried again"
        );
        // Not beyond the time of the request.
        for _ in 0..10 {
            double.answer("kv/data/a", status, "", body);
        }
        let before = Instant::now();
        let error = open(Settings::new().with("timeout", Duration::from_secs(2))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(before.elapsed() < Duration::from_secs(4));
    }
}

#[test]
fn a_standby_that_still_points_at_a_leader_that_is_gone_is_asked_again() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = gone.local_addr().unwrap().to_string();
    drop(gone);
    let double = Double::start();
    double.put("a", json!({ "b": "c" }));
    let location = format!("location: http://{host}/v1/kv/data/a\r\n");
    for _ in 0..4 {
        double.answer("kv/data/a", 307, &location, "");
    }
    let settings = Settings::new().with("redirect_hosts", vec![host]);
    let (stores, _folder) = stores(&double, "good", settings);
    run(stores.open(&reference("vault://kv/a#b"), &FetchOptions::default())).unwrap();
    assert_eq!(double.count("kv/data/a"), 5);
}

#[test]
fn answers_that_are_none_are_not_quoted() {
    for body in [
        "<html><body>plumAnchor-2: log in to the proxy</body></html>",
        r#"{"data":{"data":{"b":"plumAnchor-2"#,
        r#"{"data":["plumAnchor-2"]}"#,
    ] {
        let (error, _) = refused(200, "", body);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
        assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
    }
    let (error, _) = refused(400, "", r#"{"errors":["plumAnchor-2 is wrong"]}"#);
    assert!(!format!("{error:?}").contains("plumAnchor"), "{error:?}");
}

#[test]
fn tokens_are_not_sent_where_a_standby_points() {
    let other = Double::start();
    let double = Double::start();
    let location = format!("location: {}/v1/kv/data/a\r\n", other.address);
    double.answer("kv/data/a", 307, &location, "");
    let (opened, _folder) = stores(&double, "good", Settings::new());
    let wanted = reference("vault://kv/a#b");
    let error = run(opened.open(&wanted, &FetchOptions::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(other.count(""), 0);
    // A host that is listed is followed.
    other.put("a", json!({ "b": "c" }));
    double.answer("kv/data/a", 307, &location, "");
    let host = other.address.trim_start_matches("http://").to_owned();
    let settings = Settings::new().with("redirect_hosts", vec![host]);
    let (opened, _folder) = stores(&double, "good", settings);
    run(opened.open(&wanted, &FetchOptions::default())).unwrap();
    assert_eq!(other.count("kv/data/a"), 1);
}

#[test]
fn the_index_of_the_last_answer_is_sent_along() {
    let double = Double::start();
    double.put("a", json!({ "b": "c" }));
    double.answer(
        "kv/data/a",
        200,
        "x-vault-index: 42\r\n",
        r#"{"data":{"data":{"b":"c"},"metadata":{"version":1}}}"#,
    );
    let (stores, _folder) = stores(&double, "good", Settings::new());
    run(async {
        for _ in 0..2 {
            let wanted = reference("vault://kv/a#b");
            stores
                .open(&wanted, &FetchOptions::default())
                .await
                .unwrap();
        }
    });
    let last = double.change(|state| state.asked.last().cloned().unwrap());
    assert_eq!(last.headers["x-vault-index"], "42");
}

#[test]
fn a_path_that_is_not_allowed_names_the_remedy() {
    let double = Double::start();
    let (stores, _folder) = stores(&double, "good", Settings::new());
    let error = run(stores.open(&reference("vault://other/a#b"), &FetchOptions::default()));
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.help().unwrap().contains("policies"), "{error:?}");
}
