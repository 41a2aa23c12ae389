//! A panic in a handler, and what other processes may see of this one.

mod support;

use std::time::{Duration, Instant};

use support::{PATIENCE, call, schema, tiny};
use tfplugin::client::Plugin;

#[tokio::test]
async fn a_panic_names_its_place_and_no_payload_and_the_process_lives_on() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    let channel = plugin.connect().await.unwrap();
    assert!(call(channel.clone(), "panic", Vec::new()).await.is_err());
    schema(channel).await.unwrap();
    let stderr = stderr_with(&plugin, "panic: ").await;
    let report = stderr
        .lines()
        .find(|line| line.starts_with("panic: "))
        .unwrap();
    assert!(
        report.contains("examples/tiny.rs:") && report.contains("(thread main)"),
        "{report}"
    );
    assert!(!stderr.contains("payload-canary"), "{stderr}");
}

#[tokio::test]
async fn every_log_line_is_json_in_the_form_hosts_read() {
    let plugin = Plugin::start(&tiny().env("TF_LOG", "TRACE")).await.unwrap();
    let channel = plugin.connect().await.unwrap();
    call(channel, "echo", vec![1]).await.unwrap();
    let stderr = stderr_with(&plugin, "called").await;
    for line in stderr.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in ["@level", "@message", "@module", "@timestamp"] {
            assert!(value[key].is_string(), "{line}");
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn core_dumps_are_off() {
    let plugin = Plugin::start(&tiny()).await.unwrap();
    let limits =
        std::fs::read_to_string(format!("/proc/{}/limits", plugin.pid().unwrap())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(
        core.split_whitespace().filter(|word| *word == "0").count(),
        2,
        "{core}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn hardening_forbids_other_processes_to_read_this_one() {
    use rustix::process::{DumpableBehavior, dumpable_behavior};
    tfplugin::harden();
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
}

/// Standard error once it holds `text`; it travels beside the replies.
async fn stderr_with(plugin: &Plugin, text: &str) -> String {
    let start = Instant::now();
    while !plugin.stderr().contains(text) {
        assert!(
            start.elapsed() < PATIENCE,
            "no {text} in:\n{}",
            plugin.stderr()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    plugin.stderr()
}
