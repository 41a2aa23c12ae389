//! One apply, watched: wall and CPU time, peak memory of the provider and of the whole process tree.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use e2e::Sandbox;
use e2e::processes::{children_cpu, peak_memory, tree, tree_memory};

/// What the applies of one case cost, one entry for each.
#[derive(Default)]
pub(crate) struct Cost {
    wall: Vec<Duration>,
    cpu: Vec<Duration>,
    provider_kib: Vec<u64>,
    tree_kib: Vec<u64>,
    pub(crate) requests: Vec<usize>,
}

/// Applies what the sandbox has, from nothing, and adds what that cost.
pub(crate) fn apply(sandbox: &Sandbox, cost: &mut Cost) -> Result<()> {
    let arguments = ["apply", "-auto-approve", "-no-color", "-input=false"];
    let mut command = sandbox.terraform_command(&sandbox.project(), &arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    let before = children_cpu()?;
    let started = Instant::now();
    let mut child = command.spawn()?;
    let (mut provider_kib, mut tree_kib) = (0, 0);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let processes = tree(child.id());
        // A process that was just started still is a copy of its parent.
        tree_kib = tree_kib.max(tree_memory(&processes));
        provider_kib = provider_kib.max(peak_memory(&processes, "terraform-provi"));
        std::thread::sleep(Duration::from_millis(10));
    };
    cost.wall.push(started.elapsed());
    cost.cpu.push(children_cpu()?.saturating_sub(before));
    cost.provider_kib.push(provider_kib);
    cost.tree_kib.push(tree_kib);
    if !status.success() {
        bail!("terraform apply failed: {status}");
    }
    Ok(())
}

impl Cost {
    /// Median of the requests.
    pub(crate) fn requests(&mut self) -> usize {
        median(&mut self.requests)
    }

    /// Median, shortest and longest time.
    pub(crate) fn wall(&mut self) -> String {
        let middle = median(&mut self.wall).as_secs_f64();
        let (first, last) = (self.wall.first(), self.wall.last());
        let seconds = |time: Option<&Duration>| time.map_or(0.0, Duration::as_secs_f64);
        format!("{middle:.2} s [{:.2}-{:.2}]", seconds(first), seconds(last))
    }

    /// Median of the wall time, in seconds.
    pub(crate) fn wall_seconds(&mut self) -> f64 {
        median(&mut self.wall).as_secs_f64()
    }

    /// Median of the CPU time of all processes, in seconds.
    pub(crate) fn cpu_seconds(&mut self) -> f64 {
        median(&mut self.cpu).as_secs_f64()
    }

    /// Median of the most that one provider held, in MiB.
    pub(crate) fn provider_mib(&mut self) -> f64 {
        median(&mut self.provider_kib) as f64 / 1024.0
    }

    /// Median of the most that all processes held together, in MiB; shared pages count once for each.
    pub(crate) fn tree_mib(&mut self) -> f64 {
        median(&mut self.tree_kib) as f64 / 1024.0
    }
}

/// Sorts; the middle one, or nothing of the kind.
fn median<T: Ord + Copy + Default>(all: &mut [T]) -> T {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}
