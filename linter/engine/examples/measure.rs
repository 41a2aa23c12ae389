//! Lints a tree and prints what it cost: for profiles and comparisons from outside. With
//! `--no-rules`, only what comes before the rules; with `--patterns`, the credential patterns alone.
//! `cargo run --release -p secretlint-engine --example measure -- TREE [--no-rules | --patterns]`

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use jiff::civil::date;
use secretlint_core::Rule;
use secretlint_engine::{Config, Input, lint};
use secretlint_rules::patterns::builtin_rule;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let tree = PathBuf::from(arguments.next().unwrap_or_else(|| ".".to_owned())).canonicalize()?;
    let all = secretlint_rules::rules();
    let rules: Vec<&dyn Rule> = match arguments.next().as_deref() {
        Some("--no-rules") => Vec::new(),
        Some("--patterns") => vec![builtin_rule()],
        _ => all.iter().map(|&rule| rule as &dyn Rule).collect(),
    };
    let start = Instant::now();
    let paths = [PathBuf::from(".")];
    let input = Input {
        root: &tree,
        paths: &paths,
        texts: &[],
        only: None,
    };
    let report = lint(&input, &rules, &Config::new(date(2026, 1, 1)));
    let took = start.elapsed();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap_or("peak memory unknown");
    let stats = report.stats;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} files, {} modules, {} bytes in {} ms",
        stats.files,
        stats.modules,
        stats.bytes,
        took.as_millis()
    )?;
    let (findings, unreadable) = (report.findings.len(), report.unreadable.len());
    writeln!(out, "{findings} findings, {unreadable} unreadable; {peak}")?;
    Ok(())
}
