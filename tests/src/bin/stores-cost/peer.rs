//! AWS Secrets Manager, read by this provider and by the AWS provider's own ephemeral resource, from one moto server.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use e2e::Sandbox;
use e2e::judge::Judge;
use e2e::sandbox::Installation;
use e2e::servers::FaultProxy;

use super::linux::SIZES;
use super::measure::{Cost, apply};
use super::stores::moto_with_secrets;

/// Compares and prints a table with ratios.
pub(crate) fn compare(rounds: usize) -> Result<()> {
    let judge = Judge::of_aws();
    if !judge.is_real() {
        println!("\nNo comparison: the AWS provider cannot be had here.");
        return Ok(());
    }
    let moto = moto_with_secrets()?;
    let proxy = FaultProxy::start(moto.address())?;
    let mut costs: Vec<(usize, Cost, Cost)> = SIZES
        .map(|size| (size, Cost::default(), Cost::default()))
        .into();
    for _ in 0..rounds {
        for (size, ours, theirs) in &mut costs {
            for (cost, text) in [(ours, our_text(*size)), (theirs, their_text(*size))] {
                let sandbox = sandbox(&judge, &proxy, &text)?;
                proxy.forget();
                apply(&sandbox, cost)?;
                cost.requests.push(proxy.requests().len());
            }
        }
    }
    println!("\nThe AWS provider is {}.\n", judge.description());
    println!(
        "| secrets | provider | requests | wall, median [min-max] | CPU | provider peak RSS | tree peak RSS |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (size, ours, theirs) in &mut costs {
        for (name, cost) in [("secretref", &mut *ours), ("hashicorp/aws", &mut *theirs)] {
            println!(
                "| {size} | {name} | {} | {} | {:.2} s | {:.1} MiB | {:.1} MiB |",
                cost.requests(),
                cost.wall(),
                cost.cpu_seconds(),
                cost.provider_mib(),
                cost.tree_mib(),
            );
        }
        println!(
            "| {size} | theirs / ours | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            theirs.requests() as f64 / ours.requests().max(1) as f64,
            theirs.wall_seconds() / ours.wall_seconds(),
            theirs.cpu_seconds() / ours.cpu_seconds(),
            theirs.provider_mib() / ours.provider_mib(),
            theirs.tree_mib() / ours.tree_mib(),
        );
    }
    Ok(())
}

/// A sandbox in which `terraform init` was run.
fn sandbox(judge: &Judge, proxy: &FaultProxy, text: &str) -> Result<Sandbox> {
    let mut sandbox = Sandbox::new(Installation::Mirror)?;
    judge.install(&sandbox)?;
    for (name, value) in [
        ("AWS_ENDPOINT_URL", proxy.url().as_str()),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ] {
        sandbox.set_env(name, value);
    }
    sandbox.write("main.tf", text)?;
    let done = sandbox.terraform(&sandbox.project(), &["init", "-no-color"])?;
    if !done.status.success() {
        bail!("terraform init failed: {}", done.text());
    }
    Ok(sandbox)
}

fn our_text(size: usize) -> String {
    let mut refs = String::new();
    for index in 0..size {
        let _ = writeln!(refs, "    s{index} = \"aws-sm://s{index}\"");
    }
    let head = "terraform {\n  required_providers {\n    secretref = {\n      source = \"secretref/secretref\"\n    }\n  }\n}\n\n";
    let consumer = consumer("values(ephemeral.secretref_values.x.values)");
    format!(
        "{head}ephemeral \"secretref_values\" \"x\" {{\n  refs = {{\n{refs}  }}\n}}\n\n{consumer}"
    )
}

fn their_text(size: usize) -> String {
    let head = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n    }\n  }\n}\n\n\
                provider \"aws\" {\n  skip_credentials_validation = true\n  skip_metadata_api_check     = true\n  \
                skip_requesting_account_id  = true\n}\n\n";
    let consumer = consumer("ephemeral.aws_secretsmanager_secret_version.x[*].secret_string");
    format!(
        "{head}ephemeral \"aws_secretsmanager_secret_version\" \"x\" {{\n  count     = {size}\n  secret_id = \"s${{count.index}}\"\n}}\n\n{consumer}"
    )
}

/// The digest of all values reaches a program.
fn consumer(values: &str) -> String {
    format!(
        "resource \"terraform_data\" \"consumer\" {{\n  provisioner \"local-exec\" {{\n    command = \"true\"\n    \
         environment = {{\n      DIGEST = sha256(join(\",\", {values}))\n    }}\n  }}\n}}\n"
    )
}
