//! `terraform-provider-secretref`: a Terraform/OpenTofu provider when Terraform starts it, and a
//! command-line program when a person does.
//!
//! The process is told apart by the cookie in its environment. Read [`provider`] for what Terraform sees
//! and [`cli`] for what a person can do.

mod cli;
mod data_source;
mod ephemeral;
mod function;
mod identity;
mod json;
#[cfg(test)]
mod pages;
mod password;
mod private_key;
mod provider;
mod reference;
mod resource;
mod serve;
mod session;
mod settings;
mod store_blocks;

use std::process::ExitCode;

fn main() -> ExitCode {
    match tfplugin::Environment::from_process("secretref") {
        Ok(environment) if environment.cookie => serve::run(environment, None),
        Ok(environment) => cli::run(environment),
        Err(error) => cli::fail(&error),
    }
}
