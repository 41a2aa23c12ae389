//! What the provider adds to a `terraform plan`: whole processes, with 0, 1, 10 and 100 ephemeral resources,
//! beside Terraform alone with a graph of as many nodes. `cargo bench -p e2e --bench plan`; another build of
//! the provider can be named as an argument.
//!
//! The variants take turns, so that a busy machine slows all of them down alike. The fastest run of each is
//! given beside the median: on a busy machine it says more.

#![expect(clippy::print_stdout, reason = "a benchmark prints its result")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use e2e::binaries::provider_program;
use e2e::sandbox::{Installation, Plugin};
use e2e::{Sandbox, Terraform};

/// How many resources.
const COUNTS: [usize; 4] = [0, 1, 10, 100];
/// How often each variant runs.
const ROUNDS: usize = 15;

/// One configuration and how long its plans took.
struct Variant {
    count: usize,
    ours: bool,
    sandbox: Sandbox,
    times: Vec<Duration>,
}

fn main() -> Result<()> {
    let named = std::env::args()
        .skip(1)
        .find(|argument| !argument.starts_with('-'));
    let program = named.map_or_else(provider_program, |path| Ok(PathBuf::from(path)))?;
    let program = std::path::absolute(&program)
        .with_context(|| format!("{} is no path", program.display()))?;
    let terraform = Terraform::locate()?;
    println!("{}, {ROUNDS} rounds", terraform.description);
    let mut variants = Vec::new();
    for count in COUNTS {
        for ours in [false, true] {
            variants.push(variant(&terraform, &program, count, ours)?);
        }
    }
    for round in 0..=ROUNDS {
        for variant in &mut variants {
            let time = plan(&variant.sandbox)?;
            // The first round warms caches up.
            if round > 0 {
                variant.times.push(time);
            }
        }
    }
    report(&mut variants);
    Ok(())
}

fn variant(terraform: &Terraform, program: &Path, count: usize, ours: bool) -> Result<Variant> {
    let plugin = Plugin {
        name: "secretref",
        program: program.to_path_buf(),
    };
    let sandbox = Sandbox::with(terraform.clone(), &plugin, Installation::DevOverrides)?;
    let text = if ours {
        format!(
            "terraform {{\n  required_providers {{\n    secretref = {{\n      source = \"secretref/secretref\"\n    \
             }}\n  }}\n}}\n\nprovider \"secretref\" {{}}\n\n\
             ephemeral \"secretref_password\" \"x\" {{\n  count = {count}\n}}\n"
        )
    } else {
        format!("resource \"terraform_data\" \"x\" {{\n  count = {count}\n}}\n")
    };
    sandbox.write("main.tf", &text)?;
    Ok(Variant {
        count,
        ours,
        sandbox,
        times: Vec::new(),
    })
}

fn plan(sandbox: &Sandbox) -> Result<Duration> {
    let arguments = ["plan", "-no-color", "-input=false", "-lock=false"];
    let started = Instant::now();
    let outcome = sandbox.terraform(&sandbox.project(), &arguments)?;
    let time = started.elapsed();
    outcome.expect_code(0)?;
    Ok(time)
}

fn report(variants: &mut [Variant]) {
    println!("resources   Terraform alone    with the provider  ratio");
    println!("            median     min     median     min     median  min");
    for pair in variants.chunks_mut(2) {
        let [alone, ours] = pair else { continue };
        debug_assert!(!alone.ours && ours.ours);
        let (alone_median, alone_min) = alone.figures();
        let (median, min) = ours.figures();
        println!(
            "{:>9}   {alone_median:>6.1} {alone_min:>7.1}     {median:>6.1} {min:>7.1}     {:>6.2} {:>4.2}",
            ours.count,
            median / alone_median,
            min / alone_min
        );
    }
}

impl Variant {
    /// Median and fastest in milliseconds.
    fn figures(&mut self) -> (f64, f64) {
        self.times.sort_unstable();
        let at = |position: usize| {
            let time = self.times.get(position).copied().unwrap_or_default();
            time.as_secs_f64() * 1e3
        };
        (at(self.times.len() / 2), at(0))
    }
}
