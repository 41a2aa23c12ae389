//! PostgreSQL.

use e2e::servers::Postgres;

#[test]
fn queries_answer_in_rows() {
    let server = Postgres::start().unwrap();
    let rows = server
        .query("SELECT 1, NULL UNION ALL SELECT 2, 'x'")
        .unwrap();
    assert_eq!(
        rows,
        [
            [Some("1".to_owned()), None],
            [Some("2".to_owned()), Some("x".to_owned())]
        ]
    );
    assert!(server.query("SELECT nonsense").is_err());
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_runs_after_drop() {
    let server = Postgres::start().unwrap();
    let process = std::path::PathBuf::from(format!("/proc/{}", server.process_id()));
    assert!(process.exists());
    drop(server);
    assert!(!process.exists());
}

#[test]
fn the_fetched_programs_work_where_none_are_installed() {
    let server = Postgres::start_fetched().unwrap();
    assert_eq!(server.roles().unwrap(), [""; 0]);
    assert!(server.can_login(server.user(), server.password()).unwrap());
}
