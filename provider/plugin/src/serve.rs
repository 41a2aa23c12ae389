//! The program as a plugin: served to the Terraform that started it, or to any that attaches in debug mode.

use std::process::ExitCode;
use std::sync::Arc;

use tf_framework::service::ProviderService;
use tfplugin::{Environment, ServeOptions};

use crate::cli;
use crate::provider::SecretRefProvider;

/// The address that debug mode announces unless another one is given.
pub(crate) const ADDRESS: &str = "registry.terraform.io/secretref/secretref";

/// Crates whose log lines may be more detailed than warnings.
const OWN_CRATES: &[&str] = &[
    "secret_policy",
    "secret_stores",
    "terraform_provider_secretref",
    "tf_framework",
    "tfplugin",
];

/// Serves until Terraform is done; `debug` is the provider's address when hosts are to attach.
pub(crate) fn run(environment: Environment, debug: Option<String>) -> ExitCode {
    tfplugin::prepare(&environment, debug.is_some(), OWN_CRATES);
    let mut options = ServeOptions::new(environment);
    options.debug = debug;
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return cli::fail(&error),
    };
    let service = ProviderService::new(SecretRefProvider);
    let served = runtime.block_on(tfplugin::serve(
        || service.for_connection(),
        Arc::new(service.clone()),
        options,
    ));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::fail(&error),
    }
}
