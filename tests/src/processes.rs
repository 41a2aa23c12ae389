//! Which processes of a sandbox are still alive. Linux only: it looks into `/proc`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(90);

/// Names of the processes that run inside `sandbox`, as the system shortens them. They are recognised by
/// their home folder and by their arguments: a provider does not let other users see its environment.
#[must_use]
pub fn running(sandbox: &Sandbox) -> Vec<String> {
    processes(sandbox)
        .filter_map(|process| name(&process))
        .collect()
}

/// Folders in `/proc` of the processes that run inside `sandbox`.
fn processes(sandbox: &Sandbox) -> impl Iterator<Item = PathBuf> {
    let folder = sandbox.path("").display().to_string();
    let home = format!("HOME={folder}home");
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(move |process| {
            let holds = |file: &str, text: &str| {
                std::fs::read(process.join(file))
                    .is_ok_and(|content| memchr::memmem::find(&content, text.as_bytes()).is_some())
            };
            holds("environ", &home) || holds("cmdline", &folder)
        })
}

fn name(process: &Path) -> Option<String> {
    let name = std::fs::read_to_string(process.join("comm")).ok()?;
    Some(name.trim_end().to_owned())
}

/// Process ids of the providers that run inside `sandbox`.
#[must_use]
pub fn provider_ids(sandbox: &Sandbox) -> Vec<i32> {
    processes(sandbox)
        .filter(|process| name(process).is_some_and(|name| is_provider(&name)))
        .filter_map(|process| process.file_name()?.to_str()?.parse().ok())
        .collect()
}

/// The most memory that a provider inside `sandbox` held so far, in KiB; 0 when none runs.
#[must_use]
pub fn peak_provider_memory(sandbox: &Sandbox) -> u64 {
    let peak = |id: i32| {
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    provider_ids(sandbox)
        .into_iter()
        .filter_map(peak)
        .max()
        .unwrap_or(0)
}

fn is_provider(name: &str) -> bool {
    name.starts_with("terraform-provi")
}

/// Whether a provider runs inside `sandbox`.
#[must_use]
pub fn provider_runs(sandbox: &Sandbox) -> bool {
    running(sandbox).iter().any(|name| is_provider(name))
}

/// Waits until `done`.
///
/// # Panics
/// When that takes longer than 90 s; the message says `what` was waited for.
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
