//! The progress bar, on a terminal made by Python's `pty`: shown on long runs, gone at the end, never
//! in the report, never under a CI system.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a program with a terminal as its standard error; prints what went there, then `---`, then
/// what went to standard output.
const ON_A_TERMINAL: &str = r"
import os, pty, subprocess, sys
ours, theirs = pty.openpty()
program = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=theirs)
os.close(theirs)
seen = b''
while True:
    try:
        part = os.read(ours, 4096)
    except OSError:
        break
    if not part:
        break
    seen += part
out = program.stdout.read()
program.wait()
sys.stdout.buffer.write(seen + b'\n---\n' + out)
";

const FILES: usize = 3000;

fn on_a_terminal(folder: &Path, arguments: &[&str], ci: Option<&str>) -> Output {
    let mut command = Command::new("python3");
    command
        .current_dir(folder)
        .args(["-c", ON_A_TERMINAL, env!("CARGO_BIN_EXE_secretlint")])
        .args(arguments)
        .env("TERM", "xterm")
        .env_remove("CI");
    if let Some(value) = ci {
        command.env("CI", value);
    }
    command
        .output()
        .unwrap_or_else(|error| panic!("this test needs python3 on PATH: {error}"))
}

/// Writes the files, each with so many blocks.
fn fill(folder: &Path, blocks: usize) {
    let mut text = String::new();
    for n in 0..blocks {
        writeln!(
            text,
            "resource \"aws_s3_bucket\" \"b{n}\" {{\n  bucket = \"name-{n}\"\n}}"
        )
        .unwrap();
    }
    for n in 0..FILES {
        let path = folder.join(format!("m{n}"));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("main.tf"), &text).unwrap();
    }
}

#[test]
fn long_runs_show_how_far_they_are_in_a_terminal_only() {
    let folder = tempfile::tempdir().unwrap();
    let shown = |arguments: &[&str], ci| {
        let output = on_a_terminal(folder.path(), arguments, ci);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (terminal, report) = text.split_once("\n---\n").unwrap();
        assert!(
            report.is_empty() || report.contains("No findings in 3000 files"),
            "{report}"
        );
        terminal.to_owned()
    };
    let bar = format!("of {FILES} files");
    // One thread, and more to read until the run is long on this machine, too.
    let is_shown = [60, 240, 960].into_iter().any(|blocks| {
        fill(folder.path(), blocks);
        shown(&["--threads", "1"], None).contains(&bar)
    });
    assert!(is_shown);
    assert_eq!(shown(&["--threads", "1", "--quiet"], None), "");
    assert_eq!(shown(&["--threads", "1"], Some("true")), "");
}
