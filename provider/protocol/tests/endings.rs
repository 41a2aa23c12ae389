//! How a provider process ends, and that it gives everything back first.
#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use support::{Journal, PATIENCE, ended, schema, signal, tiny};
use tfplugin::client::{Plugin, dial};
use tfplugin::plugin::grpc_stdio_client::GrpcStdioClient;
use tfplugin::{Address, COOKIE_KEY, COOKIE_VALUE};
use tokio::io::{AsyncBufReadExt as _, BufReader};

fn socket_of(plugin: &Plugin) -> &Path {
    match &plugin.handshake().address {
        Address::Unix(path) => path,
        Address::Tcp(address) => panic!("expected a socket, got {address}"),
    }
}

#[tokio::test]
async fn shutdown_ends_the_process_at_once_and_leaves_nothing_behind() {
    let journal = Journal::new();
    let mut plugin = Plugin::start(&journal.launch()).await.unwrap();
    let channel = plugin.connect().await.unwrap();
    let dir = socket_of(&plugin).parent().unwrap().to_owned();
    assert!(dir.exists());
    let start = Instant::now();
    Plugin::shutdown(channel).await.unwrap();
    assert!(ended(&mut plugin).await);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "a host kills after two seconds"
    );
    assert_eq!(journal.text(), "requested\n");
    assert!(!dir.exists());
}

#[tokio::test]
async fn shutdown_is_answered_after_a_hook_longer_than_the_kill_delay() {
    let journal = Journal::new();
    let mut plugin = Plugin::start(&journal.launch().env("TINY_HOOK_MS", "2500"))
        .await
        .unwrap();
    let channel = plugin.connect().await.unwrap();
    let start = Instant::now();
    Plugin::shutdown(channel).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(2500));
    assert_eq!(
        journal.text(),
        "requested\n",
        "everything is given back before the reply"
    );
    assert!(ended(&mut plugin).await);
}

#[tokio::test]
async fn an_open_stdio_stream_says_nothing_and_does_not_hold_the_end() {
    let mut plugin = Plugin::start(&tiny()).await.unwrap();
    let channel = plugin.connect().await.unwrap();
    let mut stream = GrpcStdioClient::new(channel.clone())
        .stream_stdio(())
        .await
        .unwrap()
        .into_inner();
    let silence = tokio::time::timeout(Duration::from_millis(300), stream.message()).await;
    assert!(silence.is_err(), "the stream stays open and silent");
    let start = Instant::now();
    Plugin::shutdown(channel).await.unwrap();
    assert!(ended(&mut plugin).await);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_interrupt_belongs_to_the_host() {
    let mut plugin = Plugin::start(&tiny()).await.unwrap();
    let channel = plugin.connect().await.unwrap();
    for _ in 0..3 {
        signal(&plugin, Signal::INT);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    schema(channel.clone()).await.unwrap();
    Plugin::shutdown(channel).await.unwrap();
    assert!(ended(&mut plugin).await);
}

#[tokio::test]
async fn a_termination_signal_runs_the_hook_once() {
    let journal = Journal::new();
    let mut plugin = Plugin::start(&journal.launch().env("TINY_HOOK_MS", "300"))
        .await
        .unwrap();
    let _channel = plugin.connect().await.unwrap();
    signal(&plugin, Signal::TERM);
    tokio::time::sleep(Duration::from_millis(100)).await;
    signal(&plugin, Signal::TERM);
    assert!(ended(&mut plugin).await);
    assert_eq!(journal.text(), "signal\n");
}

#[tokio::test]
async fn a_lost_host_is_noticed() {
    let journal = Journal::new();
    let mut plugin = Plugin::start(&journal.launch()).await.unwrap();
    let channel = plugin.connect().await.unwrap();
    schema(channel.clone()).await.unwrap();
    drop(channel);
    assert!(ended(&mut plugin).await);
    assert_eq!(journal.text(), "disconnected\n");
}

#[tokio::test]
async fn a_host_that_dies_before_connecting_is_noticed() {
    let journal = Journal::new();
    let launch = journal.launch();
    let mut parent = Command::new("sh");
    parent
        .args(["-c", r#""$0" & read line"#])
        .arg(&launch.program);
    parent.envs(launch.env.iter().map(|(key, value)| (key, value)));
    parent
        .env(COOKIE_KEY, COOKIE_VALUE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut parent = tokio::process::Command::from(parent).spawn().unwrap();
    let mut stdout = BufReader::new(parent.stdout.take().unwrap()).lines();
    assert!(
        stdout
            .next_line()
            .await
            .unwrap()
            .unwrap()
            .starts_with("1|6|unix|")
    );
    parent.kill().await.unwrap();
    // The provider holds the other end of standard output until it ends.
    let end = tokio::time::timeout(PATIENCE, stdout.next_line())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(end, None);
    assert_eq!(journal.text(), "parent-exited\n");
}

#[tokio::test]
async fn run_by_hand_it_explains_itself() {
    let output = Command::new(&tiny().program)
        .env_remove(COOKIE_KEY)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(
        text.contains("Terraform provider") && text.contains("--help"),
        "{text}"
    );
}

#[tokio::test]
async fn debug_mode_serves_many_hosts_until_interrupted() {
    let journal = Journal::new();
    let launch = journal.launch();
    let mut command = tokio::process::Command::new(&launch.program);
    command
        .arg("--debug")
        .env_remove(COOKIE_KEY)
        .kill_on_drop(true);
    command.envs(launch.env.iter().map(|(key, value)| (key, value)));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let json = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(value) = line.trim().strip_prefix("TF_REATTACH_PROVIDERS=") {
            break value.trim_matches('\'').to_owned();
        }
    };
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    let provider = &value["example.com/test/tiny"];
    assert_eq!(provider["Pid"], child.id().unwrap());
    let address = Address::Unix(provider["Addr"]["String"].as_str().unwrap().into());
    for _ in 0..2 {
        let channel = dial(&address, None).await.unwrap();
        schema(channel.clone()).await.unwrap();
        Plugin::shutdown(channel).await.unwrap();
    }
    // Longer than the grace after a lost connection.
    tokio::time::sleep(Duration::from_millis(800)).await;
    schema(dial(&address, None).await.unwrap()).await.unwrap();
    assert_eq!(journal.text(), "", "no host ends debug mode");
    let pid = rustix::process::Pid::from_raw(child.id().unwrap().try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert!(
        tokio::time::timeout(PATIENCE, child.wait())
            .await
            .unwrap()
            .unwrap()
            .success()
    );
    assert_eq!(journal.text(), "signal\n");
}

#[tokio::test]
async fn a_long_temporary_folder_does_not_matter() {
    let base = tempfile::tempdir().unwrap();
    let long = base.path().join("x".repeat(120));
    std::fs::create_dir(&long).unwrap();
    let plugin = Plugin::start(&tiny().env("TMPDIR", &long)).await.unwrap();
    assert!(socket_of(&plugin).starts_with("/tmp"));
    schema(plugin.connect().await.unwrap()).await.unwrap();
}

#[tokio::test]
async fn the_folder_of_the_host_is_used_and_the_seventh_field_answered() {
    let base = tempfile::tempdir().unwrap();
    let launch = tiny()
        .env("PLUGIN_UNIX_SOCKET_DIR", base.path())
        .env("PLUGIN_MULTIPLEX_GRPC", "true");
    let plugin = Plugin::start(&launch).await.unwrap();
    assert!(socket_of(&plugin).starts_with(base.path()));
    assert_eq!(plugin.handshake().multiplex, Some(false));
    schema(plugin.connect().await.unwrap()).await.unwrap();
}
