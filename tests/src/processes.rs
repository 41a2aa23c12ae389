//! Which processes of a sandbox are still alive. Linux only: it looks into `/proc`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

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
    let peak = |id: i32| memory(&id.to_string(), "VmHWM:");
    provider_ids(sandbox)
        .into_iter()
        .filter_map(peak)
        .max()
        .unwrap_or(0)
}

/// Ids of the process `root` and of all that it started.
#[must_use]
pub fn tree(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id: u32| Some((id, stat(&id.to_string())?.get(1)?.parse().ok()?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = parents.iter().filter(|(_, its)| *its == parent);
        found.extend(children.map(|(id, _)| *id));
        next += 1;
    }
    found
}

/// What all of `processes` hold together now, in KiB; pages that several share count once for each.
#[must_use]
pub fn tree_memory(processes: &[u32]) -> u64 {
    let held = |id: &u32| memory(&id.to_string(), "VmRSS:");
    processes.iter().filter_map(held).sum()
}

/// The most that one of `processes` whose name starts with `name` held so far, in KiB; 0 when there is none.
#[must_use]
pub fn peak_memory(processes: &[u32], name: &str) -> u64 {
    let named = |id: &&u32| {
        let comm = std::fs::read_to_string(format!("/proc/{id}/comm"));
        comm.is_ok_and(|found| found.starts_with(name))
    };
    let peaks = processes.iter().filter(named);
    peaks
        .filter_map(|id| memory(&id.to_string(), "VmHWM:"))
        .max()
        .unwrap_or(0)
}

/// CPU time of all processes that this one started and that have ended, with those that they started.
///
/// # Errors
/// When the system does not tell.
pub fn children_cpu() -> anyhow::Result<Duration> {
    // Fields 16 and 17 of `/proc/self/stat`, in ticks of 10 ms.
    let fields = stat("self").unwrap_or_default();
    let ticks = |place: usize| fields.get(place).and_then(|text| text.parse::<u64>().ok());
    let (user, system) = ticks(13).zip(ticks(14)).context("no CPU times in /proc")?;
    Ok(Duration::from_millis(10 * (user + system)))
}

/// The fields of `/proc/<process>/stat` from the third on, after the name, which may hold anything.
fn stat(process: &str) -> Option<Vec<String>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

/// A line of `/proc/<process>/status`, in KiB.
fn memory(process: &str, line: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|found| found.starts_with(line))?;
    line.split_whitespace().nth(1)?.parse().ok()
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
