//! Which processes of a sandbox are still alive. Linux only: it looks into `/proc`.

use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Names of the processes that run inside `sandbox`, as the system shortens them. They are recognised by
/// their home folder and by their arguments: a provider does not let other users see its environment.
#[must_use]
pub fn running(sandbox: &Sandbox) -> Vec<String> {
    let folder = sandbox.path("").display().to_string();
    let home = format!("HOME={folder}home");
    let Ok(processes) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|process| {
            let holds = |file: &str, text: &str| {
                std::fs::read(process.join(file))
                    .is_ok_and(|content| memchr::memmem::find(&content, text.as_bytes()).is_some())
            };
            holds("environ", &home) || holds("cmdline", &folder)
        })
        .filter_map(|process| std::fs::read_to_string(process.join("comm")).ok())
        .map(|name| name.trim_end().to_owned())
        .collect()
}

/// Whether a provider runs inside `sandbox`.
#[must_use]
pub fn provider_runs(sandbox: &Sandbox) -> bool {
    running(sandbox)
        .iter()
        .any(|name| name.starts_with("terraform-provi"))
}

/// Waits until `done`.
///
/// # Panics
/// When that takes longer than 30 s; the message says `what` was waited for.
#[track_caller]
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(
            started.elapsed() < PATIENCE,
            "waited {} s for: {what}",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}
