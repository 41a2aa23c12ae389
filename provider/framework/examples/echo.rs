//! The provider of the conformance tests as a real plugin process.
//!
//! It shows all that a binary has to do: read what the host said, prepare the process, serve.

#[path = "../tests/conformance/provider/mod.rs"]
mod provider;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tf_framework::service::ProviderService;
use tfplugin::{Environment, ServeError, ServeOptions};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be gone; there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), ServeError> {
    let environment = Environment::from_process("echo")?;
    tfplugin::prepare(&environment, false, &["tfplugin", "tf_framework", "echo"]);
    let mut options = ServeOptions::new(environment);
    options.disconnect_grace = Duration::from_millis(500);
    let service = ProviderService::new(provider::Echo::default());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ServeError::Signals)?;
    runtime.block_on(tfplugin::serve(
        || service.for_connection(),
        Arc::new(service.clone()),
        options,
    ))
}
