//! `run`, where a table of cases does not reach: signals, terminals' habits, inherited variables, traces.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use e2e::binaries::Binaries;
use e2e::sandbox::Installation;
use e2e::{Canary, Sandbox};
use rustix::process::{Pid, Signal, kill_process};

fn with_secret(canary: &Canary) -> Sandbox {
    let sandbox = Sandbox::new(Installation::DevOverrides).unwrap();
    for (arguments, input) in [
        (&["store", "init"][..], ""),
        (&["store", "set", "local://dev/db"], canary.value()),
    ] {
        sandbox
            .provider(&sandbox.project(), arguments, input)
            .unwrap()
            .expect_code(0)
            .unwrap();
    }
    sandbox
}

#[test]
fn signals_reach_the_command_and_its_answer_counts() {
    let canary = Canary::random();
    let sandbox = with_secret(&canary);
    let script = "trap 'echo told; exit 9' TERM INT; echo ready; while :; do sleep 0.05; done";
    for signal in [Signal::TERM, Signal::INT] {
        let mut command = sandbox.command(Binaries::build().unwrap().provider, &sandbox.project());
        command
            .args(["run", "-e", "DB=local://dev/db", "--", "sh", "-c", script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        let process = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        kill_process(process, signal).unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "told\n");
        assert_eq!(child.wait().unwrap().code(), Some(9));
    }
}

#[test]
fn inherited_references_are_opened_where_that_is_asked_for() {
    let canary = Canary::random();
    let mut sandbox = with_secret(&canary);
    sandbox.set_env("DB", "local://dev/db");
    sandbox.set_env("SOMETHING", "file:///etc/hostname");
    let script = r#"printf '%s %s' "$DB" "$SOMETHING""#;
    let run = |flags: &[&str]| {
        let mut arguments = vec!["run", "--no-masking"];
        arguments.extend(flags);
        arguments.extend(["--", "sh", "-c", script]);
        let outcome = sandbox
            .provider(&sandbox.project(), &arguments, "")
            .unwrap();
        outcome.expect_code(0).unwrap().stdout
    };
    assert_eq!(run(&[]), "local://dev/db file:///etc/hostname");
    assert_eq!(
        run(&["--inherited"]),
        format!("{} file:///etc/hostname", canary.value())
    );
}

#[test]
fn the_value_is_in_the_environment_of_the_command_and_nowhere_else() {
    let canary = Canary::random();
    let sandbox = with_secret(&canary);
    let script = "tr '\\0' ' ' < /proc/$PPID/cmdline; tr '\\0' ' ' < /proc/$PPID/environ";
    if !std::path::Path::new("/proc/self/environ").exists() {
        return;
    }
    let arguments = [
        "run",
        "--no-masking",
        "-e",
        "DB=local://dev/db",
        "--",
        "sh",
        "-c",
        script,
    ];
    let outcome = sandbox
        .provider(&sandbox.project(), &arguments, "")
        .unwrap()
        .expect_code(0)
        .unwrap();
    assert!(
        outcome.stdout.contains("DB=local://dev/db"),
        "{}",
        outcome.stdout
    );
    assert!(
        canary
            .search("parent", outcome.text().as_bytes())
            .is_empty()
    );
    for part in ["project", "home", "tmp"] {
        let (leaks, _) = canary.search_tree(&sandbox.path(part)).unwrap();
        assert!(leaks.is_empty(), "{leaks:?}");
    }
}
