//! The whole plugin protocol against real Terraform cores, from the first with ephemeral resources to the
//! newest: every case of one table on every core that has the feature. The provider is the one of the
//! framework's conformance tests, which writes down what happens inside it.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::print_stderr,
    reason = "says which cores and cases ran, and how long"
)]

#[path = "cores/cases.rs"]
mod cases;
#[path = "cores/stage.rs"]
mod stage;

use std::panic::catch_unwind;
use std::time::Instant;

use e2e::Terraform;

use cases::CASES;
use stage::Stage;

/// Runs every case that `terraform` has the feature for, and fails with the names of those that fail.
fn all_cases_on(terraform: &Terraform) {
    let mut failed = Vec::new();
    for case in CASES {
        if !case.cores.contains(&terraform.version) {
            continue;
        }
        let started = Instant::now();
        let outcome = catch_unwind(|| (case.run)(&Stage::new(terraform.clone())));
        eprintln!(
            "{}: {} {:.1} s",
            terraform.description,
            case.name,
            started.elapsed().as_secs_f32()
        );
        if outcome.is_err() {
            failed.push(case.name);
        }
    }
    assert!(
        failed.is_empty(),
        "{}: {failed:?} failed, see above",
        terraform.description
    );
}

fn all_cases_on_fetched(version: &str) {
    all_cases_on(&Terraform::fetch(version).unwrap());
}

#[test]
fn terraform_1_10_the_first_with_ephemeral_resources() {
    all_cases_on_fetched("1.10.5");
}

#[test]
fn terraform_1_12_with_identities() {
    all_cases_on_fetched("1.12.2");
}

#[test]
fn terraform_1_14_with_actions_and_queries() {
    all_cases_on_fetched("1.14.9");
}

#[test]
fn terraform_1_15_the_newest() {
    all_cases_on_fetched("1.15.5");
}

#[test]
fn the_installed_terraform() {
    match Terraform::installed() {
        Some(terraform) => all_cases_on(&terraform),
        None => eprintln!("no Terraform is installed: only the fetched ones were tested"),
    }
}
